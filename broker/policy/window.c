#include "policy/window.h"

#include "base/mem.h"

#include <string.h>

#define SPANS_FIRST 4u

/* Calls let through at the same moment: a turn of the core has one. */
struct window_span {
    uint64_t at;
    uint32_t calls;
};

void window_finish(struct window *window)
{
    mem_free(window->spans);
    *window = (struct window){0};
}

static struct window_span *span(const struct window *window, uint32_t i)
{
    return &window->spans[(window->first + i) & (window->cap - 1)];
}

/* What is exactly a minute old has left the trailing minute. */
static void forget_spans(struct window *window, uint64_t now)
{
    while (window->n > 0 && now - span(window, 0)->at >= WINDOW_NS) {
        window->used -= span(window, 0)->calls;
        window->first = (window->first + 1) & (window->cap - 1);
        window->n--;
    }
}

/* A nanosecond pays back `per_minute` of the debt's units, so nothing is ever divided. */
static void refill(struct window *window, uint32_t per_minute, uint64_t now)
{
    uint64_t elapsed = now - window->at;
    if (elapsed > window->debt / per_minute)
        window->debt = 0;
    else
        window->debt -= elapsed * per_minute;
}

/* Under one rate this changes nothing. A debt made under a higher one could last for hours. */
static void forgive(struct window *window, struct window_rate rate)
{
    uint64_t most = rate.burst > rate.per_minute ? (rate.burst - rate.per_minute) * WINDOW_NS : 0;
    if (window->n == 0 && window->debt > most)
        window->debt = most;
}

static void pass_time(struct window *window, struct window_rate rate, uint64_t now)
{
    forget_spans(window, now);
    refill(window, rate.per_minute, now);
    forgive(window, rate);
    window->at = now;
}

static void grow(struct window *window)
{
    uint32_t cap = window->cap ? window->cap * 2 : SPANS_FIRST;
    struct window_span *spans = mem_alloc(cap * sizeof *spans);
    for (uint32_t i = 0; i < window->n; i++)
        spans[i] = *span(window, i);
    mem_free(window->spans);
    window->spans = spans;
    window->first = 0;
    window->cap = cap;
}

static void note(struct window *window, uint64_t now, uint32_t calls)
{
    window->used += calls;
    window->debt += calls * WINDOW_NS;
    if (window->n > 0 && span(window, window->n - 1)->at == now) {
        span(window, window->n - 1)->calls += calls;
        return;
    }
    if (window->n == window->cap)
        grow(window);
    *span(window, window->n++) = (struct window_span){now, calls};
}

/* When enough of the oldest spans will have left for one call more. */
static uint64_t window_wait(const struct window *window, uint32_t per_minute)
{
    uint32_t left = window->used;
    for (uint32_t i = 0; left >= per_minute; i++) {
        left -= span(window, i)->calls;
        if (left < per_minute)
            return span(window, i)->at + WINDOW_NS - window->at;
    }
    return 0;
}

/* A debt that is too high has a call of the last minute: all others are forgiven. */
static uint64_t bucket_wait(const struct window *window, struct window_rate rate)
{
    uint64_t most = (rate.burst - 1) * WINDOW_NS;
    if (window->debt <= most)
        return 0;
    uint64_t paid = (window->debt - most + rate.per_minute - 1) / rate.per_minute;
    uint64_t forgiven = span(window, window->n - 1)->at + WINDOW_NS - window->at;
    return paid < forgiven ? paid : forgiven;
}

static void describe(const struct window *window, struct window_rate rate,
                     struct window_state *state)
{
    uint32_t left = window->used < rate.per_minute ? rate.per_minute - window->used : 0;
    uint64_t full = rate.burst * WINDOW_NS;
    uint64_t bucket = window->debt < full ? (full - window->debt) / WINDOW_NS : 0;
    uint64_t longer = window_wait(window, rate.per_minute), other = bucket_wait(window, rate);
    state->remaining = bucket < left ? (uint32_t)bucket : left;
    state->retry_after = longer > other ? longer : other;
}

void window_look(struct window *window, struct window_rate rate, uint64_t now,
                 struct window_state *state)
{
    pass_time(window, rate, now);
    describe(window, rate, state);
}

bool window_admit(struct window *window, struct window_rate rate, uint64_t now,
                  struct window_state *state)
{
    pass_time(window, rate, now);
    bool admitted = window->used < rate.per_minute && bucket_wait(window, rate) == 0;
    if (admitted)
        note(window, now, 1);
    describe(window, rate, state);
    return admitted;
}

void window_restore(struct window *window, struct window_rate rate, uint64_t at, uint32_t calls)
{
    pass_time(window, rate, at);
    note(window, at, calls);
}

uint64_t window_forgets(const struct window *window, struct window_rate rate)
{
    uint64_t paid = window->at + window->debt / rate.per_minute + 1;
    uint64_t left = window->n ? span(window, window->n - 1)->at + WINDOW_NS : window->at;
    return paid > left ? paid : left;
}
