#include "store_place.h"

#include "base/map.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    /* A reader that began before this would count it once more. */
    assert_int_equal(store_sync(store), 0);
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
    struct store *store = open_patient_store(&place);
    put(store, "t", "k", "damaged record");
    put(store, "t", "l", "spoiled record");
    assert_int_equal(store_sync(store), 0);
    flip(place.books, find(place.books, "damaged record") * 8);
    flip(place.books, find(place.books, "spoiled record") * 8);
    assert_missing(store, "t", "k", -EILSEQ);
    assert_missing(store, "t", "k", -EILSEQ);
    assert_missing(store, "t", "l", -EILSEQ);
    assert_int_equal(status_of(store).quarantined, 2);
    assert_int_equal(put(store, "t", "k", "new record"), 0);
    assert_int_equal(store_sync(store), 0);
    assert_table(store, "t", "k=new record ");
    assert_int_equal(count_quarantined(store), 2);
    store_close(store);
    place_remove(&place);
}

static int heal_behind_the_back(void *arg, struct slice key, struct slice record)
{
    (void)record;
    if (slice_is(key, "a")) {
        assert_int_equal(put(arg, "t", "b", "new record"), 0);
        assert_int_equal(store_sync(arg), 0);
    }
    return 0;
}

/* The same when the new one is on disk already, and only the scan still sees the old one. */
static void a_healed_record_is_not_purged(void **state)
{
    (void)state;
    struct place place;
    place_make(&place);
    struct store *store = open_patient_store(&place);
    put(store, "t", "a", "sound record");
    put(store, "t", "b", "damaged record");
    assert_int_equal(store_sync(store), 0);
    flip(place.books, find(place.books, "damaged record") * 8);
    assert_int_equal(store_scan(store, "t", heal_behind_the_back, store), 0);
    assert_int_equal(status_of(store).quarantined, 1);
    assert_int_equal(store_sync(store), 0);
    assert_table(store, "t", "a=sound record b=new record ");
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

static struct buf flip_records[FLIP_RECORDS];

static void flip_key(uint32_t i, char *key)
{
    snprintf(key, 16, "key-%05u", i);
}

static const char *flip_table(uint32_t i)
{
    return i % 2 ? "odd" : "even";
}

static int make_flip_records(void **state)
{
    struct rng rng = {1};
    (void)state;
    for (uint32_t i = 0; i < FLIP_RECORDS; i++) {
        size_t len = i % 10 == 9 ? 9000 : rng_below(&rng, 400); /* some on pages of their own */
        uint8_t *bytes = buf_reserve(&flip_records[i], len);
        for (size_t n = 0; n < len; n++)
            bytes[n] = (uint8_t)rng_next(&rng);
        flip_records[i].len = len;
    }
    return 0;
}

static int free_flip_records(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < FLIP_RECORDS; i++)
        buf_finish(&flip_records[i]);
    return 0;
}

/* Always the same bytes: commits happen when they are asked for. */
static void make_flip_store(const struct place *place)
{
    struct store *store = open_patient_store(place);
    char key[16];
    for (uint32_t i = 0; i < FLIP_RECORDS; i++) {
        flip_key(i, key);
        store_put(store, flip_table(i), slice_of(key), buf_slice(&flip_records[i]));
        if (i % 20 == 0)
            assert_int_equal(store_sync(store), 0);
    }
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
    char text[16] = "", own[16] = "";
    snprintf(text, sizeof text, "%.*s", SLICE_FMT(key));
    uint32_t i = (uint32_t)strtoul(text + 4, NULL, 10) % FLIP_RECORDS;
    flip_key(i, own);
    ++*(int *)arg;
    return strcmp(own, text) == 0 && slice_equal(record, buf_slice(&flip_records[i])) ? 0 : -1;
}

/* What can be got is right; returns how many cannot. */
static int check_each(struct store *store)
{
    struct buf out = {0};
    char key[16];
    int missing = 0;
    for (uint32_t i = 0; i < FLIP_RECORDS; i++) {
        flip_key(i, key);
        out.len = 0;
        int err = store_get(store, flip_table(i), slice_of(key), &out);
        assert_true(err == 0 || err == -ENOENT);
        assert_true(err != 0 || slice_equal(buf_slice(&flip_records[i]), buf_slice(&out)));
        missing += err != 0;
    }
    buf_finish(&out);
    return missing;
}

static void check_flipped(const struct place *place, struct flip_counts *counts)
{
    struct store *store = NULL;
    char why[WHY_BYTES] = "";
    int seen = 0;
    if (try_open(place, 0, &store, why) != 0) {
        assert_true(strlen(why) > 0);
        counts->refused++;
        return;
    }
    int missing = check_each(store);
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
    assert_int_equal(counts.refused, 0);
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
    struct flip_counts counts = flip_copies(5, 120, anywhere);
    assert_true(counts.rebuilt > 40);
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
    struct flip_counts counts = flip_copies(6, 80, in_a_page_header);
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
    struct flip_counts counts = flip_copies(7, 80, in_a_root);
    assert_true(counts.rebuilt > 5);
}

int main(void)
{
    static const uint8_t map_key[MAP_KEY_BYTES] = "as every time";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damage_under_way_is_found),
        cmocka_unit_test(a_new_record_is_not_purged),
        cmocka_unit_test(a_healed_record_is_not_purged),
        cmocka_unit_test(a_record_under_another_key_is_damage),
        cmocka_unit_test(flipped_bits_are_found),
        cmocka_unit_test(flipped_page_headers_are_found),
        cmocka_unit_test(flipped_roots_are_found),
    };
    map_set_key(map_key); /* records of one commit are written in the order of a map */
    return cmocka_run_group_tests(tests, make_flip_records, free_flip_records);
}
