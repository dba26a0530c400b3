/* raw.h - a peer without a library: one ipc connection, byte by byte, so that it may do what no
 * socket of nng would: not read, announce nonsense, say two things at once. */
#ifndef DIALOGUE_RAW_H
#define DIALOGUE_RAW_H

#include "harness.h"

#include "base/buf.h"
#include "wire/wire.h"

struct raw_peer {
    int fd;
    uint32_t requests;
};

/* Connects and shakes hands. Ends with raw_hang_up(). */
struct raw_peer raw_dial(const struct place *place);
void raw_hang_up(struct raw_peer *peer);

/* Sends one request. False: the broker has hung up, or takes nothing for PLACE_PATIENCE_MS. */
bool raw_send(struct raw_peer *peer, struct slice frame);
/* Announces a message of `size` bytes and sends as many, or until the broker hangs up. */
void raw_send_bytes(struct raw_peer *peer, size_t size);
/* Appends the next answer's frame to `frame`. False: the broker has hung up. */
bool raw_receive(struct raw_peer *peer, struct buf *frame);
/* Waits until the broker hangs up; false if it sends an answer instead. */
bool raw_is_cut_off(struct raw_peer *peer);
/* Has it hung up by now? Answers that came before are not looked at. */
bool raw_is_gone(struct raw_peer *peer);

/* One envelope without a session, sent and answered: the kind of the answer and its status
 * (STATUS_OK where it has none). */
struct raw_answer {
    enum wire_kind kind;
    enum status status;
};
struct raw_answer raw_ask(struct raw_peer *peer, struct wire_out *question);
/* Asks for nothing but a sign of life. */
struct raw_answer raw_ping(struct raw_peer *peer);
/* Greets with the token; `session` receives WIRE_SESSION_BYTES. */
void raw_greet(struct raw_peer *peer, const char *token, uint8_t *session);
/* An exchange of the session that carries nothing: the broker holds it. */
bool raw_park(struct raw_peer *peer, const uint8_t *session);

#endif
