/* outside.h - answers to exchanges that belong to no session: a frame with one envelope. */
#ifndef CORE_OUTSIDE_H
#define CORE_OUTSIDE_H

#include "wire/wire.h"

struct call;
struct core;
struct exchange;

/* Each answers the exchange, which is gone then. */
void answer_call(struct core *core, const struct call *call, const struct wire_reply *reply);
void answer_reply(struct core *core, struct exchange *exchange, uint64_t id,
                  const struct wire_reply *reply);
void answer_control(struct core *core, struct exchange *exchange, uint64_t id, enum wire_kind kind,
                    const ProtobufCMessage *body);
void answer_error(struct core *core, struct exchange *exchange, enum status status,
                  const char *message);

#endif
