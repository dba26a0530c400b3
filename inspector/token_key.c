#include "token_key.h"

#include <errno.h>

int token_load_key(const struct cli *cli, const struct args *args, struct token_key **key)
{
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
