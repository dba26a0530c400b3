/* books.h - the LMDB environment behind the books: one file, one database a
 * table, one writing thread. */
#ifndef STORE_BOOKS_H
#define STORE_BOOKS_H

#include "store/batch.h"

#include <lmdb.h>

#define BOOKS_TABLES_MAX 64u
#define BOOKS_OWN_TABLE "store"   /* what the store notes about itself */
#define BOOKS_COMMIT_KEY "commit" /* number of the last transaction: it betrays an old root */
#define BOOKS_QUARANTINE "quarantine"

struct books_table {
    char name[BATCH_TABLE_MAX + 1];
    MDB_dbi dbi;
};

/* The writing thread may use all tables it has opened, readers only the published ones. */
struct books {
    MDB_env *env;
    struct books_table tables[BOOKS_TABLES_MAX];
    size_t n_published, n_opened;
    size_t page_size, map_pages, spare_pages; /* puts leave the spare ones to deletes */
    uint32_t schema;
};

/* Opens or creates. -EPROTO: written under another schema; -EILSEQ: what the store notes about
 * itself is damaged. `books` needs no closing after a failure. */
int books_open(struct books *books, const char *path, size_t map_bytes, uint32_t schema);
void books_close(struct books *books);
/* One synced transaction of as many writes as are sure to find room; the batch then knows them
 * as taken. -ENOSPC: not even one does. On failure nothing of it is on disk. New tables are not
 * published by it. */
int books_commit(struct books *books, const struct batch *batch);
void books_publish(struct books *books);
/* After a failed commit: does it refuse everything until it is opened anew? */
bool books_is_broken(const struct books *books);
const struct books_table *books_find(const struct books *books, struct slice table);

/* A negative errno for LMDB's result: -ENOSPC, -ENOENT, or -EIO. */
int books_error(int rc);

static inline struct slice books_slice(MDB_val value)
{
    return slice_make(value.mv_data, value.mv_size);
}

static inline MDB_val books_value(struct slice slice)
{
    return (MDB_val){slice.len, (void *)(uintptr_t)slice.data};
}

#endif
