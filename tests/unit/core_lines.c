/* core_lines.c - what actors usually say. */
#include "../testing.h"
#include "core_stage.h"

static enum status acknowledged(struct actor *actor)
{
    struct wire_envelope answer = actor_expect(actor, WIRE_ACKNOWLEDGE);
    return (enum status)answer.acknowledge->status;
}

enum status actor_register_as(struct actor *actor, const Farebox__V1__Register *wanted)
{
    wire_put_control(actor_out(actor), 900, 0, WIRE_REGISTER, &wanted->base);
    actor_say(actor);
    return acknowledged(actor);
}

void actor_register(struct actor *actor, const char *service, uint32_t capacity)
{
    Farebox__V1__Register wanted = FAREBOX__V1__REGISTER__INIT;
    wanted.service = (char *)(uintptr_t)service;
    wanted.capacity = capacity;
    assert_int_equal(actor_register_as(actor, &wanted), STATUS_OK);
}

void actor_request(struct actor *actor, uint64_t id, const struct wire_request *request,
                   struct slice credential)
{
    struct wire_out *out = actor_out(actor);
    uint32_t index = wire_put_credential(out, credential);
    wire_put_request(out, id, index, request);
    actor_say(actor);
}

void actor_call(struct actor *actor, uint64_t id, const char *service, const char *method)
{
    const struct wire_request request = {.service = slice_of(service), .method = slice_of(method)};
    actor_request(actor, id, &request, slice_make(NULL, 0));
}

void actor_reply(struct actor *actor, uint64_t id, enum status status, const char *payload)
{
    const struct wire_reply reply = {.status = status, .payload = slice_of(payload)};
    wire_put_reply(actor_out(actor), id, &reply);
    actor_say(actor);
}

void actor_cancel(struct actor *actor, uint64_t id)
{
    wire_put_control(actor_out(actor), id, 0, WIRE_CANCEL, NULL);
    actor_say(actor);
}

enum status actor_subscribe(struct actor *actor, uint64_t id, const char *pattern,
                            const char *group, const char *tenant)
{
    Farebox__V1__Subscribe wanted = FAREBOX__V1__SUBSCRIBE__INIT;
    wanted.pattern = (char *)(uintptr_t)pattern;
    wanted.group = (char *)(uintptr_t)(group ? group : "");
    wanted.tenant = (char *)(uintptr_t)(tenant ? tenant : "");
    wire_put_control(actor_out(actor), id, 0, WIRE_SUBSCRIBE, &wanted.base);
    actor_say(actor);
    return acknowledged(actor);
}

enum status actor_publish(struct actor *actor, const char *topic, const char *payload)
{
    const struct wire_publish event = {
        .topic = slice_of(topic), .payload = slice_of(payload), .confirm = true};
    wire_put_publish(actor_out(actor), 901, 0, &event);
    actor_say(actor);
    return acknowledged(actor);
}

enum status actor_outcome(struct actor *caller, uint64_t id)
{
    struct wire_envelope envelope = actor_expect(caller, WIRE_REPLY);
    assert_int_equal(envelope.id, id);
    return envelope.reply.status;
}

uint64_t actor_requested(struct actor *server)
{
    return actor_expect(server, WIRE_REQUEST).id;
}

void stage_is_idle(const struct stage *stage)
{
    struct core_gauges gauges = stage_gauges(stage);
    assert_int_equal(gauges.calls, 0);
    assert_int_equal(gauges.in_flight, 0);
    assert_int_equal(gauges.queued, 0);
    assert_int_equal(gauges.abandoned, 0);
}
