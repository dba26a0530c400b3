/* threads.c - how many threads nng runs its callbacks on.
 *
 * nng starts two for each processor. Ours never wait and mostly hand frames to one engine
 * or one core behind one lock, so more than two only wake each other: measured on two
 * processors, two threads instead of four save a broker a fifth of its time with 64
 * sessions (docs/benchmarks.md). nng before 1.10 cannot be told, but it asks
 * sysconf() through its PLT, so a definition exported by the executable answers first. */
#include <dlfcn.h>
#include <nng/nng.h>
#include <unistd.h>

#if NNG_MAJOR_VERSION == 1 && NNG_MINOR_VERSION >= 10

__attribute__((constructor)) static void set_threads(void)
{
    nng_init_set_parameter(NNG_INIT_NUM_TASK_THREADS, 2);
    nng_init_set_parameter(NNG_INIT_NUM_EXPIRE_THREADS, 1);
    nng_init_set_parameter(NNG_INIT_NUM_POLLER_THREADS, 1);
}

#else

/* The thread sanitizer asks before it can be told of anything. */
#define UNWATCHED __attribute__((no_sanitize("thread")))

static long (*next_sysconf)(int);

UNWATCHED static void find_the_real_one(void)
{
    *(void **)&next_sysconf = dlsym(RTLD_NEXT, "sysconf");
}

UNWATCHED __attribute__((visibility("default"))) long sysconf(int name)
{
    if (name == _SC_NPROCESSORS_ONLN)
        return 1;
    if (!next_sysconf)
        find_the_real_one();
    return next_sysconf(name);
}

#endif
