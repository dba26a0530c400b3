/* control.c - asking the broker and waiting for its word. */
#include "client/ask.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>

struct ask {
    bool answered, abandoned; /* abandoned: whoever asked has gone; the answer frees it */
    struct answer *answer;    /* to be told, or NULL: somebody waits */
    enum status status;
    char message[200];
};

void ask_answered(fbx_bus *bus, struct ask *ask, enum status status, const char *message)
{
    if (ask->answer)
        answer_note(bus, ask->answer, status, message);
    if (ask->answer || ask->abandoned) {
        mem_free(ask);
        return;
    }
    ask->answered = true;
    ask->status = status;
    snprintf(ask->message, sizeof(ask->message), "%s", message);
    pthread_cond_broadcast(&bus->changed);
}

struct ask *ask_later(struct answer *answer)
{
    struct ask *ask = mem_zalloc(sizeof(*ask));
    ask->answer = answer;
    return ask;
}

static int judge(const fbx_bus *bus, const struct ask *ask)
{
    if (ask->status == STATUS_OK)
        return 0;
    if (ask->status == STATUS_CANCELLED && bus->state == ENGINE_CLOSED)
        return FBX_ECLOSED;
    text_set_error("%s: %s", status_text(ask->status), ask->message);
    return ask->status == STATUS_OUTCOME_UNKNOWN ? FBX_ETIMEDOUT : FBX_EREFUSED;
}

/* `while_there`: nothing is owed by a broker that is away, which hears of it if it comes back. */
static int await(fbx_bus *bus, struct ask *ask, uint32_t timeout_ms, bool while_there)
{
    uint64_t until = clock_mono_ns() + timeout_ms * NS_PER_MS;
    while (!ask->answered && (bus->connected || !while_there) &&
           bus_wait(bus, &bus->changed, until))
        continue;
    if (!ask->answered) {
        ask->abandoned = true;
        if (while_there && !bus->connected)
            return 0;
        text_set_error("the broker did not answer within %u ms", timeout_ms);
        return FBX_ETIMEDOUT;
    }
    int error = judge(bus, ask);
    mem_free(ask);
    return error;
}

static int ask_control(fbx_bus *bus, enum wire_kind kind, uint64_t id, const ProtobufCMessage *body,
                       uint32_t timeout_ms, bool while_there)
{
    if (!bus->engine)
        return FBX_ECLOSED;
    struct ask *ask = mem_zalloc(sizeof(*ask));
    engine_control(bus->engine, kind, id, body, ask);
    return await(bus, ask, timeout_ms, while_there);
}

int bus_ask(fbx_bus *bus, enum wire_kind kind, uint64_t id, const ProtobufCMessage *body,
            uint32_t timeout_ms)
{
    return ask_control(bus, kind, id, body, timeout_ms, false);
}

int bus_tell(fbx_bus *bus, enum wire_kind kind, const ProtobufCMessage *body, uint32_t timeout_ms)
{
    return ask_control(bus, kind, 0, body, timeout_ms, true);
}

int bus_ask_subscribe(fbx_bus *bus, uint64_t id, const Farebox__V1__Subscribe *body,
                      struct slice credential, uint32_t timeout_ms)
{
    struct ask *ask = mem_zalloc(sizeof(*ask));
    engine_subscribe(bus->engine, id, body, credential, ask);
    return await(bus, ask, timeout_ms ? timeout_ms : bus->connect_timeout_ms, false);
}

int bus_ask_publish(fbx_bus *bus, const struct wire_publish *publish, struct slice credential,
                    uint32_t timeout_ms)
{
    struct ask *ask = mem_zalloc(sizeof(*ask));
    engine_publish(bus->engine, publish, credential, ask);
    return await(bus, ask, timeout_ms ? timeout_ms : bus->default_timeout_ms, false);
}

int fbx_ping(fbx_bus *bus, uint32_t timeout_ms)
{
    if (!bus)
        return FBX_EINVAL;
    if (bus_on_io_thread())
        return FBX_EWOULDBLOCK;
    bus_lock(bus);
    uint32_t patience = timeout_ms ? timeout_ms : bus->default_timeout_ms;
    int error = bus_ask(bus, WIRE_PING, 0, NULL, patience);
    bus_unlock(bus);
    return error;
}
