/* internal.h - what the files of libs/store share. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "store/batch.h"
#include "store/books.h"
#include "store/store.h"

#include <pthread.h>

#define STORE_WHY_BYTES 160u
#define STORE_TABLES_MAX (BOOKS_TABLES_MAX - 2u)   /* two are our own */
#define STORE_RAW_MAX (STORE_RECORD_MAX + 131072u) /* on disk: with header, or as quarantined */

struct store {
    pthread_mutex_t lock; /* everything below, but for what the notes say */
    pthread_cond_t wake;  /* for the committer: there is work */
    pthread_cond_t done;  /* a commit was tried, or the last reader left */
    pthread_t committer;

    struct books books;                                 /* transactions run unlocked */
    char tables[STORE_TABLES_MAX][BATCH_TABLE_MAX + 1]; /* all that were ever written to */
    size_t n_tables;
    struct batch queued;  /* accepted since the last commit began */
    struct batch writing; /* being committed: unlocked, the committer reads it too */
    uint64_t queued_seq, committed_seq;
    uint64_t attempts, last_failed; /* commits begun; number of the last that failed */
    unsigned readers, waiting;      /* read transactions open; calls of store_sync */
    bool committing, stopping;
    void (*kept)(void *arg, uint64_t mark); /* NULL: nobody asks */
    void *kept_arg;
    uint64_t queued_mark, writing_mark; /* to be told with these batches; 0: none */
    struct store_status status;

    struct store_options options; /* `dir` is not kept */
    char *path;                   /* of the books */
    int lock_fd;
};

/* ---- committer.c ---- */

/* With the lock held: what `mark` was asked for is on disk. */
void committer_tell(const struct store *store, uint64_t mark);

/* The committing thread; `arg` is the store. */
void *committer_run(void *arg);

/* ---- store.c: all with the lock held ---- */

/* Opens a read transaction, perhaps after letting go of the lock for a while. As long as it lasts
 * the environment stays open. */
int store_read_begin(struct store *store, MDB_txn **txn);
void store_read_end(struct store *store, MDB_txn *txn);
/* Counts a damaged record and queues its move. `raw` may be too long to be true. */
void store_quarantine(struct store *store, struct slice table, struct slice key, struct slice raw);

/* ---- quarantine.c ---- */

/* Adds a copy for the table "quarantine", under a digest of table and key:
 *   length of table (1), table, length of key (2, little endian), key, the bytes as found */
void quarantine_add(struct batch *batch, struct slice table, struct slice key, struct slice raw);

/* ---- check.c: damage is found before anything is served ---- */

/* Reads everything in the file at `path`, as LMDB would and as we wrote it. If anything is wrong,
 * what is sound is copied to a new file that takes its place, and `rebuilt` is set; the damaged
 * file stays beside it. -EUCLEAN: nothing in it can be read; -EPROTO: another schema. */
int check_books(const char *path, const struct store_options *options, bool *rebuilt, char *why);

/* ---- lock.c ---- */

/* Creates the folder if missing and takes its lock: a descriptor, or a negative errno. */
int lock_take(const char *dir, char *why);

/* Writes one line of explanation if `why` is not NULL. */
void store_explain(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
