#include "reload.h"

#include "base/notify.h"
#include "gateway.h"
#include "route.h"

void reload(struct gateway *gateway)
{
    struct gateway_settings fresh;
    struct settings_changes changes;
    struct routes *routes = NULL;
    char why[SETTINGS_WHY_BYTES] = "";
    size_t item = 0;
    notify_manager_reloading();
    int code = settings_load(&gateway_program, &fresh, gateway->argc, gateway->argv, why);
    if (code == 0 && routes_create(&routes, &fresh.routes, &item, why) < 0) {
        settings_free(&gateway_program, &fresh);
        code = -1;
    }
    if (code == 0) {
        settings_take(&gateway_program, &gateway->settings, &fresh, &changes);
        routes_unref(gateway->routes);
        gateway->routes = routes;
        log_set_level(gateway->settings.log_level);
        log_event(LOG_INFO, "reload.done", "changed", changes.live, "needs_restart",
                  changes.restart, NULL);
    } else {
        log_event(LOG_ERROR, "reload.refused", "why", why, NULL);
    }
    notify_manager("READY=1");
}
