/* token_key.h - the broker's secret, as the token commands are given it. */
#ifndef INSPECTOR_TOKEN_KEY_H
#define INSPECTOR_TOKEN_KEY_H

#include "cli.h"
#include "token/token.h"

/* Reads --secret-file, with --issuer and --audience. Returns the exit status, complained. */
int token_load_key(const struct cli *cli, const struct args *args, struct token_key **key);

#endif
