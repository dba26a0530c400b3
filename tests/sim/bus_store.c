#include "bus_store.h"

#include "base/mem.h"
#include "core/meter.h"
#include "core/state.h"
#include "world.h"

#include <errno.h>
#include <stdlib.h>

#define COMMIT_MAX_NS (40 * NS_PER_MS)

static struct bus_store *store_of(void *arg)
{
    return &((struct world *)arg)->bus.store;
}

/* ---- records ---- */

static struct stored *find_record(struct bus_store *store, const char *table, struct slice key)
{
    for (size_t i = 0; i < store->n_records; i++) {
        struct stored *stored = &store->records[i];
        if (strcmp(stored->table, table) == 0 && slice_equal(buf_slice(&stored->key), key))
            return stored;
    }
    return NULL;
}

static struct stored *add_record(struct bus_store *store, const char *table, struct slice key)
{
    if (store->n_records == store->cap_records) {
        store->cap_records = store->cap_records ? 2 * store->cap_records : 64;
        store->records = mem_realloc(store->records, store->cap_records * sizeof *store->records);
    }
    struct stored *made = &store->records[store->n_records++];
    *made = (struct stored){.table = mem_strdup(table)};
    buf_append(&made->key, key.data, key.len);
    return made;
}

static const struct buf *newest_of(const struct stored *stored)
{
    return stored->queued.len ? &stored->queued : &stored->record;
}

static agenda_fn commit_by_itself;

static void plan_commit(struct world *world)
{
    struct bus_store *store = &world->bus.store;
    if (!store->planned)
        agenda_add(&world->agenda, world->now + STORE_COMMITS_NS, commit_by_itself, NULL,
                   world->bus.boot);
    store->planned = true;
}

static int io_put(void *arg, const char *table, struct slice key, struct slice record)
{
    struct world *world = arg;
    struct bus_store *store = store_of(arg);
    SAW_IF(store->fails, world, STORE_FAILED);
    if (store->fails)
        return -EIO;
    struct stored *stored = find_record(store, table, key);
    if (!stored)
        stored = add_record(store, table, key);
    stored->queued.len = 0;
    buf_append(&stored->queued, record.data, record.len);
    plan_commit(world);
    return 0;
}

static int io_get(void *arg, const char *table, struct slice key, struct buf *out)
{
    struct bus_store *store = store_of(arg);
    const struct stored *stored = find_record(store, table, key);
    if (store->fails)
        return -EIO;
    if (!stored || newest_of(stored)->len == 0)
        return -ENOENT;
    buf_append(out, newest_of(stored)->data, newest_of(stored)->len);
    return 0;
}

static int io_remove(void *arg, const char *table, struct slice key)
{
    struct bus_store *store = store_of(arg);
    struct stored *stored = find_record(store, table, key);
    if (store->fails)
        return -EIO;
    if (stored)
        stored->record.len = stored->queued.len = 0;
    return 0;
}

static int in_order(const void *a, const void *b)
{
    const struct buf *left = &((const struct stored *)a)->key,
                     *right = &((const struct stored *)b)->key;
    int order = memcmp(left->data, right->data, left->len < right->len ? left->len : right->len);
    return order ? order : (left->len > right->len) - (left->len < right->len);
}

static int io_scan_from(void *arg, const char *table, struct slice from,
                        int (*each)(void *each_arg, struct slice key, struct slice record),
                        void *each_arg)
{
    struct bus_store *store = store_of(arg);
    struct stored first = {0};
    int rc = 0;
    buf_append(&first.key, from.len ? (const void *)from.data : "", from.len);
    if (store->n_records > 0)
        qsort(store->records, store->n_records, sizeof *store->records, in_order);
    for (size_t i = 0; i < store->n_records && rc == 0; i++) {
        const struct stored *stored = &store->records[i];
        if (newest_of(stored)->len > 0 && strcmp(stored->table, table) == 0 &&
            (from.len == 0 || in_order(stored, &first) >= 0))
            rc = each(each_arg, buf_slice(&stored->key), buf_slice(newest_of(stored)));
    }
    buf_finish(&first.key);
    return rc;
}

static int io_scan(void *arg, const char *table,
                   int (*each)(void *each_arg, struct slice key, struct slice record),
                   void *each_arg)
{
    return io_scan_from(arg, table, slice_make(NULL, 0), each, each_arg);
}

/* ---- commits ---- */

static void commit(struct stored *stored)
{
    if (stored->queued.len == 0)
        return;
    stored->record.len = 0;
    buf_append(&stored->record, stored->queued.data, stored->queued.len);
    stored->queued.len = 0;
}

static void commit_all(struct bus_store *store)
{
    for (size_t i = 0; i < store->n_records; i++)
        commit(&store->records[i]);
}

static void commit_by_itself(struct world *world, void *arg, uint64_t boot)
{
    struct bus_store *store = &world->bus.store;
    (void)arg;
    if (boot != world->bus.boot || !world->bus.core)
        return;
    store->planned = false;
    if (store->fails) {
        store->refused_at = world->now;
        plan_commit(world);
        return;
    }
    commit_all(store);
}

static void commit_after_a_while(struct world *world, void *arg, uint64_t boot)
{
    struct bus_store *store = &world->bus.store;
    (void)arg;
    if (boot != world->bus.boot || !world->bus.core)
        return;
    if (store->fails) {
        agenda_add(&world->agenda, world->now + COMMIT_MAX_NS, commit_after_a_while, NULL, boot);
        return;
    }
    commit_all(store);
    store->kept = store->asked;
    bus_plan_turn(world, world->now);
}

static void io_tell_when_kept(void *arg, uint64_t mark)
{
    struct world *world = arg;
    struct bus_store *store = store_of(arg);
    if (store->asked == store->kept)
        agenda_add(&world->agenda, world->now + dice_below(&world->entropy, COMMIT_MAX_NS),
                   commit_after_a_while, NULL, world->bus.boot);
    store->asked = mark;
}

void bus_store_turn(struct world *world)
{
    struct bus_store *store = &world->bus.store;
    if (store->kept == store->told)
        return;
    store->told = store->kept;
    SAW_IF(world->bus.core->hold.count > 0, world, HELD);
    core_kept(world->bus.core, store->kept);
}

static void lose_ledger(struct bus_store *store)
{
    for (uint64_t i = 0; i < store->n_blocks; i++)
        buf_finish(&store->blocks[i]);
    store->n_blocks = store->trimmed = 0;
    store->ledger++;
}

/* Where replies are to outlive the system too, it may have been the system that failed. */
void bus_store_killed(struct world *world)
{
    struct bus_store *store = &world->bus.store;
    bool cut =
        world->bus.limits.durability == DURABILITY_POWER && dice_chance(&world->entropy, 500);
    if (cut) {
        TRACE(world, "the power is cut");
        SAW(world, POWER_CUT);
        lose_ledger(store);
    }
    for (size_t i = 0; i < store->n_records; i++) {
        if (!cut && dice_chance(&world->entropy, 500))
            commit(&store->records[i]);
        store->records[i].queued.len = 0;
    }
    store->asked = store->kept = store->told = 0;
    store->planned = false;
}

/* ---- the ledger ---- */

static uint64_t io_ledger_id(void *arg)
{
    return store_of(arg)->ledger;
}

static int io_ledger_append(void *arg, struct slice block, uint64_t *sequence)
{
    struct bus_store *store = store_of(arg);
    if (block.len > JOURNAL_BLOCK_MAX)
        return -EINVAL; /* as the ledger says */
    if (store->n_blocks == store->cap_blocks) {
        store->cap_blocks = store->cap_blocks ? 2 * store->cap_blocks : 256;
        store->blocks = mem_realloc(store->blocks, store->cap_blocks * sizeof *store->blocks);
    }
    store->blocks[store->n_blocks] = (struct buf){0};
    buf_append(&store->blocks[store->n_blocks], block.data, block.len);
    *sequence = ++store->n_blocks;
    return 0;
}

static int io_ledger_scan(void *arg,
                          int (*each)(void *each_arg, uint64_t sequence, struct slice block),
                          void *each_arg)
{
    struct bus_store *store = store_of(arg);
    int rc = 0;
    for (uint64_t i = store->trimmed; i < store->n_blocks && rc == 0; i++)
        rc = each(each_arg, i + 1, buf_slice(&store->blocks[i]));
    return rc;
}

/* It may keep some for longer. */
static int io_ledger_trim(void *arg, uint64_t sequence)
{
    struct world *world = arg;
    struct bus_store *store = store_of(arg);
    uint64_t most = sequence > store->trimmed ? sequence - store->trimmed : 0;
    store->trimmed += dice_below(&world->entropy, (unsigned)most + 1);
    return 0;
}

/* ---- */

void bus_store_io(struct io *io)
{
    io->put = io_put;
    io->get = io_get;
    io->remove = io_remove;
    io->scan = io_scan;
    io->scan_from = io_scan_from;
    io->tell_when_kept = io_tell_when_kept;
    io->ledger_id = io_ledger_id;
    io->ledger_append = io_ledger_append;
    io->ledger_scan = io_ledger_scan;
    io->ledger_trim = io_ledger_trim;
}

void bus_store_finish(struct bus_store *store)
{
    for (size_t i = 0; i < store->n_records; i++) {
        mem_free(store->records[i].table);
        buf_finish(&store->records[i].key);
        buf_finish(&store->records[i].record);
        buf_finish(&store->records[i].queued);
    }
    for (uint64_t i = 0; i < store->n_blocks; i++)
        buf_finish(&store->blocks[i]);
    mem_free(store->records);
    mem_free(store->blocks);
}
