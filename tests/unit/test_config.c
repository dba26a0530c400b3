#include "../testing.h"

#include "base/buf.h"
#include "base/mem.h"
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define ARGS_MAX 16

/* A folder with a secret, and a command line. */
struct bench {
    char dir[64], secret[80], file[80];
    char why[SETTINGS_WHY_BYTES];
    struct settings settings;
};

extern char **environ;

static void forget_environment(void)
{
    for (char **entry = environ; *entry;) {
        char name[64] = "";
        if (strncmp(*entry, "FAREBOX_", 8) == 0 && sscanf(*entry, "%63[^=]", name) == 1)
            unsetenv(name); /* moves the next one here */
        else
            entry++;
    }
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static struct bench *bench_make(void)
{
    struct bench *bench = mem_zalloc(sizeof *bench);
    forget_environment();
    snprintf(bench->dir, sizeof bench->dir, "/tmp/farebox-config-XXXXXX");
    assert_non_null(mkdtemp(bench->dir));
    snprintf(bench->secret, sizeof bench->secret, "%.40s/secret", bench->dir);
    snprintf(bench->file, sizeof bench->file, "%.40s/c.yaml", bench->dir);
    write_file(bench->secret, "0123456789abcdef0123456789abcdef\n");
    return bench;
}

static void bench_free(struct bench *bench)
{
    settings_free(&config_program, &bench->settings);
    unlink(bench->secret);
    unlink(bench->file);
    assert_int_equal(rmdir(bench->dir), 0);
    mem_free(bench);
    forget_environment();
}

/* The arguments are separated by blanks; SECRET and FILE stand for the paths. */
static int split(struct bench *bench, char *line, char **argv)
{
    static char name[] = "fareboxd";
    int argc = 0;
    argv[argc++] = name;
    for (char *save, *arg = strtok_r(line, " ", &save); arg; arg = strtok_r(NULL, " ", &save))
        argv[argc++] = strcmp(arg, "SECRET") == 0 ? bench->secret
                       : strcmp(arg, "FILE") == 0 ? bench->file
                                                  : arg;
    return argc;
}

static int load(struct bench *bench, const char *line)
{
    char *argv[ARGS_MAX], *copy = mem_strdup(line);
    struct settings loaded;
    int code = settings_load(&config_program, &loaded, split(bench, copy, argv), argv, bench->why);
    mem_free(copy);
    if (code)
        return code;
    settings_free(&config_program, &bench->settings);
    bench->settings = loaded;
    return 0;
}

#define ENOUGH "--listen ipc:///tmp/x --data d --jwt-secret-file SECRET "

static void assert_loads(struct bench *bench, const char *line)
{
    if (load(bench, line) != 0)
        fail_msg("%s: %s", line, bench->why);
}

/* `why` ends with the text: paths come first. */
static void assert_refused(struct bench *bench, const char *line, int code, const char *why)
{
    assert_int_equal(load(bench, line), code);
    size_t len = strlen(bench->why), tail = strlen(why);
    if (tail > len || strcmp(bench->why + len - tail, why) != 0)
        fail_msg("\"%s\" does not end with \"%s\"", bench->why, why);
}

static void assert_file_refused(struct bench *bench, const char *text, const char *why)
{
    write_file(bench->file, text);
    assert_refused(bench, ENOUGH "--config FILE", EX_CONFIG, why);
}

/* ---- sources ---- */

static void flags_alone_are_enough(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    assert_loads(bench, "--listen ipc:///tmp/x --listen=tcp://127.0.0.1:0 --data=d "
                        "--jwt-secret-file SECRET");
    const struct settings *s = &bench->settings;
    assert_int_equal(s->head.action, SETTINGS_RUN);
    assert_null(s->head.config_file);
    assert_int_equal(s->listen.n, 2);
    assert_string_equal(s->listen.items[1], "tcp://127.0.0.1:0");
    assert_string_equal(s->data, "d");
    assert_string_equal(s->jwt_issuer, "");
    assert_int_equal(s->log_level, LOG_INFO);
    assert_int_equal(s->heartbeat_ms, 10000);
    assert_int_equal(s->grace_ms, 2000);
    assert_int_equal(s->max_sessions, 10000);
    assert_int_equal(s->max_payload_bytes, 1 << 20);
    assert_int_equal(s->outbox_bytes, 16 << 20);
    bench_free(bench);
}

static void later_sources_win(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    write_file(bench->file, "max-calls: 1\nmax-sessions: 1\nqueue-length: 1\nlog-level: debug\n"
                            "listen:\n  - ipc:///tmp/file\n  - ipc:///tmp/file2\ndata: file\n");
    setenv("FAREBOX_MAX_SESSIONS", "2", 1);
    setenv("FAREBOX_QUEUE_LENGTH", "2", 1);
    setenv("FAREBOX_DATA", "", 1);
    assert_loads(bench, "--config FILE --queue-length 3 --jwt-secret-file SECRET");
    assert_int_equal(bench->settings.max_calls, 1);
    assert_int_equal(bench->settings.max_sessions, 2);
    assert_int_equal(bench->settings.queue_length, 3);
    assert_int_equal(bench->settings.log_level, LOG_DEBUG);
    assert_int_equal(bench->settings.listen.n, 2);
    assert_string_equal(bench->settings.data, "file");
    assert_string_equal(bench->settings.head.config_file, bench->file);

    /* a list is replaced as a whole */
    setenv("FAREBOX_LISTEN", "ipc:///tmp/a,tcp://h:1,ipc:///tmp/c", 1);
    assert_loads(bench, "--config FILE --jwt-secret-file SECRET");
    assert_int_equal(bench->settings.listen.n, 3);
    assert_string_equal(bench->settings.listen.items[2], "ipc:///tmp/c");
    assert_loads(bench, "--listen ipc:///tmp/flag --config FILE --jwt-secret-file SECRET");
    assert_int_equal(bench->settings.listen.n, 1);
    assert_string_equal(bench->settings.listen.items[0], "ipc:///tmp/flag");

    setenv("FAREBOX_CONFIG", bench->file, 1);
    assert_loads(bench, "--jwt-secret-file SECRET");
    assert_int_equal(bench->settings.max_calls, 1);
    bench_free(bench);
}

static void bytes_have_units(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    assert_loads(bench, ENOUGH "--outbox-bytes 3MiB --max-payload-bytes 2KiB --store-bytes 2GiB");
    assert_int_equal(bench->settings.outbox_bytes, 3 << 20);
    assert_int_equal(bench->settings.max_payload_bytes, 2048);
    assert_int_equal(bench->settings.store_bytes, UINT64_C(2) << 30);
    static const char *const bad[] = {
        "3MB", "3 MiB", "-1", "", "0x100000", "18446744073709551616", "17179869184GiB", "1", "MiB"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[256];
        snprintf(line, sizeof line, ENOUGH "--outbox-bytes=%s", bad[i]);
        assert_int_equal(load(bench, line), EX_USAGE);
    }
    bench_free(bench);
}

/* ---- mistakes on the command line ---- */

static void wrong_usage_is_explained(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    assert_refused(bench, "", EX_USAGE,
                   "listen is not set; give --listen URL, FAREBOX_LISTEN or a line in the file");
    assert_refused(bench, "--listen ipc:///tmp/x", EX_USAGE,
                   "data is not set; give --data DIR, FAREBOX_DATA or a line in the file");
    assert_refused(bench, ENOUGH "--jwt-secret=hunter2", EX_USAGE,
                   "unknown option \"--jwt-secret\"; see --help");
    assert_refused(bench, ENOUGH "extra", EX_USAGE, "unexpected argument \"extra\"; see --help");
    assert_refused(bench, ENOUGH "-x", EX_USAGE, "unexpected argument \"-x\"; see --help");
    assert_refused(bench, ENOUGH "--", EX_USAGE, "unknown option \"--\"; see --help");
    assert_refused(bench, ENOUGH "--max-calls", EX_USAGE,
                   "no value for \"--max-calls\"; see --help");
    assert_refused(bench, ENOUGH "--config", EX_USAGE, "no value for \"--config\"; see --help");
    assert_refused(bench, ENOUGH "--call-depth 65", EX_USAGE,
                   "--call-depth must be 1 to 64, not \"65\"");
    assert_refused(bench, ENOUGH "--call-depth 4294967297", EX_USAGE,
                   "--call-depth must be 1 to 64, not \"4294967297\"");
    assert_refused(bench, ENOUGH "--log-level loud", EX_USAGE,
                   "--log-level must be debug, info, warn or error, not \"loud\"");
    assert_refused(bench, ENOUGH "--rate-limit orders", EX_USAGE, "orders: per-minute= is needed");
    assert_refused(bench, ENOUGH "--durability steel", EX_USAGE,
                   "--durability \"steel\" is neither crash nor power");
    assert_refused(bench, ENOUGH "--data a\nb", EX_USAGE, "--data contains a control character");
    bench_free(bench);
}

static void settings_are_checked_together(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    assert_refused(bench, ENOUGH "--default-timeout-ms 400000", EX_USAGE,
                   "--default-timeout-ms leaves default-timeout-ms (400000) above max-timeout-ms "
                   "(300000)");
    assert_refused(bench, ENOUGH "--outbox-bytes 64KiB", EX_USAGE,
                   "--outbox-bytes leaves max-payload-bytes (1048576) above outbox-bytes (65536)");
    assert_refused(bench, ENOUGH "--listen tls+tcp://h:1", EX_USAGE,
                   "--listen \"tls+tcp://h:1\" needs tls-cert-file");
    assert_refused(bench, ENOUGH "--tls-key-file k", EX_USAGE,
                   "--tls-key-file is of no use without tls-cert-file");
    assert_refused(bench, ENOUGH "--tls-cert-file /nonexistent", EX_NOINPUT,
                   "--tls-cert-file \"/nonexistent\": No such file or directory");
    assert_refused(bench, ENOUGH "--health-ca-file /nonexistent", EX_NOINPUT,
                   "--health-ca-file \"/nonexistent\": No such file or directory");
    setenv("FAREBOX_MAX_TIMEOUT_MS", "10", 1);
    assert_refused(bench, ENOUGH, EX_CONFIG,
                   "FAREBOX_MAX_TIMEOUT_MS leaves default-timeout-ms (30000) above "
                   "max-timeout-ms (10)");
    bench_free(bench);
}

static void urls_are_checked(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    static const char *const good[] = {"ipc://relative", "tcp://*:5555", "tcp://:5555",
                                       "tcp://[::1]:5555", "tcp://localhost:65535"};
    static const char *const bad[] = {"",
                                      "ipc://",
                                      "tcp://host",
                                      "tcp://host:",
                                      "tcp://host:65536",
                                      "tcp://host:80x",
                                      "tcp://host:-1",
                                      "tcp://host:1/path",
                                      "ws://host:80",
                                      "inproc://x",
                                      "/tmp/x",
                                      "IPC:///tmp/x"};
    char line[256];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(line, sizeof line, "--data d --jwt-secret-file SECRET --listen=%s", good[i]);
        assert_loads(bench, line);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(line, sizeof line, "--data d --jwt-secret-file SECRET --listen=%s", bad[i]);
        assert_int_equal(load(bench, line), EX_USAGE);
    }
    snprintf(line, sizeof line, "--data d --jwt-secret-file SECRET --listen=ipc://%0108d", 0);
    assert_int_equal(load(bench, line), EX_USAGE);
    snprintf(line, sizeof line, "--data d --jwt-secret-file SECRET --listen=ipc://%0107d", 0);
    assert_loads(bench, line);
    bench_free(bench);
}

/* ---- the secret ---- */

static void a_useless_secret_is_refused(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    static const char *const useless[] = {"", "\n", "0123456789abcdef0123456789abcde\n"};
    for (size_t i = 0; i < sizeof useless / sizeof useless[0]; i++) {
        write_file(bench->secret, useless[i]);
        assert_refused(bench, ENOUGH, EX_CONFIG, "a secret needs at least 32 bytes");
    }
    unlink(bench->secret);
    assert_refused(bench, ENOUGH, EX_NOINPUT, "No such file or directory");
    write_file(bench->secret, "short");
    write_file(bench->file, "# comment\n\njwt-secret-file: /nonexistent\n");
    assert_refused(bench, "--config FILE --listen ipc://x --data d", EX_NOINPUT,
                   "c.yaml:3: jwt-secret-file \"/nonexistent\": No such file or directory");
    bench_free(bench);
}

/* ---- the file ---- */

/* Of a list it is the item's; of one that is written in one row, the key's. */
static void wrong_items_have_a_line(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    static const struct {
        const char *text, *why;
    } files[] = {
        {"tier:\n  - free\n\n  # dear\n  - pro per-minute=many\n  - gold\n",
         "c.yaml:5: tier per-minute=many: a number from 1 to 100000000 is needed"},
        {"rate-limit:\n- orders per-minute=5\n- orders tier=gold per-minute=5\nlog-level: info\n",
         "c.yaml:3: rate-limit tier=gold: there is no such tier"},
        {"log-level: info\nskip-filter:\n  - quota\n  - nobody\n",
         "c.yaml:4: skip-filter \"nobody\" is no filter that can be skipped"},
        {"health-allow:\n  - 127.0.0.1\n  - \"\"\n",
         "c.yaml:3: health-allow takes 1 to 64 values, none of them empty"},
        {"\nskip-filter: [quota, nobody]\n",
         "c.yaml:2: skip-filter \"nobody\" is no filter that can be skipped"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        assert_file_refused(bench, files[i].text, files[i].why);
    write_file(bench->file, "listen:\n  - ipc:///tmp/a\n  - carrier:///b\n");
    assert_refused(bench, "--data d --jwt-secret-file SECRET --config FILE", EX_CONFIG,
                   "c.yaml:3: listen \"carrier:///b\" is not ipc://, tcp:// or tls+tcp://");
    bench_free(bench);
}

static void mistakes_in_the_file_have_a_line(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    static const struct {
        const char *text, *why;
    } files[] = {
        {"rate-limit: [orders tier=gold per-minute=5]\n", "tier=gold: there is no such tier"},
        {"# one\n\nmax-call: 7\n", "c.yaml:3: unknown setting \"max-call\""},
        {"max-calls: 7\n\"data\": x\nmax-calls: 8\n",
         "c.yaml:3: max-calls was set in line 1 already"},
        {"log-level: info\nmax-calls: many\n",
         "c.yaml:2: max-calls must be 1 to 16777216, not \"many\""},
        {"max-calls:\n", "c.yaml:1: max-calls must be 1 to 16777216, not \"\""},
        {"max-payload-bytes: 1MiB\noutbox-bytes: 100KiB\n",
         "c.yaml:2: outbox-bytes leaves max-payload-bytes (1048576) above outbox-bytes (102400)"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        assert_file_refused(bench, files[i].text, files[i].why);
    /* The words of these are the YAML library's. */
    static const char *const malformed[] = {"\ndata: x\nmax-calls: [1]\n", "\n\nlisten: ipc:///x\n",
                                            "\n\nlisten: [\"unclosed\n"};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        write_file(bench->file, malformed[i]);
        assert_int_equal(load(bench, ENOUGH "--config FILE"), EX_CONFIG);
        assert_non_null(strstr(bench->why, "c.yaml:3: "));
    }
    write_file(bench->file, "jwt-issuer: &name x\njwt-audience: *name\n");
    assert_int_equal(load(bench, ENOUGH "--config FILE"), EX_CONFIG);
    write_file(bench->file, "just text");
    assert_int_equal(load(bench, ENOUGH "--config FILE"), EX_CONFIG);
    assert_refused(bench, ENOUGH "--config /nonexistent.yaml", EX_NOINPUT,
                   "/nonexistent.yaml: No such file or directory");
    bench_free(bench);
}

static void empty_files_are_files(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    static const char *const empty[] = {"", "\n", "# nothing\n"};
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        write_file(bench->file, empty[i]);
        assert_loads(bench, ENOUGH "--config FILE");
    }
    bench_free(bench);
}

/* ---- actions ---- */

static char *act(struct bench *bench, const char *line)
{
    char *text = NULL;
    size_t len = 0;
    assert_loads(bench, line);
    FILE *out = open_memstream(&text, &len);
    assert_int_equal(settings_act(&config_program, &bench->settings, out), 0);
    fclose(out);
    return text;
}

static void actions_print(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    char *text = act(bench, "--version");
    assert_string_equal(text, "fareboxd " FAREBOX_VERSION "\n");
    free(text);
    text = act(bench, "--help");
    assert_non_null(strstr(text, "usage: fareboxd"));
    assert_non_null(strstr(text, "\n  --max-payload-bytes BYTES\n"));
    assert_non_null(strstr(text, "(default 1MiB)"));
    free(text);
    text = act(bench, "--check-config " ENOUGH);
    assert_string_equal(text, "configuration ok\n");
    free(text);
    assert_refused(bench, "--check-config --call-depth 65 " ENOUGH, EX_CONFIG,
                   "--call-depth must be 1 to 64, not \"65\"");
    assert_refused(bench, "--check-config --data d", EX_CONFIG,
                   "give --listen URL, FAREBOX_LISTEN or a line in the file");
    bench_free(bench);
}

static void what_is_printed_can_be_read(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    char *first = act(bench, ENOUGH "--print-config --data a\\b\"c:#d --listen tcp://h:1 "
                                    "--log-level error --outbox-bytes 5MiB");
    write_file(bench->file, first);
    char *second = act(bench, "--config FILE --print-config");
    assert_string_equal(first, second);
    assert_non_null(strstr(first, "outbox-bytes: 5242880\n"));
    assert_string_equal(bench->settings.data, "a\\b\"c:#d");
    free(first);
    free(second);
    bench_free(bench);
}

static void the_manual_is_up_to_date(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    struct buf committed = {0};
    char *manual = act(bench, "--print-manual");
    FILE *file = fopen("docs/configuration.md", "r"); /* tests run at the top of the tree */
    assert_non_null(file);
    size_t got = 1;
    while (got > 0) {
        got = fread(buf_reserve(&committed, 4096), 1, 4096, file);
        committed.len += got;
    }
    fclose(file);
    buf_append(&committed, "", 1);
    assert_string_equal(manual, (const char *)committed.data);
    buf_finish(&committed);
    free(manual);
    bench_free(bench);
}

/* ---- reloading ---- */

static int reload(struct bench *bench, const char *line, struct settings_changes *changes)
{
    char *argv[ARGS_MAX], *copy = mem_strdup(line);
    struct settings fresh;
    int code = settings_load(&config_program, &fresh, split(bench, copy, argv), argv, bench->why);
    if (code == 0)
        settings_take(&config_program, &bench->settings, &fresh, changes);
    mem_free(copy);
    return code;
}

static void reloading_changes_what_it_may(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    struct settings_changes changes;
    const char *line = "--config FILE --jwt-secret-file SECRET --data d";
    write_file(bench->file, "listen: [\"ipc:///tmp/a\"]\nmax-calls: 5\njwt-issuer: one\n");
    assert_loads(bench, line);
    assert_int_equal(reload(bench, line, &changes), 0);
    assert_string_equal(changes.live, "");
    assert_string_equal(changes.restart, "");

    write_file(bench->file, "listen: [\"ipc:///tmp/b\"]\nmax-calls: 6\njwt-issuer: two\n"
                            "log-level: debug\nstore-bytes: 2GiB\n");
    assert_int_equal(reload(bench, line, &changes), 0);
    assert_string_equal(changes.live, "jwt-issuer, log-level, max-calls");
    assert_string_equal(changes.restart, "listen, store-bytes");
    assert_int_equal(bench->settings.max_calls, 6);
    assert_int_equal(bench->settings.log_level, LOG_DEBUG);
    assert_string_equal(bench->settings.jwt_issuer, "two");
    assert_string_equal(bench->settings.listen.items[0], "ipc:///tmp/a");
    assert_int_equal(bench->settings.store_bytes, UINT64_C(1) << 30);
    bench_free(bench);
}

static void a_refused_reload_changes_nothing(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    struct settings_changes changes;
    const char *line = ENOUGH "--config FILE";
    write_file(bench->file, "max-calls: 5\n");
    assert_loads(bench, line);
    write_file(bench->file, "max-calls: 6\nnonsense: 1\n");
    assert_int_equal(reload(bench, line, &changes), EX_CONFIG);
    assert_non_null(strstr(bench->why, "c.yaml:2: unknown setting"));
    assert_int_equal(bench->settings.max_calls, 5);
    write_file(bench->file, "max-calls: 6\n");
    write_file(bench->secret, "too short");
    assert_int_equal(reload(bench, line, &changes), EX_CONFIG);
    assert_int_equal(bench->settings.max_calls, 5);
    bench_free(bench);
}

static void test_what_makes_no_sense_together(void **unused)
{
    struct bench *bench = bench_make();
    (void)unused;
    assert_loads(bench, ENOUGH "--upgrade-url https://x.example/up --usage-kept 93");
    assert_refused(bench, ENOUGH "--upgrade-url ftp://x.example", EX_USAGE,
                   "\"ftp://x.example\" is not http://… or https://…");
    assert_refused(bench, ENOUGH "--upgrade-url https://", EX_USAGE,
                   "\"https://\" is not http://… or https://…");
    assert_refused(bench, ENOUGH "--usage-kept 92", EX_USAGE, "is less than usage-hours-kept");
    assert_loads(bench, ENOUGH "--usage-kept 30 --usage-hours-kept 0");
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_makes_no_sense_together),
        cmocka_unit_test(flags_alone_are_enough),
        cmocka_unit_test(later_sources_win),
        cmocka_unit_test(bytes_have_units),
        cmocka_unit_test(wrong_usage_is_explained),
        cmocka_unit_test(settings_are_checked_together),
        cmocka_unit_test(urls_are_checked),
        cmocka_unit_test(a_useless_secret_is_refused),
        cmocka_unit_test(wrong_items_have_a_line),
        cmocka_unit_test(mistakes_in_the_file_have_a_line),
        cmocka_unit_test(empty_files_are_files),
        cmocka_unit_test(actions_print),
        cmocka_unit_test(what_is_printed_can_be_read),
        cmocka_unit_test(the_manual_is_up_to_date),
        cmocka_unit_test(reloading_changes_what_it_may),
        cmocka_unit_test(a_refused_reload_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
