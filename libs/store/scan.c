#include "store/internal.h"

#include "base/mem.h"
#include "store/record.h"

#include <errno.h>
#include <stdlib.h>

/* A table as its readers see it: what is committed, with what is queued laid over it. */
struct scan {
    struct store *store;
    struct slice table, from;
    struct batch overlay;         /* copies */
    const struct write **pending; /* of the overlay, in key order */
    size_t n_pending, next;
    MDB_txn *txn;
    MDB_cursor *cursor; /* NULL: nothing is committed */
    MDB_val key, value; /* at the cursor */
    bool at_record;
};

static int compare_keys(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_writes(const void *a, const void *b)
{
    return compare_keys((*(const struct write *const *)a)->key,
                        (*(const struct write *const *)b)->key);
}

/* ---- the two sides ---- */

static void copy_pending(struct scan *scan, const struct batch *batch)
{
    size_t cursor = 0;
    const struct write *write;
    while ((write = batch_next(batch, &cursor))) {
        if (write->kind != WRITE_PURGE && slice_equal(write->table, scan->table) &&
            compare_keys(write->key, scan->from) >= 0)
            batch_add(&scan->overlay, write->kind, write->table, write->key, write->record);
    }
}

static void sort_pending(struct scan *scan)
{
    size_t cursor = 0;
    scan->pending = mem_alloc((scan->overlay.writes.count + 1) * sizeof *scan->pending);
    while ((scan->pending[scan->n_pending] = batch_next(&scan->overlay, &cursor)))
        scan->n_pending++;
    qsort(scan->pending, scan->n_pending, sizeof *scan->pending, compare_writes);
}

static int advance(struct scan *scan, MDB_cursor_op step)
{
    int rc =
        scan->cursor ? mdb_cursor_get(scan->cursor, &scan->key, &scan->value, step) : MDB_NOTFOUND;
    scan->at_record = rc == 0;
    return rc == MDB_NOTFOUND ? 0 : books_error(rc);
}

/* Both sides are taken under one lock, so that nothing is missed or seen twice between them. */
static int begin(struct scan *scan)
{
    struct store *store = scan->store;
    const struct books_table *table;
    pthread_mutex_lock(&store->lock);
    int err = store_read_begin(store, &scan->txn); /* may let go of the lock: first */
    copy_pending(scan, &store->writing);
    copy_pending(scan, &store->queued);
    table = books_find(&store->books, scan->table);
    pthread_mutex_unlock(&store->lock);
    if (err)
        return err;
    sort_pending(scan);
    if (table)
        err = books_error(mdb_cursor_open(scan->txn, table->dbi, &scan->cursor));
    scan->key = books_value(scan->from);
    return err ? err : advance(scan, scan->from.len ? MDB_SET_RANGE : MDB_NEXT);
}

static void end(struct scan *scan)
{
    if (scan->cursor)
        mdb_cursor_close(scan->cursor);
    if (scan->txn) {
        pthread_mutex_lock(&scan->store->lock);
        store_read_end(scan->store, scan->txn);
        pthread_mutex_unlock(&scan->store->lock);
    }
    mem_free(scan->pending);
    batch_clear(&scan->overlay);
}

/* ---- merging ---- */

typedef int each_fn(void *arg, struct slice key, struct slice record);

static int show_pending(struct scan *scan, each_fn *each, void *arg)
{
    const struct write *write = scan->pending[scan->next++];
    return write->kind == WRITE_PUT ? each(arg, write->key, write->record) : 0;
}

static int show_committed(struct scan *scan, each_fn *each, void *arg)
{
    struct slice key = books_slice(scan->key), raw = books_slice(scan->value), bytes;
    if (raw.len <= STORE_RAW_MAX && record_open(raw, scan->table, key, &bytes, NULL))
        return each(arg, key, bytes);
    pthread_mutex_lock(&scan->store->lock);
    store_quarantine(scan->store, scan->table, key, raw);
    pthread_mutex_unlock(&scan->store->lock);
    return 0;
}

/* Negative: the pending write comes first; zero: it stands for the committed record. */
static int order(const struct scan *scan)
{
    if (scan->next == scan->n_pending)
        return 1;
    if (!scan->at_record)
        return -1;
    return compare_keys(scan->pending[scan->next]->key, books_slice(scan->key));
}

static int show_next(struct scan *scan, each_fn *each, void *arg)
{
    int which = order(scan);
    int stop = which <= 0 ? show_pending(scan, each, arg) : show_committed(scan, each, arg);
    if (stop || which < 0)
        return stop;
    return advance(scan, MDB_NEXT);
}

int store_scan(struct store *store, const char *table, each_fn *each, void *arg)
{
    return store_scan_from(store, table, slice_make(NULL, 0), each, arg);
}

int store_scan_from(struct store *store, const char *table, struct slice from, each_fn *each,
                    void *arg)
{
    struct scan scan = {.store = store, .table = slice_of(table), .from = from};
    batch_init(&scan.overlay);
    int stop = begin(&scan);
    while (!stop && (scan.at_record || scan.next < scan.n_pending))
        stop = show_next(&scan, each, arg);
    end(&scan);
    return stop;
}
