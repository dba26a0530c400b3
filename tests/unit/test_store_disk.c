#include "store_place.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- a disk that fails on demand: LMDB calls these through its PLT ---- */

static struct {
    int sync_error, write_error; /* errno to fail with; 0: do not */
    off_t write_below;           /* only writes before this offset; 0: all */
    struct store *meanwhile;     /* more comes to it during the next sync; NULL: no more */
} disk;

static void come_meanwhile(void)
{
    struct store *store = __atomic_exchange_n(&disk.meanwhile, NULL, __ATOMIC_SEQ_CST);
    if (!store)
        return;
    put(store, "t", "meanwhile", "2");
    store_tell(store, 2);
}

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    int err = __atomic_load_n(&disk.sync_error, __ATOMIC_SEQ_CST);
    come_meanwhile();
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

/* Commits every `group` records of `bytes` each until no more fit. */
static uint32_t fill(struct store *store, const char *table, uint32_t group, size_t bytes)
{
    char key[16];
    uint8_t record[3000];
    uint32_t n = 0;
    int err = 0;
    memset(record, 7, sizeof record);
    while (!err && n < 100000) {
        snprintf(key, sizeof key, "%08u", ++n);
        err = store_put(store, table, slice_of(key), slice_make(record, bytes));
        if (!err && n % group == 0)
            err = store_sync(store);
    }
    assert_int_equal(err, -ENOSPC);
    return n;
}

static void a_full_map_refuses_and_recovers(void **state)
{
    (void)state;
    struct place place;
    struct store *store = NULL;
    char key[16];
    place_make(&place);
    assert_int_equal(try_open(&place, 1 << 20, &store, NULL), 0);
    uint32_t n = fill(store, "bulk", 40, 3000);
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

/* Also what only the transaction before the last has freed. */
static void one_delete_makes_room_for_one_put(void **state)
{
    (void)state;
    struct place place;
    struct store *store = NULL;
    place_make(&place);
    assert_int_equal(try_open(&place, 1 << 20, &store, NULL), 0);
    fill(store, "bulk", 1, 3000);
    assert_int_equal(store_delete(store, "bulk", slice_of("00000001")), 0);
    assert_int_equal(store_sync(store), 0);
    assert_int_equal(status_of(store).queued, 0);
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
    for (uint32_t group = 1; group <= 41; group += 10) {
        uint32_t n = fill(store, "bulk", group, 1000);
        for (uint32_t first = 1; first <= 4; first++) {
            /* one delete in every page: each copies its page */
            for (uint32_t i = first; i <= n; i += 4) {
                char key[16];
                snprintf(key, sizeof key, "%08u", i);
                assert_int_equal(store_delete(store, "bulk", slice_of(key)), 0);
            }
            store_sync(store);
            assert_true(status_of(store).queued <= group); /* puts that did not fit */
        }
        assert_int_equal(store_sync(store), 0);
        assert_table(store, "bulk", "");
    }
    store_close(store);
    place_remove(&place);
}

/* A deep table costs more pages to change than the shallow one that filled the map gave back. */
static void a_full_map_has_pages_to_spare_for_a_delete(void **state)
{
    (void)state;
    struct place place;
    struct store *store = NULL;
    char key[400] = {0};
    place_make(&place);
    assert_int_equal(try_open(&place, 1 << 20, &store, NULL), 0);
    for (int i = 0; i < 200; i++) { /* long keys: few to a branch */
        snprintf(key, sizeof key, "%08d%0380d", i, 0);
        assert_int_equal(put(store, "deep", key, "x"), 0);
    }
    assert_int_equal(store_sync(store), 0);
    fill(store, "bulk", 1, 3000);
    assert_int_equal(store_delete(store, "deep", slice_of(key)), 0);
    store_sync(store);
    assert_in_range(status_of(store).queued, 0,
                    1); /* the put that did not fit, unless it does now */
    assert_missing(store, "deep", key, -ENOENT);
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

static void note_mark(void *arg, uint64_t mark)
{
    __atomic_store_n((uint64_t *)arg, mark, __ATOMIC_SEQ_CST);
}

/* Who waits for what was not written waits for the next try, and is told by that one: of both, if
 * another came meanwhile, by the later mark. */
static void is_told_after_a_failure(bool another_comes)
{
    struct place place;
    uint64_t told = 0, newest = another_comes ? 2 : 1;
    place_make(&place);
    struct store *store = open_patient_store(&place);
    store_watch(store, note_mark, &told);
    fail_disk(EIO, 0, 0);
    put(store, "t", "k", "1");
    store_tell(store, 1);
    __atomic_store_n(&disk.meanwhile, another_comes ? store : NULL, __ATOMIC_SEQ_CST);
    assert_int_equal(store_sync(store), -EIO);
    assert_int_equal(__atomic_load_n(&told, __ATOMIC_SEQ_CST), 0);
    fail_disk(0, 0, 0);
    assert_int_equal(store_sync(store), 0);
    assert_int_equal(__atomic_load_n(&told, __ATOMIC_SEQ_CST), newest);
    store_close(store);
    place_remove(&place);
}

static void a_failing_disk_forgets_nobody_who_waits(void **state)
{
    (void)state;
    is_told_after_a_failure(false);
    is_told_after_a_failure(true);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_full_map_refuses_and_recovers, mend_disk),
        cmocka_unit_test_teardown(one_delete_makes_room_for_one_put, mend_disk),
        cmocka_unit_test_teardown(a_full_map_never_locks_itself, mend_disk),
        cmocka_unit_test_teardown(a_full_map_has_pages_to_spare_for_a_delete, mend_disk),
        cmocka_unit_test_teardown(a_failing_disk_loses_nothing, mend_disk),
        cmocka_unit_test_teardown(a_root_that_cannot_be_written_loses_nothing, mend_disk),
        cmocka_unit_test_teardown(a_failing_disk_forgets_nobody_who_waits, mend_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
