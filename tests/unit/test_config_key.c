/* The key of tokens comes from exactly one of two files, which must hold one. */
#include "../testing.h"

#include "base/mem.h"
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define SECRET "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"

static char folder[] = "/tmp/farebox-key-XXXXXX", secret[64], keys[64], why[SETTINGS_WHY_BYTES];

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int open_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(secret, sizeof secret, "%s/secret", folder);
    snprintf(keys, sizeof keys, "%s/keys", folder);
    write_file(secret, "0123456789abcdef0123456789abcdef\n");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(secret);
    unlink(keys);
    return rmdir(folder);
}

static int load(const char *secret_file, const char *keys_file)
{
    char *argv[] = {"fareboxd",
                    "--listen",
                    "ipc:///tmp/x",
                    "--data",
                    "d",
                    "--jwt-secret-file",
                    mem_strdup(secret_file),
                    "--jwt-keys-file",
                    mem_strdup(keys_file)};
    struct settings settings;
    why[0] = '\0';
    int code = settings_load(&config_program, &settings, 9, argv, why);
    if (code == 0)
        settings_free(&config_program, &settings);
    mem_free(argv[6]);
    mem_free(argv[8]);
    return code;
}

static void assert_says(const char *text)
{
    if (!strstr(why, text))
        fail_msg("\"%s\" does not say \"%s\"", why, text);
}

static void one_of_the_two_files_is_named(void **state)
{
    (void)state;
    write_file(keys, "{\"keys\":[{\"kty\":\"oct\",\"k\":\"" SECRET "\"}]}");
    assert_int_equal(load(secret, ""), 0);
    assert_int_equal(load("", keys), 0);
    assert_int_equal(load("", ""), EX_USAGE);
    assert_says("jwt-secret-file is not set");
    assert_int_equal(load(secret, keys), EX_USAGE);
    assert_says("beside");
}

static void what_it_holds_is_a_key(void **state)
{
    (void)state;
    write_file(keys, "{\"keys\":[{\"kty\":\"RSA\"}]}");
    assert_int_equal(load("", keys), EX_CONFIG);
    assert_says("a key is not symmetric");
    assert_int_equal(load("", secret), EX_CONFIG);
    assert_says("not JSON");
    unlink(keys);
    assert_int_equal(load("", keys), EX_NOINPUT);
    assert_says("No such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_the_two_files_is_named),
        cmocka_unit_test(what_it_holds_is_a_key),
    };
    return cmocka_run_group_tests(tests, open_folder, remove_folder);
}
