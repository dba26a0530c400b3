/* io.h - everything the core may ask of the world, in one small table. In
 * production broker/door_io.c and the store stand behind it, in tests a
 * simulator. The core never blocks on any of these, and calls them only during a turn. */
#ifndef CORE_IO_H
#define CORE_IO_H

#include "base/buf.h"

#include <stdint.h>

#define IO_KEY_MAX 500u /* bytes of a record's key */

/* One request a peer has sent and we have not answered: the only way to send it
 * anything. Each is consumed by exactly one answer() or release(). */
struct exchange;

struct io_vitals {
    uint64_t memory_bytes; /* resident */
    uint64_t store_commits, store_queued, store_quarantined;
    int store_error; /* 0, or the negative errno of the last commit */
};

struct io {
    void *arg;
    /* The frame is copied. Success does not mean that it arrived. */
    void (*answer)(void *arg, struct exchange *exchange, struct slice frame);
    /* Gives the exchange up unanswered: its peer is gone. */
    void (*release)(void *arg, struct exchange *exchange);
    void (*close_pipe)(void *arg, uint32_t pipe);
    void (*random)(void *arg, void *out, size_t len);
    /* A clock for profiling only, nanoseconds; no decision depends on it. */
    uint64_t (*ticks)(void *arg);

    /* Records survive the process. Queued, never waits for the disk; negative
     * errno when the store cannot keep them. */
    int (*put)(void *arg, const char *table, struct slice key, struct slice record);
    /* Appends the record to `out`. -ENOENT; -EILSEQ: damaged, and put aside. */
    int (*get)(void *arg, const char *table, struct slice key, struct buf *out);
    int (*remove)(void *arg, const char *table, struct slice key);
    int (*scan)(void *arg, const char *table,
                int (*each)(void *each_arg, struct slice key, struct slice record), void *each_arg);

    /* The records from that key on, in the order of their keys. */
    int (*scan_from)(void *arg, const char *table, struct slice from,
                     int (*each)(void *each_arg, struct slice key, struct slice record),
                     void *each_arg);

    /* Once all that was put so far is on disk, core_kept(mark) or that of a later mark follows, in
     * a turn of its own. Marks grow. */
    void (*tell_when_kept)(void *arg, uint64_t mark);

    /* Blocks that survive the process, kept by the time this returns, though not on disk
     * (store/ledger.h). */
    uint64_t (*ledger_id)(void *arg);
    int (*ledger_append)(void *arg, struct slice block, uint64_t *sequence);
    int (*ledger_scan)(void *arg,
                       int (*each)(void *each_arg, uint64_t sequence, struct slice block),
                       void *each_arg);
    int (*ledger_trim)(void *arg, uint64_t sequence);

    /* GETs the URL, if it may be: core_probed(id) follows in a turn of its own, once at most. May
     * be NULL: no URLs are checked. */
    void (*probe)(void *arg, uint64_t id, const char *url, uint32_t timeout_ms);

    /* How the process does. May be NULL. */
    void (*vitals)(void *arg, struct io_vitals *out);

    /* A PUB endpoint on a private path; the URL is written to `url`. 0 on failure. */
    uint64_t (*feed_open)(void *arg, char *url, size_t size);
    void (*feed_send)(void *arg, uint64_t feed, struct slice topic, struct slice payload);
    void (*feed_close)(void *arg, uint64_t feed);
};

#endif
