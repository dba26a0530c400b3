#include "../testing.h"

#include "base/heap.h"

#define ITEMS 64u

struct item {
    struct heap_node node;
    uint64_t rank;
    bool in;
};

static struct item *item_of(const struct heap_node *node)
{
    return HEAP_ENTRY(node, struct item, node);
}

static bool lower(const struct heap_node *a, const struct heap_node *b)
{
    return item_of(a)->rank < item_of(b)->rank;
}

static void assert_least_on_top(const struct heap *heap, const struct item *items)
{
    const struct heap_node *top = heap_top(heap);
    size_t n = 0;
    for (unsigned i = 0; i < ITEMS; i++) {
        n += items[i].in;
        if (items[i].in)
            assert_true(top && item_of(top)->rank <= items[i].rank);
    }
    assert_int_equal(heap->n, n);
    assert_int_equal(top == NULL, n == 0);
}

static void test_whatever_comes_changes_and_leaves(void **unused)
{
    static struct item items[ITEMS];
    struct rng rng = {3};
    struct heap heap;
    (void)unused;
    heap_init(&heap, lower);
    for (unsigned step = 0; step < 100000; step++) {
        struct item *item = &items[rng_below(&rng, ITEMS)];
        if (item->in && rng_below(&rng, 2) == 0) {
            heap_remove(&heap, &item->node);
            item->in = false;
        } else {
            item->rank = rng_below(&rng, 100);
            if (item->in)
                heap_move(&heap, &item->node);
            else
                heap_push(&heap, &item->node);
            item->in = true;
        }
        assert_least_on_top(&heap, items);
    }
    heap_finish(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whatever_comes_changes_and_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
