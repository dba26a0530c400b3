/* value.h - one setting of a program's struct. Internal to libs/settings. */
#ifndef SETTINGS_VALUE_H
#define SETTINGS_VALUE_H

#include "settings/settings.h"

#define SETTING_ENV_BYTES 64u
/* FAREBOX_MAX_CALLS for max-calls. */
void setting_env_name(const struct settings_program *program, const struct setting *setting,
                      char *name);

/* Sets the value from text; of a list, adds one item. On failure (-EINVAL) nothing changes and
 * `why` continues a sentence that begins with the name: "must be 1 to 64, not 0". */
int setting_assign(const struct setting *setting, void *settings, const char *text, char *why,
                   size_t why_len);
/* Frees and empties. */
void setting_clear(const struct setting *setting, void *settings);
/* Exchanges one value between two structs. */
void setting_swap(const struct setting *setting, void *a, void *b);
bool setting_equal(const struct setting *setting, const void *a, const void *b);
/* As it would stand in the YAML file. */
void setting_write(const struct setting *setting, const void *settings, FILE *out);

#endif
