/* settings.h - what the gateway is told by whoever runs it: file < environment < flags. */
#ifndef GATEWAY_SETTINGS_H
#define GATEWAY_SETTINGS_H

#include "settings/settings.h"

struct gateway_settings {
    struct settings_head head;
#define SETTING(field, key, kind, unit, value, min, max, live, doc) SETTING_TYPE_##kind field;
#include "settings.def"
#undef SETTING
};

extern const struct settings_program gateway_program;

#endif
