#include "policy/breaker.h"

#include <stdlib.h>

#define NS_PER_MS UINT64_C(1000000)
#define DOUBLINGS_MAX 20u

/* Every legal move. A reset of what is closed is none. */
static const bool legal[BREAKER_STATES][BREAKER_STATES] = {
    [BREAKER_CLOSED] = {[BREAKER_OPEN] = true},
    [BREAKER_OPEN] = {[BREAKER_HALF_OPEN] = true, [BREAKER_CLOSED] = true, [BREAKER_OPEN] = true},
    [BREAKER_HALF_OPEN] = {[BREAKER_OPEN] = true, [BREAKER_CLOSED] = true},
};

const char *breaker_state_text(enum breaker_state state)
{
    static const char *const texts[] = {"closed", "open", "half_open"};
    return texts[state];
}

static void move(struct breaker *breaker, enum breaker_state to, uint64_t now)
{
    if (!legal[breaker->state][to])
        abort();
    breaker->state = to;
    breaker->since = now;
    breaker->trying = breaker->succeeded = 0;
    breaker->round++;
}

/* ---- the window ---- */

static uint64_t slice_ns(const struct breaker_rules *rules)
{
    return rules->window_ms * NS_PER_MS / BREAKER_SLICES;
}

static void forget_slices(struct breaker *breaker)
{
    for (unsigned i = 0; i < BREAKER_SLICES; i++)
        breaker->slices[i] = (struct breaker_slice){0};
}

static struct breaker_slice *newest_slice(struct breaker *breaker,
                                          const struct breaker_rules *rules, uint64_t now)
{
    uint64_t slice = now / slice_ns(rules);
    uint64_t gone = slice - breaker->slice;
    for (uint64_t i = 1; i <= gone && i <= BREAKER_SLICES; i++)
        breaker->slices[(breaker->slice + i) % BREAKER_SLICES] = (struct breaker_slice){0};
    breaker->slice = slice;
    return &breaker->slices[slice % BREAKER_SLICES];
}

struct breaker_counts breaker_counts(const struct breaker *breaker,
                                     const struct breaker_rules *rules, uint64_t now)
{
    struct breaker_counts counts = {0};
    uint64_t gone = now / slice_ns(rules) - breaker->slice;
    for (uint64_t age = 0; age + gone < BREAKER_SLICES && age <= breaker->slice; age++) {
        const struct breaker_slice *slice =
            &breaker->slices[(breaker->slice - age) % BREAKER_SLICES];
        counts.calls += slice->calls;
        counts.failed += slice->failed;
        counts.slow += slice->slow;
    }
    return counts;
}

static bool reaches(uint32_t part, uint32_t whole, uint32_t percent)
{
    return percent > 0 && (uint64_t)part * 100 >= (uint64_t)whole * percent;
}

bool breaker_bad(const struct breaker_counts *counts, const struct breaker_rules *rules)
{
    return counts->calls > 0 && counts->calls >= rules->minimum_calls &&
           (reaches(counts->failed, counts->calls, rules->failure_percent) ||
            reaches(counts->slow, counts->calls, rules->slow_percent));
}

void breaker_note(struct breaker *breaker, const struct breaker_rules *rules, uint64_t now,
                  enum breaker_outcome outcome)
{
    if (breaker->state != BREAKER_CLOSED || outcome == BREAKER_UNKNOWN)
        return;
    struct breaker_slice *slice = newest_slice(breaker, rules, now);
    slice->calls++;
    slice->failed += outcome == BREAKER_FAILED;
    slice->slow += outcome == BREAKER_SLOW;
}

static void take_off(uint32_t *from, uint32_t amount)
{
    *from -= amount < *from ? amount : *from;
}

void breaker_discount(struct breaker *whole, const struct breaker *part,
                      const struct breaker_rules *rules, uint64_t now)
{
    newest_slice(whole, rules, now);
    for (uint64_t age = whole->slice - part->slice; age < BREAKER_SLICES; age++) {
        uint64_t number = whole->slice - age;
        if (number + BREAKER_SLICES <= part->slice)
            return;
        struct breaker_slice *slice = &whole->slices[number % BREAKER_SLICES];
        const struct breaker_slice *less = &part->slices[number % BREAKER_SLICES];
        take_off(&slice->calls, less->calls);
        take_off(&slice->failed, less->failed);
        take_off(&slice->slow, less->slow);
    }
}

/* ---- moves ---- */

void breaker_open(struct breaker *breaker, const struct breaker_rules *rules, uint64_t now)
{
    uint32_t doublings = breaker->openings < DOUBLINGS_MAX ? breaker->openings : DOUBLINGS_MAX;
    uint64_t ms = (uint64_t)rules->open_ms << doublings;
    if (ms > rules->open_most_ms)
        ms = rules->open_most_ms;
    move(breaker, BREAKER_OPEN, now);
    breaker->openings++;
    breaker->until = now + ms * NS_PER_MS;
}

static void close_again(struct breaker *breaker, uint64_t now)
{
    move(breaker, BREAKER_CLOSED, now);
    breaker->openings = 0;
    breaker->forced = false;
    forget_slices(breaker);
}

void breaker_force_open(struct breaker *breaker, uint64_t now, uint64_t until)
{
    if (breaker->state != BREAKER_OPEN)
        move(breaker, BREAKER_OPEN, now);
    breaker->forced = until == 0;
    breaker->until = until;
}

void breaker_reset(struct breaker *breaker, uint64_t now)
{
    if (breaker->state != BREAKER_CLOSED)
        close_again(breaker, now);
    breaker->forced = false;
    forget_slices(breaker);
}

void breaker_force_close(struct breaker *breaker, uint64_t now)
{
    breaker_reset(breaker, now);
    breaker->forced = true;
}

/* ---- calls ---- */

static bool is_due(const struct breaker *breaker, uint64_t now)
{
    return !breaker->forced && now >= breaker->until;
}

bool breaker_refuses(const struct breaker *breaker, const struct breaker_rules *rules, uint64_t now)
{
    switch (breaker->state) {
    case BREAKER_OPEN:
        return !is_due(breaker, now);
    case BREAKER_HALF_OPEN:
        return breaker->trying >= rules->probes;
    default:
        return false;
    }
}

/* While probes are under way nobody knows how long they take. */
static uint64_t come_back(const struct breaker *breaker, const struct breaker_rules *rules,
                          uint64_t now)
{
    if (breaker->forced)
        return 0;
    return breaker->state == BREAKER_OPEN ? breaker->until - now : rules->open_ms * NS_PER_MS;
}

bool breaker_admit(struct breaker *breaker, const struct breaker_rules *rules, uint64_t now,
                   struct breaker_pass *pass, uint64_t *retry_after)
{
    if (breaker_refuses(breaker, rules, now)) {
        *retry_after = come_back(breaker, rules, now);
        return false;
    }
    if (breaker->state == BREAKER_OPEN)
        move(breaker, BREAKER_HALF_OPEN, now);
    bool probe = breaker->state == BREAKER_HALF_OPEN;
    breaker->trying += probe;
    *pass = (struct breaker_pass){probe, breaker->round};
    return true;
}

static bool tell_probe(struct breaker *breaker, const struct breaker_rules *rules, uint64_t now,
                       enum breaker_outcome outcome)
{
    breaker->trying--;
    if (outcome == BREAKER_FAILED || (outcome == BREAKER_SLOW && rules->slow_percent > 0)) {
        breaker_open(breaker, rules, now);
        return true;
    }
    breaker->succeeded += outcome != BREAKER_UNKNOWN;
    if (breaker->succeeded < rules->probes)
        return false;
    close_again(breaker, now);
    return true;
}

bool breaker_tell(struct breaker *breaker, const struct breaker_rules *rules, uint64_t now,
                  struct breaker_pass pass, enum breaker_outcome outcome)
{
    if (pass.probe)
        return pass.round == breaker->round && tell_probe(breaker, rules, now, outcome);
    if (breaker->state != BREAKER_CLOSED)
        return false;
    breaker_note(breaker, rules, now, outcome);
    const struct breaker_counts counts = breaker_counts(breaker, rules, now);
    bool bad = outcome == BREAKER_FAILED || outcome == BREAKER_SLOW;
    if (!bad || breaker->forced || !breaker_bad(&counts, rules))
        return false;
    breaker_open(breaker, rules, now);
    return true;
}
