/* health.h - how well an instance is, judged by its checks. One outcome says little: so many in a
 * row are needed for each move, more to become better the more often it has become worse lately.
 * Pure; not thread safe. */
#ifndef POLICY_HEALTH_H
#define POLICY_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#define HEALTH_FALLS_MAX 6u /* remembered; the last of them asks for 2^5 times the rise */

enum health_state {
    HEALTH_STARTING, /* nothing known yet */
    HEALTH_READY,
    HEALTH_DEGRADED, /* better than nothing */
    HEALTH_DRAINING, /* finishes what it has; not of the checks' making */
    HEALTH_DOWN,
    HEALTH_STATES
};

enum health_outcome { HEALTH_FAIL, HEALTH_WARN, HEALTH_PASS };

struct health_rules {
    uint32_t rise, fall; /* outcomes in a row, at least 1 */
    uint64_t calm_ns;    /* without a fall after which one fall is forgotten */
};

/* Zeroed is starting. */
struct health {
    enum health_state state;
    uint32_t passed, failed;         /* in a row, up to the newest */
    uint32_t not_failed, not_passed; /* the same, warnings included */
    uint32_t falls;                  /* moves to a worse state, as of `fell` */
    uint64_t fell;                   /* mono ns */
};

/* True: the state has changed. From starting the first outcome that is no failure decides.
 *   to down      `fall` failures
 *   to degraded  `fall` outcomes none of which passed, or, from down, `rise` none of which failed
 *   to ready     `rise` that passed, doubled for each fall but one that is not forgotten */
bool health_tell(struct health *health, const struct health_rules *rules, uint64_t now,
                 enum health_outcome outcome);
/* How many must pass in a row to make it ready. */
uint32_t health_rise(const struct health *health, const struct health_rules *rules, uint64_t now);
/* May calls be sent to an instance in that state? */
bool health_serves(enum health_state state);
/* The state of several: the best that there is. `counts` has one for each state; none: down. */
enum health_state health_best(const uint32_t counts[HEALTH_STATES]);
const char *health_text(enum health_state state);

#endif
