#include "workers.h"

#include "base/mem.h"

#include <pthread.h>

struct workers {
    pthread_mutex_t lock; /* guards the line; never held while the SDK is called */
    pthread_cond_t changed;
    pthread_t threads[WORKERS_MAX];
    unsigned n_threads;
    fbx_request **line; /* a ring */
    unsigned room, first, n;
    bool closed;
    void (*run)(void *arg, fbx_request *request);
    void *arg;
};

/* NULL: it is closed. */
static fbx_request *next(struct workers *workers)
{
    fbx_request *request = NULL;
    pthread_mutex_lock(&workers->lock);
    while (workers->n == 0 && !workers->closed)
        pthread_cond_wait(&workers->changed, &workers->lock);
    if (!workers->closed) {
        request = workers->line[workers->first];
        workers->first = (workers->first + 1) % workers->room;
        workers->n--;
    }
    pthread_mutex_unlock(&workers->lock);
    return request;
}

static void *work(void *arg)
{
    struct workers *workers = arg;
    for (fbx_request *request; (request = next(workers)) != NULL;) {
        if (fbx_request_cancelled(request) || fbx_request_remaining_ms(request) == 0)
            fbx_respond_status(request, FBX_CANCELLED, "cancelled");
        else
            workers->run(workers->arg, request);
    }
    return NULL;
}

void workers_take(struct workers *workers, fbx_request *request)
{
    pthread_mutex_lock(&workers->lock);
    bool closed = workers->closed, taken = !closed && workers->n < workers->room;
    if (taken) {
        workers->line[(workers->first + workers->n++) % workers->room] = request;
        pthread_cond_signal(&workers->changed);
    }
    pthread_mutex_unlock(&workers->lock);
    if (closed)
        fbx_respond_status(request, FBX_UNAVAILABLE, "the service is stopping");
    else if (!taken)
        fbx_respond_status(request, FBX_OVERLOADED, "too many wait already");
}

struct workers *workers_create(unsigned threads, unsigned room,
                               void (*run)(void *arg, fbx_request *request), void *arg)
{
    struct workers *workers = mem_zalloc(sizeof *workers);
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->changed, NULL);
    workers->line = mem_zalloc(room * sizeof *workers->line);
    workers->room = room;
    workers->run = run;
    workers->arg = arg;
    while (workers->n_threads < threads && workers->n_threads < WORKERS_MAX) {
        if (pthread_create(&workers->threads[workers->n_threads], NULL, work, workers) != 0) {
            workers_close(workers);
            workers_destroy(workers);
            return NULL;
        }
        workers->n_threads++;
    }
    return workers;
}

void workers_close(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    workers->closed = true;
    pthread_cond_broadcast(&workers->changed);
    pthread_mutex_unlock(&workers->lock);
    while (workers->n_threads > 0)
        pthread_join(workers->threads[--workers->n_threads], NULL);
    /* Nothing is added any more, and those who took away are gone. */
    for (; workers->n > 0; workers->n--) {
        fbx_respond_status(workers->line[workers->first], FBX_UNAVAILABLE,
                           "the service is stopping");
        workers->first = (workers->first + 1) % workers->room;
    }
}

void workers_destroy(struct workers *workers)
{
    if (!workers)
        return;
    pthread_cond_destroy(&workers->changed);
    pthread_mutex_destroy(&workers->lock);
    mem_free(workers->line);
    mem_free(workers);
}
