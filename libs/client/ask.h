/* ask.h - asking the broker: a thread waits for its word, or the application is told it. */
#ifndef CLIENT_ASK_H
#define CLIENT_ASK_H

#include "client/bus.h"

struct ask;
struct answer;
struct subscription;

/* ---- control.c ---- */

/* Asks the broker and waits for its word. Locked. `id` as engine_control()'s. */
int bus_ask(fbx_bus *bus, enum wire_kind kind, uint64_t id, const ProtobufCMessage *body,
            uint32_t timeout_ms);
/* The same of what needs no word once the broker is away: 0 as soon as it is, and it hears of it if
 * it comes back. */
int bus_tell(fbx_bus *bus, enum wire_kind kind, const ProtobufCMessage *body, uint32_t timeout_ms);
int bus_ask_subscribe(fbx_bus *bus, uint64_t id, const Farebox__V1__Subscribe *body,
                      struct slice credential, uint32_t timeout_ms);
int bus_ask_publish(fbx_bus *bus, const struct wire_publish *publish, struct slice credential,
                    uint32_t timeout_ms);
/* For engine_control(): `answer` shall hear, nobody waits. */
struct ask *ask_later(struct answer *answer);
void ask_answered(fbx_bus *bus, struct ask *ask, enum status status, const char *message);

/* ---- answer.c ---- */

/* The broker's word for an application that does not wait for it; on_answer may be NULL. It may be
 * about a subscription, to which it refers: then nothing is told once that is closed, and what is
 * not STATUS_OK is the last that is told. */
struct answer *answer_create(fbx_on_answer on_answer, void *arg, struct subscription *subscription);
/* It is to be told. Locked. */
void answer_note(fbx_bus *bus, struct answer *answer, enum status status, const char *message);
void answer_tell(const struct answer *answer);            /* on an I/O thread */
void answer_release(fbx_bus *bus, struct answer *answer); /* locked */

#endif
