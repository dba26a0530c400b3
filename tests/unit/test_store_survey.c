#include "store_place.h"

#include "base/map.h"
#include "base/mem.h"
#include "store/record.h"
#include "store/survey.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define RECORDS 400
#define HEADER_BITS 128 /* number (64), unused (16), flags (16), bounds (16 each) */
#define IS_UNUSED(bit) ((bit) >= 64 && (bit) < 80)

/* A sound file in memory, with branches, leaves, values of several pages and free pages. */
struct bench {
    struct survey_file survey;
    uint8_t *bytes;
    size_t pages;
    uint64_t noted;    /* transaction, by the store itself */
    uint64_t checksum; /* of all records, as they come */
    int records;
};

static void add_record(void *arg, struct slice table, struct slice key, struct slice raw)
{
    struct bench *bench = arg;
    bench->checksum = bench->checksum * 31 + map_hash(table) + map_hash(key) + map_hash(raw);
    bench->records++;
    struct slice bytes;
    if (slice_is(table, "store") && record_open(raw, table, key, &bytes, NULL) &&
        bytes.len == sizeof bench->noted)
        memcpy(&bench->noted, bytes.data, sizeof bench->noted);
}

static struct survey_verdict survey(struct bench *bench)
{
    bench->checksum = bench->noted = 0;
    bench->records = 0;
    return survey_read(&bench->survey, SURVEY_NEWEST, add_record, bench);
}

/* Consistent, and neither state is older than it says, by the store's own note. */
static bool is_whole(struct bench *bench)
{
    struct bench previous = *bench;
    struct survey_verdict older =
        survey_read(&bench->survey, SURVEY_PREVIOUS, add_record, &previous);
    struct survey_verdict newest = survey(bench);
    return newest.consistent && newest.transaction == bench->noted &&
           older.transaction == previous.noted;
}

static void fill(struct store *store)
{
    static uint8_t record[9000];
    char key[32];
    for (int i = 0; i < RECORDS; i++) {
        snprintf(key, sizeof key, "%08d-a-longer-key", i);
        size_t len = i % 100 == 7 ? sizeof record : 40;
        assert_int_equal(
            store_put(store, i % 2 ? "odd" : "even", slice_of(key), slice_make(record, len)), 0);
        if (i == RECORDS / 2)
            assert_int_equal(store_sync(store), 0);
    }
}

static struct bench *bench_make(void)
{
    struct place place;
    struct stat info;
    struct bench *bench = mem_zalloc(sizeof *bench);
    place_make(&place);
    struct store *store = open_patient_store(&place);
    fill(store);
    store_close(store);
    int fd = open(place.books, O_RDONLY);
    assert_int_equal(fstat(fd, &info), 0);
    size_t size = (size_t)info.st_size;
    bench->bytes = mem_alloc(size);
    assert_int_equal(read(fd, bench->bytes, size), (ssize_t)size);
    close(fd);
    place_remove(&place);
    bench->survey.file.bytes = slice_make(bench->bytes, size);
    bench->survey.file.page_size = page_size_of(bench->survey.file.bytes);
    bench->pages = size / bench->survey.file.page_size;
    return bench;
}

static void bench_free(struct bench *bench)
{
    mem_free(bench->bytes);
    mem_free(bench);
}

static void flip(struct bench *bench, size_t page, size_t bit)
{
    uint8_t *at = bench->bytes + page * bench->survey.file.page_size + bit / 8;
    *at = (uint8_t)(*at ^ 1u << bit % 8);
}

static void a_sound_file_is_consistent(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    struct survey_verdict verdict = survey(bench);
    assert_true(verdict.readable && verdict.consistent);
    assert_int_equal(bench->records, RECORDS + 1); /* and the store's own note */
    assert_int_equal(verdict.transaction, 3);
    verdict = survey_read(&bench->survey, SURVEY_PREVIOUS, add_record, bench);
    assert_true(verdict.readable && verdict.transaction == 2);
    bench_free(bench);
}

/* The root LMDB goes on with, and where it stands. */
static size_t newest_root(const struct bench *bench, struct page_root *root)
{
    struct page_root other;
    assert_true(page_read_root(&bench->survey.file, 0, root));
    assert_true(page_read_root(&bench->survey.file, 1, &other));
    if (root->transaction > other.transaction)
        return 0;
    *root = other;
    return 1;
}

/* Bytes of a root that do no harm: unused ones, the size of the map, the environment's flags, and
 * the number of pages by which the file may end earlier than noted. */
static bool is_idle_root_byte(size_t byte)
{
    static const struct {
        size_t first, last;
    } idle[] = {{8, 9}, {12, 15}, {32, 39}, {45, 45}, {88, 91}, {136, 137}};
    for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++) {
        if (byte >= idle[i].first && byte <= idle[i].last)
            return true;
    }
    return false;
}

#define ROOT_BYTES 152

static void every_bit_of_a_root_counts(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    struct page_root root;
    size_t page = newest_root(bench, &root);
    for (size_t bit = 0; bit < ROOT_BYTES * 8; bit++) {
        if (is_idle_root_byte(bit / 8))
            continue;
        flip(bench, page, bit);
        if (is_whole(bench))
            fail_msg("byte %zu bit %zu", bit / 8, bit % 8);
        flip(bench, page, bit);
    }
    bench_free(bench);
}

/* LMDB would write over it. */
static void a_used_page_in_the_free_list_is_noticed(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    struct page_root root;
    struct page page;
    newest_root(bench, &root);
    assert_true(page_read(&bench->survey.file, root.free.root, &page) && page.is_leaf);
    struct page_node node = page_node_at(&page, 0);
    assert_true(node.value.len >= 2 * sizeof(size_t));
    uint8_t *number = bench->bytes + (node.value.data - bench->bytes) + sizeof(size_t);
    size_t before;
    memcpy(&before, number, sizeof before);
    memcpy(number, &root.tables.root, sizeof before);
    assert_false(survey(bench).consistent);
    memcpy(number, &before, sizeof before);
    assert_true(survey(bench).consistent);
    bench_free(bench);
}

/* In a page that is in use every bit of the header counts, but for two bytes LMDB does not use. A
 * page in which no bit counts is free. */
static void every_bit_of_a_page_header_counts(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    size_t free_pages = 0;
    for (size_t page = PAGE_ROOTS; page < bench->pages; page++) {
        int noticed = 0, counting = 0;
        for (size_t bit = 0; bit < HEADER_BITS; bit++) {
            flip(bench, page, bit);
            bool consistent = survey(bench).consistent;
            flip(bench, page, bit);
            if (IS_UNUSED(bit))
                assert_true(consistent);
            else
                counting++, noticed += !consistent;
        }
        /* the inner pages of a long value have no header */
        assert_true(noticed == 0 || noticed == counting);
        free_pages += noticed == 0;
    }
    assert_true(free_pages < bench->pages / 2);
    bench_free(bench);
}

/* Whatever bit flips: if it is not noticed, every record is still as it was. */
static void what_is_not_noticed_does_no_harm(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    struct rng rng = {3};
    survey(bench);
    uint64_t checksum = bench->checksum;
    int noticed = 0;
    for (int i = 0; i < 1500; i++) {
        size_t page = rng_below(&rng, bench->pages);
        size_t bit = rng_below(&rng, bench->survey.file.page_size * 8);
        flip(bench, page, bit);
        bool whole = is_whole(bench); /* a record's bytes have their own checksum */
        assert_true(!whole || bench->checksum == checksum || bench->records == RECORDS + 1);
        noticed += !whole;
        flip(bench, page, bit);
    }
    assert_true(noticed > 40);
    bench_free(bench);
}

static void change_key(struct bench *bench, bool branches, size_t *changed)
{
    const struct page_file *file = &bench->survey.file;
    for (size_t number = PAGE_ROOTS; number < bench->pages; number++) {
        struct page page;
        if (!page_read(file, number, &page) || !page.is_sound || page.is_leaf == branches)
            continue;
        for (size_t i = branches ? 1 : 0; i < page.n_nodes; i++) {
            struct page_node node = page_node_at(&page, i);
            if (node.key.len < 16)
                continue; /* a table's name, or a number */
            uint8_t *digit = bench->bytes + (node.key.data - bench->bytes);
            uint8_t before = *digit;
            *digit = '9'; /* behind every other key */
            *changed += !survey(bench).consistent;
            *digit = before;
        }
    }
}

/* A key out of order hides sound records from LMDB. */
static void keys_out_of_order_are_noticed(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    size_t in_leaves = 0, in_branches = 0;
    change_key(bench, false, &in_leaves);
    change_key(bench, true, &in_branches);
    assert_true(in_leaves >= RECORDS - 2); /* the last ones are still the last */
    assert_true(in_branches >= 4);
    bench_free(bench);
}

static void a_file_may_end_anywhere(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    size_t size = bench->survey.file.bytes.len;
    for (size_t len = 0; len < size; len += 511) {
        bench->survey.file.bytes.len = len;
        struct survey_verdict verdict = survey(bench);
        assert_false(verdict.consistent && bench->records < RECORDS + 1);
    }
    bench_free(bench);
}

int main(void)
{
    static const uint8_t map_key[MAP_KEY_BYTES] = "as every time";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_file_is_consistent),
        cmocka_unit_test(every_bit_of_a_root_counts),
        cmocka_unit_test(a_used_page_in_the_free_list_is_noticed),
        cmocka_unit_test(every_bit_of_a_page_header_counts),
        cmocka_unit_test(what_is_not_noticed_does_no_harm),
        cmocka_unit_test(keys_out_of_order_are_noticed),
        cmocka_unit_test(a_file_may_end_anywhere),
    };
    map_set_key(map_key);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
