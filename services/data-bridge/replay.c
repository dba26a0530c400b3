#include "replay.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "common/outcome.h"
#include "packing.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#define REPLAYS_MAX 64u
#define REPLAYS_OF_A_TENANT_MAX 8u
/* So many bars of a fast replay go unconfirmed: it hears soon when it may no longer publish, and
 * does not run further ahead of the broker. */
#define BARS_UNCONFIRMED 64u
#define SPEED_CONFIRMED 1000.0 /* bars a second up to which each is confirmed */

struct replay {
    struct list node;
    struct replays *owner;
    pthread_t thread;
    char id[REPLAY_ID_SIZE];
    struct replay_plan plan;
    fbx_bus *bus;
    fbx_context *context;
    fbx_request *request; /* until it is answered */
    bool stopping, finished;
};

struct replays {
    pthread_mutex_t lock; /* guards the list and the replays' flags */
    pthread_cond_t changed;
    struct list all;
    bool closed;
};

struct replays *replays_create(void)
{
    struct replays *replays = mem_zalloc(sizeof *replays);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&replays->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&replays->lock, NULL);
    list_init(&replays->all);
    return replays;
}

void replays_destroy(struct replays *replays)
{
    if (!replays)
        return;
    pthread_cond_destroy(&replays->changed);
    pthread_mutex_destroy(&replays->lock);
    mem_free(replays);
}

/* ---- one replay ---- */

static bool is_confirmed(const struct replay *replay, size_t index)
{
    double speed = replay->plan.speed;
    return index % BARS_UNCONFIRMED == 0 || (speed > 0 && speed <= SPEED_CONFIRMED);
}

static int publish_bar(const struct replay *replay, size_t index)
{
    const struct series *series = replay->plan.series;
    char topic[sizeof "market.bar." + BARS_SYMBOL_MAX], event[REPLAY_ID_SIZE + 24];
    (void)snprintf(topic, sizeof topic, "market.bar.%s", series->symbol);
    (void)snprintf(event, sizeof event, "%s-%zu", replay->id, index);
    const fbx_publish_options options = {
        .event_id = event, .context = replay->context, .confirm = is_confirmed(replay, index)};
    fbx_writer w = {0};
    fbx_write_map(&w, 2 + packing_fields(series));
    fbx_write_text(&w, "replay");
    fbx_write_text(&w, replay->id);
    fbx_write_text(&w, "symbol");
    fbx_write_text(&w, series->symbol);
    packing_write_pairs(&w, series, &series->bars[replay->plan.range.first + index]);
    int rc = fbx_publish(replay->bus, topic, fbx_written(&w), &options);
    fbx_writer_free(&w);
    return rc;
}

static void answer_started(struct replay *replay)
{
    fbx_writer w = {0};
    fbx_write_map(&w, 3);
    fbx_write_text(&w, "replay");
    fbx_write_text(&w, replay->id);
    fbx_write_text(&w, "symbol");
    fbx_write_text(&w, replay->plan.series->symbol);
    fbx_write_text(&w, "bars");
    fbx_write_uint(&w, replay->plan.range.count);
    fbx_respond(replay->request, fbx_written(&w), NULL);
    fbx_writer_free(&w);
    replay->request = NULL;
}

static void answer_refused(struct replay *replay, int error)
{
    const char *message = fbx_error_text(error);
    int status = FBX_UNAVAILABLE;
    if (error == FBX_EREFUSED)
        status = outcome_of_refusal(fbx_last_error(), &message);
    fbx_respond_status(replay->request, status, message);
    replay->request = NULL;
}

static bool pause_until(struct replay *replay, uint64_t due)
{
    struct replays *owner = replay->owner;
    const struct timespec until = {.tv_sec = (time_t)(due / NS_PER_SEC),
                                   .tv_nsec = (long)(due % NS_PER_SEC)};
    pthread_mutex_lock(&owner->lock);
    while (!replay->stopping && clock_mono_ns() < due)
        pthread_cond_timedwait(&owner->changed, &owner->lock, &until);
    bool stopping = replay->stopping;
    pthread_mutex_unlock(&owner->lock);
    return !stopping;
}

/* The schedule is kept from the start, so that delays do not add up. */
static uint64_t due_after(const struct replay *replay, uint64_t started, size_t bars)
{
    double speed = replay->plan.speed;
    return speed > 0 ? started + (uint64_t)((double)bars / speed * (double)NS_PER_SEC) : 0;
}

static void play(struct replay *replay)
{
    uint64_t started = clock_mono_ns();
    int rc = publish_bar(replay, 0);
    if (rc < 0) {
        answer_refused(replay, rc);
        return;
    }
    answer_started(replay);
    for (size_t i = 1; i < replay->plan.range.count && rc == 0; i++) {
        if (!pause_until(replay, due_after(replay, started, i)))
            return;
        rc = publish_bar(replay, i);
    }
    if (rc < 0)
        log_event(LOG_WARN, "replay.broken", "replay", replay->id, "symbol",
                  replay->plan.series->symbol, "error", fbx_error_text(rc), NULL);
}

static void *run(void *arg)
{
    struct replay *replay = arg;
    play(replay);
    pthread_mutex_lock(&replay->owner->lock);
    replay->finished = true;
    pthread_mutex_unlock(&replay->owner->lock);
    return NULL;
}

/* ---- all of them ---- */

/* Its thread is over, or about to be. */
static void replay_free(struct replay *replay)
{
    pthread_join(replay->thread, NULL);
    fbx_context_free(replay->context);
    mem_free(replay);
}

static const char *tenant_of(const struct replay *replay)
{
    return fbx_context_tenant(replay->context);
}

/* Frees the finished replays and counts the others. The lock is held. */
static void sweep(struct replays *replays, const char *tenant, size_t *all, size_t *of_tenant)
{
    *all = *of_tenant = 0;
    for (struct list *node = replays->all.next, *next; node != &replays->all; node = next) {
        struct replay *replay = LIST_ENTRY(node, struct replay, node);
        next = node->next;
        if (replay->finished) {
            list_remove(node);
            replay_free(replay);
            continue;
        }
        *all += 1;
        *of_tenant += strcmp(tenant_of(replay), tenant) == 0;
    }
}

static struct replay *replay_create(struct replays *owner, fbx_request *request,
                                    const struct replay_plan *plan)
{
    struct replay *replay = mem_zalloc(sizeof *replay);
    uint64_t random;
    list_init(&replay->node);
    replay->owner = owner;
    replay->plan = *plan;
    replay->bus = fbx_request_bus(request);
    replay->context = fbx_context_retain(fbx_request_context(request));
    replay->request = request;
    /* Random, because instances of this service do not know each other's. */
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        random = clock_mono_ns();
    (void)snprintf(replay->id, sizeof replay->id, "%016" PRIx64, random);
    return replay;
}

/* NULL if its thread runs, else why not. */
static const char *launch(struct replays *replays, struct replay *replay)
{
    size_t all, of_tenant;
    sweep(replays, tenant_of(replay), &all, &of_tenant);
    if (replays->closed)
        return "the service is stopping";
    if (all >= REPLAYS_MAX || of_tenant >= REPLAYS_OF_A_TENANT_MAX)
        return "too many replays are running; stop one";
    if (pthread_create(&replay->thread, NULL, run, replay) != 0)
        return "no thread for another replay";
    list_push(&replays->all, &replay->node);
    return NULL;
}

void replays_start(struct replays *replays, fbx_request *request, const struct replay_plan *plan)
{
    struct replay *replay = replay_create(replays, request, plan);
    pthread_mutex_lock(&replays->lock);
    const char *refusal = launch(replays, replay);
    pthread_mutex_unlock(&replays->lock);
    if (!refusal)
        return;
    fbx_context_free(replay->context);
    mem_free(replay);
    fbx_respond_status(request, FBX_OVERLOADED, refusal);
}

bool replays_stop(struct replays *replays, const char *tenant, const char *id)
{
    bool found = false;
    pthread_mutex_lock(&replays->lock);
    for (struct list *node = replays->all.next; node != &replays->all; node = node->next) {
        struct replay *replay = LIST_ENTRY(node, struct replay, node);
        if (replay->finished || strcmp(replay->id, id) != 0 ||
            strcmp(tenant_of(replay), tenant) != 0)
            continue;
        replay->stopping = found = true;
        pthread_cond_broadcast(&replays->changed);
    }
    pthread_mutex_unlock(&replays->lock);
    return found;
}

void replays_close(struct replays *replays)
{
    struct list ending, *node;
    list_init(&ending);
    pthread_mutex_lock(&replays->lock);
    replays->closed = true;
    while ((node = list_first(&replays->all)) != NULL) {
        LIST_ENTRY(node, struct replay, node)->stopping = true;
        list_remove(node);
        list_push(&ending, node);
    }
    pthread_cond_broadcast(&replays->changed);
    pthread_mutex_unlock(&replays->lock);
    while ((node = list_first(&ending)) != NULL) {
        list_remove(node);
        replay_free(LIST_ENTRY(node, struct replay, node));
    }
}
