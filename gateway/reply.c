#include "reply.h"

#include "base/digits.h"
#include "problem.h"
#include "wire/json.h"

#include <string.h>
#include <time.h>

#define MSGPACK "application/msgpack"
#define TENANT "X-Tenant-Id"
#define TIER "X-Subscription-Tier"
#define NAME_BYTES 64u
#define POLICIES_BYTES 128u /* two of them, with the largest numbers there are */

/* In how many seconds the rate lets the same call through; 0: it was not the rate's refusal. */
static uint32_t rate_again_s(const fbx_reply *reply)
{
    return fbx_reply_status(reply) == FBX_RATE_LIMITED
               ? (fbx_reply_retry_after_ms(reply) + 999) / 1000
               : 0;
}

uint64_t reply_month_left_s(uint64_t unix_s)
{
    struct tm utc;
    time_t now = (time_t)unix_s;
    if (!gmtime_r(&now, &utc))
        return 0;
    utc = (struct tm){.tm_year = utc.tm_year, .tm_mon = utc.tm_mon + 1, .tm_mday = 1};
    return (uint64_t)timegm(&utc) - unix_s;
}

struct words {
    char text[POLICIES_BYTES];
    size_t len;
};

static void add(struct words *words, const char *text)
{
    for (; *text && words->len < sizeof words->text - 1; text++)
        words->text[words->len++] = *text;
}

static void add_number(struct words *words, const char *before, uint64_t value)
{
    char digits[DIGITS_MAX + 1];
    digits[digits_of(digits, value)] = '\0';
    add(words, before);
    add(words, digits);
}

/* draft-ietf-httpapi-ratelimit-headers: a list of policies, and what is left of each, `t` seconds
 * until there is more. Every limit of rate has a minute for its window, which slides: when there is
 * more of it is known when a call was refused for it. A month is as long as the calendar says. */
static void tell_policies(struct answer *answer, const fbx_reply *reply, uint64_t unix_s)
{
    struct words policy = {0}, left = {0};
    uint64_t month = fbx_reply_quota_limit(reply);
    uint32_t minute = fbx_reply_rate_limit(reply), again = rate_again_s(reply);
    if (minute > 0) {
        add_number(&policy, "\"minute\";q=", minute);
        add(&policy, ";w=60");
        add_number(&left, "\"minute\";r=", fbx_reply_rate_remaining(reply));
        if (again > 0)
            add_number(&left, ";t=", again);
    }
    if (month > 0) {
        const char *between = minute > 0 ? ", " : "";
        add(&policy, between);
        add_number(&policy, "\"month\";q=", month);
        add(&left, between);
        add_number(&left, "\"month\";r=", fbx_reply_quota_remaining(reply));
        add_number(&left, ";t=", reply_month_left_s(unix_s));
    }
    answer_header(answer, "RateLimit-Policy", policy.text);
    answer_header(answer, "RateLimit", left.text);
}

static void tell_rate(struct answer *answer, const fbx_reply *reply, uint64_t unix_s)
{
    if (fbx_reply_rate_limit(reply) > 0 || fbx_reply_quota_limit(reply) > 0)
        tell_policies(answer, reply, unix_s);
    if (fbx_reply_rate_limit(reply) == 0)
        return;
    answer_header_number(answer, "X-RateLimit-Limit", fbx_reply_rate_limit(reply));
    answer_header_number(answer, "X-RateLimit-Remaining", fbx_reply_rate_remaining(reply));
    if (rate_again_s(reply) > 0)
        answer_header_number(answer, "X-RateLimit-Reset", rate_again_s(reply));
}

static void tell_quota(struct answer *answer, const fbx_reply *reply)
{
    if (fbx_reply_quota_limit(reply) == 0)
        return;
    answer_header_number(answer, "X-Quota-Limit", fbx_reply_quota_limit(reply));
    answer_header_number(answer, "X-Quota-Remaining", fbx_reply_quota_remaining(reply));
}

static void tell(struct answer *answer, const char *name, const char *value)
{
    if (*value)
        answer_header(answer, name, value);
}

void reply_headers(struct answer *answer, const fbx_reply *reply, uint64_t unix_s)
{
    tell(answer, ANSWER_REQUEST_ID, fbx_reply_request_id(reply));
    tell(answer, TENANT, fbx_reply_tenant(reply));
    tell(answer, TIER, fbx_reply_tier(reply));
    if (fbx_reply_replayed(reply))
        answer_header(answer, "Idempotency-Replayed", "true");
    tell_rate(answer, reply, unix_s);
    tell_quota(answer, reply);
}

/* A text of the context, if it has it. */
static void tell_of(struct answer *answer, const char *name, const fbx_value *context,
                    const char *field)
{
    char text[NAME_BYTES];
    fbx_value value = fbx_map_get(context, field);
    if (fbx_as_text(&value, text, sizeof text))
        tell(answer, name, text);
}

void reply_headers_own(struct answer *answer, const fbx_reply *reply)
{
    fbx_value body;
    tell(answer, ANSWER_REQUEST_ID, fbx_reply_request_id(reply));
    if (fbx_reply_status(reply) != FBX_OK || !fbx_read(fbx_reply_payload(reply), &body))
        return;
    fbx_value context = fbx_map_get(&body, "context");
    tell_of(answer, TENANT, &context, "tenant_id");
    tell_of(answer, TIER, &context, "subscription_tier");
}

static bool is_msgpack(const fbx_reply *reply)
{
    const char *type = fbx_reply_content_type(reply);
    return type[0] == '\0' || strcmp(type, MSGPACK) == 0;
}

static void write_json(struct answer *answer, fbx_bytes msgpack)
{
    struct json_error why;
    answer->http = (unsigned)status_http(STATUS_OK);
    answer->content_type = ANSWER_JSON;
    if (json_from_msgpack(&answer->body, slice_make(msgpack.data, msgpack.len), &why) < 0)
        problem_of(answer, STATUS_INTERNAL, why.text);
}

/* Browsers are to take it for nothing else, and for no page of the gateway's. */
static void write_as_it_is(struct answer *answer, const fbx_reply *reply)
{
    fbx_bytes payload = fbx_reply_payload(reply);
    answer->http = (unsigned)status_http(STATUS_OK);
    answer_header(answer, "Content-Type", fbx_reply_content_type(reply));
    answer_header(answer, "X-Content-Type-Options", "nosniff");
    answer_header(answer, "Content-Security-Policy", "sandbox");
    buf_append(&answer->body, payload.data, payload.len);
}

static void write_body(struct answer *answer, const fbx_reply *reply)
{
    if (is_msgpack(reply))
        write_json(answer, fbx_reply_payload(reply));
    else
        write_as_it_is(answer, reply);
}

void reply_write(struct answer *answer, const fbx_reply *reply)
{
    if (fbx_reply_status(reply) == FBX_OK)
        write_body(answer, reply);
    else
        problem_of_reply(answer, reply);
}

void reply_write_json(struct answer *answer, const fbx_reply *reply)
{
    fbx_writer w = {0};
    if (fbx_reply_status(reply) != FBX_OK || is_msgpack(reply)) {
        reply_write(answer, reply);
        return;
    }
    fbx_write_bin(&w, fbx_reply_payload(reply));
    write_json(answer, fbx_written(&w));
    fbx_writer_free(&w);
}

void reply_write_own(struct answer *answer, const fbx_reply *reply)
{
    if (fbx_reply_status(reply) == FBX_OK)
        write_body(answer, reply);
    else
        problem_of_own(answer, reply);
}

json_t *reply_json(const fbx_reply *reply)
{
    struct buf text = {0};
    fbx_bytes payload = fbx_reply_payload(reply);
    json_t *read = NULL;
    if (json_from_msgpack(&text, slice_make(payload.data, payload.len), NULL) == 0)
        read = json_loadb((const char *)text.data, text.len, 0, NULL);
    buf_finish(&text);
    return read;
}
