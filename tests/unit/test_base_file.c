/* Whole files: all of it or an error, and no waiting for what is no file. */
#include "../testing.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LARGE = 100000 };

static char dir[64], path[96];

static int begin(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/farebox-file-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/it", dir);
    return 0;
}

static int end(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(dir);
}

static void fill(size_t len)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    for (size_t i = 0; i < len; i++)
        (void)fputc((int)('a' + i % 26), file);
    assert_int_equal(fclose(file), 0);
}

static void it_is_read_to_its_end(void **state)
{
    static const size_t lengths[] = {0, 1, 4095, 4096, 4097, LARGE};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct buf text = {0};
        fill(lengths[i]);
        buf_append(&text, "begin", 5);
        assert_int_equal(file_read(&text, path, LARGE), 0);
        assert_int_equal(text.len, 5 + lengths[i]);
        assert_memory_equal(text.data, "begin", 5);
        if (lengths[i] > 0)
            assert_int_equal(text.data[text.len - 1], 'a' + (lengths[i] - 1) % 26);
        buf_finish(&text);
    }
}

static void it_has_a_bound(void **state)
{
    struct buf text = {0};
    struct stat about;
    (void)state;
    fill(LARGE);
    assert_int_equal(file_read(&text, path, LARGE - 1), -EFBIG);
    assert_int_equal(file_open_regular(path, LARGE - 1, &about), -EINVAL);
    int fd = file_open_regular(path, LARGE, &about);
    assert_true(fd >= 0);
    assert_int_equal(about.st_size, LARGE);
    text.len = 0;
    assert_int_equal(file_read_fd(&text, fd, LARGE), 0);
    assert_int_equal(text.len, LARGE);
    (void)close(fd);
    buf_finish(&text);
}

static void what_is_no_file_is_said(void **state)
{
    struct buf text = {0};
    struct stat about;
    (void)state;
    assert_int_equal(file_read(&text, path, LARGE), -ENOENT);
    assert_int_equal(file_open_regular(path, LARGE, &about), -ENOENT);
    assert_int_equal(file_read(&text, dir, LARGE), -EISDIR);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(file_open_regular(path, LARGE, &about), -EINVAL); /* at once */
    buf_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_read_to_its_end, begin, end),
        cmocka_unit_test_setup_teardown(it_has_a_bound, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_said, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
