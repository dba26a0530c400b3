#include "later.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/wheel.h"

#include <pthread.h>
#include <time.h>

#define PARTS_A_TURN 64u /* then the timers have their turn */
#define AT_ONCE 0u       /* a moment in the past; now would be the next slot of the wheel */

struct job {
    struct timer timer;
    struct list node; /* in `due`, when its time has come */
    fbx_request *request;
    bool streams;
    uint64_t amount; /* of milliseconds, or parts */
    uint64_t sent;
};

struct later {
    pthread_mutex_t lock; /* guards everything below; never held while the SDK is called */
    pthread_cond_t changed;
    pthread_t thread;
    struct wheel wheel;
    struct map held; /* jobs by request, while they wait */
    struct list due;
    bool closed;
};

static uint64_t key_of(const fbx_request *request)
{
    return (uint64_t)(uintptr_t)request;
}

static void come_due(struct timer *timer, void *arg)
{
    struct later *later = arg;
    struct job *job = LIST_ENTRY(timer, struct job, timer);
    (void)map_remove_u64(&later->held, key_of(job->request));
    list_push(&later->due, &job->node);
}

/* Consumes the job. */
static void refuse(struct job *job, int status, const char *message)
{
    fbx_respond_status(job->request, status, message);
    mem_free(job);
}

static void hold(struct later *later, struct job *job, uint64_t due)
{
    pthread_mutex_lock(&later->lock);
    bool closed = later->closed;
    if (!closed) {
        map_put_u64(&later->held, key_of(job->request), job);
        wheel_arm(&later->wheel, &job->timer, due);
        pthread_cond_signal(&later->changed);
    }
    pthread_mutex_unlock(&later->lock);
    if (closed)
        refuse(job, FBX_UNAVAILABLE, "the service is stopping");
}

/* ---- what is done when the time has come; no lock is held ---- */

static void answer(struct job *job)
{
    fbx_writer w = {0};
    fbx_write_map(&w, 1);
    fbx_write_text(&w, job->streams ? "count" : "ms");
    fbx_write_uint(&w, job->amount);
    fbx_respond(job->request, fbx_written(&w), NULL);
    fbx_writer_free(&w);
    mem_free(job);
}

static int send_part(const struct job *job)
{
    fbx_writer w = {0};
    fbx_write_map(&w, 1);
    fbx_write_text(&w, "index");
    fbx_write_uint(&w, job->sent);
    int rc = fbx_send_part(job->request, fbx_written(&w));
    fbx_writer_free(&w);
    return rc;
}

static void stream_on(struct later *later, struct job *job)
{
    for (unsigned i = 0; i < PARTS_A_TURN && job->sent < job->amount; i++, job->sent++)
        if (send_part(job) < 0) {
            refuse(job, FBX_CANCELLED, "the caller no longer listens");
            return;
        }
    if (job->sent < job->amount)
        hold(later, job, AT_ONCE);
    else
        answer(job);
}

static void carry_out(struct later *later, struct list *due)
{
    struct list *node;
    while ((node = list_first(due)) != NULL) {
        struct job *job = LIST_ENTRY(node, struct job, node);
        list_remove(node);
        if (job->streams)
            stream_on(later, job);
        else
            answer(job);
    }
}

/* ---- the thread ---- */

static void wait_for_work(struct later *later)
{
    uint64_t next = wheel_next(&later->wheel);
    const struct timespec until = {.tv_sec = (time_t)(next / NS_PER_SEC),
                                   .tv_nsec = (long)(next % NS_PER_SEC)};
    if (next == UINT64_MAX)
        pthread_cond_wait(&later->changed, &later->lock);
    else if (next > clock_mono_ns())
        pthread_cond_timedwait(&later->changed, &later->lock, &until);
}

static void move_all(struct list *from, struct list *to)
{
    struct list *node;
    while ((node = list_first(from)) != NULL) {
        list_remove(node);
        list_push(to, node);
    }
}

static void *run(void *arg)
{
    struct later *later = arg;
    struct list due;
    list_init(&due);
    pthread_mutex_lock(&later->lock);
    while (!later->closed) {
        wheel_advance(&later->wheel, clock_mono_ns(), later);
        if (list_empty(&later->due)) {
            wait_for_work(later);
            continue;
        }
        move_all(&later->due, &due);
        pthread_mutex_unlock(&later->lock);
        carry_out(later, &due);
        pthread_mutex_lock(&later->lock);
    }
    pthread_mutex_unlock(&later->lock);
    return NULL;
}

/* ---- for the handler ---- */

static struct job *job_create(fbx_request *request, uint64_t amount)
{
    struct job *job = mem_zalloc(sizeof *job);
    timer_init(&job->timer, come_due);
    list_init(&job->node);
    job->request = request;
    job->amount = amount;
    return job;
}

void later_sleep(struct later *later, fbx_request *request, uint64_t ms)
{
    hold(later, job_create(request, ms), clock_mono_ns() + ms * NS_PER_MS);
}

void later_stream(struct later *later, fbx_request *request, uint64_t count)
{
    struct job *job = job_create(request, count);
    job->streams = true;
    hold(later, job, AT_ONCE);
}

/* A request's address may be that of an earlier one: only a cancelled one is meant. */
void later_cancel(struct later *later, fbx_request *request)
{
    pthread_mutex_lock(&later->lock);
    struct job *job = map_get_u64(&later->held, key_of(request));
    if (job && fbx_request_cancelled(request)) {
        (void)map_remove_u64(&later->held, key_of(request));
        wheel_disarm(&later->wheel, &job->timer);
    } else {
        job = NULL;
    }
    pthread_mutex_unlock(&later->lock);
    if (job)
        refuse(job, FBX_CANCELLED, "cancelled");
}

/* ---- life ---- */

struct later *later_create(void)
{
    struct later *later = mem_zalloc(sizeof *later);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&later->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&later->lock, NULL);
    wheel_init(&later->wheel, clock_mono_ns());
    map_init(&later->held);
    list_init(&later->due);
    if (pthread_create(&later->thread, NULL, run, later) == 0)
        return later;
    later->closed = true;
    later_destroy(later);
    return NULL;
}

void later_close(struct later *later)
{
    pthread_mutex_lock(&later->lock);
    later->closed = true;
    pthread_cond_signal(&later->changed);
    pthread_mutex_unlock(&later->lock);
    pthread_join(later->thread, NULL);
    /* Nothing is added any more, and the thread that took away is gone. */
    size_t cursor = 0;
    for (struct job *job; (job = map_next(&later->held, &cursor)) != NULL;) {
        (void)map_remove_u64(&later->held, key_of(job->request));
        refuse(job, FBX_UNAVAILABLE, "the service is stopping");
    }
}

void later_destroy(struct later *later)
{
    if (!later)
        return;
    map_finish(&later->held);
    pthread_cond_destroy(&later->changed);
    pthread_mutex_destroy(&later->lock);
    mem_free(later);
}
