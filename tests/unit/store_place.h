/* store_place.h - a store in a folder of its own, and what tests ask of it. */
#ifndef STORE_PLACE_H
#define STORE_PLACE_H

#include "../testing.h"

#include "store/store.h"

#include <stdlib.h>
#include <unistd.h>

#define WHY_BYTES 160
#define STORE_SCHEMA 3u

struct place {
    char dir[64];
    char books[80];
};

static inline void place_make(struct place *place)
{
    /* In memory if there is such a place: what kill -9 leaves is the same, syncs cost nothing. */
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(place->dir, sizeof place->dir, "%s/farebox-store-XXXXXX", base);
    assert_non_null(mkdtemp(place->dir));
    snprintf(place->books, sizeof place->books, "%s/books.mdb", place->dir);
}

static inline void place_remove(const struct place *place)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", place->dir);
    assert_int_equal(system(command), 0);
}

static inline int try_open(const struct place *place, size_t map_bytes, struct store **store,
                           char *why)
{
    const struct store_options options = {
        .dir = place->dir, .map_bytes = map_bytes, .commit_ms = 1, .schema = STORE_SCHEMA};
    return store_open(store, &options, why);
}

static inline struct store *open_store(const struct place *place)
{
    char why[WHY_BYTES] = "";
    struct store *store = NULL;
    if (try_open(place, 0, &store, why) != 0)
        fail_msg("%s", why);
    return store;
}

/* Nothing is committed unless asked for. */
static inline struct store *open_patient_store(const struct place *place)
{
    const struct store_options options = {
        .dir = place->dir, .commit_ms = 600000, .schema = STORE_SCHEMA};
    struct store *store = NULL;
    assert_int_equal(store_open(&store, &options, NULL), 0);
    return store;
}

static inline int put(struct store *store, const char *table, const char *key, const char *record)
{
    return store_put(store, table, slice_of(key), slice_of(record));
}

static inline void assert_record(struct store *store, const char *table, const char *key,
                                 const char *record)
{
    struct buf out = {0};
    assert_int_equal(store_get(store, table, slice_of(key), &out), 0);
    assert_true(slice_is(buf_slice(&out), record));
    buf_finish(&out);
}

static inline void assert_missing(struct store *store, const char *table, const char *key, int err)
{
    struct buf out = {0};
    assert_int_equal(store_get(store, table, slice_of(key), &out), err);
    assert_int_equal(out.len, 0);
    buf_finish(&out);
}

static inline struct store_status status_of(struct store *store)
{
    struct store_status status;
    store_status(store, &status);
    return status;
}

/* "key=record " for everything in a table. */
static inline int append_pair(void *arg, struct slice key, struct slice record)
{
    buf_printf(arg, "%.*s=%.*s ", SLICE_FMT(key), SLICE_FMT(record));
    return 0;
}

static inline void assert_table(struct store *store, const char *table, const char *expected)
{
    struct buf out = {0};
    assert_int_equal(store_scan(store, table, append_pair, &out), 0);
    buf_append(&out, "", 1);
    assert_string_equal((const char *)out.data, expected);
    buf_finish(&out);
}

/* For scans: counts. */
static inline int count_one(void *arg, struct slice key, struct slice record)
{
    (void)key;
    (void)record;
    ++*(int *)arg;
    return 0;
}

#endif
