#include "reload.h"

#include "base/notify.h"
#include "gateway.h"
#include "route.h"

static void adopt(struct gateway *gateway, struct gateway_settings *fresh)
{
    struct settings_changes changes;
    char why[BINDING_WHY_BYTES];
    size_t item = 0;
    settings_take(&gateway_program, &gateway->settings, fresh, &changes);
    routes_unref(gateway->routes);
    (void)routes_create(&gateway->routes, &gateway->settings.routes, &item, why); /* was checked */
    log_set_level(gateway->settings.log_level);
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
