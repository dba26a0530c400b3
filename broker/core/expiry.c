#include "core/expiry.h"

#include "builtin/announce.h"
#include "core/state.h"

static bool ends_by_itself(const struct account *account)
{
    return account->expires_ms > 0 && account->status < SUBSCRIPTION_EXPIRED;
}

void expiry_watch(struct core *core, const struct account *account)
{
    struct expiry *expiry = &core->expiry;
    if (!ends_by_itself(account) || account->expires_ms <= expiry->told_ms)
        return;
    uint64_t due = identity_look_at(account->expires_ms, core->now);
    if (expiry->timer.due == 0 || due < expiry->timer.due)
        wheel_arm(&core->wheel, &expiry->timer, due);
}

/* Some end now; the soonest of the others is what is waited for next. */
static void on_timer(struct timer *timer, void *arg)
{
    struct core *core = arg;
    uint64_t told_ms = core->expiry.told_ms, now_ms = core->now.unix_ms;
    size_t cursor = 0;
    (void)timer;
    if (now_ms > told_ms)
        core->expiry.told_ms = now_ms;
    for (const struct account *account; (account = map_next(&core->accounts.by_key, &cursor));) {
        bool is_news = ends_by_itself(account) && account->expires_ms > told_ms;
        if (is_news && account->expires_ms <= now_ms)
            announce_account(core, account, "expired", NULL, NULL);
        else
            expiry_watch(core, account);
    }
}

void expiry_start(struct core *core)
{
    timer_init(&core->expiry.timer, on_timer);
    core->expiry.told_ms = core->now.unix_ms;
}
