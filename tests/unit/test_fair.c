#include "../testing.h"

#include "base/mem.h"
#include "policy/fair.h"

#define TENANTS 4u
#define NODES 400u

struct item {
    struct fair_node node;
    unsigned tenant, number;
};

static const char *const names[TENANTS] = {"acme", "globex", "initech", "umbrella"};

static struct item *item_of(struct fair_node *node)
{
    return node ? LIST_ENTRY(node, struct item, node) : NULL;
}

static void push(struct fair *fair, struct item *item, unsigned tenant, uint32_t weight)
{
    item->tenant = tenant;
    fair_push(fair, slice_of(names[tenant]), weight, &item->node);
}

static void test_a_long_lane_does_not_delay_a_short_one(void **unused)
{
    static struct item items[101];
    struct fair fair;
    (void)unused;
    fair_init(&fair);
    for (unsigned i = 0; i < 100; i++)
        push(&fair, &items[i], 0, 1);
    push(&fair, &items[100], 1, 1);
    fair_pop(&fair);
    assert_ptr_equal(item_of(fair_pop(&fair)), &items[100]);
    while (fair_pop(&fair))
        continue;
    fair_finish(&fair);
}

static void test_shares_follow_the_weights(void **unused)
{
    static const uint32_t weights[TENANTS] = {1, 2, 5, 10};
    static struct item items[TENANTS][NODES];
    unsigned served[TENANTS] = {0};
    struct fair fair;
    (void)unused;
    fair_init(&fair);
    for (unsigned i = 0; i < NODES; i++)
        for (unsigned tenant = 0; tenant < TENANTS; tenant++)
            push(&fair, &items[tenant][i], tenant, weights[tenant]);
    for (unsigned i = 0; i < 18 * 20; i++)
        served[item_of(fair_pop(&fair))->tenant]++;
    for (unsigned tenant = 0; tenant < TENANTS; tenant++)
        assert_int_equal(served[tenant], 20 * weights[tenant]);
    while (fair_pop(&fair))
        continue;
    fair_finish(&fair);
}

/* However great the weight of both. */
static void test_equals_take_turns_one_by_one(void **unused)
{
    static struct item items[101];
    struct fair fair;
    (void)unused;
    fair_init(&fair);
    for (unsigned i = 0; i < 90; i++)
        push(&fair, &items[i], 0, 16);
    fair_pop(&fair);
    for (unsigned i = 90; i < 101; i++)
        push(&fair, &items[i], 1, 16);
    for (unsigned i = 90; i < 101; i++) {
        assert_int_equal(item_of(fair_pop(&fair))->tenant, 0);
        assert_ptr_equal(item_of(fair_pop(&fair)), &items[i]);
    }
    while (fair_pop(&fair))
        continue;
    fair_finish(&fair);
}

/* Whoever comes one by one, each time as new, holds up nobody who waits. */
static void test_coming_back_gains_nothing(void **unused)
{
    static struct item waits, comes;
    struct fair fair;
    unsigned before = 0;
    (void)unused;
    fair_init(&fair);
    push(&fair, &comes, 0, 16);
    push(&fair, &waits, 1, 1);
    while (item_of(fair_pop(&fair)) == &comes) {
        push(&fair, &comes, 0, 16);
        before++;
    }
    assert_in_range(before, 1, 16);
    while (fair_pop(&fair))
        continue;
    fair_finish(&fair);
}

/* Served to the end, it is as it was said to be; each other lane may have had one turn more, due at
 * the same time. */
static void test_what_comes_before_is_told(void **unused)
{
    static struct item items[TENANTS][NODES], newcomer;
    static const uint32_t weights[TENANTS] = {16, 1, 4, 16};
    struct rng rng = {7};
    (void)unused;
    for (unsigned round = 0; round < 200; round++) {
        unsigned own = (unsigned)rng_below(&rng, TENANTS), served = 0;
        struct fair fair;
        fair_init(&fair);
        for (unsigned i = 0; i < NODES / 4; i++) {
            unsigned tenant = (unsigned)rng_below(&rng, TENANTS);
            if (tenant != own || round % 2)
                push(&fair, &items[tenant][i], tenant, weights[tenant]);
            if (rng_below(&rng, 4) == 0)
                fair_pop(&fair);
        }
        uint64_t told = fair_before(&fair, slice_of(names[own]), weights[own]);
        push(&fair, &newcomer, own, weights[own]);
        while (item_of(fair_pop(&fair)) != &newcomer)
            served++;
        assert_in_range(served, told, told + TENANTS - 1);
        while (fair_pop(&fair))
            continue;
        fair_finish(&fair);
    }
}

static void test_a_full_line_takes_from_the_longest(void **unused)
{
    static struct item items[10];
    struct fair fair;
    (void)unused;
    fair_init(&fair);
    for (unsigned i = 0; i < 8; i++)
        push(&fair, &items[i], 0, 1);
    push(&fair, &items[8], 1, 1);
    assert_ptr_equal(item_of(fair_displaced(&fair, slice_of(names[1]), 1)), &items[7]);
    assert_ptr_equal(item_of(fair_displaced(&fair, slice_of(names[2]), 1)), &items[7]);
    assert_null(fair_displaced(&fair, slice_of(names[0]), 1));
    assert_null(fair_displaced(&fair, slice_of(names[0]), 100));
    while (fair_pop(&fair))
        continue;
    fair_finish(&fair);
}

/* Against a model: every node comes out once, in its lane's order, whatever leaves in between;
 * between two turns of a waiting lane the others get no more than their weights. */
static void test_any_order_of_events(void **unused)
{
    static struct item items[NODES];
    static const uint32_t weights[TENANTS] = {1, 3, 1, 7};
    unsigned waiting[TENANTS] = {0}, starved[TENANTS] = {0}, last[TENANTS] = {0};
    struct rng rng = {5};
    struct fair fair;
    unsigned number = 0, popped = 0;
    (void)unused;
    fair_init(&fair);
    for (unsigned step = 0; step < 300000; step++) {
        struct item *item = &items[rng_below(&rng, NODES)];
        if (rng_below(&rng, 3) > 0) {
            if (item->node.lane)
                continue;
            unsigned tenant = (unsigned)rng_below(&rng, TENANTS);
            item->number = ++number;
            push(&fair, item, tenant, weights[tenant]);
            waiting[tenant]++;
        } else if (rng_below(&rng, 8) == 0) {
            if (!item->node.lane)
                continue;
            fair_remove(&fair, &item->node);
            waiting[item->tenant]--;
        } else {
            struct fair_node *expected = fair_peek(&fair);
            item = item_of(fair_pop(&fair));
            assert_ptr_equal(item, item_of(expected));
            if (!item)
                continue;
            popped++;
            waiting[item->tenant]--;
            assert_true(item->number > last[item->tenant]);
            last[item->tenant] = item->number;
            for (unsigned tenant = 0; tenant < TENANTS; tenant++)
                starved[tenant] =
                    waiting[tenant] && tenant != item->tenant ? starved[tenant] + 1 : 0;
            for (unsigned tenant = 0; tenant < TENANTS; tenant++)
                assert_true(starved[tenant] <= 2 * (1 + 3 + 1 + 7));
        }
        assert_int_equal(fair.n, waiting[0] + waiting[1] + waiting[2] + waiting[3]);
    }
    assert_true(popped > 10000);
    while (fair_pop(&fair))
        continue;
    fair_finish(&fair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_long_lane_does_not_delay_a_short_one),
        cmocka_unit_test(test_shares_follow_the_weights),
        cmocka_unit_test(test_equals_take_turns_one_by_one),
        cmocka_unit_test(test_coming_back_gains_nothing),
        cmocka_unit_test(test_what_comes_before_is_told),
        cmocka_unit_test(test_a_full_line_takes_from_the_longest),
        cmocka_unit_test(test_any_order_of_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
