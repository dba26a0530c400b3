#include "raw.h"

#include "../testing.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* What nng puts in front of a message on ipc, and REQ in front of its body. */
#define MESSAGE_TYPE 1u
#define HEAD_BYTES 9u
#define REQUEST_BYTES 4u
#define LAST_IN_STACK 0x80000000u
#define CHUNK 65536u

static bool ready(int fd, short what)
{
    struct pollfd poller = {.fd = fd, .events = what};
    return poll(&poller, 1, PLACE_PATIENCE_MS) == 1;
}

static bool write_all(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len > 0) {
        ssize_t put = send(fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put < 0 && (errno != EAGAIN || !ready(fd, POLLOUT)))
            return false;
        if (put > 0) {
            at += put;
            len -= (size_t)put;
        }
    }
    return true;
}

static bool read_all(int fd, void *data, size_t len)
{
    uint8_t *at = data;
    while (len > 0) {
        if (!ready(fd, POLLIN))
            return false;
        ssize_t got = recv(fd, at, len, 0);
        if (got <= 0)
            return false;
        at += got;
        len -= (size_t)got;
    }
    return true;
}

struct raw_peer raw_dial(const struct place *place)
{
    static const uint8_t req[] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
    uint8_t rep[sizeof req];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct raw_peer peer = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(peer.fd >= 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/bus", place->dir);
    assert_int_equal(connect(peer.fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_true(write_all(peer.fd, req, sizeof req));
    assert_true(read_all(peer.fd, rep, sizeof rep));
    return peer;
}

void raw_hang_up(struct raw_peer *peer)
{
    close(peer->fd);
}

static bool send_head(const struct raw_peer *peer, uint64_t size)
{
    uint8_t head[HEAD_BYTES] = {MESSAGE_TYPE};
    size = htobe64(size);
    memcpy(head + 1, &size, sizeof size);
    return write_all(peer->fd, head, sizeof head);
}

bool raw_send(struct raw_peer *peer, struct slice frame)
{
    uint32_t request = htobe32(LAST_IN_STACK | ++peer->requests);
    return send_head(peer, sizeof request + frame.len) &&
           write_all(peer->fd, &request, sizeof request) &&
           write_all(peer->fd, frame.data, frame.len);
}

void raw_send_bytes(struct raw_peer *peer, size_t size)
{
    static const uint8_t bytes[CHUNK] = {0x80}; /* a request's number may begin like this */
    bool taken = send_head(peer, size);
    for (size_t some; size > 0 && taken; size -= some) {
        some = size < sizeof bytes ? size : sizeof bytes;
        taken = write_all(peer->fd, bytes, some);
    }
}

bool raw_receive(struct raw_peer *peer, struct buf *frame)
{
    uint8_t head[HEAD_BYTES + REQUEST_BYTES];
    uint64_t size;
    if (!read_all(peer->fd, head, sizeof head))
        return false;
    memcpy(&size, head + 1, sizeof size);
    size = be64toh(size);
    assert_in_range(size, REQUEST_BYTES, REQUEST_BYTES + WIRE_FRAME_MAX);
    size_t body = (size_t)size - REQUEST_BYTES;
    if (!read_all(peer->fd, buf_reserve(frame, body), body))
        return false;
    frame->len += body;
    return true;
}

static bool is_end(ssize_t got)
{
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

bool raw_is_cut_off(struct raw_peer *peer)
{
    uint8_t byte;
    return ready(peer->fd, POLLIN) && is_end(recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT));
}

bool raw_is_gone(struct raw_peer *peer)
{
    uint8_t ignored[512];
    ssize_t got = 1;
    while (got > 0)
        got = recv(peer->fd, ignored, sizeof ignored, MSG_DONTWAIT);
    return is_end(got);
}

/* ---- frames ---- */

static struct raw_answer answer_of(const struct wire_envelope *envelope)
{
    struct raw_answer answer = {.kind = envelope->kind, .status = STATUS_OK};
    if (envelope->kind == WIRE_REPLY)
        answer.status = envelope->reply.status;
    if (envelope->kind == WIRE_ERROR)
        answer.status = (enum status)envelope->error->status;
    if (envelope->kind == WIRE_ACKNOWLEDGE)
        answer.status = (enum status)envelope->acknowledge->status;
    return answer;
}

/* Sends the question, which it ends, and reads the answer's only envelope. */
static void converse(struct raw_peer *peer, struct wire_out *question, struct buf *bytes,
                     struct arena *arena, struct wire_envelope *envelope)
{
    struct wire_frame frame;
    assert_true(raw_send(peer, wire_seal_frame(question, &(struct wire_head){0})));
    wire_out_finish(question);
    assert_true(raw_receive(peer, bytes));
    assert_int_equal(wire_read_frame(&frame, buf_slice(bytes), arena), 0);
    assert_int_equal(wire_next(&frame, envelope, arena), 1);
}

struct raw_answer raw_ask(struct raw_peer *peer, struct wire_out *question)
{
    struct wire_envelope envelope;
    struct arena arena;
    struct buf bytes = {0};
    arena_init(&arena);
    converse(peer, question, &bytes, &arena, &envelope);
    struct raw_answer answer = answer_of(&envelope);
    arena_finish(&arena);
    buf_finish(&bytes);
    return answer;
}

struct raw_answer raw_ping(struct raw_peer *peer)
{
    struct wire_out out;
    wire_out_init(&out);
    wire_put_control(&out, 1, 0, WIRE_PING, NULL);
    return raw_ask(peer, &out);
}

void raw_greet(struct raw_peer *peer, const char *token, uint8_t *session)
{
    Farebox__V1__Hello hello = FAREBOX__V1__HELLO__INIT;
    struct wire_envelope envelope;
    struct wire_out out;
    struct arena arena;
    struct buf bytes = {0};
    hello.token = (char *)(uintptr_t)token;
    hello.protocol = 1;
    arena_init(&arena);
    wire_out_init(&out);
    wire_put_control(&out, 0, 0, WIRE_HELLO, &hello.base);
    converse(peer, &out, &bytes, &arena, &envelope);
    assert_int_equal(envelope.kind, WIRE_WELCOME);
    assert_int_equal(envelope.welcome->session.len, WIRE_SESSION_BYTES);
    memcpy(session, envelope.welcome->session.data, WIRE_SESSION_BYTES);
    arena_finish(&arena);
    buf_finish(&bytes);
}

bool raw_park(struct raw_peer *peer, const uint8_t *session)
{
    struct wire_out out;
    wire_out_init(&out);
    bool sent = raw_send(peer, wire_seal_frame(&out, &(struct wire_head){.session = session}));
    wire_out_finish(&out);
    return sent;
}
