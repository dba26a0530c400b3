#include "store_place.h"

#include "base/mem.h"
#include "store/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

/* ---- a ledger in a folder of its own, and a file that says when the system started ---- */

struct fixture {
    struct place place;
    char file[96], system[96];
    struct ledger *ledger;
    enum ledger_origin origin;
};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int try_to_open(struct fixture *f, size_t map_bytes)
{
    const struct ledger_options options = {
        .dir = f->place.dir, .map_bytes = map_bytes, .system = f->system};
    return ledger_open(&f->ledger, &options, &f->origin);
}

static void open_again(struct fixture *f)
{
    assert_int_equal(try_to_open(f, 0), 0);
}

static void set_up(struct fixture *f)
{
    *f = (struct fixture){0};
    place_make(&f->place);
    snprintf(f->file, sizeof f->file, "%s/ledger.mdb", f->place.dir);
    snprintf(f->system, sizeof f->system, "%s/started", f->place.dir);
    write_file(f->system, "monday\n");
    open_again(f);
    assert_int_equal(f->origin, LEDGER_NEW);
}

static void tear_down(struct fixture *f)
{
    ledger_close(f->ledger);
    place_remove(&f->place);
}

static uint64_t append(struct fixture *f, const char *block)
{
    uint64_t sequence = 0;
    assert_int_equal(ledger_append(f->ledger, slice_of(block), &sequence), 0);
    return sequence;
}

static int describe(void *arg, uint64_t sequence, struct slice block)
{
    buf_printf(arg, "%u=%.*s ", (unsigned)sequence, SLICE_FMT(block));
    return 0;
}

static void assert_blocks(struct fixture *f, const char *expected)
{
    struct buf out = {0};
    assert_int_equal(ledger_scan(f->ledger, describe, &out), 0);
    buf_append(&out, "", 1);
    assert_string_equal((const char *)out.data, expected);
    buf_finish(&out);
}

/* ---- everyday use ---- */

static void blocks_come_back_in_order(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f);
    uint64_t id = ledger_id(f.ledger);
    assert_int_equal(append(&f, "one"), 1);
    assert_int_equal(append(&f, ""), 2);
    assert_blocks(&f, "1=one 2= ");
    ledger_close(f.ledger);
    open_again(&f);
    assert_int_equal(f.origin, LEDGER_KEPT);
    assert_int_equal(ledger_id(f.ledger), id);
    assert_int_equal(append(&f, "three"), 3);
    assert_blocks(&f, "1=one 2= 3=three ");
    tear_down(&f);
}

static int stop_at_two(void *arg, uint64_t sequence, struct slice block)
{
    (void)block;
    ++*(int *)arg;
    return sequence == 2 ? 42 : 0;
}

static void a_scan_stops_when_told(void **state)
{
    struct fixture f;
    int seen = 0;
    (void)state;
    set_up(&f);
    for (int i = 0; i < 4; i++)
        append(&f, "x");
    assert_int_equal(ledger_scan(f.ledger, stop_at_two, &seen), 42);
    assert_int_equal(seen, 2);
    tear_down(&f);
}

static void what_is_not_needed_goes_and_nothing_else(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f);
    append(&f, "a");
    append(&f, "b");
    assert_int_equal(ledger_trim(f.ledger, 1), 0);
    append(&f, "c");
    assert_blocks(&f, "1=a 2=b 3=c "); /* b shares a's half; c may be in the other */
    assert_int_equal(ledger_trim(f.ledger, 2), 0);
    append(&f, "d");
    assert_int_equal(ledger_trim(f.ledger, 2), 0);
    struct ledger_status status;
    ledger_status(f.ledger, &status);
    assert_int_equal(status.first, 3);
    assert_int_equal(status.last, 4);
    assert_blocks(&f, "3=c 4=d ");
    assert_int_equal(ledger_trim(f.ledger, 4), 0);
    assert_blocks(&f, "");
    tear_down(&f);
}

static void a_sequence_is_never_given_twice(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f);
    for (int i = 1; i <= 5; i++)
        assert_int_equal(append(&f, "x"), i);
    assert_int_equal(ledger_trim(f.ledger, 5), 0);
    assert_int_equal(append(&f, "y"), 6);
    ledger_close(f.ledger);
    open_again(&f);
    assert_int_equal(append(&f, "z"), 7);
    assert_blocks(&f, "6=y 7=z ");
    assert_int_equal(ledger_trim(f.ledger, UINT64_MAX), 0);
    assert_int_equal(append(&f, "last"), 8);
    tear_down(&f);
}

static void an_empty_one_leaves_nothing_behind(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f);
    uint64_t id = ledger_id(f.ledger);
    append(&f, "x");
    assert_int_equal(ledger_trim(f.ledger, 1), 0);
    ledger_close(f.ledger);
    write_file(f.system, "tuesday\n");
    open_again(&f);
    assert_int_equal(f.origin, LEDGER_NEW); /* nothing was lost: nothing is reported */
    assert_true(ledger_id(f.ledger) != id);
    tear_down(&f);
}

static void a_long_life_takes_little_room(void **state)
{
    struct fixture f;
    char block[300];
    (void)state;
    set_up(&f);
    ledger_close(f.ledger);
    assert_int_equal(try_to_open(&f, 1 << 20), 0);
    memset(block, 'x', sizeof block);
    block[sizeof block - 1] = '\0';
    for (int i = 0; i < 40000; i++) {
        uint64_t newest = append(&f, block);
        if (i % 500 == 0)
            assert_int_equal(ledger_trim(f.ledger, newest - newest % 2), 0);
    }
    tear_down(&f);
}

static void fill_and_empty(struct ledger *ledger, struct slice block)
{
    uint64_t sequence = 0, n = 0;
    int err = 0;
    while (n < 10000 && (err = ledger_append(ledger, block, &sequence)) == 0)
        n++;
    assert_int_equal(err, -ENOSPC);
    assert_true(n > 3);
    assert_int_equal(ledger_append(ledger, block, &sequence), -ENOSPC);
    assert_int_equal(ledger_trim(ledger, sequence), 0);
    assert_int_equal(ledger_append(ledger, block, &sequence), 0);
}

/* To the last page, with blocks of any size: emptying it takes pages too. */
static void a_full_one_says_so_and_goes_on(void **state)
{
    static const size_t sizes[] = {20000, 5000, 1000, 200, 30, 1};
    struct fixture f;
    uint64_t sequence;
    (void)state;
    set_up(&f);
    ledger_close(f.ledger);
    assert_int_equal(try_to_open(&f, 256 << 10), 0);
    uint8_t *large = mem_zalloc((1 << 20) + 1);
    for (unsigned round = 0; round < 5; round++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            fill_and_empty(f.ledger, slice_make(large, sizes[i]));
    }
    assert_int_equal(ledger_append(f.ledger, slice_make(large, (1 << 20) + 1), &sequence), -EINVAL);
    mem_free(large);
    tear_down(&f);
}

static void the_system_started_anew(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f);
    uint64_t id = ledger_id(f.ledger);
    append(&f, "perhaps half written");
    ledger_close(f.ledger);
    write_file(f.system, "tuesday\n");
    open_again(&f);
    assert_int_equal(f.origin, LEDGER_EXPIRED);
    assert_blocks(&f, "");
    assert_true(ledger_id(f.ledger) != id);
    tear_down(&f);
}

/* Appends for ever and tells each sequence once it has it. */
static _Noreturn void write_until_killed(struct fixture *f, int told)
{
    ledger_close(f->ledger);
    if (try_to_open(f, 0) < 0)
        _exit(1);
    for (;;) {
        uint64_t sequence;
        char block[32];
        struct ledger_status status;
        ledger_status(f->ledger, &status);
        snprintf(block, sizeof block, "%u", (unsigned)status.last + 1);
        if (ledger_append(f->ledger, slice_of(block), &sequence) < 0 ||
            write(told, &sequence, sizeof sequence) != sizeof sequence)
            _exit(1);
        if (sequence % 300 == 0 && sequence > 400)
            ledger_trim(f->ledger, sequence - 400);
    }
}

static int check_block(void *arg, uint64_t sequence, struct slice block)
{
    uint64_t *last = arg;
    char expected[32];
    snprintf(expected, sizeof expected, "%u", (unsigned)sequence);
    assert_true(slice_is(block, expected));
    assert_true(*last == 0 || sequence == *last + 1);
    *last = sequence;
    return 0;
}

static void what_was_told_survives_a_kill(void **state)
{
    struct fixture f;
    uint64_t told = 0, kept;
    (void)state;
    set_up(&f);
    append(&f, "1");
    for (unsigned round = 1; round <= 10; round++) {
        int ends[2];
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        pid_t child = fork();
        if (child == 0)
            write_until_killed(&f, ends[1]);
        close(ends[1]);
        for (unsigned i = 0; i < 137 * round; i++)
            assert_int_equal(read(ends[0], &told, sizeof told), sizeof told);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(ends[0], &told, sizeof told) == sizeof told) {
        }
        close(ends[0]);
        ledger_close(f.ledger);
        open_again(&f);
        assert_int_equal(f.origin, LEDGER_KEPT);
        kept = 0;
        assert_int_equal(ledger_scan(f.ledger, check_block, &kept), 0);
        assert_true(kept == told || kept == told + 1);
    }
    tear_down(&f);
}

/* ---- damage ---- */

/* Wherever the text is found: LMDB writes new pages and leaves the old ones as they are. */
static void change_byte(const char *path, const char *near, size_t at)
{
    FILE *file = fopen(path, "r+");
    uint8_t bytes[65536], *end = bytes, *found = bytes;
    assert_non_null(file);
    end += fread(bytes, 1, sizeof bytes, file);
    while ((found = memmem(found, (size_t)(end - found), near, strlen(near)))) {
        found[at] ^= 1;
        found += strlen(near);
    }
    rewind(file);
    assert_int_equal(fwrite(bytes, 1, (size_t)(end - bytes), file), end - bytes);
    fclose(file);
}

static void a_damaged_block_is_counted_and_not_shown(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f);
    append(&f, "first block");
    append(&f, "second block");
    append(&f, "third block");
    ledger_close(f.ledger);
    change_byte(f.file, "second block", 3);
    open_again(&f);
    assert_int_equal(f.origin, LEDGER_KEPT);
    assert_blocks(&f, "1=first block 3=third block ");
    struct ledger_status status;
    ledger_status(f.ledger, &status);
    assert_int_equal(status.damaged, 1);
    tear_down(&f);
}

static void a_damaged_file_is_set_aside(void **state)
{
    struct fixture f;
    char aside[112];
    (void)state;
    set_up(&f);
    append(&f, "block");
    ledger_close(f.ledger);
    change_byte(f.file, "even", 8); /* the flags of that table */
    open_again(&f);
    assert_int_equal(f.origin, LEDGER_DAMAGED);
    assert_blocks(&f, "");
    assert_int_equal(append(&f, "new"), 1);
    snprintf(aside, sizeof aside, "%s.damaged", f.file);
    assert_int_equal(access(aside, R_OK), 0);
    tear_down(&f);
}

static void a_missing_folder_is_an_error(void **state)
{
    (void)state;
    struct ledger *ledger = NULL;
    enum ledger_origin origin;
    const struct ledger_options options = {.dir = "/nowhere/at/all"};
    assert_int_equal(ledger_open(&ledger, &options, &origin), -ENOENT);
    assert_null(ledger);
    ledger_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_come_back_in_order),
        cmocka_unit_test(a_scan_stops_when_told),
        cmocka_unit_test(what_is_not_needed_goes_and_nothing_else),
        cmocka_unit_test(a_sequence_is_never_given_twice),
        cmocka_unit_test(an_empty_one_leaves_nothing_behind),
        cmocka_unit_test(a_long_life_takes_little_room),
        cmocka_unit_test(a_full_one_says_so_and_goes_on),
        cmocka_unit_test(the_system_started_anew),
        cmocka_unit_test(what_was_told_survives_a_kill),
        cmocka_unit_test(a_damaged_block_is_counted_and_not_shown),
        cmocka_unit_test(a_damaged_file_is_set_aside),
        cmocka_unit_test(a_missing_folder_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
