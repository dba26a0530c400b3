/* config_key.h - the key of tokens, from whichever of its two files the settings name. */
#ifndef BROKER_CONFIG_KEY_H
#define BROKER_CONFIG_KEY_H

#include "config.h"
#include "token/token.h"

#define CONFIG_KEY_WHY_BYTES 128u

/* The file; borrowed. */
const char *config_key_path(const struct settings *settings);
/* -EINVAL: what it holds is no key; other errors: -errno of reading it. `why` (of
 * CONFIG_KEY_WHY_BYTES) then says what is wrong, without the path. */
int config_key_load(struct token_key **out, const struct settings *settings, char *why);

#endif
