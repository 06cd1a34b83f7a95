/* thread: start a thread of the library's own. */
#ifndef THREAD_H
#define THREAD_H

#include <stdbool.h>
#include <stddef.h>

/* Run ${start}(${arg}) in a detached thread that takes no signals; they are the
 * program's.  Returns false, with nothing started, when there cannot be another
 * thread. */
bool thread_start(void *(*start)(void *), void *arg, size_t stack_bytes);

#endif
