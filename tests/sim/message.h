/* message.h - payloads that say whose they are, what they are and which: every byte
 * follows from tenant, kind, number and length, so an altered one is recognised. */
#ifndef SIM_MESSAGE_H
#define SIM_MESSAGE_H

#include "base/buf.h"
#include "dice.h"

enum { MESSAGE_CALL = 'c', MESSAGE_PART = 'p', MESSAGE_EVENT = 'e', MESSAGE_HOSTILE = 'h' };

struct message {
    unsigned tenant;
    char kind;
    unsigned number;
    size_t length; /* at least this */
};

/* Appends to `out`. */
void message_write(struct buf *out, const struct message *message);
/* False: not one of ours. */
bool message_read(struct message *out, struct slice bytes);
/* Is it exactly this message? */
bool message_is(struct slice bytes, const struct message *message);

/* One bit of a non-empty buffer, somewhere. */
void flip_a_bit(struct dice *dice, struct buf *bytes);

#endif
