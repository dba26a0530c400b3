/* config.h - the broker's settings: file < environment < flags, from the one
 * table in settings.def. Not for the core: it is handed a struct settings. */
#ifndef BROKER_CONFIG_H
#define BROKER_CONFIG_H

#include "settings/settings.h"

/* Plain data: readers need no lock as long as nobody reloads. */
struct settings {
    struct settings_head head;
#define SETTING(field, key, kind, unit, value, min, max, live, doc) SETTING_TYPE_##kind field;
#include "settings.def"
#undef SETTING
};

/* The secret and the TLS files are checked, too. */
extern const struct settings_program config_program;

#endif
