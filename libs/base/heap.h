/* heap.h - binary heap of nodes that live in what they order. Each node knows its place, so any of
 * them can leave, or be moved after its rank has changed, in O(log n). Owns an array of pointers
 * and no nodes. Not thread safe. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

struct heap_node {
    size_t at;
};

/* Is `a` nearer to the top than `b`? */
typedef bool heap_before(const struct heap_node *a, const struct heap_node *b);

struct heap {
    struct heap_node **nodes; /* the top first; each before those at 2i + 1 and 2i + 2 */
    size_t n, cap;
    heap_before *before;
};

#define HEAP_ENTRY(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

void heap_init(struct heap *heap, heap_before *before); /* allocates nothing */
void heap_finish(struct heap *heap);
void heap_push(struct heap *heap, struct heap_node *node);
/* `node` must be in it. */
void heap_remove(struct heap *heap, struct heap_node *node);
/* After the rank of `node` has changed, and no other's since. */
void heap_move(struct heap *heap, struct heap_node *node);

/* NULL when it is empty. */
static inline struct heap_node *heap_top(const struct heap *heap)
{
    return heap->n > 0 ? heap->nodes[0] : NULL;
}

#endif
