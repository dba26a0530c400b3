#include "books.h"

#include "base/mem.h"

const char *const group_names[GROUPS + 1] = {"", "workers", "auditors"};

void books_finish(struct books *books)
{
    for (unsigned i = 0; i < HOARD_MAX; i++)
        buf_finish(&books->hoard[i].credential);
    mem_free(books->calls);
    mem_free(books->events);
    mem_free(books->listenings);
    mem_free(books->controls);
}

/* Room for one more behind the newest, which is returned. */
static unsigned grow(void **entries, size_t size, unsigned *count, unsigned *cap)
{
    unsigned number = ++*count;
    if (number >= *cap) {
        *cap = *cap ? *cap * 2 : 128;
        *entries = mem_realloc(*entries, *cap * size);
    }
    return number;
}

#define ADD(kind, entry)                                                                         \
    void *entries = books->kind;                                                                 \
    unsigned number = grow(&entries, sizeof *books->kind, &books->n_##kind, &books->cap_##kind); \
    books->kind = entries;                                                                       \
    books->kind[number] = *(entry);                                                              \
    return number

unsigned books_add_call(struct books *books, const struct called *called)
{
    ADD(calls, called);
}

unsigned books_add_event(struct books *books, const struct published *published)
{
    ADD(events, published);
}

unsigned books_add_listening(struct books *books, const struct listening *listening)
{
    ADD(listenings, listening);
}

unsigned books_add_control(struct books *books, const struct control *control)
{
    ADD(controls, control);
}

struct hoarded *books_hoard(struct books *books)
{
    struct hoarded *entry = &books->hoard[books->n_hoarded++ % HOARD_MAX];
    struct buf credential = entry->credential;
    credential.len = 0;
    *entry = (struct hoarded){.credential = credential};
    return entry;
}

const struct hoarded *books_any_hoarded(const struct books *books, struct dice *dice)
{
    unsigned count = books->n_hoarded < HOARD_MAX ? books->n_hoarded : HOARD_MAX;
    return count > 0 ? &books->hoard[dice_below(dice, count)] : NULL;
}
