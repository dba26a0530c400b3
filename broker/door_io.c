/* door_io.c - what the core may ask of the world, answered. */
#include "door_internal.h"

#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

static void io_answer(void *arg, struct exchange *exchange, struct slice frame)
{
    (void)arg;
    exchange_answer(exchange, frame);
}

static void io_release(void *arg, struct exchange *exchange)
{
    (void)arg;
    exchange_receive(exchange);
}

static void io_close_pipe(void *arg, uint32_t pipe)
{
    (void)arg;
    nng_pipe_close((nng_pipe){.id = pipe});
}

static void io_random(void *arg, void *out, size_t len)
{
    (void)arg;
    randombytes_buf(out, len);
}

static uint64_t io_ticks(void *arg)
{
    (void)arg;
    return clock_mono_ns();
}

_Static_assert(IO_KEY_MAX <= STORE_KEY_MAX, "the store takes what the core gives it");

static int io_put(void *arg, const char *table, struct slice key, struct slice record)
{
    struct door *door = arg;
    return store_put(door->store, table, key, record);
}

static int io_remove(void *arg, const char *table, struct slice key)
{
    struct door *door = arg;
    return store_delete(door->store, table, key);
}

static int io_scan(void *arg, const char *table,
                   int (*each)(void *each_arg, struct slice key, struct slice record),
                   void *each_arg)
{
    struct door *door = arg;
    return store_scan(door->store, table, each, each_arg);
}

static int io_get(void *arg, const char *table, struct slice key, struct buf *out)
{
    struct door *door = arg;
    return store_get(door->store, table, key, out);
}

static int io_scan_from(void *arg, const char *table, struct slice from,
                        int (*each)(void *each_arg, struct slice key, struct slice record),
                        void *each_arg)
{
    struct door *door = arg;
    return store_scan_from(door->store, table, from, each, each_arg);
}

static void io_tell_when_kept(void *arg, uint64_t mark)
{
    struct door *door = arg;
    store_tell(door->store, mark);
}

static uint64_t io_ledger_id(void *arg)
{
    struct door *door = arg;
    return ledger_id(door->ledger);
}

static int io_ledger_append(void *arg, struct slice block, uint64_t *sequence)
{
    struct door *door = arg;
    return ledger_append(door->ledger, block, sequence);
}

static int io_ledger_scan(void *arg,
                          int (*each)(void *each_arg, uint64_t sequence, struct slice block),
                          void *each_arg)
{
    struct door *door = arg;
    return ledger_scan(door->ledger, each, each_arg);
}

static int io_ledger_trim(void *arg, uint64_t sequence)
{
    struct door *door = arg;
    return ledger_trim(door->ledger, sequence);
}

static uint64_t resident_bytes(void)
{
    unsigned long long total, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%llu %llu", &total, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void io_vitals(void *arg, struct io_vitals *out)
{
    struct door *door = arg;
    struct store_status status;
    store_status(door->store, &status);
    *out = (struct io_vitals){.memory_bytes = resident_bytes(),
                              .store_commits = status.commits,
                              .store_queued = status.queued,
                              .store_quarantined = status.quarantined,
                              .store_error = status.last_error};
}

static uint64_t io_feed_open(void *arg, char *url, size_t size)
{
    struct door *door = arg;
    return feeds_door_open(door->feeds, url, size);
}

static void io_feed_send(void *arg, uint64_t feed, struct slice topic, struct slice payload)
{
    struct door *door = arg;
    feeds_door_send(door->feeds, feed, topic, payload);
}

static void io_probe(void *arg, uint64_t id, const char *url, uint32_t timeout_ms)
{
    struct door *door = arg;
    prober_ask(door->prober, id, url, timeout_ms);
}

static void io_feed_close(void *arg, uint64_t feed)
{
    struct door *door = arg;
    feeds_door_close(door->feeds, feed);
}

struct io door_io(struct door *door)
{
    return (struct io){
        .arg = door,
        .answer = io_answer,
        .release = io_release,
        .close_pipe = io_close_pipe,
        .random = io_random,
        .ticks = io_ticks,
        .put = io_put,
        .get = io_get,
        .remove = io_remove,
        .scan = io_scan,
        .scan_from = io_scan_from,
        .tell_when_kept = io_tell_when_kept,
        .ledger_id = io_ledger_id,
        .ledger_append = io_ledger_append,
        .ledger_scan = io_ledger_scan,
        .ledger_trim = io_ledger_trim,
        .probe = io_probe,
        .vitals = io_vitals,
        .feed_open = io_feed_open,
        .feed_send = io_feed_send,
        .feed_close = io_feed_close,
    };
}
