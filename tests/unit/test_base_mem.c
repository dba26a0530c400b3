#include "../testing.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void mem_copies(void **state)
{
    (void)state;
    char *text = mem_strdup("fare");
    char *data = mem_dup("box", 2);
    assert_string_equal(text, "fare");
    assert_memory_equal(data, "bo", 2);
    mem_free(text);
    mem_free(data);
    mem_free(NULL);
}

static void mem_of_no_size_is_still_a_block(void **state)
{
    (void)state;
    void *blocks[] = {mem_alloc(0), mem_zalloc(0), mem_realloc(NULL, 0), mem_dup(NULL, 0)};
    for (size_t i = 0; i < 4; i++) {
        assert_non_null(blocks[i]);
        mem_free(blocks[i]);
    }
}

/* In a child: the sanitizers' own handlers and the core file are kept out of it. */
static int status_of_refusal(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        fclose(stderr);
        mem_free(mem_alloc(SIZE_MAX / 2));
        _exit(0);
    }
    waitpid(child, &status, 0);
    return status;
}

static void mem_refused_aborts(void **state)
{
    (void)state;
    int status = status_of_refusal();
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void arena_blocks_are_aligned_and_apart(void **state)
{
    (void)state;
    struct rng rng = {1};
    struct arena arena;
    uint8_t *block[200];
    size_t size[200];
    arena_init(&arena);
    for (int turn = 0; turn < 20; turn++) {
        for (int i = 0; i < 200; i++) {
            size[i] = rng_below(&rng, rng_below(&rng, 50) == 0 ? 100000 : 300);
            block[i] = arena_alloc(&arena, size[i]);
            assert_int_equal((uintptr_t)block[i] % _Alignof(max_align_t), 0);
            memset(block[i], i, size[i]);
        }
        for (int i = 0; i < 200; i++)
            for (size_t at = 0; at < size[i]; at++)
                assert_int_equal(block[i][at], i);
        arena_reset(&arena);
        assert_int_equal(arena.used, 0);
    }
    arena_finish(&arena);
}

static void arena_joins_parts(void **state)
{
    struct arena arena;
    const struct slice parts[] = {slice_of("a"), slice_make(NULL, 0), slice_of("bc")};
    (void)state;
    arena_init(&arena);
    struct slice joined = arena_join(&arena, parts, 3);
    assert_true(slice_equal(joined, slice_make("a\0\0bc", 5)));
    struct slice copied = arena_copy(&arena, joined);
    assert_true(slice_equal(copied, joined) && copied.data != joined.data);
    assert_int_equal(arena_copy(&arena, slice_make(NULL, 0)).len, 0);
    arena_finish(&arena);
}

static void arena_keeps_one_chunk(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    for (int i = 0; i < 1000; i++)
        (void)arena_alloc(&arena, 1000);
    arena_reset(&arena);
    void *first = arena_alloc(&arena, 100 * 1000);
    arena_reset(&arena);
    assert_ptr_equal(arena_alloc(&arena, 1), first);
    arena_finish(&arena);
    assert_null(arena.chunks);
}

static void arena_does_not_keep_a_large_chunk(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    memset(arena_alloc(&arena, 1024 * 1024), 1, 1024 * 1024);
    arena_reset(&arena);
    assert_null(arena.chunks);
    arena_finish(&arena);
}

static void arena_large_block_leaves_room_in_use(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char *before = arena_alloc(&arena, 16);
    (void)arena_alloc(&arena, 1024 * 1024);
    assert_ptr_equal(arena_alloc(&arena, 16), before + 16);
    arena_finish(&arena);
}

static void arena_texts(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    assert_string_equal(arena_text(&arena, slice_make("farebox", 4)), "fare");
    assert_string_equal(arena_text(&arena, (struct slice){0}), "");
    assert_string_equal(arena_printf(&arena, "%s-%d", "a", 7), "a-7");
    assert_string_equal(arena_printf(&arena, "%s", ""), "");
    const uint8_t *zero = arena_zalloc(&arena, 64);
    for (int i = 0; i < 64; i++)
        assert_int_equal(zero[i], 0);
    arena_finish(&arena);
}

static void buf_grows_by_doubling(void **state)
{
    (void)state;
    struct buf buf = {0};
    size_t moves = 0, cap = 0;
    for (uint32_t i = 0; i < 100000; i++) {
        buf_append(&buf, &i, sizeof(i));
        moves += buf.cap != cap;
        cap = buf.cap;
    }
    assert_int_equal(buf.len, 400000);
    assert_true(moves < 15);
    for (uint32_t i = 0; i < 100000; i++)
        assert_memory_equal(buf.data + i * sizeof(i), &i, sizeof(i));
    buf_finish(&buf);
    assert_int_equal(buf_slice(&buf).len, 0);
    buf_append(&buf, "again", 5);
    assert_true(slice_is(buf_slice(&buf), "again"));
    buf_finish(&buf);
}

static void buf_prints_behind_its_end(void **state)
{
    (void)state;
    struct buf buf = {0};
    for (int i = 0; i < 1000; i++)
        buf_printf(&buf, "%03d,", i);
    assert_int_equal(buf.len, 4000);
    assert_memory_equal(buf.data + 3996, "999,", 4);
    buf_printf(&buf, "%s", "");
    buf_append(&buf, NULL, 0);
    assert_int_equal(buf.len, 4000);
    buf_finish(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mem_copies),
        cmocka_unit_test(mem_of_no_size_is_still_a_block),
        cmocka_unit_test(mem_refused_aborts),
        cmocka_unit_test(arena_blocks_are_aligned_and_apart),
        cmocka_unit_test(arena_joins_parts),
        cmocka_unit_test(arena_keeps_one_chunk),
        cmocka_unit_test(arena_does_not_keep_a_large_chunk),
        cmocka_unit_test(arena_large_block_leaves_room_in_use),
        cmocka_unit_test(arena_texts),
        cmocka_unit_test(buf_grows_by_doubling),
        cmocka_unit_test(buf_prints_behind_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
