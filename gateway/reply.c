#include "reply.h"

#include "problem.h"
#include "wire/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define POLICY_BYTES 64u
#define MSGPACK "application/msgpack"

/* draft-ietf-httpapi-ratelimit-headers, and what clients have read for longer. A minute is the
 * window of every limit there is. */
static void tell_rate(struct answer *answer, const fbx_reply *reply)
{
    char text[POLICY_BYTES];
    uint32_t limit = fbx_reply_rate_limit(reply), left = fbx_reply_rate_remaining(reply);
    uint32_t again_s = (fbx_reply_retry_after_ms(reply) + 999) / 1000;
    if (limit == 0)
        return;
    (void)snprintf(text, sizeof text, "\"minute\";q=%" PRIu32 ";w=60", limit);
    answer_header(answer, "RateLimit-Policy", text);
    if (again_s > 0)
        (void)snprintf(text, sizeof text, "\"minute\";r=%" PRIu32 ";t=%" PRIu32, left, again_s);
    else
        (void)snprintf(text, sizeof text, "\"minute\";r=%" PRIu32, left);
    answer_header(answer, "RateLimit", text);
    answer_header_number(answer, "X-RateLimit-Limit", limit);
    answer_header_number(answer, "X-RateLimit-Remaining", left);
    if (again_s > 0)
        answer_header_number(answer, "X-RateLimit-Reset", again_s);
}

void reply_headers(struct answer *answer, const fbx_reply *reply)
{
    answer_header(answer, "X-Request-Id", fbx_reply_request_id(reply));
    if (fbx_reply_replayed(reply))
        answer_header(answer, "Idempotency-Replayed", "true");
    tell_rate(answer, reply);
}

static void write_body(struct answer *answer, const fbx_reply *reply)
{
    struct json_error why;
    fbx_bytes payload = fbx_reply_payload(reply);
    const char *type = fbx_reply_content_type(reply);
    answer->http = (unsigned)status_http(STATUS_OK);
    if (type[0] && strcmp(type, MSGPACK) != 0) {
        answer_header(answer, "Content-Type", type);
        buf_append(&answer->body, payload.data, payload.len);
        return;
    }
    answer->content_type = "application/json";
    if (json_from_msgpack(&answer->body, slice_make(payload.data, payload.len), &why) < 0)
        problem_of(answer, STATUS_INTERNAL, why.text, fbx_reply_request_id(reply));
}

void reply_write(struct answer *answer, const fbx_reply *reply)
{
    if (fbx_reply_status(reply) == FBX_OK)
        write_body(answer, reply);
    else
        problem_of_reply(answer, reply);
}
