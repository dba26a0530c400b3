#include "base/heap.h"

#include "base/mem.h"

void heap_init(struct heap *heap, heap_before *before)
{
    *heap = (struct heap){.before = before};
}

void heap_finish(struct heap *heap)
{
    mem_free(heap->nodes);
}

static void put(struct heap *heap, size_t at, struct heap_node *node)
{
    heap->nodes[at] = node;
    node->at = at;
}

static void rise(struct heap *heap, struct heap_node *node)
{
    while (node->at > 0) {
        size_t at = node->at, up = (at - 1) / 2;
        if (!heap->before(node, heap->nodes[up]))
            return;
        put(heap, at, heap->nodes[up]);
        put(heap, up, node);
    }
}

static void sink(struct heap *heap, struct heap_node *node)
{
    for (size_t at = node->at, down; (down = 2 * at + 1) < heap->n; at = down) {
        if (down + 1 < heap->n && heap->before(heap->nodes[down + 1], heap->nodes[down]))
            down++;
        if (!heap->before(heap->nodes[down], node))
            return;
        put(heap, at, heap->nodes[down]);
        put(heap, down, node);
    }
}

void heap_push(struct heap *heap, struct heap_node *node)
{
    if (heap->n == heap->cap) {
        heap->cap = heap->cap ? 2 * heap->cap : 8;
        heap->nodes = mem_realloc(heap->nodes, heap->cap * sizeof *heap->nodes);
    }
    put(heap, heap->n++, node);
    rise(heap, node);
}

void heap_move(struct heap *heap, struct heap_node *node)
{
    rise(heap, node);
    sink(heap, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    struct heap_node *last = heap->nodes[--heap->n];
    if (last == node)
        return;
    put(heap, node->at, last);
    heap_move(heap, last);
}
