/* token_key.h - the broker's secret, as the token commands are given it. */
#ifndef INSPECTOR_TOKEN_KEY_H
#define INSPECTOR_TOKEN_KEY_H

#include "cli.h"
#include "token/token.h"

/* Both return the exit status, complained. --issuer and --audience are those of the key. */

/* Reads --keys-file, or --secret-file. */
int token_load_key(const struct cli *cli, const struct args *args, struct token_key **key);
/* Reads a JWK Set. */
int token_load_set(const struct cli *cli, const struct args *args, const char *path,
                   struct token_key **key);

#endif
