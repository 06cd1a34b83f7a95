/* What cppcheck cannot know, because it reads no system header. */
#define TAILQ_HEAD(name, type) \
	struct { struct type *first, **last; }
