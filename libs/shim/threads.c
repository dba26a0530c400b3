/* threads.c - nng starts two threads for each processor. nng before 1.10 asks sysconf() how many
 * there are, through its PLT, so that a definition exported by the executable answers first; a
 * later one can be told, but takes two for the least. So there are two, and one is kept busy. */
#include "threads.h"

#include <dlfcn.h>
#include <nng/nng.h>
#include <semaphore.h>
#include <unistd.h>

#if NNG_MAJOR_VERSION == 1 && NNG_MINOR_VERSION >= 10

static void start_two(void)
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

static void start_two(void)
{
}

#endif

static sem_t end;
static nng_aio *occupation;

static void occupy(void *arg)
{
    (void)arg;
    while (sem_wait(&end) != 0)
        ;
}

void threads_leave_one(void)
{
    if (occupation)
        return;
    start_two();
    sem_init(&end, 0, 0);
    if (nng_aio_alloc(&occupation, occupy, NULL) == 0 && nng_aio_begin(occupation))
        nng_aio_finish(occupation, 0);
}

void threads_end(void)
{
    if (!occupation)
        return;
    sem_post(&end);
    nng_aio_free(occupation);
    occupation = NULL;
    nng_fini();
}
