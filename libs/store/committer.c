#include "store/internal.h"

#include "base/clock.h"

#include <errno.h>
#include <time.h>

#define EARLY_BYTES (8u * 1024u * 1024u) /* this much waiting is committed without delay */
#define RETRY_MS_MAX 1000u

static void wait_until(struct store *store, uint64_t mono_ns)
{
    const struct timespec at = {.tv_sec = (time_t)(mono_ns / NS_PER_SEC),
                                .tv_nsec = (long)(mono_ns % NS_PER_SEC)};
    pthread_cond_timedwait(&store->wake, &store->lock, &at);
}

/* After failures longer and longer, so that a broken disk is not hammered. */
static uint64_t gather_ns(const struct store *store, unsigned failures)
{
    uint64_t ms = (uint64_t)store->options.commit_ms << (failures < 10 ? failures : 10);
    return (failures && ms > RETRY_MS_MAX ? RETRY_MS_MAX : ms) * NS_PER_MS;
}

static bool is_urgent(const struct store *store, unsigned failures)
{
    return store->stopping || store->waiting || (!failures && store->queued.bytes >= EARLY_BYTES);
}

/* Waits for something to write, then for more to gather. */
static bool wait_for_work(struct store *store, unsigned failures)
{
    while (!store->stopping && store->queued.writes.count == 0)
        pthread_cond_wait(&store->wake, &store->lock);
    uint64_t until = clock_mono_ns() + gather_ns(store, failures);
    while (!is_urgent(store, failures) && clock_mono_ns() < until)
        wait_until(store, until);
    return store->queued.writes.count > 0;
}

/* LMDB gives up on an environment whose root page could not be written. Readers hold on to the
 * map, so they have to leave first. */
static int reopen(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    while (store->readers)
        pthread_cond_wait(&store->done, &store->lock);
    books_close(&store->books);
    int err =
        books_open(&store->books, store->path, store->options.map_bytes, store->options.schema);
    pthread_mutex_unlock(&store->lock);
    return err && err != -ENOSPC ? -EIO : err;
}

/* Thousands of small blocks are freed: not while others wait for the lock. */
static void drop_taken(struct store *store)
{
    struct batch done = store->writing, rest = batch_rest(&done);
    pthread_mutex_lock(&store->lock);
    books_publish(&store->books);
    store->writing = rest;
    pthread_mutex_unlock(&store->lock);
    batch_clear_taken(&done);
}

/* One transaction as a rule, more when there is little room. */
static int commit_parts(struct store *store)
{
    int err = 0;
    while (!err && store->writing.writes.count > 0) {
        err = books_commit(&store->books, &store->writing);
        if (!err)
            drop_taken(store);
    }
    return err;
}

static int commit_writing(struct store *store)
{
    const struct batch nothing = {0};
    int err = store->books.env ? 0 : reopen(store);
    if (!err)
        err = commit_parts(store);
    /* What a transaction frees can be used after the next one. */
    if (err == -ENOSPC && books_commit(&store->books, &nothing) == 0)
        err = commit_parts(store);
    if (err && books_is_broken(&store->books))
        reopen(store); /* at once: until then nothing can be read either */
    return err;
}

void committer_tell(const struct store *store, uint64_t mark)
{
    if (mark && store->kept)
        store->kept(store->kept_arg, mark);
}

/* What was not written is part of the next batch: so is who waits for it. */
static void settle_mark(struct store *store, int err)
{
    uint64_t mark = store->writing_mark;
    store->writing_mark = 0;
    if (!err)
        committer_tell(store, mark);
    else if (store->queued_mark == 0)
        store->queued_mark = mark;
}

/* Called and left with the lock held; works without it. */
static int commit_once(struct store *store)
{
    store->writing = store->queued;
    batch_init(&store->queued);
    store->writing_mark = store->queued_mark;
    store->queued_mark = 0;
    uint64_t seq = store->queued_seq;
    uint64_t attempt = ++store->attempts;
    uint64_t records = store->writing.writes.count;
    store->committing = true;
    pthread_mutex_unlock(&store->lock);
    int err = commit_writing(store);
    pthread_mutex_lock(&store->lock);
    store->committing = false;

    if (err) {
        batch_merge(&store->queued, &store->writing);
        store->last_failed = attempt;
    } else {
        store->committed_seq = seq;
        store->status.commits++;
        store->status.records_written += records;
    }
    store->status.last_error = err;
    settle_mark(store, err);
    pthread_cond_broadcast(&store->done);
    return err;
}

void *committer_run(void *arg)
{
    struct store *store = arg;
    unsigned failures = 0;
    pthread_mutex_lock(&store->lock);
    while (wait_for_work(store, failures)) {
        bool last = store->stopping;
        failures = commit_once(store) ? failures + 1 : 0;
        if (last && failures)
            break;
    }
    pthread_mutex_unlock(&store->lock);
    return NULL;
}
