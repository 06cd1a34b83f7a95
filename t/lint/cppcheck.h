/* What cppcheck cannot know, because it reads no system header. */
#define TAILQ_HEAD(name, type) \
	struct { struct type *first, **last; }
#define TAILQ_ENTRY(type) \
	struct { struct type *next, **prev; }
#define TAILQ_FIRST(head) ((head)->first)
#define TAILQ_NEXT(var, field) ((var)->field.next)
#define TAILQ_FOREACH(var, head, field) \
	for ((var) = (head)->first; (var) != NULL; (var) = (var)->field.next)
#define json_object_foreach(object, name, value) \
	for ((name) = next_name(object, &(value)); (name) != NULL; \
	    (name) = next_name(object, &(value)))
