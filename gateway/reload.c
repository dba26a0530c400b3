#include "reload.h"

#include "access.h"
#include "base/notify.h"
#include "gateway.h"
#include "route.h"
#include "tls.h"

static void adopt(struct gateway *gateway, struct gateway_settings *fresh)
{
    const struct gateway_settings *s = &gateway->settings;
    struct settings_changes changes;
    char why[BINDING_WHY_BYTES], tls_why[TLS_WHY_BYTES];
    size_t item = 0;
    settings_take(&gateway_program, &gateway->settings, fresh, &changes);
    routes_unref(gateway->routes);
    (void)routes_create(&gateway->routes, &s->routes, &item, why); /* was checked */
    /* Checked a moment ago; if they have changed since, what was shown before still is. */
    if (*s->tls_cert_file && tls_load(s->tls_cert_file, s->tls_key_file, tls_why) < 0)
        log_event(LOG_ERROR, "tls.refused", "why", tls_why, NULL);
    if (access_log_reopen(gateway->access_log, s->access_log) < 0)
        log_event(LOG_ERROR, "access_log.refused", "file", s->access_log, NULL);
    log_set_level(s->log_level);
    log_event(LOG_INFO, "reload.done", "changed", changes.live, "needs_restart", changes.restart,
              NULL);
}

void reload(struct gateway *gateway)
{
    struct gateway_settings fresh;
    char why[SETTINGS_WHY_BYTES] = "";
    notify_manager_reloading();
    if (settings_load(&gateway_program, &fresh, gateway->argc, gateway->argv, why) == 0)
        adopt(gateway, &fresh);
    else
        log_event(LOG_ERROR, "reload.refused", "why", why, NULL);
    notify_manager("READY=1");
}
