/* The store behind the stage: tables and a ledger in memory. */
#include "../testing.h"
#include "base/mem.h"
#include "core/journal.h"
#include "core_stage.h"

#include <errno.h>
#include <stdlib.h>

static struct stage_record *find_record(struct stage *stage, const char *table, struct slice key)
{
    for (unsigned i = 0; i < stage->n_records; i++) {
        struct stage_record *record = &stage->records[i];
        if (strcmp(record->table, table) == 0 &&
            slice_equal(key, slice_make(record->key, record->key_len)))
            return record;
    }
    return NULL;
}

static struct stage_record *record_of(struct stage *stage, const char *table, struct slice key)
{
    struct stage_record *record = find_record(stage, table, key);
    if (record)
        return record;
    assert_true(stage->n_records < STAGE_RECORDS);
    record = &stage->records[stage->n_records++];
    record->table = table;
    record->key = mem_dup(key.data, key.len);
    record->key_len = key.len;
    return record;
}

static bool refused(struct stage *stage)
{
    bool now = stage->store_refuses > 0;
    stage->store_refuses -= now;
    return now || stage->store_fails;
}

static int io_put(void *arg, const char *table, struct slice key, struct slice value)
{
    struct stage *stage = arg;
    stage->puts++;
    if (key.len == 0 || key.len > IO_KEY_MAX)
        return -EINVAL; /* as the store says */
    if (refused(stage))
        return -EIO;
    struct stage_record *record = record_of(stage, table, key);
    record->value.len = 0;
    buf_append(&record->value, value.data, value.len);
    return 0;
}

static int io_get(void *arg, const char *table, struct slice key, struct buf *out)
{
    struct stage *stage = arg;
    const struct stage_record *record = find_record(stage, table, key);
    if (stage->store_fails)
        return -EIO;
    if (!record || record->value.len == 0)
        return -ENOENT;
    buf_append(out, record->value.data, record->value.len);
    return 0;
}

static int io_remove(void *arg, const char *table, struct slice key)
{
    if (refused(arg))
        return -EIO;
    record_of(arg, table, key)->value.len = 0;
    return 0;
}

unsigned stage_lose(struct stage *stage, const char *table)
{
    unsigned lost = 0;
    for (unsigned i = 0; i < stage->n_records; i++) {
        struct stage_record *record = &stage->records[i];
        if (record->value.len == 0 || strcmp(record->table, table) != 0)
            continue;
        record->value.len = 0; /* which is how it is removed */
        lost++;
    }
    return lost;
}

void stage_lose_ledger(struct stage *stage)
{
    struct stage_ledger *ledger = &stage->ledger;
    for (uint64_t i = 0; i < ledger->last; i++)
        ledger->blocks[i].len = 0;
    ledger->last = ledger->trimmed = 0;
    ledger->id++;
}

static int in_order(const void *a, const void *b)
{
    const struct stage_record *left = *(const struct stage_record *const *)a;
    const struct stage_record *right = *(const struct stage_record *const *)b;
    size_t common = left->key_len < right->key_len ? left->key_len : right->key_len;
    int order = memcmp(left->key, right->key, common);
    return order ? order : (left->key_len > right->key_len) - (left->key_len < right->key_len);
}

static int io_scan_from(void *arg, const char *table, struct slice from,
                        int (*each)(void *each_arg, struct slice key, struct slice record),
                        void *each_arg)
{
    struct stage *stage = arg;
    struct stage_record *sorted[STAGE_RECORDS], first = {.key_len = from.len}, *lowest = &first;
    size_t n = 0;
    int rc = 0;
    stage->scans++;
    first.key = (uint8_t *)(uintptr_t)(from.len ? (const char *)from.data : "");
    for (unsigned i = 0; i < stage->n_records; i++) {
        struct stage_record *record = &stage->records[i];
        if (record->value.len > 0 && strcmp(record->table, table) == 0 &&
            in_order(&record, &lowest) >= 0)
            sorted[n++] = record;
    }
    qsort(sorted, n, sizeof *sorted, in_order);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = each(each_arg, slice_make(sorted[i]->key, sorted[i]->key_len),
                  buf_slice(&sorted[i]->value));
    return rc;
}

static int io_scan(void *arg, const char *table,
                   int (*each)(void *each_arg, struct slice key, struct slice record),
                   void *each_arg)
{
    return io_scan_from(arg, table, slice_make(NULL, 0), each, each_arg);
}

static uint64_t io_ledger_id(void *arg)
{
    return ((struct stage *)arg)->ledger.id;
}

static int io_ledger_append(void *arg, struct slice block, uint64_t *sequence)
{
    struct stage_ledger *ledger = &((struct stage *)arg)->ledger;
    if (block.len > JOURNAL_BLOCK_MAX)
        return -EINVAL; /* as the ledger says */
    if (ledger->fails)
        return -ENOSPC;
    assert_true(ledger->last < STAGE_BLOCKS);
    buf_append(&ledger->blocks[ledger->last], block.data, block.len);
    *sequence = ++ledger->last;
    return 0;
}

static int io_ledger_scan(void *arg,
                          int (*each)(void *each_arg, uint64_t sequence, struct slice block),
                          void *each_arg)
{
    struct stage_ledger *ledger = &((struct stage *)arg)->ledger;
    int rc = 0;
    for (uint64_t i = ledger->trimmed; i < ledger->last && rc == 0; i++)
        rc = each(each_arg, i + 1, buf_slice(&ledger->blocks[i]));
    return rc;
}

static int io_ledger_trim(void *arg, uint64_t sequence)
{
    struct stage_ledger *ledger = &((struct stage *)arg)->ledger;
    ledger->trimmed = sequence < ledger->last ? sequence : ledger->last;
    return 0;
}

static void io_tell_when_kept(void *arg, uint64_t mark)
{
    ((struct stage *)arg)->asked = mark;
}

void stage_store_turn(struct stage *stage)
{
    uint64_t mark = stage->asked;
    if (mark == 0 || stage->store_lags)
        return;
    stage->asked = 0;
    core_kept(stage->core, mark);
}

void stage_store_init(struct stage *stage)
{
    struct io *io = &stage->options.io;
    stage->ledger.id = 1;
    io->put = io_put;
    io->get = io_get;
    io->remove = io_remove;
    io->scan = io_scan;
    io->scan_from = io_scan_from;
    io->ledger_id = io_ledger_id;
    io->ledger_append = io_ledger_append;
    io->ledger_scan = io_ledger_scan;
    io->ledger_trim = io_ledger_trim;
    io->tell_when_kept = io_tell_when_kept;
}

void stage_store_finish(struct stage *stage)
{
    for (unsigned i = 0; i < stage->n_records; i++) {
        mem_free(stage->records[i].key);
        buf_finish(&stage->records[i].value);
    }
    for (unsigned i = 0; i < STAGE_BLOCKS; i++)
        buf_finish(&stage->ledger.blocks[i]);
}
