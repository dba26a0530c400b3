/* wire_sample.h - one frame with a bit of everything, for tests that damage it. */
#ifndef WIRE_SAMPLE_H
#define WIRE_SAMPLE_H

#include "wire/wire.h"

static inline void put_hot_bodies(struct wire_out *out, uint32_t credential)
{
    static const struct wire_detail details[] = {{"limit", "100"}, {"tier", "free"}};
    struct slice text = slice_of("0123456789abcdefg"), few = slice_of("few");
    wire_put_request(out, 1, credential,
                     &(struct wire_request){.service = few,
                                            .method = text,
                                            .payload = text,
                                            .parent = 9,
                                            .timeout_ms = 300,
                                            .idempotent = true,
                                            .terms = true});
    wire_put_reply(out, 2,
                   &(struct wire_reply){.status = STATUS_RATE_LIMITED,
                                        .payload = text,
                                        .message = few,
                                        .details = details,
                                        .n_details = 2,
                                        .retry_after_ms = 1u << 30,
                                        .tenant = few,
                                        .tier = few,
                                        .quota_limit = 1ull << 40,
                                        .quota_remaining = 7});
    wire_put_part(out, 3,
                  &(struct wire_part){.payload = few,
                                      .index = 200,
                                      .request_id = text,
                                      .tenant = few,
                                      .tier = few,
                                      .rate_limit = 300,
                                      .rate_remaining = 7,
                                      .quota_limit = 1ull << 40,
                                      .quota_remaining = 7});
    wire_put_publish(out, 4, 0, &(struct wire_publish){.topic = few, .confirm = true});
    wire_put_delivery(out, 5, credential,
                      &(struct wire_delivery){.topic = text, .sequence = 1ull << 40, .missed = 1});
}

static inline void put_control_bodies(struct wire_out *out)
{
    char *methods[] = {"one", "two", ""};
    Farebox__V1__Register registration = FAREBOX__V1__REGISTER__INIT;
    Farebox__V1__Acknowledge acknowledge = FAREBOX__V1__ACKNOWLEDGE__INIT;
    Farebox__V1__Detail detail = FAREBOX__V1__DETAIL__INIT, *list[] = {&detail};
    registration.service = "echo";
    registration.methods = methods;
    registration.n_methods = 3;
    detail.key = "key";
    acknowledge.message = "message";
    acknowledge.details = list;
    acknowledge.n_details = 1;
    wire_put_control(out, 6, 0, WIRE_REGISTER, &registration.base);
    wire_put_control(out, 7, 0, WIRE_ACKNOWLEDGE, &acknowledge.base);
    wire_put_control(out, 0, 0, WIRE_PING, NULL);
    wire_put_control(out, 8, 0, WIRE_CANCEL, NULL);
}

/* In `out`, which the caller finishes. Nine envelopes, two credentials. */
static inline struct slice sample_frame(struct wire_out *out, struct arena *arena)
{
    static const uint8_t session[WIRE_SESSION_BYTES] = {1, 2, 3};
    struct wire_credential sealed = {.context = slice_of("context"), .seal = slice_of("seal")};
    struct wire_credential token = {.token = slice_of("a.b.c")};
    wire_out_init(out);
    put_hot_bodies(out, wire_put_credential(out, wire_write_credential(&sealed, arena)));
    wire_put_credential(out, wire_write_credential(&token, arena));
    put_control_bodies(out);
    return wire_seal_frame(out, &(struct wire_head){session, 300, 1ull << 60});
}

#endif
