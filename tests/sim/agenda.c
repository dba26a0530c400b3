#include "agenda.h"

#include "base/mem.h"

void agenda_finish(struct agenda *agenda)
{
    mem_free(agenda->heap);
    *agenda = (struct agenda){0};
}

static bool sooner(const struct appointment *a, const struct appointment *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void agenda_add(struct agenda *agenda, uint64_t at, agenda_fn *run, void *arg, uint64_t number)
{
    if (agenda->count == agenda->cap) {
        agenda->cap = agenda->cap ? agenda->cap * 2 : 256;
        agenda->heap = mem_realloc(agenda->heap, agenda->cap * sizeof *agenda->heap);
    }
    const struct appointment made = {at, agenda->made++, run, arg, number};
    size_t here = agenda->count++;
    while (here > 0 && sooner(&made, &agenda->heap[(here - 1) / 2])) {
        agenda->heap[here] = agenda->heap[(here - 1) / 2];
        here = (here - 1) / 2;
    }
    agenda->heap[here] = made;
}

/* Lets `last` sink from the root to where it belongs. */
static void sink(struct agenda *agenda, const struct appointment *last)
{
    size_t here = 0;
    for (;;) {
        size_t child = 2 * here + 1;
        if (child >= agenda->count)
            break;
        if (child + 1 < agenda->count && sooner(&agenda->heap[child + 1], &agenda->heap[child]))
            child++;
        if (!sooner(&agenda->heap[child], last))
            break;
        agenda->heap[here] = agenda->heap[child];
        here = child;
    }
    agenda->heap[here] = *last;
}

bool agenda_take(struct agenda *agenda, struct appointment *out)
{
    if (agenda->count == 0)
        return false;
    *out = agenda->heap[0];
    const struct appointment last = agenda->heap[--agenda->count];
    if (agenda->count > 0)
        sink(agenda, &last);
    return true;
}
