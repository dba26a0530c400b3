#include "token_key.h"

#include <errno.h>

int token_load_set(const struct cli *cli, const struct args *args, const char *path,
                   struct token_key **key)
{
    char why[128] = "";
    int rc = token_key_load_set(key, path, args_text(args, "issuer", NULL),
                                args_text(args, "audience", NULL), why);
    if (rc == -EINVAL)
        return cli_fail(cli, EXIT_BAD_INPUT, "%s: %s", path, why);
    if (rc)
        return cli_fail(cli, EXIT_NO_INPUT, "cannot read %s: %s", path, strerror(-rc));
    return EXIT_OK;
}

int token_load_key(const struct cli *cli, const struct args *args, struct token_key **key)
{
    if (args_has(args, "keys-file"))
        return token_load_set(cli, args, args_text(args, "keys-file", ""), key);
    const char *path = args_text(args, "secret-file", "");
    int rc = token_key_load(key, path, args_text(args, "issuer", NULL),
                            args_text(args, "audience", NULL));
    if (rc == -EINVAL)
        return cli_fail(cli, EXIT_BAD_INPUT, "the secret in %s is shorter than %u bytes", path,
                        TOKEN_SECRET_MIN);
    if (rc)
        return cli_fail(cli, EXIT_NO_INPUT, "cannot read %s: %s", path, strerror(-rc));
    return EXIT_OK;
}
