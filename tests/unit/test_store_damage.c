#include "store_place.h"

#include "base/map.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- a disk that fails on demand: LMDB calls these through its PLT ---- */

static struct {
    int sync_error, write_error; /* errno to fail with; 0: do not */
    off_t write_below;           /* only writes before this offset; 0: all */
} disk;

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    int err = __atomic_load_n(&disk.sync_error, __ATOMIC_SEQ_CST);
    if (!err)
        return fsync(fd);
    errno = err;
    return -1;
}

__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *data, size_t len,
                                                      off_t offset);
__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *data, size_t len,
                                                      off_t offset)
{
    int err = __atomic_load_n(&disk.write_error, __ATOMIC_SEQ_CST);
    off_t below = __atomic_load_n(&disk.write_below, __ATOMIC_SEQ_CST);
    if (err && (!below || offset < below)) {
        errno = err;
        return -1;
    }
    struct iovec part = {(void *)(uintptr_t)data, len};
    return pwritev(fd, &part, 1, offset);
}

static void fail_disk(int sync_error, int write_error, off_t below)
{
    __atomic_store_n(&disk.write_below, below, __ATOMIC_SEQ_CST);
    __atomic_store_n(&disk.sync_error, sync_error, __ATOMIC_SEQ_CST);
    __atomic_store_n(&disk.write_error, write_error, __ATOMIC_SEQ_CST);
}

/* ---- a full map, a failing disk ---- */

static void fill(struct store *store, uint32_t *n)
{
    char key[16];
    uint8_t record[3000];
    int err = 0;
    memset(record, 7, sizeof record);
    while (!err && *n < 100000) {
        snprintf(key, sizeof key, "%08u", ++*n);
        err = store_put(store, "bulk", slice_of(key), slice_make(record, sizeof record));
        if (!err && *n % 16 == 0)
            err = store_sync(store);
    }
    assert_int_equal(err, -ENOSPC);
}

static void a_full_map_refuses_and_recovers(void **state)
{
    (void)state;
    struct place place;
    struct store *store = NULL;
    char key[16];
    uint32_t n = 0;
    place_make(&place);
    assert_int_equal(try_open(&place, 1 << 20, &store, NULL), 0);
    fill(store, &n);
    assert_int_equal(put(store, "bulk", "more", "x"), -ENOSPC);
    assert_int_equal(status_of(store).last_error, -ENOSPC);
    assert_true(status_of(store).queued > 0);
    for (uint32_t i = 1; i <= n; i++) { /* what was accepted is there all the same */
        struct buf out = {0};
        snprintf(key, sizeof key, "%08u", i);
        assert_int_equal(store_get(store, "bulk", slice_of(key), &out), 0);
        buf_finish(&out);
    }
    for (uint32_t i = 1; i <= 60; i++) {
        snprintf(key, sizeof key, "%08u", i);
        assert_int_equal(store_delete(store, "bulk", slice_of(key)), 0);
    }
    assert_int_equal(store_sync(store), 0);
    assert_int_equal(status_of(store).last_error, 0);
    assert_int_equal(put(store, "bulk", "more", "x"), 0);
    assert_int_equal(store_sync(store), 0);
    store_close(store);

    int seen = 0;
    store = open_store(&place);
    assert_int_equal(store_scan(store, "bulk", count_one, &seen), 0);
    assert_int_equal(seen, (int)n - 60 + 1);
    store_close(store);
    place_remove(&place);
}

/* Filled to the brim again and again, it can always be emptied. */
static void a_full_map_never_locks_itself(void **state)
{
    (void)state;
    struct place place;
    struct store *store = NULL;
    place_make(&place);
    assert_int_equal(try_open(&place, 1 << 20, &store, NULL), 0);
    for (int round = 0; round < 5; round++) {
        uint32_t n = 0;
        fill(store, &n);
        for (uint32_t i = 1; i <= n; i++) {
            char key[16];
            snprintf(key, sizeof key, "%08u", i);
            assert_int_equal(store_delete(store, "bulk", slice_of(key)), 0);
            if (i % 50 == 0)
                store_sync(store);
        }
        assert_int_equal(store_sync(store), 0);
        assert_table(store, "bulk", "");
    }
    store_close(store);
    place_remove(&place);
}

static void survives(int sync_error, int write_error, off_t below, int expected)
{
    struct place place;
    place_make(&place);
    struct store *store = open_store(&place);
    put(store, "t", "before", "1");
    assert_int_equal(store_sync(store), 0);

    fail_disk(sync_error, write_error, below);
    assert_int_equal(put(store, "t", "during", "2"), 0);
    assert_int_equal(store_delete(store, "t", slice_of("before")), 0);
    assert_int_equal(store_sync(store), expected);
    assert_int_equal(put(store, "t", "refused", "3"), expected);
    assert_int_equal(store_sync(store), expected);
    assert_int_equal(status_of(store).last_error, expected);
    assert_int_equal(status_of(store).queued, 2);
    assert_table(store, "t", "during=2 ");

    fail_disk(0, 0, 0);
    assert_int_equal(store_sync(store), 0);
    assert_int_equal(status_of(store).last_error, 0);
    assert_int_equal(put(store, "t", "after", "4"), 0);
    assert_table(store, "t", "after=4 during=2 ");
    store_close(store);

    store = open_store(&place);
    assert_false(status_of(store).rebuilt);
    assert_table(store, "t", "after=4 during=2 ");
    store_close(store);
    place_remove(&place);
}

static void a_failing_disk_loses_nothing(void **state)
{
    (void)state;
    survives(EIO, 0, 0, -EIO);
    survives(0, EIO, 0, -EIO);
    survives(0, ENOSPC, 0, -ENOSPC);
    survives(ENOSPC, 0, 0, -ENOSPC);
}

/* The first two pages are LMDB's roots: when one cannot be written, it refuses all work. */
static void a_root_that_cannot_be_written_loses_nothing(void **state)
{
    (void)state;
    survives(0, EIO, 8192, -EIO);
}

/* ---- damage ---- */

static void flip(const char *path, off_t bit)
{
    uint8_t byte;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, bit / 8), 1);
    byte = (uint8_t)(byte ^ 1u << bit % 8);
    assert_int_equal(pwrite(fd, &byte, 1, bit / 8), 1);
    close(fd);
}

static off_t size_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_size;
}

/* Where a text stands in the file. */
static off_t find(const char *path, const char *text)
{
    size_t size = (size_t)size_of(path);
    uint8_t *all = mem_alloc(size);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, all, size), (ssize_t)size);
    close(fd);
    const uint8_t *at = memmem(all, size, text, strlen(text));
    assert_non_null(at);
    off_t offset = at - all;
    mem_free(all);
    return offset;
}

static int count_quarantined(struct store *store)
{
    int n = 0;
    assert_int_equal(store_scan(store, "quarantine", count_one, &n), 0);
    return n;
}

static void damage_under_way_is_found(void **state)
{
    (void)state;
    struct place place;
    place_make(&place);
    struct store *store = open_store(&place);
    put(store, "t", "a", "sound record");
    put(store, "t", "b", "damaged record");
    put(store, "t", "c", "spoiled record");
    assert_int_equal(store_sync(store), 0);
    flip(place.books, find(place.books, "damaged record") * 8 + 3);
    flip(place.books, find(place.books, "spoiled record") * 8 + 90);

    assert_missing(store, "t", "b", -EILSEQ);
    assert_int_equal(status_of(store).quarantined, 1);
    assert_table(store, "t", "a=sound record ");
    assert_int_equal(status_of(store).quarantined, 2);
    assert_int_equal(store_sync(store), 0);
    assert_missing(store, "t", "b", -ENOENT);
    assert_int_equal(count_quarantined(store), 2);
    assert_int_equal(put(store, "t", "b", "new record"), 0);
    assert_record(store, "t", "b", "new record");
    store_close(store);

    store = open_store(&place);
    assert_false(status_of(store).rebuilt);
    assert_int_equal(status_of(store).quarantined, 2);
    assert_table(store, "t", "a=sound record b=new record ");
    store_close(store);
    place_remove(&place);
}

/* A record found damaged and written anew before the removal must stay. */
static void a_new_record_is_not_purged(void **state)
{
    (void)state;
    struct place place;
    place_make(&place);
    struct store *store = open_store(&place);
    put(store, "t", "k", "damaged record");
    assert_int_equal(store_sync(store), 0);
    flip(place.books, find(place.books, "damaged record") * 8);
    fail_disk(EIO, 0, 0);
    assert_missing(store, "t", "k", -EILSEQ);
    assert_missing(store, "t", "k", -EILSEQ);
    assert_int_equal(status_of(store).quarantined, 1);
    fail_disk(0, 0, 0);
    while (put(store, "t", "k", "new record") != 0)
        store_sync(store);
    assert_int_equal(store_sync(store), 0);
    assert_record(store, "t", "k", "new record");
    assert_int_equal(count_quarantined(store), 1);
    store_close(store);
    place_remove(&place);
}

/* The record of one key under another, both bytes and checksum intact. */
static void a_record_under_another_key_is_damage(void **state)
{
    (void)state;
    struct place place;
    place_make(&place);
    struct store *store = open_store(&place);
    put(store, "t", "tenant-a-secret", "A");
    store_close(store);
    flip(place.books, (find(place.books, "tenant-a-secret") + 7) * 8 + 1); /* 'a' to 'c' */
    store = open_store(&place);
    assert_missing(store, "t", "tenant-c-secret", -ENOENT);
    assert_missing(store, "t", "tenant-a-secret", -ENOENT);
    assert_true(status_of(store).rebuilt);
    assert_int_equal(status_of(store).quarantined, 1);
    store_close(store);
    place_remove(&place);
}

#define FLIP_RECORDS 150

static void flip_record(uint32_t i, char *key, struct buf *record)
{
    struct rng rng = {i};
    snprintf(key, 16, "key-%05u", i);
    record->len = 0;
    uint64_t len = i % 10 == 9 ? 9000 : rng_below(&rng, 400); /* some on pages of their own */
    for (uint64_t n = 0; n < len; n++) {
        uint8_t byte = (uint8_t)rng_next(&rng);
        buf_append(record, &byte, 1);
    }
}

/* Always the same bytes: commits happen when they are asked for. */
static void make_flip_store(const struct place *place)
{
    struct store *store = open_patient_store(place);
    struct buf record = {0};
    char key[16];
    for (uint32_t i = 0; i < FLIP_RECORDS; i++) {
        flip_record(i, key, &record);
        store_put(store, i % 2 ? "odd" : "even", slice_of(key), buf_slice(&record));
        if (i % 20 == 0)
            assert_int_equal(store_sync(store), 0);
    }
    buf_finish(&record);
    store_close(store);
}

static void copy_file(const char *from, const char *to)
{
    size_t size = (size_t)size_of(from);
    uint8_t *all = mem_alloc(size);
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_int_equal(read(in, all, size), (ssize_t)size);
    assert_int_equal(write(out, all, size), (ssize_t)size);
    close(in);
    close(out);
    mem_free(all);
}

struct flip_counts {
    int missing, refused, rebuilt, untouched;
};

static int check_sound(void *arg, struct slice key, struct slice record)
{
    char text[16], own[16];
    struct buf expected = {0};
    snprintf(text, sizeof text, "%.*s", SLICE_FMT(key));
    flip_record((uint32_t)strtoul(text + 4, NULL, 10), own, &expected);
    bool same = strcmp(own, text) == 0 && slice_equal(record, buf_slice(&expected));
    buf_finish(&expected);
    ++*(int *)arg;
    return same ? 0 : -1;
}

static void check_flipped(const struct place *place, struct flip_counts *counts)
{
    struct store *store = NULL;
    char why[WHY_BYTES] = "", key[16];
    struct buf expected = {0}, out = {0};
    int seen = 0, missing = 0;
    if (try_open(place, 0, &store, why) != 0) {
        assert_true(strlen(why) > 0);
        counts->refused++;
        return;
    }
    for (uint32_t i = 0; i < FLIP_RECORDS; i++) {
        flip_record(i, key, &expected);
        out.len = 0;
        int err = store_get(store, i % 2 ? "odd" : "even", slice_of(key), &out);
        if (err == 0)
            assert_true(slice_equal(buf_slice(&expected), buf_slice(&out)));
        else
            assert_true(err == -ENOENT);
        missing += err != 0;
    }
    assert_int_equal(store_scan(store, "odd", check_sound, &seen), 0);
    assert_int_equal(store_scan(store, "even", check_sound, &seen), 0);
    assert_int_equal(seen, FLIP_RECORDS - missing);
    if (missing)
        assert_true(status_of(store).rebuilt);
    counts->missing += missing;
    counts->rebuilt += status_of(store).rebuilt;
    counts->untouched += !status_of(store).rebuilt;
    assert_int_equal(put(store, "odd", "works", "still"), 0);
    assert_int_equal(store_sync(store), 0);
    store_close(store);
    buf_finish(&expected);
    buf_finish(&out);
}

/* Flips one bit of a copy, `rounds` times; `choose` says which. */
static struct flip_counts flip_copies(uint64_t seed, int rounds,
                                      off_t (*choose)(struct rng *rng, off_t bytes))
{
    struct place original, place;
    struct rng rng = {seed};
    struct flip_counts counts = {0};
    place_make(&original);
    make_flip_store(&original);
    for (int i = 0; i < rounds; i++) {
        place_make(&place);
        copy_file(original.books, place.books);
        flip(place.books, choose(&rng, size_of(original.books)));
        check_flipped(&place, &counts);
        place_remove(&place);
    }
    place_remove(&original);
    print_message("%d untouched, %d rebuilt with %d records less, %d refused\n", counts.untouched,
                  counts.rebuilt, counts.missing, counts.refused);
    return counts;
}

static off_t anywhere(struct rng *rng, off_t bytes)
{
    return (off_t)rng_below(rng, (uint64_t)bytes * 8);
}

/* Wherever a bit flips, nothing wrong is served, and nothing goes missing unsaid. */
static void flipped_bits_are_found(void **state)
{
    (void)state;
    struct flip_counts counts = flip_copies(5, 200, anywhere);
    assert_true(counts.rebuilt > 60);
    assert_true(counts.missing <= counts.rebuilt * 2);
}

#define PAGE 4096

static off_t in_a_page_header(struct rng *rng, off_t bytes)
{
    off_t page = (off_t)rng_below(rng, (uint64_t)(bytes / PAGE));
    return page * PAGE * 8 + (off_t)rng_below(rng, 48 * 8);
}

/* LMDB crashes over some of these, while it reads or when it writes next. */
static void flipped_page_headers_are_found(void **state)
{
    (void)state;
    struct flip_counts counts = flip_copies(6, 150, in_a_page_header);
    assert_true(counts.rebuilt > 20);
}

static off_t in_a_root(struct rng *rng, off_t bytes)
{
    (void)bytes;
    return (off_t)(rng_below(rng, 2) * PAGE * 8 + rng_below(rng, 152 * 8));
}

static void flipped_roots_are_found(void **state)
{
    (void)state;
    struct flip_counts counts = flip_copies(7, 150, in_a_root);
    assert_true(counts.rebuilt > 5);
    assert_true(counts.refused < 75);
}

/* A test that ended half way may have left the disk failing. */
static int mend_disk(void **state)
{
    (void)state;
    fail_disk(0, 0, 0);
    return 0;
}

int main(void)
{
    static const uint8_t map_key[MAP_KEY_BYTES] = "as every time";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_full_map_refuses_and_recovers, mend_disk),
        cmocka_unit_test_teardown(a_full_map_never_locks_itself, mend_disk),
        cmocka_unit_test_teardown(a_failing_disk_loses_nothing, mend_disk),
        cmocka_unit_test_teardown(a_root_that_cannot_be_written_loses_nothing, mend_disk),
        cmocka_unit_test_teardown(damage_under_way_is_found, mend_disk),
        cmocka_unit_test_teardown(a_new_record_is_not_purged, mend_disk),
        cmocka_unit_test_teardown(a_record_under_another_key_is_damage, mend_disk),
        cmocka_unit_test_teardown(flipped_bits_are_found, mend_disk),
        cmocka_unit_test_teardown(flipped_page_headers_are_found, mend_disk),
        cmocka_unit_test_teardown(flipped_roots_are_found, mend_disk),
    };
    map_set_key(map_key); /* records of one commit are written in the order of a map */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
