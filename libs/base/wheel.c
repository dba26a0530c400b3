#include "base/wheel.h"

/* A timer waits in the slot at whose start it is surely due, so each is looked at once a
 * revolution, however often the wheel advances. */
static uint64_t slot_of(uint64_t due)
{
    return due / WHEEL_SLOT_NS + (due % WHEEL_SLOT_NS != 0);
}

static uint64_t current_slot(const struct wheel *wheel)
{
    return wheel->now / WHEEL_SLOT_NS;
}

static struct list *home_of(struct wheel *wheel, const struct timer *timer)
{
    if (timer->due <= wheel->now)
        return &wheel->overdue;
    return &wheel->slots[slot_of(timer->due) % WHEEL_SLOTS];
}

void wheel_init(struct wheel *wheel, uint64_t now)
{
    for (unsigned i = 0; i < WHEEL_SLOTS; i++)
        list_init(&wheel->slots[i]);
    list_init(&wheel->overdue);
    wheel->now = now;
    wheel->swept = now / WHEEL_SLOT_NS;
    wheel->soonest = UINT64_MAX;
    wheel->armed = 0;
}

void timer_init(struct timer *timer, void (*fire)(struct timer *, void *))
{
    list_init(&timer->node);
    timer->due = 0;
    timer->fire = fire;
}

void wheel_arm(struct wheel *wheel, struct timer *timer, uint64_t due)
{
    wheel_disarm(wheel, timer);
    timer->due = due == 0 ? 1 : due == UINT64_MAX ? due - 1 : due;
    list_push(home_of(wheel, timer), &timer->node);
    if (timer->due < wheel->soonest)
        wheel->soonest = timer->due;
    wheel->armed++;
}

void wheel_disarm(struct wheel *wheel, struct timer *timer)
{
    if (timer->due == 0)
        return;
    list_remove(&timer->node);
    timer->due = 0;
    wheel->armed--;
}

/* Empties the list first: what the callbacks arm waits for its own time, and what they disarm or
 * free leaves the list by itself. */
static void fire_due(struct wheel *wheel, struct list *from, void *arg)
{
    struct list todo, *node;
    if (list_empty(from))
        return;
    list_push(from, &todo);
    list_remove(from);
    while ((node = list_first(&todo)) != NULL) {
        struct timer *timer = LIST_ENTRY(node, struct timer, node);
        if (timer->due <= wheel->now) {
            wheel_disarm(wheel, timer);
            timer->fire(timer, arg);
        } else {
            list_remove(node);
            list_push(home_of(wheel, timer), node);
        }
    }
}

static uint64_t look_for_soonest(const struct wheel *wheel)
{
    if (wheel->armed == 0)
        return UINT64_MAX;
    if (!list_empty(&wheel->overdue))
        return wheel->now;
    for (uint64_t ahead = 1; ahead <= WHEEL_SLOTS; ahead++) {
        uint64_t slot = current_slot(wheel) + ahead;
        if (!list_empty(&wheel->slots[slot % WHEEL_SLOTS]))
            return slot * WHEEL_SLOT_NS;
    }
    return wheel->now; /* asked by a callback: what is left is about to fire */
}

void wheel_advance(struct wheel *wheel, uint64_t now, void *arg)
{
    uint64_t from = wheel->swept, to = now / WHEEL_SLOT_NS;
    if (now > wheel->now)
        wheel->now = now;
    if (now < wheel->soonest)
        return;
    fire_due(wheel, &wheel->overdue, arg);
    if (to > from + WHEEL_SLOTS)
        from = to - WHEEL_SLOTS;
    while (from < to)
        fire_due(wheel, &wheel->slots[++from % WHEEL_SLOTS], arg);
    wheel->swept = to;
    wheel->soonest = look_for_soonest(wheel);
}

/* Looking costs a walk over the slots, so it is done only when the last answer has passed. A
 * timer disarmed since makes the answer early, never late. */
uint64_t wheel_next(const struct wheel *wheel)
{
    return wheel->armed > 0 ? wheel->soonest : UINT64_MAX;
}
