#include "store/internal.h"

#include "base/mem.h"
#include "store/record.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define MAP_BYTES_DEFAULT ((size_t)1 << 30)
#define COMMIT_MS_DEFAULT 5u
#define QUEUE_BYTES_MAX \
    (64u * 1024u * 1024u) /* a disk this far behind cannot keep what we promise */

/* ---- tables ---- */

static bool is_own(struct slice table)
{
    return slice_is(table, BOOKS_OWN_TABLE) || slice_is(table, BOOKS_QUARANTINE);
}

/* A table too many would make every commit fail. */
static bool admit_table(struct store *store, struct slice table)
{
    for (size_t i = 0; i < store->n_tables; i++) {
        if (slice_is(table, store->tables[i]))
            return true;
    }
    if (store->n_tables == STORE_TABLES_MAX)
        return false;
    memcpy(store->tables[store->n_tables++], table.data, table.len);
    return true;
}

static void admit_existing_tables(struct store *store)
{
    for (size_t i = 0; i < store->books.n_published; i++) {
        struct slice table = slice_of(store->books.tables[i].name);
        if (!is_own(table))
            admit_table(store, table);
    }
}

/* ---- opening and closing ---- */

static void init_sync(struct store *store)
{
    pthread_condattr_t monotonic;
    pthread_mutex_init(&store->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&store->wake, &monotonic);
    pthread_cond_init(&store->done, NULL);
    pthread_condattr_destroy(&monotonic);
}

static struct store *create(const struct store_options *options)
{
    struct store *store = mem_zalloc(sizeof *store);
    size_t size = strlen(options->dir) + sizeof "/books.mdb";
    init_sync(store);
    batch_init(&store->queued);
    batch_init(&store->writing);
    store->options = *options;
    store->options.dir = NULL;
    if (!store->options.map_bytes)
        store->options.map_bytes = MAP_BYTES_DEFAULT;
    if (!store->options.commit_ms)
        store->options.commit_ms = COMMIT_MS_DEFAULT;
    store->path = mem_alloc(size);
    snprintf(store->path, size, "%s/books.mdb", options->dir);
    store->lock_fd = -1;
    return store;
}

static void release(struct store *store)
{
    books_close(&store->books);
    batch_clear(&store->queued);
    batch_clear(&store->writing);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    pthread_cond_destroy(&store->done);
    pthread_cond_destroy(&store->wake);
    pthread_mutex_destroy(&store->lock);
    mem_free(store->path);
    mem_free(store);
}

static uint64_t count_quarantined(const struct books *books)
{
    const struct books_table *table = books_find(books, slice_of(BOOKS_QUARANTINE));
    MDB_stat stat = {0};
    MDB_txn *txn;
    if (!table || mdb_txn_begin(books->env, NULL, MDB_RDONLY, &txn) != 0)
        return 0;
    mdb_stat(txn, table->dbi, &stat);
    mdb_txn_abort(txn);
    return stat.ms_entries;
}

static int open_books(struct store *store, char *why)
{
    const struct store_options *options = &store->options;
    int err = check_books(store->path, options, &store->status.rebuilt, why);
    if (err)
        return err;
    err = books_open(&store->books, store->path, options->map_bytes, options->schema);
    if (err) {
        store_explain(why, "%.96s: %s", store->path, strerror(-err));
        return err;
    }
    store->status.quarantined = count_quarantined(&store->books);
    admit_existing_tables(store);
    return 0;
}

int store_open(struct store **out, const struct store_options *options, char *why)
{
    if (sodium_init() < 0)
        return -EIO;
    struct store *store = create(options);
    int err = store->lock_fd = lock_take(options->dir, why);
    if (err < 0)
        goto fail;
    err = open_books(store, why);
    if (err)
        goto fail;
    err = -pthread_create(&store->committer, NULL, committer_run, store);
    if (err) {
        store_explain(why, "no thread for the store: %s", strerror(-err));
        goto fail;
    }
    *out = store;
    return 0;
fail:
    release(store);
    return err;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    pthread_mutex_lock(&store->lock);
    store->stopping = true;
    pthread_cond_signal(&store->wake);
    pthread_mutex_unlock(&store->lock);
    pthread_join(store->committer, NULL);
    release(store);
}

/* ---- writing ---- */

static bool is_valid(struct slice table, struct slice key)
{
    return table.len > 0 && table.len <= BATCH_TABLE_MAX && key.len > 0 && key.len <= STORE_KEY_MAX;
}

/* A failing disk refuses what would be lost, but takes deletes: they may cure it. */
static int refusal(struct store *store, enum write_kind kind, struct slice table)
{
    if (kind != WRITE_PUT)
        return 0;
    if (!admit_table(store, table))
        return -EINVAL;
    if (store->queued.bytes + store->writing.bytes > QUEUE_BYTES_MAX)
        return -ENOSPC;
    return store->status.last_error;
}

static void queue(struct store *store)
{
    store->queued_seq++;
    if (store->queued.writes.count == 1)
        pthread_cond_signal(&store->wake);
}

static int enqueue(struct store *store, enum write_kind kind, struct slice table, struct slice key,
                   struct slice record)
{
    if (!is_valid(table, key) || is_own(table) || record.len > STORE_RECORD_MAX)
        return -EINVAL;
    pthread_mutex_lock(&store->lock);
    int err = refusal(store, kind, table);
    if (!err) {
        batch_add(&store->queued, kind, table, key, record);
        queue(store);
    }
    pthread_mutex_unlock(&store->lock);
    return err;
}

int store_put(struct store *store, const char *table, struct slice key, struct slice record)
{
    return enqueue(store, WRITE_PUT, slice_of(table), key, record);
}

int store_delete(struct store *store, const char *table, struct slice key)
{
    return enqueue(store, WRITE_DELETE, slice_of(table), key, slice_make(NULL, 0));
}

int store_sync(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    /* What an attempt already under way meets says nothing about the disk from now on. */
    uint64_t wanted = store->queued_seq, attempt = store->attempts;
    store->waiting++;
    pthread_cond_signal(&store->wake);
    while (store->committed_seq < wanted && store->last_failed <= attempt)
        pthread_cond_wait(&store->done, &store->lock);
    store->waiting--;
    int err = store->committed_seq < wanted ? store->status.last_error : 0;
    pthread_mutex_unlock(&store->lock);
    return err;
}

void store_watch(struct store *store, void (*kept)(void *arg, uint64_t mark), void *arg)
{
    pthread_mutex_lock(&store->lock);
    store->kept = kept;
    store->kept_arg = arg;
    pthread_mutex_unlock(&store->lock);
}

void store_tell(struct store *store, uint64_t mark)
{
    pthread_mutex_lock(&store->lock);
    if (store->queued.writes.count > 0)
        store->queued_mark = mark;
    else if (store->committing)
        store->writing_mark = mark;
    else
        committer_tell(store, mark);
    pthread_mutex_unlock(&store->lock);
}

/* ---- reading ---- */

static int begin_reading(const struct store *store, MDB_txn **txn)
{
    return store->books.env ? mdb_txn_begin(store->books.env, NULL, MDB_RDONLY, txn) : EIO;
}

/* An environment given up by LMDB is about to be opened anew by the committer, which waits for the
 * readers there are: one of them may be the caller, in the middle of a scan. */
int store_read_begin(struct store *store, MDB_txn **txn)
{
    int rc = begin_reading(store, txn);
    while (rc == MDB_PANIC && store->committing && store->readers == 0) {
        pthread_cond_wait(&store->done, &store->lock);
        rc = begin_reading(store, txn);
    }
    if (rc)
        return -EIO;
    store->readers++;
    return 0;
}

void store_read_end(struct store *store, MDB_txn *txn)
{
    mdb_txn_abort(txn);
    if (--store->readers == 0)
        pthread_cond_broadcast(&store->done);
}

void store_quarantine(struct store *store, struct slice table, struct slice key, struct slice raw)
{
    /* Known already, or written anew since it was read. */
    if (batch_find(&store->queued, table, key) || batch_find(&store->writing, table, key))
        return;
    size_t len = raw.len > STORE_RECORD_MAX + RECORD_HEADER ? 0 : raw.len;
    batch_add(&store->queued, WRITE_PURGE, table, key, slice_make(NULL, 0));
    if (!slice_is(table, BOOKS_QUARANTINE))
        quarantine_add(&store->queued, table, key, slice_make(raw.data, len));
    store->status.quarantined++;
    store->queued_seq++;
    pthread_cond_signal(&store->wake);
}

static const struct write *find_pending(const struct store *store, struct slice table,
                                        struct slice key)
{
    const struct write *write = batch_find(&store->queued, table, key);
    if (!write)
        write = batch_find(&store->writing, table, key);
    return write && write->kind == WRITE_PURGE ? NULL : write;
}

static int copy_sound(MDB_txn *txn, const struct books_table *table, struct slice key,
                      struct slice *raw, struct buf *out)
{
    MDB_val at = books_value(key), value;
    struct slice bytes;
    int err = books_error(mdb_get(txn, table->dbi, &at, &value));
    if (err)
        return err;
    *raw = books_slice(value);
    if (raw->len > STORE_RAW_MAX || !record_open(*raw, slice_of(table->name), key, &bytes, NULL))
        return -EILSEQ;
    buf_append(out, bytes.data, bytes.len);
    return 0;
}

/* Called and left with the lock held; reads without it. */
static int get_committed(struct store *store, struct slice table, struct slice key, struct buf *out)
{
    MDB_txn *txn;
    struct slice raw = {0};
    int err = store_read_begin(store, &txn);
    if (err)
        return err;
    const struct books_table *found = books_find(&store->books, table);
    pthread_mutex_unlock(&store->lock);
    err = found ? copy_sound(txn, found, key, &raw, out) : -ENOENT;
    pthread_mutex_lock(&store->lock);
    if (err == -EILSEQ)
        store_quarantine(store, table, key, raw);
    store_read_end(store, txn);
    return err;
}

int store_get(struct store *store, const char *table, struct slice key, struct buf *out)
{
    struct slice name = slice_of(table);
    if (!is_valid(name, key))
        return -EINVAL;
    pthread_mutex_lock(&store->lock);
    const struct write *pending = find_pending(store, name, key);
    int err = 0;
    if (!pending)
        err = get_committed(store, name, key, out);
    else if (pending->kind == WRITE_PUT)
        buf_append(out, pending->record.data, pending->record.len);
    else
        err = -ENOENT;
    pthread_mutex_unlock(&store->lock);
    return err;
}

void store_status(struct store *store, struct store_status *out)
{
    pthread_mutex_lock(&store->lock);
    *out = store->status;
    out->queued = store->queued.writes.count + store->writing.writes.count;
    pthread_mutex_unlock(&store->lock);
}
