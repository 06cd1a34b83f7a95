/* thread: see the header. */
#include "base/thread.h"

#include <pthread.h>
#include <signal.h>

bool
thread_start(void *(*start)(void *), void *arg, size_t stack_bytes)
{
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t thread;
	bool good;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, stack_bytes);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	good = pthread_create(&thread, &attr, start, arg) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return good;
}
