#include "subscribers.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "exchange.h"
#include "percent.h"
#include "problem.h"
#include "replay.h"
#include "wire/json.h"
#include "wire/pack.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define STREAM_RANDOM_BYTES 16u
#define STREAM_NAME_BYTES (2 * STREAM_RANDOM_BYTES + 1)
#define EVENT_ID_BYTES (STREAM_NAME_BYTES + 24u)
#define PATTERN_BYTES 1024u
#define HASH_BYTES 32u
/* A token's, when it opens another. */
#define PARKED_MAX 4u

struct subscriber {
    struct list node; /* in subscribers.list; the loop's */
    struct gateway *gateway;
    char name[STREAM_NAME_BYTES], pattern[PATTERN_BYTES];
    uint8_t token_hash[HASH_BYTES];
    uint64_t id;   /* on the bus */
    bool was_over; /* at the tick before */

    pthread_mutex_t mutex;   /* guards the rest */
    struct exchange *client; /* NULL: it is gone, and may come back */
    struct replay replay;
    bool granted, over; /* over: no callback comes any more */
    uint64_t since_ns;  /* when something was last sent, or the client left */
};

struct subscribers {
    struct gateway *gateway;
    struct list list;
};

/* ---- one subscriber ---- */

static void hash_token(uint8_t out[HASH_BYTES], const char *token)
{
    (void)crypto_generichash(out, HASH_BYTES, (const uint8_t *)token, strlen(token), NULL, 0);
}

static struct subscriber *create(struct subscribers *all, const char *pattern, const char *token)
{
    struct subscriber *self = mem_zalloc(sizeof *self);
    uint8_t random[STREAM_RANDOM_BYTES];
    self->gateway = all->gateway;
    randombytes_buf(random, sizeof random);
    (void)sodium_bin2hex(self->name, sizeof self->name, random, sizeof random);
    (void)snprintf(self->pattern, sizeof self->pattern, "%s", pattern);
    hash_token(self->token_hash, token);
    pthread_mutex_init(&self->mutex, NULL);
    replay_init(&self->replay);
    list_push(&all->list, &self->node);
    return self;
}

static void destroy(struct subscriber *self)
{
    list_remove(&self->node);
    replay_finish(&self->replay);
    pthread_mutex_destroy(&self->mutex);
    mem_free(self);
}

/* Locked. What was put goes out, and nothing after it. */
static void let_go(struct subscriber *self)
{
    struct exchange *client = self->client;
    if (!client)
        return;
    self->client = NULL;
    self->since_ns = clock_mono_ns();
    stream_end(&client->stream);
    exchange_finish(client);
}

/* Locked. */
static void tell(struct subscriber *self, struct slice bytes)
{
    if (!self->client)
        return;
    self->since_ns = clock_mono_ns();
    if (stream_put(&self->client->stream, bytes))
        exchange_post(self->client);
    else
        let_go(self); /* too slow: it may come back for what it has not heard */
}

static void tell_kind(struct subscriber *self, const char *kind, const char *id, struct slice json)
{
    struct buf event = {0};
    framing_put(&event, FRAMING_EVENTS, kind, id, json);
    tell(self, buf_slice(&event));
    buf_finish(&event);
}

/* Locked. The response begins. */
static void greet(struct subscriber *self, bool resumed)
{
    struct exchange *x = self->client;
    char id[EVENT_ID_BYTES];
    const char *json = resumed ? "{\"resumed\":true}" : "{\"resumed\":false}";
    x->streams = true;
    x->answer.http = MHD_HTTP_OK;
    x->answer.content_type = framing_content_type(FRAMING_EVENTS);
    answer_header(&x->answer, "Cache-Control", "no-store");
    (void)answer_tell_name(&x->answer);
    (void)snprintf(id, sizeof id, "%s.%" PRIu64, self->name, self->replay.next - 1);
    tell_kind(self, "ready", resumed ? NULL : id, slice_of(json));
}

/* ---- what the bus says, on its threads ---- */

static void put_field(struct buf *map, const char *name, const char *value, uint32_t *count)
{
    if (!value || !*value)
        return;
    pack_str(map, slice_of(name));
    pack_str(map, slice_of(value));
    ++*count;
}

/* MessagePack becomes JSON, other payloads base64 text. */
static void put_payload(struct buf *map, const fbx_event *event)
{
    struct slice payload = slice_make(event->payload.data, event->payload.len);
    fbx_writer writer = {0};
    pack_str(map, slice_of("payload"));
    if (strcmp(event->content_type, "application/msgpack") == 0 && msgpack_valid(payload)) {
        buf_append(map, payload.data, payload.len);
        return;
    }
    fbx_write_bin(&writer, event->payload);
    buf_append(map, writer.data, writer.len);
    fbx_writer_free(&writer);
}

static bool write_json(struct buf *out, const fbx_event *event)
{
    struct buf map = {0};
    uint32_t count = 1;
    size_t start = pack_open(&map);
    put_field(&map, "topic", event->topic, &count);
    put_field(&map, "user", event->user, &count);
    put_field(&map, "event_id", event->event_id, &count);
    if (event->missed > 0) {
        pack_str(&map, slice_of("missed"));
        pack_uint(&map, event->missed);
        count++;
    }
    put_payload(&map, event);
    pack_close_map(&map, start, count);
    bool written = json_from_msgpack(out, buf_slice(&map), NULL) == 0;
    buf_finish(&map);
    return written;
}

static void on_event(void *arg, const fbx_event *event)
{
    struct subscriber *self = arg;
    struct buf json = {0}, framed = {0};
    char id[EVENT_ID_BYTES];
    pthread_mutex_lock(&self->mutex);
    if (write_json(&json, event)) {
        (void)snprintf(id, sizeof id, "%s.%" PRIu64, self->name, self->replay.next);
        framing_put(&framed, FRAMING_EVENTS, NULL, id, buf_slice(&json));
        tell(self, buf_slice(&framed));
        replay_put(&self->replay, &framed);
    }
    pthread_mutex_unlock(&self->mutex);
    buf_finish(&json);
}

static void on_answer(void *arg, int status, const char *message)
{
    struct subscriber *self = arg;
    pthread_mutex_lock(&self->mutex);
    self->granted = status == FBX_OK;
    self->over = !self->granted;
    if (self->granted && self->client) {
        greet(self, false);
    } else if (self->client) {
        problem_of(&self->client->answer, (enum status)status, message);
        exchange_finish(self->client);
        self->client = NULL;
    }
    pthread_mutex_unlock(&self->mutex);
}

static void on_over(void *arg, int status, const char *message)
{
    struct subscriber *self = arg;
    struct answer problem = {0};
    pthread_mutex_lock(&self->mutex);
    self->over = true;
    if (self->client && self->granted) {
        answer_name(&problem, self->client->answer.request_id);
        /* Whose session it was may be at fault, which is not the client's. */
        if (atomic_load(&self->gateway->connected))
            problem_of(&problem, (enum status)status, message);
        else
            problem_of_error(&problem, FBX_EUNREACHABLE);
        tell_kind(self, "problem", NULL, buf_slice(&problem.body));
        answer_finish(&problem);
    }
    let_go(self);
    pthread_mutex_unlock(&self->mutex);
}

/* ---- clients ---- */

static void on_gone(struct exchange *x)
{
    struct subscriber *self = x->work;
    pthread_mutex_lock(&self->mutex);
    if (self->client == x)
        let_go(self);
    pthread_mutex_unlock(&self->mutex);
}

static void attach(struct subscriber *self, struct exchange *x)
{
    exchange_stream(x, FRAMING_EVENTS);
    exchange_hold(x);
    x->work = self;
    x->on_gone = on_gone;
    self->client = x;
    self->since_ns = clock_mono_ns();
}

static void tell_again(struct subscriber *self, uint64_t after)
{
    for (uint64_t n = after + 1; self->client && n < self->replay.next; n++) {
        const struct buf *event = replay_get(&self->replay, n);
        if (event)
            tell(self, buf_slice(event));
    }
}

/* "STREAM.N" of this token and pattern, or NULL. */
static struct subscriber *find(const struct subscribers *all, const char *last_id,
                               const char *pattern, const char *token, uint64_t *after)
{
    uint8_t hash[HASH_BYTES];
    const char *dot = last_id ? strchr(last_id, '.') : NULL;
    if (!dot || (size_t)(dot - last_id) != STREAM_NAME_BYTES - 1)
        return NULL;
    *after = strtoull(dot + 1, NULL, 10);
    hash_token(hash, token);
    for (struct list *node = all->list.next; node != &all->list; node = node->next) {
        struct subscriber *self = LIST_ENTRY(node, struct subscriber, node);
        if (sodium_memcmp(self->name, last_id, STREAM_NAME_BYTES - 1) == 0 &&
            sodium_memcmp(self->token_hash, hash, HASH_BYTES) == 0 &&
            strcmp(self->pattern, pattern) == 0)
            return self;
    }
    return NULL;
}

/* False: it cannot go on where it was. */
static bool resume(struct subscriber *self, struct exchange *x, uint64_t after)
{
    pthread_mutex_lock(&self->mutex);
    bool can = self->granted && !self->over && replay_has(&self->replay, after);
    if (can) {
        let_go(self); /* a connection nobody has noticed the end of */
        attach(self, x);
        greet(self, true);
        tell_again(self, after);
    }
    pthread_mutex_unlock(&self->mutex);
    return can;
}

static void unsubscribe(struct subscriber *self)
{
    (void)fbx_unsubscribe_async(self->gateway->bus, self->id);
    self->id = 0;
}

/* Of this token's, the one that has waited longest for its client; `count`: all that wait. */
static struct subscriber *find_parked(const struct subscribers *all, const char *token,
                                      size_t *count)
{
    struct subscriber *oldest = NULL;
    uint8_t hash[HASH_BYTES];
    uint64_t since_ns = UINT64_MAX;
    hash_token(hash, token);
    *count = 0;
    for (struct list *node = all->list.next; node != &all->list; node = node->next) {
        struct subscriber *self = LIST_ENTRY(node, struct subscriber, node);
        if (!self->id || sodium_memcmp(self->token_hash, hash, HASH_BYTES) != 0)
            continue;
        pthread_mutex_lock(&self->mutex);
        bool is_parked = !self->client && !self->over;
        bool is_older = is_parked && self->since_ns < since_ns;
        if (is_older)
            since_ns = self->since_ns;
        pthread_mutex_unlock(&self->mutex);
        *count += is_parked;
        if (is_older)
            oldest = self;
    }
    return oldest;
}

static void make_room(const struct subscribers *all, const char *token)
{
    size_t count;
    for (struct subscriber *oldest;
         (oldest = find_parked(all, token, &count)) && count > PARKED_MAX;)
        unsubscribe(oldest);
}

static void subscribe(struct subscribers *all, struct exchange *x, const char *pattern,
                      const char *token)
{
    make_room(all, token);
    struct subscriber *self = create(all, pattern, token);
    const fbx_subscribe_options options = {
        .token = token, .on_over = on_over, .timeout_ms = exchange_timeout_ms(x)};
    attach(self, x);
    int error = fbx_subscribe_async(all->gateway->bus, pattern, &options, on_event, on_answer, self,
                                    &self->id);
    if (error == 0)
        return;
    x->on_gone = NULL;
    exchange_unhold(x);
    problem_of_error(&x->answer, error);
    destroy(self);
}

static const char stopping[] = "the gateway is stopping";

void subscribers_handle(struct exchange *x)
{
    struct subscribers *all = x->gateway->subscribers;
    char pattern[PATTERN_BYTES];
    const char *token = exchange_token(x);
    const char *topic = MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, "topic");
    uint64_t after = 0;
    if (!exchange_may_ask(x, token) || !exchange_query(x, "topic"))
        return;
    if (x->gateway->draining) {
        problem_of(&x->answer, STATUS_UNAVAILABLE, stopping);
        return;
    }
    if (!topic || strlen(topic) >= sizeof pattern) {
        problem_of(&x->answer, STATUS_INVALID_ARGUMENT, "?topic=PATTERN is missing, or too long");
        return;
    }
    (void)snprintf(pattern, sizeof pattern, "%s", topic);
    if (!percent_decode_query(pattern)) {
        problem_of(&x->answer, STATUS_INVALID_ARGUMENT, "the query has a broken escape");
        return;
    }
    struct subscriber *known =
        find(all, exchange_header(x, "Last-Event-ID"), pattern, token, &after);
    if (!known || !resume(known, x, after))
        subscribe(all, x, pattern, token);
}

/* ---- all of them ---- */

struct subscribers *subscribers_create(struct gateway *gateway)
{
    struct subscribers *self = mem_zalloc(sizeof *self);
    self->gateway = gateway;
    list_init(&self->list);
    return self;
}

void subscribers_destroy(struct subscribers *self)
{
    if (!self)
        return;
    for (struct list *node; (node = list_first(&self->list));)
        destroy(LIST_ENTRY(node, struct subscriber, node));
    mem_free(self);
}

/* Locked. The broker has not said yes or no. */
static void give_up(struct subscriber *self)
{
    if (!self->client)
        return;
    problem_of(&self->client->answer, STATUS_UNAVAILABLE, stopping);
    exchange_finish(self->client);
    self->client = NULL;
}

/* Locked. */
static void look_after(struct subscriber *self, uint64_t now_ns)
{
    const struct gateway_settings *s = &self->gateway->settings;
    uint64_t idle_ms = now_ns > self->since_ns ? (now_ns - self->since_ns) / NS_PER_MS : 0;
    if (self->client && self->granted && idle_ms >= s->heartbeat_ms)
        tell(self, slice_of(":\n\n"));
    if (!self->client && self->id && idle_ms >= s->resume_ms)
        unsubscribe(self);
}

void subscribers_tick(struct subscribers *self, uint64_t now_ns)
{
    for (struct list *node = self->list.next, *next; node != &self->list; node = next) {
        struct subscriber *subscriber = LIST_ENTRY(node, struct subscriber, node);
        next = node->next;
        pthread_mutex_lock(&subscriber->mutex);
        bool over = subscriber->over && !subscriber->client;
        if (!over)
            look_after(subscriber, now_ns);
        pthread_mutex_unlock(&subscriber->mutex);
        /* Until its exchanges are taken out of the mailbox they may call it. */
        if (subscriber->was_over)
            destroy(subscriber);
        else
            subscriber->was_over = over;
    }
}

void subscribers_end(struct subscribers *self)
{
    for (struct list *node = self->list.next; node != &self->list; node = node->next) {
        struct subscriber *subscriber = LIST_ENTRY(node, struct subscriber, node);
        pthread_mutex_lock(&subscriber->mutex);
        if (subscriber->granted)
            let_go(subscriber);
        else
            give_up(subscriber);
        pthread_mutex_unlock(&subscriber->mutex);
    }
}
