#include "login.h"

#include "call.h"
#include "cookie.h"
#include "exchange.h"
#include "problem.h"
#include "reply.h"
#include "wire/pack.h"

#include <jansson.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_BYTES 64u

/* ---- what is asked ---- */

struct question {
    struct buf map; /* opened */
    size_t start;
    uint32_t pairs;
    struct buf body; /* the client's, as MessagePack */
    fbx_value members;
};

/* False: the answer says what is wrong. */
static bool open_question(struct question *q, struct exchange *x)
{
    q->start = pack_open(&q->map);
    if (!exchange_body(x, "{}", &q->body))
        return false;
    if (!fbx_read((fbx_bytes){q->body.data, q->body.len}, &q->members) ||
        q->members.type != FBX_MAP)
        problem_of(&x->answer, STATUS_INVALID_ARGUMENT, "the body is not an object");
    return x->answer.http == 0;
}

static void close_question(struct question *q)
{
    buf_finish(&q->map);
    buf_finish(&q->body);
}

static void put(struct question *q, const char *name, struct slice text)
{
    pack_str(&q->map, slice_of(name));
    pack_str(&q->map, text);
    q->pairs++;
}

/* Only what the service is to be told by a client: an address, say, is for us to tell. */
static bool copy(struct question *q, const char *name)
{
    fbx_value value = fbx_map_get(&q->members, name);
    if (value.type != FBX_TEXT)
        return false;
    put(q, name, slice_make(value.as.bytes.data, value.as.bytes.len));
    return true;
}

static void put_address(struct question *q, const struct exchange *x)
{
    char text[ADDRESS_BYTES] = "";
    exchange_address(x, text, sizeof text);
    put(q, "address", slice_of(text));
}

static void ask(struct question *q, struct exchange *x, struct call *call)
{
    pack_close_map(&q->map, q->start, q->pairs);
    call->service = x->gateway->settings.login_service;
    call->payload = buf_slice(&q->map);
    call_begin(x, call);
}

/* ---- what is answered, on a thread of the bus ---- */

/* Takes a token out of the body. */
static void move_to_cookie(struct exchange *x, json_t *object, const char *field,
                           const char *age_field, const char *cookie)
{
    const char *token = json_string_value(json_object_get(object, field));
    json_int_t age_s = json_integer_value(json_object_get(object, age_field));
    if (token)
        cookie_set(&x->answer, cookie, token, (uint64_t)age_s, gateway_is_secure(x->gateway));
    (void)json_object_del(object, field);
}

/* The page learns who it is, and never sees what proves it. */
static void keep_in_cookies(struct exchange *x, const fbx_reply *reply)
{
    json_t *object = reply_json(reply);
    move_to_cookie(x, object, "token", "expires_in", COOKIE_TOKEN);
    move_to_cookie(x, object, "refresh_token", "refresh_expires_in", COOKIE_REFRESH);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (text) {
        x->answer.http = MHD_HTTP_OK;
        x->answer.content_type = ANSWER_JSON;
        buf_append(&x->answer.body, text, strlen(text));
    } else {
        problem_of(&x->answer, STATUS_INTERNAL, "the login service makes no sense");
    }
    free(text);
}

/* ---- the paths ---- */

static bool wants_cookies(const struct question *q)
{
    fbx_value value = fbx_map_get(&q->members, "cookie");
    return fbx_as_bool(&value, false);
}

void login_handle(struct exchange *x)
{
    struct question q = {0};
    struct call call = {.method = "login", .as_gateway = true};
    if (open_question(&q, x)) {
        bool in_cookies = wants_cookies(&q);
        if (in_cookies)
            call.on_ok = keep_in_cookies;
        if (in_cookies && !cookie_is_ours(x)) {
            problem_of(&x->answer, STATUS_PERMISSION_DENIED, "cookies are for pages of our own");
        } else if (copy(&q, "tenant") && copy(&q, "user") && copy(&q, "password")) {
            put_address(&q, x);
            ask(&q, x, &call);
        } else {
            problem_of(&x->answer, STATUS_INVALID_ARGUMENT,
                       "tenant, user and password are texts, and needed");
        }
    }
    close_question(&q);
}

/* If not, the answer says so. */
static bool may_show_refresh_token(const struct question *q, struct exchange *x)
{
    enum fbx_type type = fbx_map_get(&q->members, "refresh_token").type;
    if (type == FBX_TEXT || type == FBX_NIL || type == FBX_NONE)
        return true;
    problem_of(&x->answer, STATUS_INVALID_ARGUMENT, "refresh_token is a text");
    return false;
}

/* The one in the body, or the one in the cookie, which then stays there. */
static bool put_refresh_token(struct question *q, const struct exchange *x, bool *from_cookie)
{
    const char *cookie = cookie_get(x, COOKIE_REFRESH);
    *from_cookie = false;
    fbx_value value = fbx_map_get(&q->members, "refresh_token");
    if (value.type == FBX_TEXT && value.as.bytes.len > 0) {
        put(q, "refresh_token", slice_make(value.as.bytes.data, value.as.bytes.len));
        return true;
    }
    if (!cookie)
        return false;
    *from_cookie = true;
    put(q, "refresh_token", slice_of(cookie));
    return true;
}

void login_refresh(struct exchange *x)
{
    struct question q = {0};
    struct call call = {.method = "refresh", .as_gateway = true};
    bool from_cookie = false;
    if (open_question(&q, x)) {
        if (put_refresh_token(&q, x, &from_cookie)) {
            call.on_ok = from_cookie ? keep_in_cookies : NULL;
            put_address(&q, x);
            ask(&q, x, &call);
        } else {
            problem_of(&x->answer, STATUS_INVALID_ARGUMENT, "refresh_token is needed");
        }
    }
    close_question(&q);
}

static void forget_cookies(struct exchange *x)
{
    bool secure = gateway_is_secure(x->gateway);
    cookie_set(&x->answer, COOKIE_TOKEN, "", 0, secure);
    cookie_set(&x->answer, COOKIE_REFRESH, "", 0, secure);
}

/* Whoever shows the refresh token of a cookie, or has no other, ends its login also when their
 * token is over. A page keeps no cookies, whatever is said of it. */
void login_logout(struct exchange *x)
{
    struct question q = {0};
    struct call call = {.method = "logout"};
    bool from_cookie = false;
    if (open_question(&q, x) && may_show_refresh_token(&q, x)) {
        bool shown = put_refresh_token(&q, x, &from_cookie);
        call.as_gateway = shown && (from_cookie || !exchange_token(x));
        if (cookie_is_ours(x))
            forget_cookies(x);
        ask(&q, x, &call);
    }
    close_question(&q);
}
