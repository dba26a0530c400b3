/* fake_broker.h - the other end of one engine, in the hands of a test: frames wait
 * until the test takes them in, and are answered when it says so. */
#ifndef FAKE_BROKER_H
#define FAKE_BROKER_H

#include "../testing.h"

#include "client/engine.h"

#define FAKE_HEARTBEAT_NS (1000 * NS_PER_MS)
#define SEEN_MAX 128u

/* An envelope that arrived, with what tests look at. */
struct seen {
    enum wire_kind kind;
    uint64_t id, sequence;
    enum status status; /* of a reply */
    char text[64];      /* method, topic, pattern, service, token or payload */
    char credential[64];
};

/* What the engine told its owner. */
struct outcome {
    void *arg;
    enum status status;
};

struct fake_broker {
    struct engine *engine;
    uint64_t now;
    uint32_t exchanges; /* as said in Welcome */

    struct buf sent[ENGINE_EXCHANGES]; /* frames not taken in yet */
    bool under_way[ENGINE_EXCHANGES];  /* sent and not ended */
    unsigned order[64];                /* exchanges with a frame to take in, oldest first */
    unsigned n_order;
    unsigned frames, resets;

    struct link link;
    uint8_t sessions; /* given out */
    struct arena arena;
    struct seen seen[SEEN_MAX];
    unsigned n_seen;

    enum engine_state state;
    unsigned states, replies, parts, requests, cancels, deliveries, acknowledged, over;
    struct outcome last_reply, last_acknowledged;
    uint64_t last_over;
    uint64_t last_request;
    void (*on_reply)(struct fake_broker *fake);
};

void fake_init(struct fake_broker *fake);
void fake_finish(struct fake_broker *fake);

/* Takes in the oldest frame sent; returns the exchange it came on. */
unsigned fake_take(struct fake_broker *fake);
/* Takes in all of them. */
void fake_take_all(struct fake_broker *fake);
/* Where to put what the next answer carries. */
struct wire_out *fake_out(struct fake_broker *fake);
/* Answers on this exchange, or on the oldest that waits for an answer. */
void fake_answer_on(struct fake_broker *fake, unsigned exchange);
void fake_answer(struct fake_broker *fake);
/* Reads everything and answers all exchanges but two, as brokers do, until nothing more comes. */
void fake_settle(struct fake_broker *fake);
/* Takes in a Hello and answers it with Welcome, or with an Error. */
void fake_welcome(struct fake_broker *fake);
void fake_error(struct fake_broker *fake, unsigned exchange, enum status status);
/* Connects and welcomes. */
void fake_connect(struct fake_broker *fake);
/* Every exchange under way fails, and the pipe goes down. */
void fake_lose_pipe(struct fake_broker *fake);
/* A new pipe, on which the broker does not know the session any more. */
void fake_forget(struct fake_broker *fake);
void fake_pass(struct fake_broker *fake, uint64_t ns); /* time, then a tick */

unsigned fake_waiting(const struct fake_broker *fake); /* exchanges under way */
unsigned fake_count(const struct fake_broker *fake, enum wire_kind kind);
/* The last one of this kind that arrived, or NULL. */
const struct seen *fake_last(const struct fake_broker *fake, enum wire_kind kind);

/* Shorthands for what the engine is asked. */
uint64_t fake_call(struct fake_broker *fake, const char *method, uint32_t timeout_ms,
                   bool idempotent, void *arg);
void fake_reply(struct fake_broker *fake, uint64_t id, enum status status);
void fake_request(struct fake_broker *fake, uint64_t id);

#endif
