/* work.h - what the peers do with the bus. Every deed is drawn from the dice and
 * entered in the books. */
#ifndef SIM_WORK_H
#define SIM_WORK_H

#include "books.h"
#include "client/engine.h"
#include "peer.h"

struct world;

/* ---- work.c: a peer's life on the bus ---- */
struct engine_upcalls work_upcalls(struct peer *peer);
/* A new life: registers, and begins to act. */
void work_born(struct peer *peer);
/* The number of something in the books as an argument to the engine, and back. */
void *work_arg(unsigned number);
unsigned work_number(const void *arg);

/* ---- work_calls.c ---- */
/* What goes with a call besides what the books keep of it. */
struct call_extras {
    struct slice credential; /* serialised; empty: the session's own */
    uint64_t parent;         /* id of the request it is made for */
    const char *tenant;      /* named in the request; NULL: none */
};
/* Of a payload: mostly small, sometimes larger than is allowed. */
size_t work_draw_length(struct world *world);
void work_draw_call(struct peer *peer, struct called *plan, struct call_extras *extras,
                    struct arena *arena);
/* Whether the plan has to be refused, from what the cast knows. */
bool work_must_refuse(const struct world *world, const struct called *plan);
/* Enters it, then makes it by the peer's engine. Returns its number. */
unsigned work_call(struct peer *peer, const struct called *plan, const struct call_extras *extras);
/* The request itself; its payload is put into `payload`. */
struct wire_request work_request_of(const struct called *called, unsigned number,
                                    const struct call_extras *extras, struct buf *payload);
/* At most so often the broker was asked for it. */
unsigned work_times_made(const struct world *world, const struct called *called);
void work_cancel_some(struct peer *peer);
/* The month ends then: everyone who calls has calls under way, and makes more. */
void work_month_ends(struct world *world, uint64_t at);
/* Everyone who calls makes a call that must succeed. */
void work_probes(struct world *world);
void work_replied(struct peer *peer, unsigned number, const struct wire_reply *reply);

/* ---- work_serve.c ---- */
void work_serve(struct peer *peer, uint64_t id, const struct wire_request *request,
                struct slice credential);
/* A nested call has ended: so may the one it was made for. */
void work_nested_over(struct peer *peer, unsigned number, const struct wire_reply *reply);
/* Keeps a context for later, if it is one. */
void work_keep(struct peer *peer, const struct hoarded *what, struct slice credential);
/* Presents contexts it was given earlier: its own, spoilt, or another's. */
void work_replay(struct peer *peer);
/* Makes one of its calls again that had an idempotency key. */
void work_repeat(struct peer *peer);
void work_serve_finish(struct world *world);

/* ---- work_events.c ---- */
void work_publish(struct peer *peer, const struct published *plan, struct slice credential);
void work_publish_some(struct peer *peer);
void work_publish_for(struct peer *peer, const struct user *user, struct slice credential);
void work_markers(struct world *world);
void work_listen_some(struct peer *peer);
void work_delivered(struct peer *peer, uint64_t subscription, const struct wire_delivery *delivery,
                    struct slice credential);

void work_listening_answered(struct peer *peer, struct control *control);
void work_listening_over(struct peer *peer, uint64_t subscription, enum status status,
                         const char *message);
/* Whether its subscription is in force, as far as its owner knows. */
bool work_listens(const struct listening *listening);

/* ---- work_admin.c ---- */
void work_administer(struct peer *peer);
void work_admin_replied(struct peer *peer, unsigned number, const struct wire_reply *reply);
/* Ends what would last for ever. */
void work_end_taps(struct world *world);

/* ---- peers without an engine ---- */
extern const struct raw_role role_one_shot, role_hostile;

/* Whether the user is the hostile peer's, whose calls are in no book of the simulator's own. */
bool work_is_hostile(const struct world *world, const struct user *user);
/* Whether one of the tenant's users is. */
bool work_has_hostile(const struct world *world, unsigned tenant);

#endif
