#include "settings.h"

#include "route.h"
#include "tls.h"

enum setting_index {
#define SETTING(field, key, kind, unit, value, min, max, live, doc) SETTING_##field,
#include "settings.def"
#undef SETTING
    SETTINGS_COUNT
};
_Static_assert(SETTINGS_COUNT <= SETTINGS_MAX, "libs/settings has no room");

static const struct setting setting_table[SETTINGS_COUNT] = {
#define SETTING(...) SETTING_ROW(struct gateway_settings, __VA_ARGS__)
#include "settings.def"
#undef SETTING
};

static const char help_head[] =
    "usage: farebox-gateway [--config FILE] [--OPTION VALUE]...\n"
    "       farebox-gateway --url URL --token-file FILE [--listen HOST:PORT]\n"
    "\n"
    "Lets HTTP clients use a Farebox bus. Settings come from the YAML file, the environment\n"
    "(FAREBOX_GATEWAY_ and the name in capitals) and the options below; later ones win.\n"
    "\n"
    "  --config FILE\n"
    "        YAML file of settings (also FAREBOX_GATEWAY_CONFIG)\n"
    "  --check-config\n"
    "        read everything, say whether it is sound, and leave\n"
    "  --print-config\n"
    "        print the settings in force as YAML, and leave\n"
    "  --print-manual\n"
    "        print the table of settings in docs/gateway.md, and leave\n"
    "  --help, --version\n"
    "\n";

static const char help_tail[] =
    "\n"
    "Signals: SIGTERM and SIGINT drain and stop; SIGHUP reads the settings again.\n"
    "Exit codes: 0 stopped as asked, 64 wrong usage, 66 a named file cannot be read, 69 cannot\n"
    "listen, 73 the access log cannot be opened, 77 the broker refuses the token, 78 wrong "
    "configuration, others from sysexits.\n";

static const char manual_head[] = "| setting | value | default | reload | meaning |\n"
                                  "|---|---|---|---|---|\n";

static int check_routes(const struct settings_loading *loading, const struct gateway_settings *s)
{
    char why[BINDING_WHY_BYTES];
    struct routes *routes = NULL;
    size_t item = 0;
    int rc = routes_create(&routes, &s->routes, &item, why);
    routes_unref(routes);
    if (rc == 0)
        return 0;
    return settings_blame_item(loading, SETTING_routes, item, "\"%.64s\": %s",
                               s->routes.items[item], why);
}

/* As browsers write one: they send nothing else, and anything else would be granted to nobody. */
static bool is_origin(const char *text)
{
    size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+-.");
    if (scheme == 0 || strncmp(text + scheme, "://", 3) != 0)
        return false;
    const char *host = text + scheme + 3;
    return *host && strcspn(host, "/?#@ *ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(host);
}

static int check_origins(const struct settings_loading *loading, const struct gateway_settings *s)
{
    for (size_t i = 0; i < s->cors_origins.n; i++)
        if (!is_origin(s->cors_origins.items[i]))
            return settings_blame_item(
                loading, SETTING_cors_origins, i,
                "\"%.64s\": an origin is SCHEME://HOST or SCHEME://HOST:PORT, "
                "in small letters",
                s->cors_origins.items[i]);
    return 0;
}

static int check_tls(const struct settings_loading *loading, const struct gateway_settings *s)
{
    char why[TLS_WHY_BYTES];
    if (!*s->tls_cert_file && *s->tls_key_file)
        return settings_blame(loading, SETTING_tls_key_file, "a key without tls-cert-file");
    if (!*s->tls_cert_file || tls_check(s->tls_cert_file, s->tls_key_file, why) == 0)
        return 0;
    return settings_blame(loading, SETTING_tls_cert_file, "%s", why);
}

static int check(const struct settings_loading *loading, const void *settings)
{
    const struct gateway_settings *s = settings;
    if (!*s->url)
        return settings_missing(loading, SETTING_url);
    if (!*s->token_file)
        return settings_missing(loading, SETTING_token_file);
    int code = check_routes(loading, s);
    if (!code)
        code = settings_check_readable(loading, SETTING_token_file, s->token_file);
    if (!code)
        code = settings_check_readable(loading, SETTING_tls_ca_file, s->tls_ca_file);
    if (!code)
        code = check_origins(loading, s);
    if (!code)
        code = check_tls(loading, s);
    return code;
}

const struct settings_program gateway_program = {.name = "farebox-gateway",
                                                 .env_prefix = "FAREBOX_GATEWAY_",
                                                 .table = setting_table,
                                                 .n = SETTINGS_COUNT,
                                                 .size = sizeof(struct gateway_settings),
                                                 .help_head = help_head,
                                                 .help_tail = help_tail,
                                                 .manual_head = manual_head,
                                                 .check = check};
