#include "policy/fair.h"

#include "base/mem.h"

#include <string.h>

struct fair_lane {
    struct list active; /* in fair.active */
    struct list nodes;
    uint32_t n, weight;
    uint32_t turns; /* left in this round */
    struct slice tenant;
    uint8_t name[];
};

void fair_init(struct fair *fair)
{
    *fair = (struct fair){0};
    map_init(&fair->lanes);
    list_init(&fair->active);
}

void fair_finish(struct fair *fair)
{
    map_finish(&fair->lanes);
}

static struct fair_lane *lane_create(struct slice tenant)
{
    struct fair_lane *lane = mem_zalloc(sizeof *lane + tenant.len);
    if (tenant.len > 0)
        memcpy(lane->name, tenant.data, tenant.len);
    lane->tenant = slice_make(lane->name, tenant.len);
    list_init(&lane->nodes);
    return lane;
}

/* A lane that has just filled waits for its turn behind the others, with a round of its own. */
static struct fair_lane *lane_of(struct fair *fair, struct slice tenant, uint32_t weight)
{
    struct fair_lane *lane = map_get(&fair->lanes, tenant);
    if (!lane) {
        lane = lane_create(tenant);
        map_put(&fair->lanes, lane->tenant, lane);
        list_push(&fair->active, &lane->active);
        lane->turns = weight;
    }
    lane->weight = weight;
    return lane;
}

static void lane_leave(struct fair *fair, struct fair_lane *lane)
{
    map_remove(&fair->lanes, lane->tenant);
    list_remove(&lane->active);
    mem_free(lane);
}

void fair_push(struct fair *fair, struct slice tenant, uint32_t weight, struct fair_node *node)
{
    struct fair_lane *lane = lane_of(fair, tenant, weight ? weight : 1);
    node->lane = lane;
    list_push(&lane->nodes, &node->node);
    lane->n++;
    fair->n++;
}

void fair_remove(struct fair *fair, struct fair_node *node)
{
    struct fair_lane *lane = node->lane;
    list_remove(&node->node);
    node->lane = NULL;
    fair->n--;
    if (--lane->n == 0)
        lane_leave(fair, lane);
}

struct fair_node *fair_peek(struct fair *fair)
{
    struct list *first = list_first(&fair->active);
    if (!first)
        return NULL;
    struct fair_lane *lane = LIST_ENTRY(first, struct fair_lane, active);
    return LIST_ENTRY(list_first(&lane->nodes), struct fair_node, node);
}

/* Out of turns, it goes behind the others and gets those of the next round. */
static void take_turn(struct fair *fair, struct fair_lane *lane)
{
    if (--lane->turns > 0)
        return;
    lane->turns = lane->weight;
    list_remove(&lane->active);
    list_push(&fair->active, &lane->active);
}

struct fair_node *fair_pop(struct fair *fair)
{
    struct fair_node *node = fair_peek(fair);
    if (node) {
        take_turn(fair, node->lane);
        fair_remove(fair, node);
    }
    return node;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* While its own lane is served to the end, every other one has as many rounds of its weight. */
uint64_t fair_before(const struct fair *fair, struct slice tenant, uint32_t weight)
{
    const struct fair_lane *own = map_get(&fair->lanes, tenant);
    if (!own)
        return 0;
    uint64_t before = own->n, rounds = before / (weight ? weight : 1);
    unsigned seen = 0;
    for (const struct list *at = fair->active.next; at != &fair->active && seen++ < FAIR_LANES_SEEN;
         at = at->next) {
        const struct fair_lane *lane = LIST_ENTRY(at, struct fair_lane, active);
        if (lane != own)
            before += least(lane->n, rounds * lane->weight);
    }
    return before;
}

/* Is a/x longer than b/y? */
static bool longer(uint32_t a, uint32_t x, uint32_t b, uint32_t y)
{
    return (uint64_t)a * y > (uint64_t)b * x;
}

struct fair_node *fair_displaced(const struct fair *fair, struct slice tenant, uint32_t weight)
{
    const struct fair_lane *own = map_get(&fair->lanes, tenant), *longest = NULL;
    uint32_t length = (own ? own->n : 0) + 1;
    weight = weight ? weight : 1;
    for (const struct list *at = fair->active.next; at != &fair->active; at = at->next) {
        const struct fair_lane *lane = LIST_ENTRY(at, struct fair_lane, active);
        if (!longest || longer(lane->n, lane->weight, longest->n, longest->weight))
            longest = lane;
    }
    if (!longest || longest == own || !longer(longest->n, longest->weight, length, weight))
        return NULL;
    return LIST_ENTRY(longest->nodes.prev, struct fair_node, node);
}
