#include "problem.h"

#include <jansson.h>
#include <microhttpd.h>
#include <stdlib.h>

#define TYPE_PREFIX "/problems/"
#define TITLE_BYTES 96u
#define A_SECOND_MS 1000u

/* "rate_limited" -> "Rate limited" */
static void title_of(char title[TITLE_BYTES], const char *code)
{
    snprintf(title, TITLE_BYTES, "%s", code);
    for (char *at = title; *at; at++)
        if (*at == '_')
            *at = ' ';
    if (title[0] >= 'a' && title[0] <= 'z')
        title[0] = (char)(title[0] - 'a' + 'A');
}

static json_t *problem(struct answer *answer, unsigned http, const char *code, const char *detail)
{
    char type[TITLE_BYTES], title[TITLE_BYTES];
    snprintf(type, sizeof type, TYPE_PREFIX "%s", code);
    title_of(title, code);
    json_t *object = json_object();
    json_object_set_new(object, "type", json_string(type));
    json_object_set_new(object, "title", json_string(title));
    json_object_set_new(object, "status", json_integer(http));
    json_object_set_new(object, "code", json_string(code));
    if (detail && *detail)
        json_object_set_new(object, "detail", json_string(detail));
    json_object_set_new(object, "request_id", json_string(answer_tell_name(answer)));
    return object;
}

/* Who shall come back, and nobody knows when, comes back in a second. */
static void tell_when(struct answer *answer, uint32_t retry_after_ms)
{
    bool shall_come_back =
        answer->http == MHD_HTTP_TOO_MANY_REQUESTS || answer->http == MHD_HTTP_SERVICE_UNAVAILABLE;
    if (retry_after_ms == 0 && shall_come_back)
        retry_after_ms = A_SECOND_MS;
    if (retry_after_ms > 0)
        answer_header_number(answer, "Retry-After", (retry_after_ms + 999) / 1000);
}

/* Consumes the object. */
static void write_out(struct answer *answer, unsigned http, json_t *object, uint32_t retry_after_ms)
{
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    answer->http = http;
    answer->content_type = "application/problem+json";
    answer->body.len = 0;
    if (text)
        buf_append(&answer->body, text, strlen(text));
    free(text);
    tell_when(answer, retry_after_ms);
    if (http == MHD_HTTP_UNAUTHORIZED)
        answer_header(answer, "WWW-Authenticate", "Bearer");
}

/* The source's own words for what a subscription keeps somebody from. */
static void add_upgrade(json_t *object)
{
    char message[160];
    const char *tier = json_string_value(json_object_get(object, "required_tier"));
    json_object_set_new(object, "error", json_string("subscription_insufficient"));
    snprintf(message, sizeof message, "This feature requires %s subscription",
             tier ? tier : "another");
    json_object_set_new(object, "message", json_string(message));
}

static json_t *refusal(struct answer *answer, const fbx_reply *reply, const char *detail)
{
    enum status status = (enum status)fbx_reply_status(reply);
    json_t *object = problem(answer, (unsigned)status_http(status), status_text(status), detail);
    json_object_set_new(object, "retryable", json_boolean(fbx_reply_retryable(reply)));
    if (fbx_reply_retry_after_ms(reply) > 0)
        json_object_set_new(object, "retry_after_ms",
                            json_integer(fbx_reply_retry_after_ms(reply)));
    return object;
}

/* Consumes the object. */
static void refuse(struct answer *answer, const fbx_reply *reply, json_t *object)
{
    write_out(answer, (unsigned)status_http((enum status)fbx_reply_status(reply)), object,
              fbx_reply_retry_after_ms(reply));
}

void problem_of_reply(struct answer *answer, const fbx_reply *reply)
{
    json_t *object = refusal(answer, reply, fbx_reply_message(reply));
    const char *value = NULL;
    for (size_t i = 0; i < fbx_reply_details(reply); i++) {
        const char *key = fbx_reply_detail_at(reply, i, &value);
        if (!json_object_get(object, key))
            json_object_set_new(object, key, json_string(value));
    }
    if (fbx_reply_status(reply) == FBX_SUBSCRIPTION_INSUFFICIENT)
        add_upgrade(object);
    refuse(answer, reply, object);
}

/* The broker tells whoever asks of their own terms and names no tenant. What names one was said by
 * the service, of the tenant that the client asked for. */
static bool is_of_client(const fbx_reply *reply)
{
    return fbx_reply_detail(reply, "tenant_id") != NULL;
}

/* Nothing but what every refusal for a subscription says. */
static void add_terms(json_t *object, const fbx_reply *reply)
{
    static const char *const told[] = {"subscription_status", "current_tier", "required_tier",
                                       "required_feature", "upgrade_url"};
    int status = fbx_reply_status(reply);
    if (status != FBX_SUBSCRIPTION_EXPIRED && status != FBX_SUBSCRIPTION_INSUFFICIENT)
        return;
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        const char *value = fbx_reply_detail(reply, told[i]);
        if (value)
            json_object_set_new(object, told[i], json_string(value));
    }
    if (status == FBX_SUBSCRIPTION_INSUFFICIENT)
        add_upgrade(object);
}

void problem_of_own(struct answer *answer, const fbx_reply *reply)
{
    bool is_told = fbx_reply_details(reply) == 0 || is_of_client(reply);
    const char *instead = fbx_reply_status(reply) == FBX_PERMISSION_DENIED
                              ? "the gateway's own token has no permission for that"
                              : "the gateway itself may not ask for that now";
    json_t *object = refusal(answer, reply, is_told ? fbx_reply_message(reply) : instead);
    if (is_of_client(reply))
        add_terms(object, reply);
    refuse(answer, reply, object);
}

void problem_of(struct answer *answer, enum status status, const char *detail)
{
    unsigned http = (unsigned)status_http(status);
    json_t *object = problem(answer, http, status_text(status), detail);
    json_object_set_new(object, "retryable", json_boolean(status_retryable(status)));
    write_out(answer, http, object, 0);
}

void problem_of_error(struct answer *answer, int error)
{
    switch (error) {
    case FBX_EINVAL:
        problem_of(answer, STATUS_INVALID_ARGUMENT, "a name or a header is not what it may be");
        return;
    case FBX_EWOULDBLOCK:
        problem_of(answer, STATUS_OVERLOADED, "too much is on its way to the broker");
        return;
    default:
        problem_of(answer, STATUS_UNAVAILABLE, "the broker is not there");
    }
}

void problem_of_http(struct answer *answer, unsigned http, const char *code, const char *detail)
{
    json_t *object = problem(answer, http, code, detail);
    json_object_set_new(object, "retryable", json_false());
    write_out(answer, http, object, 0);
}

void problem_of_stop(struct answer *answer)
{
    problem_of_http(answer, MHD_HTTP_SERVICE_UNAVAILABLE, "gateway_stopped",
                    "the gateway stops; what was asked for may have happened");
}
