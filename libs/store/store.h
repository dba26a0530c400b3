/* store.h - records on disk. The only user of LMDB.
 *
 * The books: named tables of key -> record, committed in groups by a thread of
 * their own every few milliseconds and synced. Each record carries a checksum
 * and its table's schema version: a damaged one is moved to the table
 * "quarantine", reported, and never served (LMDB itself has no checksums).
 *
 * Thread safe. store_put and store_delete only queue (never block on disk);
 * store_sync blocks until everything queued before is on disk. Reads see queued
 * writes. What a failing disk refuses stays queued and is tried again. At most 62
 * tables with names of 1 to 32 bytes; keys of 1 to 500 bytes, records of up to 1 MiB. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"

#include <stdint.h>

#define STORE_KEY_MAX 500u
#define STORE_RECORD_MAX (1024u * 1024u)

struct store;

struct store_options {
    const char *dir;    /* created 0700 if missing; locked against a second broker */
    size_t map_bytes;   /* upper bound of the file; 0: 1 GiB */
    uint32_t commit_ms; /* group commit interval; 0: 5 */
    uint32_t schema;    /* of the whole store; an older one is refused with -EPROTO */
};

/* Reads everything once, so that damage is found before anything is served; if there is any, what
 * is sound is copied into a new file and the damaged one kept (see `rebuilt` below). `why` (at
 * least 160 bytes, may be NULL) explains a failure in one line. -EBUSY: another process has it
 * open; -EPROTO: another schema; -EUCLEAN: nothing in it can be read. */
int store_open(struct store **out, const struct store_options *options, char *why);
void store_close(struct store *store); /* commits what is queued; takes NULL */

/* -EINVAL over a limit; -EIO/-ENOSPC once the disk has failed (sticky until a commit works
 * again), or when more than 64 MiB wait for it. Deletes are taken all the same: they make room. */
int store_put(struct store *store, const char *table, struct slice key, struct slice record);
int store_delete(struct store *store, const char *table, struct slice key);
/* Appends the record to `out`. -ENOENT; -EILSEQ: damaged, now in quarantine; -EIO: cannot be read.
 */
int store_get(struct store *store, const char *table, struct slice key, struct buf *out);
/* Calls `each` for every sound record in key order, queued writes included; stops when it
 * returns non-zero and returns that. Damaged ones are skipped and counted in the status. `each`
 * may put, delete and get, but not wait for store_sync(). The table "quarantine" may be scanned. */
int store_scan(struct store *store, const char *table,
               int (*each)(void *arg, struct slice key, struct slice record), void *arg);
/* The same for the records whose keys are not before `from`. */
int store_scan_from(struct store *store, const char *table, struct slice from,
                    int (*each)(void *arg, struct slice key, struct slice record), void *arg);
int store_sync(struct store *store);

/* For who cannot block: `kept` is called, on any thread and with locks held, once everything that
 * was queued before store_tell() is on disk; with the mark that was given, or a later one. Marks
 * grow. NULL: nobody wants to know any more. */
void store_watch(struct store *store, void (*kept)(void *arg, uint64_t mark), void *arg);
void store_tell(struct store *store, uint64_t mark);

struct store_status {
    uint64_t commits, records_written, queued;
    uint64_t quarantined; /* damaged records that lie in quarantine */
    bool rebuilt;   /* when opened the file was damaged: the sound records are in a new one, the
                     * old one lies beside it as books.mdb.damaged-<Unix time> */
    int last_error; /* 0, or the negative code of the last commit */
};
void store_status(struct store *store, struct store_status *out);

#endif
