/* farebox-host's command line, environment and token file. */
#include "../testing.h"
#include "base/token_file.h"
#include "host/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* argv has to be writable: the host wipes tokens from it. */
struct line {
    char words[12][64];
    char *argv[13];
    struct host_options options;
};

static enum host_exit read_line(struct line *line, const char *const *words)
{
    int argc = 0;
    for (; words[argc]; argc++) {
        assert_true(snprintf(line->words[argc], sizeof line->words[0], "%s", words[argc]) <
                    (int)sizeof line->words[0]);
        line->argv[argc] = line->words[argc];
    }
    line->argv[argc] = NULL;
    return host_options_read(&line->options, argc, line->argv);
}

#define READ(line, ...) read_line(line, (const char *const[]){"farebox-host", __VA_ARGS__, NULL})

static void assert_line(enum host_exit expected, const char *const *words)
{
    struct line line;
    enum host_exit status = read_line(&line, words);
    host_options_finish(&line.options);
    assert_int_equal(status, expected);
}

#define ASSERT_READS_AS(expected, ...) \
    assert_line(expected, (const char *const[]){"farebox-host", __VA_ARGS__, NULL})

static int clear_environment(void **state)
{
    (void)state;
    unsetenv("FAREBOX_URL");
    unsetenv("FAREBOX_TOKEN");
    unsetenv("FAREBOX_TOKEN_FILE");
    return 0;
}

static void reads_everything(void **state)
{
    (void)state;
    struct line line;
    assert_int_equal(READ(&line, "--url", "ipc:///x", "one.so", "--token", "abc", "--workers=7",
                          "--set", "a.key=v=1", "--set=b.other=", "two.so"),
                     HOST_OK);
    const struct host_options *options = &line.options;
    assert_string_equal(options->url, "ipc:///x");
    assert_string_equal(options->token, "abc");
    assert_string_equal(options->name, "farebox-host");
    assert_int_equal(options->workers, 7);
    assert_int_equal(options->n_files, 2);
    assert_string_equal(options->files[0], "one.so");
    assert_string_equal(options->files[1], "two.so");
    assert_int_equal(options->n_settings, 2);
    assert_string_equal(options->settings[0].module, "a");
    assert_string_equal(options->settings[0].key, "key");
    assert_string_equal(options->settings[0].value, "v=1");
    assert_string_equal(options->settings[1].value, "");
    assert_false(options->done);
    host_options_finish(&line.options);
}

static void tiers_are_for_services_and_methods(void **state)
{
    (void)state;
    struct line line;
    assert_int_equal(READ(&line, "--url", "u", "--token", "t", "--tier", "echo=pro", "--tier",
                          "echo.sleep=enterprise", "m.so"),
                     HOST_OK);
    assert_int_equal(line.options.n_tiers, 2);
    assert_string_equal(line.options.tiers[0].service, "echo");
    assert_null(line.options.tiers[0].method);
    assert_string_equal(line.options.tiers[0].tier, "pro");
    assert_string_equal(line.options.tiers[1].method, "sleep");
    assert_string_equal(line.options.tiers[1].tier, "enterprise");
    host_options_finish(&line.options);
    static const char *const wrong[] = {"echo", "=pro", "echo=", "echo.=pro", ".x=pro"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ASSERT_READS_AS(HOST_USAGE, "--url", "u", "--token", "t", "m.so", "--tier", wrong[i]);
}

/* An empty name, as of a variable that is not set, would serve everybody. */
static void reads_whose_services_they_are(void **state)
{
    (void)state;
    struct line line;
    assert_int_equal(READ(&line, "--url=u", "--token=t", "--tenant", "acme", "m.so"), HOST_OK);
    assert_string_equal(line.options.tenant, "acme");
    host_options_finish(&line.options);
    static const char *const wrong[] = {"", "*", "Acme", "acme/ann", " acme", "bus", "bus.acme"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ASSERT_READS_AS(HOST_USAGE, "--url=u", "--token=t", "--tenant", wrong[i], "m.so");
}

static void a_token_does_not_stay_in_the_process_list(void **state)
{
    (void)state;
    struct line line;
    assert_int_equal(READ(&line, "--url=u", "--token", "secret", "--token=canary", "x.so"),
                     HOST_OK);
    assert_string_equal(line.options.token, "canary");
    for (size_t i = 0; i < 6; i++) {
        assert_null(strstr(line.words[i], "secret"));
        assert_null(strstr(line.words[i], "canary"));
    }
    host_options_finish(&line.options);
}

static void the_environment_fills_what_flags_leave_open(void **state)
{
    (void)state;
    struct line line;
    setenv("FAREBOX_URL", "tcp://env", 1);
    setenv("FAREBOX_TOKEN", "from-env", 1);
    assert_int_equal(READ(&line, "x.so"), HOST_OK);
    assert_string_equal(line.options.url, "tcp://env");
    assert_string_equal(line.options.token, "from-env");
    host_options_finish(&line.options);
    assert_int_equal(READ(&line, "--url", "tcp://flag", "--token", "flag", "x.so"), HOST_OK);
    assert_string_equal(line.options.url, "tcp://flag");
    assert_string_equal(line.options.token, "flag");
    host_options_finish(&line.options);
    /* A file that was named is read, whatever the environment holds. */
    ASSERT_READS_AS(HOST_NO_INPUT, "--token-file", "/nonexistent/token", "x.so");
}

static void refuses_what_makes_no_sense(void **state)
{
    (void)state;
    ASSERT_READS_AS(HOST_USAGE, "--token=t", "x.so");
    ASSERT_READS_AS(HOST_USAGE, "--url=u", "x.so");
    ASSERT_READS_AS(HOST_USAGE, "--url=u", "--token=t");
    ASSERT_READS_AS(HOST_USAGE, "--url=u", "--token=t", "--token-file=f", "x.so");
    ASSERT_READS_AS(HOST_USAGE, "--url=u", "--token=t", "--nonsense", "x.so");
    ASSERT_READS_AS(HOST_USAGE, "--url=u", "--token=t", "x.so", "--set");
    static const char *const settings[] = {"", "a", "a.b", "a=b", ".b=c", "a.=c", "=", ".="};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        ASSERT_READS_AS(HOST_USAGE, "--url=u", "--token=t", "--set", settings[i], "x.so");
    static const char *const workers[] = {"", "0", "-1", "+1", " 1", "1x", "1025", "4294967297"};
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++)
        ASSERT_READS_AS(HOST_USAGE, "--url=u", "--token=t", "--workers", workers[i], "x.so");
}

/* What is said about these words on standard error. */
static void complaint_about(char *out, size_t size, const char *const *words)
{
    int pipes[2], before = dup(STDERR_FILENO);
    assert_int_equal(pipe(pipes), 0);
    assert_true(dup2(pipes[1], STDERR_FILENO) >= 0);
    assert_line(HOST_USAGE, words);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    close(before);
    close(pipes[1]);
    ssize_t n = read(pipes[0], out, size - 1);
    close(pipes[0]);
    assert_true(n > 0);
    out[n] = '\0';
}

static void secrets_are_not_repeated(void **state)
{
    static const char *const lines[][4] = {
        {"farebox-host", "--tokn=canary", NULL},
        {"farebox-host", "--set", "key=canary", NULL},
        {"farebox-host", "--set", ".key=canary=", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char said[256];
        complaint_about(said, sizeof said, lines[i]);
        assert_null(strstr(said, "canary"));
        assert_non_null(strstr(said, i == 0 ? "--tokn" : "key"));
    }
}

static int write_token_file(const char *path, const char *text, size_t len)
{
    char *token = NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    close(fd);
    int rc = token_file_read(&token, path);
    if (rc == 0)
        assert_string_equal(token, "a.b.c");
    else
        assert_null(token);
    free(token);
    return rc;
}

static void a_token_file_holds_one_word(void **state)
{
    (void)state;
    char folder[] = "/tmp/fbx-host-XXXXXX", path[64], token[8300];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/token", folder);
    assert_int_equal(write_token_file(path, "a.b.c", 5), 0);
    assert_int_equal(write_token_file(path, " a.b.c\r\n\n", 9), 0);
    assert_int_equal(write_token_file(path, "", 0), -EBADMSG);
    assert_int_equal(write_token_file(path, " \n", 2), -EBADMSG);
    assert_int_equal(write_token_file(path, "a.b.c d", 7), -EBADMSG);
    assert_int_equal(write_token_file(path, "a.b.c\0d", 7), -EBADMSG);
    memset(token, 'a', sizeof token);
    assert_int_equal(write_token_file(path, token, 8193), -EBADMSG);
    assert_int_equal(write_token_file(path, token, sizeof token), -EBADMSG);
    char *untouched = NULL;
    assert_int_equal(token_file_read(&untouched, folder), -EISDIR);
    unlink(path);
    rmdir(folder);
    assert_int_equal(token_file_read(&untouched, path), -ENOENT);
    assert_null(untouched);
}

#define CASE(name) cmocka_unit_test_setup(name, clear_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(reads_everything),
        CASE(tiers_are_for_services_and_methods),
        CASE(reads_whose_services_they_are),
        CASE(a_token_does_not_stay_in_the_process_list),
        CASE(the_environment_fills_what_flags_leave_open),
        CASE(refuses_what_makes_no_sense),
        CASE(secrets_are_not_repeated),
        CASE(a_token_file_holds_one_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
