#include "core_stage.h"

#include "../testing.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TURN_MS 5u
#define MOMENT_MS 20u
#define DAY_S 86400
#define UNIX_MS 1800000000000u

/* Of the core's opaque type: one request of an actor, or of nobody. */
struct exchange {
    struct actor *actor;
};

/* ---- io ---- */

static void keep_frame(struct list *frames, struct slice bytes)
{
    struct stage_frame *frame = mem_zalloc(sizeof *frame);
    buf_append(&frame->bytes, bytes.data, bytes.len);
    list_push(frames, &frame->node);
}

static void let_go(struct stage *stage, struct exchange *exchange)
{
    stage->held--;
    if (exchange->actor)
        exchange->actor->parked--;
    mem_free(exchange);
}

static void io_answer(void *arg, struct exchange *exchange, struct slice frame)
{
    struct stage *stage = arg;
    keep_frame(exchange->actor ? &exchange->actor->frames : &stage->one_shots, frame);
    stage->answered++;
    let_go(stage, exchange);
}

static void io_release(void *arg, struct exchange *exchange)
{
    struct stage *stage = arg;
    stage->released++;
    let_go(stage, exchange);
}

static void io_close_pipe(void *arg, uint32_t pipe)
{
    (void)pipe;
    ((struct stage *)arg)->closed_pipes++;
}

static void io_random(void *arg, void *out, size_t len)
{
    struct rng rng = {((struct stage *)arg)->random++};
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = (uint8_t)rng_next(&rng);
}

static uint64_t io_ticks(void *arg)
{
    return ((struct stage *)arg)->now.mono_ns;
}

static uint64_t io_feed_open(void *arg, char *url, size_t size)
{
    struct stage *stage = arg;
    snprintf(url, size, "stage://%u", ++stage->feeds_open);
    return stage->feeds_open;
}

static void io_feed_send(void *arg, uint64_t feed, struct slice topic, struct slice payload)
{
    (void)feed;
    buf_printf(&((struct stage *)arg)->fed, "%.*s %.*s\n", SLICE_FMT(topic), SLICE_FMT(payload));
}

static void io_feed_close(void *arg, uint64_t feed)
{
    (void)feed;
    ((struct stage *)arg)->feeds_open--;
}

/* ---- tokens ---- */

static char *next_word(const char **at)
{
    size_t len = strcspn(*at, " ");
    char *word = mem_zalloc(len + 1);
    memcpy(word, *at, len);
    *at += len + strspn(*at + len, " ");
    return word;
}

static void take_word(struct token_claims *claims, char *word)
{
    char **claim = strncmp(word, "tier:", 5) == 0     ? &claims->tier
                   : strncmp(word, "id:", 3) == 0     ? &claims->id
                   : strncmp(word, "status:", 7) == 0 ? &claims->subscription_status
                                                      : NULL;
    if (!claim) {
        claims->permissions[claims->n_permissions++] = word;
        return;
    }
    mem_free(*claim);
    *claim = mem_strdup(strchr(word, ':') + 1);
    mem_free(word);
}

static int verify(void *arg, struct slice token, int64_t now_s, struct token_claims *claims,
                  char *why)
{
    char text[512] = "";
    const char *at = text;
    ((struct stage *)arg)->verified++;
    memcpy(text, token.data, token.len < sizeof text ? token.len : sizeof text - 1);
    if (!strchr(text, ' ')) {
        snprintf(why, 96, "not a token of the stage");
        return -EACCES;
    }
    char *tenant = next_word(&at), *user = next_word(&at);
    *claims = (struct token_claims){.tenant = tenant,
                                    .user = user,
                                    .tier = mem_strdup("free"),
                                    .subscription_status = mem_strdup("active"),
                                    .billing_customer = mem_strdup(""),
                                    .id = mem_strdup(""),
                                    .permissions = mem_zalloc(64 * sizeof(char *)),
                                    .features = mem_zalloc(sizeof(char *)),
                                    .expires_s = now_s + DAY_S};
    const char *ends = strstr(text, " ends:"), *issued = strstr(text, " issued:");
    if (ends)
        claims->expires_s = now_s + (int64_t)strtoul(ends + strlen(" ends:"), NULL, 10);
    if (issued)
        claims->issued_s = (int64_t)strtoul(issued + strlen(" issued:"), NULL, 10);
    while (*at && claims->n_permissions < 64)
        take_word(claims, next_word(&at));
    return 0;
}

/* ---- the stage ---- */

void stage_init(struct stage *stage)
{
    *stage = (struct stage){.now = {1000000000, UNIX_MS}, .random = 1};
    list_init(&stage->one_shots);
    log_set_level(LOG_ERROR);
    stage->options = (struct core_options){
        .limits = {.heartbeat_ms = 10000,
                   .grace_ms = 1000,
                   .default_timeout_ms = 30000,
                   .max_timeout_ms = 60000,
                   .max_payload_bytes = 65536,
                   .outbox_bytes = 1 << 20,
                   .max_sessions = 100,
                   .max_calls = 1000,
                   .queue_length = 100,
                   .default_capacity = 100,
                   .call_depth = 8,
                   .max_answers = 32,
                   .answers_bytes = 1 << 20,
                   .answer_ttl_ms = 3600000,
                   .max_subscriptions = 100,
                   .max_services = 100,
                   .max_instances = 200,
                   .max_feeds = 8,
                   .max_identities = 100,
                   .max_revoked = 16,
                   .silent_pipe_ms = 5000},
        .io = {.arg = stage,
               .answer = io_answer,
               .release = io_release,
               .close_pipe = io_close_pipe,
               .random = io_random,
               .ticks = io_ticks,
               .feed_open = io_feed_open,
               .feed_send = io_feed_send,
               .feed_close = io_feed_close},
        .verify = verify,
        .verify_arg = stage,
        .version = "stage",
    };
    stage_store_init(stage);
}

void stage_start(struct stage *stage)
{
    assert_int_equal(core_create(&stage->core, &stage->options, stage->now), 0);
}

static void free_frames(struct list *frames)
{
    for (struct list *node; (node = list_first(frames));) {
        struct stage_frame *frame = LIST_ENTRY(node, struct stage_frame, node);
        list_remove(node);
        buf_finish(&frame->bytes);
        mem_free(frame);
    }
}

void stage_dismiss(struct actor *actor)
{
    assert_ptr_equal(actor, &actor->stage->actors[actor->stage->n_actors - 1]);
    assert_int_equal(actor->parked, 0);
    free_frames(&actor->frames);
    free_frames(&actor->taken);
    link_finish(&actor->link);
    arena_finish(&actor->arena);
    actor->stage->n_actors--;
}

static void dismiss_actors(struct stage *stage)
{
    while (stage->n_actors > 0)
        stage_dismiss(&stage->actors[stage->n_actors - 1]);
}

void stage_restart(struct stage *stage)
{
    stage->asked = 0;
    core_destroy(stage->core);
    assert_int_equal(stage->held, 0);
    dismiss_actors(stage);
    stage_start(stage);
}

void stage_finish(struct stage *stage)
{
    core_destroy(stage->core);
    assert_int_equal(stage->held, 0);
    dismiss_actors(stage);
    free_frames(&stage->one_shots);
    stage_store_finish(stage);
    buf_finish(&stage->fed);
}

struct core_gauges stage_gauges(const struct stage *stage)
{
    struct core_gauges gauges;
    core_gauges(stage->core, &gauges);
    return gauges;
}

/* ---- frames ---- */

uint32_t stage_pipe(struct stage *stage)
{
    core_begin(stage->core, stage->now);
    core_pipe_opened(stage->core, ++stage->pipes);
    core_finish(stage->core);
    return stage->pipes;
}

static void give(struct stage *stage, struct actor *actor, uint32_t pipe, struct slice bytes)
{
    struct exchange *exchange = mem_zalloc(sizeof *exchange);
    uint8_t *copy = mem_dup(bytes.data, bytes.len); /* to find reads beyond its end */
    exchange->actor = actor;
    stage->held++;
    if (actor)
        actor->parked++;
    core_begin(stage->core, stage->now);
    core_frame(stage->core, exchange, pipe, slice_make(copy, bytes.len));
    stage->arena_used = stage->core->arena.used;
    mem_free(copy);
    core_finish(stage->core);
}

static void send_frame(struct actor *actor)
{
    give(actor->stage, actor, actor->pipe, link_transmit(&actor->link, actor->pipe));
}

/* Told outside of any session: the core has ended it. */
static bool was_dismissed(struct actor *actor)
{
    struct wire_frame frame;
    if (list_empty(&actor->frames))
        return false;
    const struct stage_frame *newest = LIST_ENTRY(actor->frames.prev, struct stage_frame, node);
    return wire_read_frame(&frame, buf_slice(&newest->bytes), &actor->arena) == 0 &&
           !frame.has_session;
}

/* Frames are acknowledged, and an exchange stays parked, until nothing more comes. */
static void settle(struct stage *stage)
{
    bool busy = true;
    while (busy) {
        busy = false;
        for (unsigned i = 0; i < stage->n_actors; i++) {
            struct actor *actor = &stage->actors[i];
            if (!actor->joined || actor->silent || actor->pipe == 0 || actor->parked > 0)
                continue;
            send_frame(actor);
            actor->joined = !was_dismissed(actor);
            busy = true;
        }
    }
}

bool stage_frame_in(struct stage *stage, uint32_t pipe, struct slice bytes)
{
    unsigned before = stage->answered;
    give(stage, NULL, pipe, bytes);
    bool answered = stage->answered > before;
    settle(stage);
    return answered;
}

bool stage_answer(struct stage *stage, struct arena *arena, struct wire_envelope *out)
{
    struct list *node = list_first(&stage->one_shots);
    struct wire_frame frame;
    if (!node)
        return false;
    struct stage_frame *answer = LIST_ENTRY(node, struct stage_frame, node);
    size_t len = answer->bytes.len;
    uint8_t *bytes = arena_alloc(arena, len ? len : 1);
    memcpy(bytes, answer->bytes.data, len);
    list_remove(node);
    buf_finish(&answer->bytes);
    mem_free(answer);
    assert_int_equal(wire_read_frame(&frame, slice_make(bytes, len), arena), 0);
    return wire_next(&frame, out, arena) == 1;
}

void stage_pass(struct stage *stage, uint64_t ms)
{
    for (uint64_t step; ms > 0; ms -= step) {
        step = ms < TURN_MS ? ms : TURN_MS;
        stage->now.mono_ns += step * NS_PER_MS;
        stage->now.unix_ms += step;
        core_begin(stage->core, stage->now);
        stage_store_turn(stage);
        core_finish(stage->core);
        settle(stage);
    }
}

/* ---- actors ---- */

static struct actor *add_actor(struct stage *stage)
{
    assert_true(stage->n_actors < STAGE_ACTORS);
    struct actor *actor = &stage->actors[stage->n_actors++];
    *actor = (struct actor){.stage = stage, .pipe = stage_pipe(stage)};
    link_init(&actor->link);
    list_init(&actor->frames);
    list_init(&actor->taken);
    arena_init(&actor->arena);
    return actor;
}

struct actor *stage_try_join(struct stage *stage, const char *token, enum status *status)
{
    Farebox__V1__Hello hello = FAREBOX__V1__HELLO__INIT;
    struct wire_envelope answer;
    struct wire_out out;
    struct actor *actor = add_actor(stage);
    hello.token = (char *)(uintptr_t)token;
    hello.name = (char *)(uintptr_t) "actor";
    hello.protocol = 1;
    wire_out_init(&out);
    wire_put_control(&out, 0, 0, WIRE_HELLO, &hello.base);
    give(stage, NULL, actor->pipe, wire_seal_frame(&out, &(struct wire_head){0}));
    wire_out_finish(&out);
    assert_true(stage_answer(stage, &actor->arena, &answer));
    if (answer.kind != WIRE_WELCOME) {
        *status = (enum status)answer.error->status;
        return NULL;
    }
    *status = STATUS_OK;
    link_name(&actor->link, answer.welcome->session.data);
    actor->joined = true;
    settle(stage);
    return actor;
}

struct actor *stage_join(struct stage *stage, const char *token)
{
    enum status status;
    struct actor *actor = stage_try_join(stage, token, &status);
    assert_non_null(actor);
    return actor;
}

void actor_cut(struct actor *actor, bool back)
{
    struct stage *stage = actor->stage;
    core_begin(stage->core, stage->now);
    core_pipe_lost(stage->core, actor->pipe);
    core_finish(stage->core);
    link_pipe_lost(&actor->link, 0);
    actor->pipe = back ? stage_pipe(stage) : 0;
    settle(stage);
}

struct wire_out *actor_out(struct actor *actor)
{
    return link_out(&actor->link);
}

void actor_say(struct actor *actor)
{
    send_frame(actor);
    settle(actor->stage);
}

/* The next frame in order; its memory stays with the actor. */
static bool open_frame(struct actor *actor)
{
    for (struct list *node; (node = list_first(&actor->frames));) {
        struct stage_frame *frame = LIST_ENTRY(node, struct stage_frame, node);
        list_remove(node);
        list_push(&actor->taken, node);
        assert_int_equal(wire_read_frame(&actor->reading, buf_slice(&frame->bytes), &actor->arena),
                         0);
        bool bare = !actor->reading.has_session;
        if (bare || link_admit(&actor->link, &actor->reading) == LINK_DELIVER)
            return true;
    }
    return false;
}

bool actor_next(struct actor *actor, struct wire_envelope *out)
{
    while (actor->is_reading || open_frame(actor)) {
        actor->is_reading = true;
        if (wire_next(&actor->reading, out, &actor->arena) == 1)
            return true;
        actor->is_reading = false;
    }
    return false;
}

/* Refusals may gather for a moment. */
bool actor_await(struct actor *actor, struct wire_envelope *out)
{
    if (actor_next(actor, out))
        return true;
    stage_pass(actor->stage, MOMENT_MS);
    return actor_next(actor, out);
}

struct wire_envelope actor_expect(struct actor *actor, enum wire_kind kind)
{
    struct wire_envelope envelope;
    while (actor_await(actor, &envelope)) {
        if (envelope.kind == kind)
            return envelope;
    }
    fail_msg("no %s has come", wire_kind_text(kind));
    return (struct wire_envelope){0};
}

bool actor_hears_nothing(struct actor *actor)
{
    struct wire_envelope envelope;
    return !actor_next(actor, &envelope);
}

struct slice actor_credential(const struct actor *actor, const struct wire_envelope *envelope)
{
    return envelope->credential ? actor->reading.credentials[envelope->credential - 1]
                                : slice_make(NULL, 0);
}
