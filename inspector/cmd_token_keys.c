#include "cli.h"
#include "secret_file.h"
#include "token_key.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#define KID_OPTION                                                            \
    {                                                                         \
        .name = "kid", .kind = OPT_TEXT, .value = "NAME",                     \
        .help = "the new key's name, as tokens will say it; random otherwise" \
    }

static const struct opt keygen_options[] = {
    KID_OPTION,
    {.name = "secret-file",
     .kind = OPT_FILE,
     .value = "FILE",
     .help = "rather than a new key the secret in this file, so that its tokens go on"},
    {0},
};

static const struct opt rotate_options[] = {
    KID_OPTION,
    {.name = "keep",
     .kind = OPT_COUNT,
     .value = "N",
     .help = "how many of the others stay, the newest first; 1"},
    {.name = "forget", .kind = OPT_FLAG, .help = "none of the others stays: their tokens are over"},
    {0},
};

/* Writes what the key is, and ends it. */
static int finish(const struct cli *cli, struct token_key *key, const char *path,
                  int (*write)(const struct cli *cli, const char *path, const char *text))
{
    char *text = token_key_write_set(key);
    token_key_destroy(key);
    int code = write(cli, path, text);
    sodium_memzero(text, strlen(text));
    free(text);
    return code;
}

static int make_key(const struct cli *cli, const struct args *args, struct token_key **key)
{
    uint8_t bytes[TOKEN_SECRET_MIN];
    if (args_has(args, "secret-file"))
        return token_load_key(cli, args, key);
    randombytes_buf(bytes, sizeof bytes);
    int rc = token_key_create(key, slice_make(bytes, sizeof bytes), NULL, NULL);
    sodium_memzero(bytes, sizeof bytes);
    return rc ? cli_fail(cli, EXIT_BAD_INPUT, "cannot make a key: %s", strerror(-rc)) : EXIT_OK;
}

static int run_keygen(struct cli *cli, const struct args *args)
{
    struct token_key *key = NULL;
    int code = make_key(cli, args, &key);
    if (code)
        return code;
    if (token_key_name(key, args_text(args, "kid", NULL)) == 0)
        return finish(cli, key, args_word(args, 0), secret_file_create);
    token_key_destroy(key);
    return cli_fail(cli, EXIT_USAGE, "--kid: letters, digits, - and _, at most 64");
}

static int run_rotate(struct cli *cli, const struct args *args)
{
    const char *path = args_word(args, 0), *kid = args_text(args, "kid", NULL);
    size_t kept = args_has(args, "forget") ? 0 : args_number(args, "keep", 1);
    struct token_key *key = NULL;
    int code = token_load_set(cli, args, path, &key);
    if (code)
        return code;
    switch (token_key_rotate(key, kid, kept)) {
    case 0:
        return finish(cli, key, path, secret_file_replace);
    case -EEXIST:
        code = cli_fail(cli, EXIT_USAGE, "there is a key of the name %s", kid);
        break;
    case -ENOKEY:
        code = cli_fail(cli, EXIT_BAD_INPUT, "the key in %s has no kid: give it one first", path);
        break;
    default:
        code = cli_fail(cli, EXIT_USAGE, "--kid: letters, digits, - and _, at most 64");
    }
    token_key_destroy(key);
    return code;
}

const struct command command_token_keygen = {
    .noun = "token",
    .verb = "keygen",
    .arguments = "FILE",
    .summary = "make a file of keys for the broker, with one key",
    .about =
        "A JWK Set for fareboxd --jwt-keys-file, readable by its owner only. The file must not "
        "be there yet. Prints nothing.",
    .options = keygen_options,
    .run = run_keygen,
};

const struct command command_token_rotate = {
    .noun = "token",
    .verb = "rotate",
    .arguments = "FILE",
    .summary = "put a new key in front of those in a file",
    .about = "The first key signs, all verify: tokens of the one before hold until the next "
             "rotation. The broker reads the file again on SIGHUP. Prints nothing.",
    .options = rotate_options,
    .run = run_rotate,
};
