/* hold.h - frames that wait for the disk. Where a reply has to outlive the system too (`durability:
 * power`), whatever carries one leaves when the turn that counted it is in the books on disk. */
#ifndef CORE_HOLD_H
#define CORE_HOLD_H

#include "base/list.h"
#include "base/slice.h"

struct core;
struct exchange;

struct hold {
    struct list frames; /* oldest first */
    size_t count;
    uint64_t newest; /* turn of the journal that one of them waits for, or waited */
};

void hold_init(struct hold *hold);
/* Releases the exchanges, unanswered. */
void hold_finish(struct core *core);

/* Answers the exchange, which came by `pipe`, as soon as that turn of the journal may be known to
 * the world. */
void hold_answer(struct core *core, struct exchange *exchange, uint32_t pipe, struct slice frame,
                 uint64_t turn);
/* At the end of a turn: asks for what is waited for. */
void hold_ask(struct core *core);
/* Up to that turn of the journal all is on disk. */
void hold_kept(struct core *core, uint64_t turn);
void hold_pipe_lost(struct core *core, uint32_t pipe);

#endif
