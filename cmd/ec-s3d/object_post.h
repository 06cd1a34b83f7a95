/* object_post: uploads by browsers' forms; credentials are in the form. */
#ifndef OBJECT_POST_H
#define OBJECT_POST_H

#include "call.h"

/* Is this one?  Then it goes to handle_object_post unauthenticated. */
bool object_post_asked(const struct call *c);

#endif
