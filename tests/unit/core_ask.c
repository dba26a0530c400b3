#include "core_ask.h"

#include "../testing.h"
#include "wire/json.h"

void actor_question(struct actor *who, uint64_t id, const char *service, const char *method,
                    const char *question)
{
    struct buf payload = {0};
    assert_int_equal(msgpack_from_json(&payload, slice_of(question), NULL), 0);
    const struct wire_request request = {
        .service = slice_of(service), .method = slice_of(method), .payload = buf_slice(&payload)};
    actor_request(who, id, &request, slice_make(NULL, 0));
    buf_finish(&payload);
}

enum status actor_ask(struct actor *who, uint64_t id, const char *service, const char *method,
                      const char *question, struct buf *answer)
{
    struct wire_envelope reply;
    actor_question(who, id, service, method, question);
    do
        assert_true(actor_await(who, &reply));
    while (reply.kind != WIRE_REPLY || reply.id != id);
    answer->len = 0;
    if (reply.reply.status == STATUS_OK)
        assert_int_equal(json_from_msgpack(answer, reply.reply.payload, NULL), 0);
    buf_append(answer, "", 1);
    return reply.reply.status;
}

const char *reply_detail(const struct wire_reply *reply, const char *key)
{
    for (size_t i = 0; i < reply->n_details; i++) {
        if (strcmp(reply->details[i].key, key) == 0)
            return reply->details[i].value;
    }
    return "";
}
