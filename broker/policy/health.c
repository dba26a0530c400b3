#include "policy/health.h"

#include <stdlib.h>

#define MAY(state) (1u << (state))

/* Which states may follow which by checks alone. */
static const unsigned legal_moves[HEALTH_STATES] = {
    [HEALTH_STARTING] = MAY(HEALTH_READY) | MAY(HEALTH_DEGRADED) | MAY(HEALTH_DOWN),
    [HEALTH_READY] = MAY(HEALTH_DEGRADED) | MAY(HEALTH_DOWN),
    [HEALTH_DEGRADED] = MAY(HEALTH_READY) | MAY(HEALTH_DOWN),
    [HEALTH_DOWN] = MAY(HEALTH_READY) | MAY(HEALTH_DEGRADED),
};

const char *health_text(enum health_state state)
{
    static const char *const texts[] = {"starting", "ready", "degraded", "draining", "down"};
    return texts[state];
}

bool health_serves(enum health_state state)
{
    return state == HEALTH_READY || state == HEALTH_DEGRADED;
}

enum health_state health_best(const uint32_t counts[HEALTH_STATES])
{
    static const enum health_state order[] = {HEALTH_READY, HEALTH_DEGRADED, HEALTH_STARTING,
                                              HEALTH_DRAINING};
    for (unsigned i = 0; i < sizeof order / sizeof *order; i++) {
        if (counts[order[i]] > 0)
            return order[i];
    }
    return HEALTH_DOWN;
}

/* ---- flapping ---- */

static uint32_t falls_lately(const struct health *health, const struct health_rules *rules,
                             uint64_t now)
{
    uint64_t forgotten = rules->calm_ns ? (now - health->fell) / rules->calm_ns : health->falls;
    return forgotten < health->falls ? health->falls - (uint32_t)forgotten : 0;
}

uint32_t health_rise(const struct health *health, const struct health_rules *rules, uint64_t now)
{
    uint32_t falls = falls_lately(health, rules, now);
    return rules->rise << (falls > 1 ? falls - 1 : 0);
}

static void fall(struct health *health, const struct health_rules *rules, uint64_t now)
{
    uint32_t falls = falls_lately(health, rules, now);
    health->falls = falls < HEALTH_FALLS_MAX ? falls + 1 : HEALTH_FALLS_MAX;
    health->fell = now;
}

/* ---- outcomes ---- */

static void count(struct health *health, enum health_outcome outcome)
{
    health->passed = outcome == HEALTH_PASS ? health->passed + 1 : 0;
    health->failed = outcome == HEALTH_FAIL ? health->failed + 1 : 0;
    health->not_failed = outcome != HEALTH_FAIL ? health->not_failed + 1 : 0;
    health->not_passed = outcome != HEALTH_PASS ? health->not_passed + 1 : 0;
}

static enum health_state first_look(const struct health *health, const struct health_rules *rules)
{
    if (health->passed > 0)
        return HEALTH_READY;
    if (health->not_failed > 0)
        return HEALTH_DEGRADED;
    return health->failed >= rules->fall ? HEALTH_DOWN : HEALTH_STARTING;
}

static enum health_state judge(const struct health *health, const struct health_rules *rules,
                               uint64_t now)
{
    if (health->state == HEALTH_STARTING)
        return first_look(health, rules);
    if (health->failed >= rules->fall)
        return HEALTH_DOWN;
    if (health->passed >= health_rise(health, rules, now))
        return HEALTH_READY;
    if (health->state == HEALTH_READY && health->not_passed >= rules->fall)
        return HEALTH_DEGRADED;
    if (health->state == HEALTH_DOWN && health->not_failed >= rules->rise)
        return HEALTH_DEGRADED;
    return health->state;
}

bool health_tell(struct health *health, const struct health_rules *rules, uint64_t now,
                 enum health_outcome outcome)
{
    count(health, outcome);
    enum health_state to = judge(health, rules, now);
    if (to == health->state)
        return false;
    if (!(legal_moves[health->state] & MAY(to)))
        abort();
    if (to > health->state && health->state != HEALTH_STARTING)
        fall(health, rules, now);
    health->state = to;
    return true;
}
