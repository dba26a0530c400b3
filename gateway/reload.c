#include "reload.h"

#include "access.h"
#include "base/notify.h"
#include "gateway.h"
#include "route.h"
#include "tls.h"

#include <stdio.h>
#include <string.h>

/* All that can fail. */
static int read_again(struct gateway *gateway, struct gateway_settings *fresh,
                      char why[SETTINGS_WHY_BYTES])
{
    int rc = settings_load(&gateway_program, fresh, gateway->argc, gateway->argv, why);
    if (rc != 0)
        return rc;
    rc = access_log_reopen(gateway->access_log, fresh->access_log);
    if (rc < 0) {
        (void)snprintf(why, SETTINGS_WHY_BYTES, "%.180s: %s", fresh->access_log, strerror(-rc));
        settings_free(&gateway_program, fresh);
    }
    return rc;
}

/* The files were checked a moment ago; if they have changed since, what was shown before still is.
 */
static const char *renew_certificate(const struct gateway_settings *s)
{
    char why[TLS_WHY_BYTES];
    int rc = *s->tls_cert_file ? tls_load(s->tls_cert_file, s->tls_key_file, why) : 0;
    if (rc < 0)
        log_event(LOG_ERROR, "tls.refused", "why", why, NULL);
    return rc > 0 ? "renewed" : "same";
}

static void adopt(struct gateway *gateway, struct gateway_settings *fresh)
{
    const struct gateway_settings *s = &gateway->settings;
    struct settings_changes changes;
    char why[BINDING_WHY_BYTES];
    size_t item = 0;
    settings_take(&gateway_program, &gateway->settings, fresh, &changes);
    routes_unref(gateway->routes);
    (void)routes_create(&gateway->routes, &s->routes, &item, why); /* was checked */
    log_set_level(s->log_level);
    log_event(LOG_INFO, "reload.done", "changed", changes.live, "needs_restart", changes.restart,
              "certificate", renew_certificate(s), NULL);
}

void reload(struct gateway *gateway)
{
    struct gateway_settings fresh;
    char why[SETTINGS_WHY_BYTES] = "";
    notify_manager_reloading();
    if (read_again(gateway, &fresh, why) == 0)
        adopt(gateway, &fresh);
    else
        log_event(LOG_ERROR, "reload.refused", "why", why, NULL);
    notify_manager("READY=1");
}
