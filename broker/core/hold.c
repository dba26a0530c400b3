#include "core/hold.h"

#include "base/mem.h"
#include "core/state.h"

struct held {
    struct list node;
    struct exchange *exchange;
    uint32_t pipe;
    uint64_t turn;
    struct buf frame;
};

void hold_init(struct hold *hold)
{
    list_init(&hold->frames);
}

static void let_go(struct core *core, struct held *held)
{
    core->hold.count--;
    list_remove(&held->node);
    buf_finish(&held->frame);
    mem_free(held);
}

static void release(struct core *core, struct held *held)
{
    core->io.release(core->io.arg, held->exchange);
    let_go(core, held);
}

void hold_finish(struct core *core)
{
    for (struct list *node; (node = list_first(&core->hold.frames));)
        release(core, LIST_ENTRY(node, struct held, node));
}

static void keep(struct hold *hold, struct exchange *exchange, uint32_t pipe, struct slice frame,
                 uint64_t turn)
{
    struct held *held = mem_zalloc(sizeof *held);
    held->exchange = exchange;
    held->pipe = pipe;
    held->turn = turn;
    buf_append(&held->frame, frame.data, frame.len);
    list_push(&hold->frames, &held->node);
    hold->count++;
    if (turn > hold->newest)
        hold->newest = turn;
}

void hold_answer(struct core *core, struct exchange *exchange, uint32_t pipe, struct slice frame,
                 uint64_t turn)
{
    journal_write(core);
    if (core->limits.durability == DURABILITY_POWER && turn > core->journal.kept)
        keep(&core->hold, exchange, pipe, frame, turn);
    else
        core->io.answer(core->io.arg, exchange, frame);
}

/* Those of a failing disk are asked for again by the journal's timer. */
void hold_ask(struct core *core)
{
    if (core->hold.count > 0 && core->hold.newest > core->journal.told)
        journal_save(core);
}

void hold_kept(struct core *core, uint64_t turn)
{
    struct list *next, *head = &core->hold.frames;
    for (struct list *node = head->next; node != head; node = next) {
        struct held *held = LIST_ENTRY(node, struct held, node);
        next = node->next;
        if (held->turn > turn)
            continue;
        core->io.answer(core->io.arg, held->exchange, buf_slice(&held->frame));
        let_go(core, held);
    }
}

void hold_pipe_lost(struct core *core, uint32_t pipe)
{
    struct list *next, *head = &core->hold.frames;
    for (struct list *node = head->next; node != head; node = next) {
        struct held *held = LIST_ENTRY(node, struct held, node);
        next = node->next;
        if (held->pipe == pipe)
            release(core, held);
    }
}
