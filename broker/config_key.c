#include "config_key.h"

#include <errno.h>
#include <string.h>

const char *config_key_path(const struct settings *settings)
{
    return *settings->jwt_keys_file ? settings->jwt_keys_file : settings->jwt_secret_file;
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static int load_secret(struct token_key **out, const struct settings *settings, char *why)
{
    int err = token_key_load(out, settings->jwt_secret_file, or_null(settings->jwt_issuer),
                             or_null(settings->jwt_audience));
    if (err == -EINVAL)
        snprintf(why, CONFIG_KEY_WHY_BYTES, "a secret needs at least %u bytes", TOKEN_SECRET_MIN);
    return err;
}

int config_key_load(struct token_key **out, const struct settings *settings, char *why)
{
    int err = *settings->jwt_keys_file
                  ? token_key_load_set(out, settings->jwt_keys_file, or_null(settings->jwt_issuer),
                                       or_null(settings->jwt_audience), why)
                  : load_secret(out, settings, why);
    if (err && err != -EINVAL)
        snprintf(why, CONFIG_KEY_WHY_BYTES, "%s", strerror(-err));
    return err;
}
