/* engine_parts.h - what the engine's files offer each other. Nothing outside engine*.c
 * includes it. */
#ifndef CLIENT_ENGINE_PARTS_H
#define CLIENT_ENGINE_PARTS_H

#include "client/engine_internal.h"

/* engine.c */
void engine_set_state(struct engine *engine, enum engine_state state, const char *why);
uint64_t engine_next_id(struct engine *engine, uint32_t slot);
/* Sends what may be sent; call at the end of everything that queues. */
void engine_flush(struct engine *engine);

/* engine_session.c */
void session_greet(struct engine *engine);
/* An answer that belongs to no session: Welcome or Error. */
void session_take_bare(struct engine *engine, struct wire_frame *frame);
/* The broker has forgotten us: saves what never left and starts anew. */
void session_lost(struct engine *engine, const char *why);
/* Ends every call and control with this status. */
void session_give_up(struct engine *engine, enum status status, const char *why);

/* engine_input.c */
void input_take(struct engine *engine, struct slice bytes);

/* engine_calls.c */
void engine_calls_init(struct engine *engine);
void engine_calls_finish(struct engine *engine);
struct call *calls_find(const struct engine *engine, uint64_t id);
/* Frees the call, then tells its owner. */
void calls_end(struct engine *engine, struct call *call, const struct wire_reply *reply);
void calls_end_with(struct engine *engine, struct call *call, enum status status,
                    const char *message);
/* In a new session, with what is left of the call's time. */
void calls_put_again(struct engine *engine, struct call *call, const struct wire_request *request,
                     struct slice credential);
/* In the new session: makes again what may be made again, ends the others. */
void calls_renew(struct engine *engine);
void calls_give_up(struct engine *engine, enum status status, const char *why);

/* engine_control.c */
void controls_init(struct engine *engine);
void controls_finish(struct engine *engine);
void controls_acknowledged(struct engine *engine, uint64_t id, enum status status,
                           const char *message);
/* The confirmed publish `id` goes out again in this session. False: nobody waits for it. */
bool controls_rescued(struct engine *engine, uint64_t id);
/* The connection is lost: who waits with a limit does not for long. */
void controls_hurry(struct engine *engine);
/* Before anything else in the new session. */
void controls_renew(struct engine *engine);
/* After the rescue: ends what a new session cannot answer. */
void controls_settle(struct engine *engine);
void controls_give_up(struct engine *engine, enum status status, const char *why);
/* There will be no other session: what stood from one to the next is over. */
void controls_end_standing(struct engine *engine, enum status status, const char *why);

/* engine_serve.c */
void serve_request(struct engine *engine, const struct wire_envelope *envelope,
                   struct slice credential);
void serve_cancel(struct engine *engine, uint64_t id);
void serve_forget_all(struct engine *engine);

#endif
