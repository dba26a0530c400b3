/* config_table.h - the indices of settings.def and the texts around it; shared by the config*.c
 * files only. */
#ifndef BROKER_CONFIG_TABLE_H
#define BROKER_CONFIG_TABLE_H

#include "config.h"

enum setting_index {
#define SETTING(field, key, kind, unit, value, min, max, live, doc) SETTING_##field,
#include "settings.def"
#undef SETTING
    SETTINGS_COUNT
};

/* Tiers, breakers, filters: what is a language of its own. -EINVAL: `culprit` is the setting,
 * `item` which of a list, or SIZE_MAX, and `why` says what is wrong with it. */
int config_policy_check(const struct settings *settings, size_t *culprit, size_t *item, char *why,
                        size_t why_len);

extern const char config_help_head[], config_help_tail[], config_manual_head[];

#endif
