/* pool.c - worker threads for handlers that may block; started when there is work. */
#include "client/serve.h"

#include "base/mem.h"

void pool_init(struct pool *pool, unsigned limit)
{
    pthread_cond_init(&pool->work, NULL);
    list_init(&pool->queue);
    pool->limit = limit;
    pool->threads = mem_zalloc(limit * sizeof(*pool->threads));
}

static fbx_request *await_work(fbx_bus *bus)
{
    struct pool *pool = &bus->pool;
    while (list_empty(&pool->queue) && !pool->stopping) {
        pool->idle++;
        pthread_cond_wait(&pool->work, &bus->mutex);
        pool->idle--;
        if (pool->called > 0)
            pool->called--;
    }
    if (list_empty(&pool->queue))
        return NULL;
    fbx_request *request = LIST_ENTRY(list_first(&pool->queue), fbx_request, queued);
    list_remove(&request->queued);
    return request;
}

static void *work(void *arg)
{
    fbx_bus *bus = arg;
    fbx_request *request;
    bus_lock(bus);
    while ((request = await_work(bus)) != NULL) {
        bus_unlock(bus);
        request->service->handler(request->service->arg, request);
        bus_lock(bus);
    }
    bus_unlock(bus);
    return NULL;
}

/* A thread that cannot be had is done without: others come back for the queue. */
static void start_thread(fbx_bus *bus)
{
    struct pool *pool = &bus->pool;
    if (pthread_create(&pool->threads[pool->started], NULL, work, bus) == 0)
        pool->started++;
}

void pool_put(fbx_bus *bus, fbx_request *request)
{
    struct pool *pool = &bus->pool;
    list_push(&pool->queue, &request->queued);
    /* Each request gets a thread of its own: one may be waiting for another's answer. */
    if (pool->idle > pool->called) {
        pool->called++;
        pthread_cond_signal(&pool->work);
    } else if (pool->started < pool->limit) {
        start_thread(bus);
    }
}

void pool_stop(fbx_bus *bus)
{
    struct pool *pool = &bus->pool;
    bus_lock(bus);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->work);
    bus_unlock(bus);
    for (unsigned i = 0; i < pool->started; i++)
        pthread_join(pool->threads[i], NULL);
    mem_free(pool->threads);
    pthread_cond_destroy(&pool->work);
}
