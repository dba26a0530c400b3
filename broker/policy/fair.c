#include "policy/fair.h"

#include "base/mem.h"

#include <string.h>

/* A step of weight 1: a multiple of 1 to 16, so that the usual shares are exact. */
#define STEP_OF_ONE UINT64_C(720720)

struct fair_lane {
    struct heap_node turn, length; /* in fair.turns, fair.longest */
    uint64_t due, joined;          /* its next turn; of the turns due then the first to join */
    struct list nodes;
    uint32_t n, weight;
    struct slice tenant;
    uint8_t name[];
};

static bool due_before(const struct heap_node *a, const struct heap_node *b)
{
    const struct fair_lane *x = HEAP_ENTRY(a, struct fair_lane, turn);
    const struct fair_lane *y = HEAP_ENTRY(b, struct fair_lane, turn);
    return x->due != y->due ? x->due < y->due : x->joined < y->joined;
}

/* Is a/x longer than b/y? */
static bool longer(uint32_t a, uint32_t x, uint32_t b, uint32_t y)
{
    return (uint64_t)a * y > (uint64_t)b * x;
}

static bool longer_lane(const struct heap_node *a, const struct heap_node *b)
{
    const struct fair_lane *x = HEAP_ENTRY(a, struct fair_lane, length);
    const struct fair_lane *y = HEAP_ENTRY(b, struct fair_lane, length);
    return longer(x->n, x->weight, y->n, y->weight);
}

void fair_init(struct fair *fair)
{
    *fair = (struct fair){0};
    map_init(&fair->lanes);
    heap_init(&fair->turns, due_before);
    heap_init(&fair->longest, longer_lane);
}

void fair_finish(struct fair *fair)
{
    map_finish(&fair->lanes);
    heap_finish(&fair->turns);
    heap_finish(&fair->longest);
}

/* Rounded up: never a turn more than the weight allows. */
static uint64_t step_of(uint32_t weight)
{
    return (STEP_OF_ONE + weight - 1) / weight;
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

static struct fair_lane *lane_of(const struct fair *fair, struct slice tenant)
{
    return map_get(&fair->lanes, tenant);
}

/* As if it had just had a turn: nobody gains by leaving the line and coming back. */
static struct fair_lane *lane_join(struct fair *fair, struct slice tenant, uint32_t weight)
{
    struct fair_lane *lane = lane_create(tenant);
    lane->weight = weight;
    lane->due = fair->now + step_of(weight);
    lane->joined = fair->joined++;
    map_put(&fair->lanes, lane->tenant, lane);
    heap_push(&fair->turns, &lane->turn);
    heap_push(&fair->longest, &lane->length);
    return lane;
}

static void lane_leave(struct fair *fair, struct fair_lane *lane)
{
    map_remove(&fair->lanes, lane->tenant);
    heap_remove(&fair->turns, &lane->turn);
    heap_remove(&fair->longest, &lane->length);
    mem_free(lane);
}

void fair_push(struct fair *fair, struct slice tenant, uint32_t weight, struct fair_node *node)
{
    struct fair_lane *lane = lane_of(fair, tenant);
    weight = weight ? weight : 1;
    if (!lane)
        lane = lane_join(fair, tenant, weight);
    node->lane = lane;
    list_push(&lane->nodes, &node->node);
    lane->weight = weight;
    lane->n++;
    fair->n++;
    heap_move(&fair->longest, &lane->length);
}

void fair_remove(struct fair *fair, struct fair_node *node)
{
    struct fair_lane *lane = node->lane;
    list_remove(&node->node);
    node->lane = NULL;
    fair->n--;
    if (--lane->n == 0)
        lane_leave(fair, lane);
    else
        heap_move(&fair->longest, &lane->length);
}

struct fair_node *fair_peek(struct fair *fair)
{
    struct heap_node *top = heap_top(&fair->turns);
    if (!top)
        return NULL;
    const struct fair_lane *lane = HEAP_ENTRY(top, struct fair_lane, turn);
    return LIST_ENTRY(list_first(&lane->nodes), struct fair_node, node);
}

static void take_turn(struct fair *fair, struct fair_lane *lane)
{
    fair->now = lane->due;
    lane->due += step_of(lane->weight);
    lane->joined = fair->joined++;
    heap_move(&fair->turns, &lane->turn);
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

static uint64_t turns_before(const struct fair_lane *lane, uint64_t due)
{
    uint64_t step = step_of(lane->weight);
    return lane->due < due ? least(lane->n, (due - lane->due + step - 1) / step) : 0;
}

uint64_t fair_before(const struct fair *fair, struct slice tenant, uint32_t weight)
{
    const struct fair_lane *own = lane_of(fair, tenant);
    uint64_t step = step_of(weight ? weight : 1), before = own ? own->n : 0;
    uint64_t due = own ? own->due + before * step : fair->now + step;
    for (size_t i = 0; i < least(fair->turns.n, FAIR_LANES_SEEN); i++) {
        const struct fair_lane *lane = HEAP_ENTRY(fair->turns.nodes[i], struct fair_lane, turn);
        if (lane != own)
            before += turns_before(lane, due);
    }
    return before;
}

struct fair_node *fair_displaced(const struct fair *fair, struct slice tenant, uint32_t weight)
{
    const struct fair_lane *own = lane_of(fair, tenant);
    struct heap_node *top = heap_top(&fair->longest);
    if (!top)
        return NULL;
    const struct fair_lane *longest = HEAP_ENTRY(top, struct fair_lane, length);
    uint32_t length = (own ? own->n : 0) + 1;
    if (longest == own || !longer(longest->n, longest->weight, length, weight ? weight : 1))
        return NULL;
    return LIST_ENTRY(longest->nodes.prev, struct fair_node, node);
}
