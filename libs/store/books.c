#include "store/books.h"

#include "base/buf.h"
#include "store/record.h"

#include <errno.h>
#include <unistd.h>

/* Deletes have to go through when the map is full, or it would stay so for ever. */
#define SPARE_SHARE 16u
#define SPARE_PAGES_MIN 64u
#define SPARE_PAGES_MAX 1024u

/* Most pages a transaction copies or adds: for a write those of its path, split or merged on the
 * way, and for itself the list of free pages, the tables' names and our own note. */
#define WRITE_PAGES 6u
#define COMMIT_PAGES 16u

int books_error(int rc)
{
    switch (rc) {
    case 0:
        return 0;
    case MDB_NOTFOUND:
        return -ENOENT;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case ENOSPC:
    case EDQUOT:
        return -ENOSPC;
    default:
        return -EIO;
    }
}

/* ---- tables ---- */

static const struct books_table *find(const struct books *books, size_t n, struct slice table)
{
    for (size_t i = 0; i < n; i++) {
        if (slice_is(table, books->tables[i].name))
            return &books->tables[i];
    }
    return NULL;
}

const struct books_table *books_find(const struct books *books, struct slice table)
{
    return find(books, books->n_published, table);
}

void books_publish(struct books *books)
{
    books->n_published = books->n_opened;
}

/* Returns LMDB's result; MDB_NOTFOUND if the table does not exist and `flags` does not say
 * MDB_CREATE. */
static int open_table(struct books *books, MDB_txn *txn, struct slice table, unsigned flags,
                      MDB_dbi *dbi)
{
    const struct books_table *known = find(books, books->n_opened, table);
    if (known) {
        *dbi = known->dbi;
        return 0;
    }
    if (books->n_opened == BOOKS_TABLES_MAX || table.len > BATCH_TABLE_MAX)
        return MDB_DBS_FULL;
    struct books_table *fresh = &books->tables[books->n_opened];
    memcpy(fresh->name, table.data, table.len);
    fresh->name[table.len] = '\0';
    int rc = mdb_dbi_open(txn, fresh->name, flags, &fresh->dbi);
    if (rc)
        return rc;
    books->n_opened++;
    *dbi = fresh->dbi;
    return 0;
}

/* The unnamed database holds the tables' names. */
static int open_existing_tables(struct books *books, MDB_txn *txn)
{
    MDB_dbi names, dbi;
    MDB_cursor *cursor;
    MDB_val name, ignored;
    int rc = mdb_dbi_open(txn, NULL, 0, &names);
    if (rc || (rc = mdb_cursor_open(txn, names, &cursor)))
        return rc;
    while ((rc = mdb_cursor_get(cursor, &name, &ignored, MDB_NEXT)) == 0) {
        rc = open_table(books, txn, books_slice(name), 0, &dbi);
        if (rc)
            break;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* ---- writing ---- */

static int put(const struct books *books, MDB_txn *txn, MDB_dbi dbi, const struct write *write)
{
    MDB_val key = books_value(write->key);
    struct buf sealed = {0};
    record_seal(&sealed, write->table, write->key, books->schema, write->record);
    MDB_val value = books_value(buf_slice(&sealed));
    int rc = mdb_put(txn, dbi, &key, &value, 0);
    buf_finish(&sealed);
    return rc;
}

static bool is_sound(MDB_txn *txn, MDB_dbi dbi, const struct write *write)
{
    MDB_val key = books_value(write->key), value;
    struct slice bytes;
    return mdb_get(txn, dbi, &key, &value) == 0 &&
           record_open(books_slice(value), write->table, write->key, &bytes, NULL);
}

static int drop(MDB_txn *txn, MDB_dbi dbi, const struct write *write)
{
    MDB_val key = books_value(write->key);
    if (write->kind == WRITE_PURGE && is_sound(txn, dbi, write))
        return 0;
    int rc = mdb_del(txn, dbi, &key, NULL);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int apply(struct books *books, MDB_txn *txn, const struct write *write)
{
    MDB_dbi dbi;
    if (write->kind == WRITE_PUT) {
        int rc = open_table(books, txn, write->table, MDB_CREATE, &dbi);
        return rc ? rc : put(books, txn, dbi, write);
    }
    int rc = open_table(books, txn, write->table, 0, &dbi);
    if (rc)
        return rc == MDB_NOTFOUND ? 0 : rc;
    return drop(txn, dbi, write);
}

static int note_commit(struct books *books, MDB_txn *txn)
{
    uint64_t number = mdb_txn_id(txn);
    const struct write write = {.kind = WRITE_PUT,
                                .table = slice_of(BOOKS_OWN_TABLE),
                                .key = slice_of(BOOKS_COMMIT_KEY),
                                .record = slice_make(&number, sizeof number)};
    return apply(books, txn, &write);
}

/* ---- room ---- */

/* Pages free for the next transaction: LMDB leaves those of the last one alone. They are listed in
 * database 0, which only readers may look at: under each transaction a length and the pages. */
static size_t count_free_pages(const struct books *books, size_t last_transaction)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, value;
    size_t pages = 0, freed_by, n;
    if (mdb_txn_begin(books->env, NULL, MDB_RDONLY, &txn) != 0)
        return 0;
    if (mdb_cursor_open(txn, 0, &cursor) == 0) {
        while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
            memcpy(&freed_by, key.mv_data, sizeof freed_by);
            memcpy(&n, value.mv_data, sizeof n);
            pages += freed_by < last_transaction ? n : 0;
        }
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return pages;
}

/* Pages a transaction may use; no need to count further than `enough`. */
static size_t measure_room(const struct books *books, size_t enough)
{
    MDB_envinfo info;
    mdb_env_info(books->env, &info);
    size_t used = info.me_last_pgno + 1;
    size_t room = books->map_pages > used ? books->map_pages - used : 0;
    return room >= enough ? room : room + count_free_pages(books, info.me_last_txnid);
}

static size_t cost(const struct books *books, const struct write *write)
{
    size_t bytes = write->record.len + RECORD_HEADER;
    return WRITE_PAGES + (write->kind == WRITE_PUT ? bytes / books->page_size + 1 : 0);
}

static size_t cost_of_all(const struct books *books, const struct batch *batch)
{
    size_t cursor = 0, pages = 0;
    const struct write *write;
    while ((write = batch_next(batch, &cursor)))
        pages += cost(books, write);
    return pages;
}

static size_t less(size_t room, size_t pages)
{
    return room > pages ? room - pages : 0;
}

/* Takes the puts, or all others, that fit. Returns how many. */
static size_t take(const struct books *books, const struct batch *batch, bool puts, size_t *room)
{
    size_t cursor = 0, n = 0;
    struct write *write;
    while ((write = batch_next(batch, &cursor))) {
        if ((write->kind == WRITE_PUT) != puts)
            continue;
        write->taken = cost(books, write) <= *room;
        if (!write->taken)
            continue;
        *room -= cost(books, write);
        n++;
    }
    return n;
}

static size_t take_what_fits(const struct books *books, const struct batch *batch)
{
    size_t enough = cost_of_all(books, batch) + COMMIT_PAGES + books->spare_pages;
    size_t room = less(measure_room(books, enough), COMMIT_PAGES);
    size_t n = take(books, batch, false, &room);
    room = less(room, books->spare_pages);
    return n + take(books, batch, true, &room);
}

/* ---- committing ---- */

static int write_taken(struct books *books, MDB_txn *txn, const struct batch *batch)
{
    size_t cursor = 0;
    const struct write *write;
    int rc = 0;
    while (!rc && (write = batch_next(batch, &cursor))) {
        if (write->taken)
            rc = apply(books, txn, write);
    }
    return rc ? rc : note_commit(books, txn);
}

int books_commit(struct books *books, const struct batch *batch)
{
    MDB_txn *txn;
    if (batch->writes.count > 0 && take_what_fits(books, batch) == 0)
        return -ENOSPC;
    int rc = mdb_txn_begin(books->env, NULL, 0, &txn);
    if (rc)
        return books_error(rc);
    rc = write_taken(books, txn, batch);
    if (rc)
        mdb_txn_abort(txn);
    else
        rc = mdb_txn_commit(txn);
    if (rc)
        books->n_opened = books->n_published; /* tables opened in a lost transaction are closed */
    return books_error(rc);
}

bool books_is_broken(const struct books *books)
{
    MDB_txn *txn;
    if (!books->env || mdb_txn_begin(books->env, NULL, MDB_RDONLY, &txn) != 0)
        return true;
    mdb_txn_abort(txn);
    return false;
}

/* ---- opening ---- */

/* -ENOENT: a new file. */
static int check_schema(struct books *books, MDB_txn *txn)
{
    const struct slice table = slice_of(BOOKS_OWN_TABLE), own = slice_of(BOOKS_COMMIT_KEY);
    MDB_val key = books_value(own), value;
    MDB_dbi dbi;
    struct slice bytes;
    uint32_t schema;
    int rc = open_table(books, txn, table, 0, &dbi);
    if (!rc)
        rc = mdb_get(txn, dbi, &key, &value);
    if (rc)
        return books_error(rc);
    if (!record_open(books_slice(value), table, own, &bytes, &schema))
        return -EILSEQ;
    return schema == books->schema ? 0 : -EPROTO;
}

/* Writes nothing to a file that exists: a store can be read while its disk refuses to be
 * written. */
static int open_tables(struct books *books)
{
    MDB_txn *txn;
    int err = books_error(mdb_txn_begin(books->env, NULL, MDB_RDONLY, &txn));
    if (err)
        return err;
    err = books_error(open_existing_tables(books, txn));
    if (!err)
        err = check_schema(books, txn);
    if (err)
        mdb_txn_abort(txn);
    else
        err = books_error(mdb_txn_commit(txn)); /* keeps the tables open */
    return err;
}

static int start(struct books *books)
{
    const struct batch nothing = {0};
    int err = open_tables(books);
    if (err == -ENOENT) {
        books->n_opened = 0;
        err = books_commit(books, &nothing);
    }
    if (!err)
        books_publish(books);
    return err;
}

static void set_size(struct books *books, size_t map_bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    books->page_size = page;
    books->map_pages = (map_bytes + page - 1) / page;
    size_t spare = books->map_pages / SPARE_SHARE;
    books->spare_pages = spare < SPARE_PAGES_MIN   ? SPARE_PAGES_MIN
                         : spare > SPARE_PAGES_MAX ? SPARE_PAGES_MAX
                                                   : spare;
    mdb_env_set_mapsize(books->env, books->map_pages * page);
    mdb_env_set_maxdbs(books->env, BOOKS_TABLES_MAX);
}

int books_open(struct books *books, const char *path, size_t map_bytes, uint32_t schema)
{
    struct books opened = {.schema = schema};
    int rc = mdb_env_create(&opened.env);
    if (rc)
        return books_error(rc);
    set_size(&opened, map_bytes);
    /* NOTLS: a reader may be any thread, more than one at a time. */
    rc = mdb_env_open(opened.env, path, MDB_NOSUBDIR | MDB_NOTLS, 0600);
    int err = rc > 0 ? -rc : books_error(rc);
    if (!err)
        err = start(&opened);
    if (err)
        mdb_env_close(opened.env);
    else
        *books = opened;
    return err;
}

void books_close(struct books *books)
{
    if (books->env)
        mdb_env_close(books->env);
    books->env = NULL;
}
