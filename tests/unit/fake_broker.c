#include "fake_broker.h"

#define PARKED 2u

/* ---- the engine's owner ---- */

static void io_send(void *arg, unsigned exchange, struct slice frame)
{
    struct fake_broker *fake = arg;
    assert_false(fake->under_way[exchange]);
    fake->under_way[exchange] = true;
    fake->sent[exchange].len = 0;
    buf_append(&fake->sent[exchange], frame.data, frame.len);
    fake->order[fake->n_order++] = exchange;
    fake->frames++;
}

static void io_reset(void *arg)
{
    struct fake_broker *fake = arg;
    fake->resets++;
}

static void io_random(void *arg, void *out, size_t len)
{
    (void)arg;
    memset(out, 7, len);
}

static void on_state(void *arg, enum engine_state state, const char *why)
{
    struct fake_broker *fake = arg;
    (void)why;
    fake->state = state;
    fake->states++;
}

static void on_reply(void *arg, void *call, const struct wire_reply *reply)
{
    struct fake_broker *fake = arg;
    fake->replies++;
    fake->last_reply = (struct outcome){call, reply->status};
    if (fake->on_reply)
        fake->on_reply(fake);
}

static void on_part(void *arg, void *call, const struct wire_part *part)
{
    struct fake_broker *fake = arg;
    (void)call;
    assert_int_equal(part->index, fake->parts);
    fake->parts++;
}

static void on_request(void *arg, uint64_t id, const struct wire_request *request,
                       struct slice credential)
{
    struct fake_broker *fake = arg;
    (void)request;
    (void)credential;
    fake->requests++;
    fake->last_request = id;
}

static void on_cancel(void *arg, uint64_t id)
{
    struct fake_broker *fake = arg;
    assert_true(id != 0);
    fake->cancels++;
}

static void on_delivery(void *arg, uint64_t id, const struct wire_delivery *delivery,
                        struct slice credential)
{
    struct fake_broker *fake = arg;
    (void)id;
    (void)delivery;
    (void)credential;
    fake->deliveries++;
}

static void on_acknowledged(void *arg, void *control, enum status status, const char *message)
{
    struct fake_broker *fake = arg;
    (void)message;
    fake->acknowledged++;
    fake->last_acknowledged = (struct outcome){control, status};
}

static void on_over(void *arg, uint64_t id, enum status status, const char *message)
{
    struct fake_broker *fake = arg;
    assert_int_not_equal(status, STATUS_OK);
    assert_non_null(message);
    fake->over++;
    fake->last_over = id;
}

static void on_drain(void *arg)
{
    (void)arg;
}

void fake_init(struct fake_broker *fake)
{
    memset(fake, 0, sizeof(*fake));
    struct engine_io io = {fake, io_send, io_reset, io_random};
    struct engine_upcalls upcalls = {
        .arg = fake,
        .state = on_state,
        .reply = on_reply,
        .part = on_part,
        .request = on_request,
        .cancel = on_cancel,
        .delivery = on_delivery,
        .acknowledged = on_acknowledged,
        .over = on_over,
        .drain = on_drain,
    };
    struct engine_options options = {.token = "secret", .name = "test", .client = "unit"};
    fake->now = 1000 * NS_PER_SEC;
    fake->exchanges = ENGINE_EXCHANGES;
    link_init(&fake->link);
    arena_init(&fake->arena);
    fake->engine = engine_create(&options, &io, &upcalls, fake->now);
}

void fake_finish(struct fake_broker *fake)
{
    engine_destroy(fake->engine);
    link_finish(&fake->link);
    arena_finish(&fake->arena);
    for (unsigned n = 0; n < ENGINE_EXCHANGES; n++)
        buf_finish(&fake->sent[n]);
}

/* ---- taking in ---- */

static void note_text(char out[64], struct slice text)
{
    size_t len = text.len < 64 ? text.len : 63;
    if (len > 0)
        memcpy(out, text.data, len);
    out[len] = '\0';
}

static void note(struct fake_broker *fake, const struct wire_envelope *envelope,
                 const struct wire_frame *frame)
{
    assert_true(fake->n_seen < SEEN_MAX);
    struct seen *seen = &fake->seen[fake->n_seen++];
    *seen = (struct seen){.kind = envelope->kind, .id = envelope->id, .sequence = frame->sequence};
    if (envelope->credential > 0)
        note_text(seen->credential, frame->credentials[envelope->credential - 1]);
    switch (envelope->kind) {
    case WIRE_REQUEST:
        note_text(seen->text, envelope->request.method);
        break;
    case WIRE_REPLY:
        seen->status = envelope->reply.status;
        note_text(seen->text, envelope->reply.payload);
        break;
    case WIRE_PUBLISH:
        note_text(seen->text, envelope->publish.topic);
        break;
    case WIRE_SUBSCRIBE:
        note_text(seen->text, slice_of(envelope->subscribe->pattern));
        break;
    case WIRE_REGISTER:
        note_text(seen->text, slice_of(envelope->registration->service));
        break;
    case WIRE_HELLO:
        note_text(seen->text, slice_of(envelope->hello->token));
        break;
    default:
        break;
    }
}

unsigned fake_take(struct fake_broker *fake)
{
    assert_true(fake->n_order > 0);
    unsigned exchange = fake->order[0];
    memmove(fake->order, fake->order + 1, --fake->n_order * sizeof(fake->order[0]));

    struct wire_frame frame;
    struct wire_envelope envelope;
    arena_reset(&fake->arena);
    assert_int_equal(wire_read_frame(&frame, buf_slice(&fake->sent[exchange]), &fake->arena), 0);
    bool known = frame.has_session && fake->link.named &&
                 memcmp(frame.session, fake->link.session, WIRE_SESSION_BYTES) == 0;
    if (frame.has_session && !known)
        return exchange;
    if (known && link_admit(&fake->link, &frame) != LINK_DELIVER)
        return exchange;
    while (wire_next(&frame, &envelope, &fake->arena) == 1)
        note(fake, &envelope, &frame);
    return exchange;
}

void fake_take_all(struct fake_broker *fake)
{
    while (fake->n_order > 0)
        fake_take(fake);
}

/* ---- answering ---- */

struct wire_out *fake_out(struct fake_broker *fake)
{
    return link_out(&fake->link);
}

static void end(struct fake_broker *fake, unsigned exchange, struct slice frame)
{
    assert_true(fake->under_way[exchange]);
    fake->under_way[exchange] = false;
    uint8_t *copy = arena_alloc(&fake->arena, frame.len + 1);
    memcpy(copy, frame.data, frame.len);
    engine_answer(fake->engine, exchange, slice_make(copy, frame.len), fake->now);
}

void fake_answer_on(struct fake_broker *fake, unsigned exchange)
{
    end(fake, exchange, link_transmit(&fake->link, 1));
}

void fake_answer(struct fake_broker *fake)
{
    unsigned n = 0;
    fake_take_all(fake);
    while (n < ENGINE_EXCHANGES && !fake->under_way[n])
        n++;
    assert_true(n < ENGINE_EXCHANGES);
    fake_answer_on(fake, n);
}

void fake_settle(struct fake_broker *fake)
{
    fake_take_all(fake);
    while (fake_waiting(fake) > PARKED)
        fake_answer(fake);
    fake_take_all(fake);
}

static void answer_bare(struct fake_broker *fake, unsigned exchange, enum wire_kind kind,
                        const ProtobufCMessage *body)
{
    struct wire_out out;
    struct wire_head head = {0};
    wire_out_init(&out);
    wire_put_control(&out, 0, 0, kind, body);
    struct slice frame = wire_seal_frame(&out, &head);
    end(fake, exchange, frame);
    wire_out_finish(&out);
}

void fake_welcome(struct fake_broker *fake)
{
    uint8_t session[WIRE_SESSION_BYTES];
    Farebox__V1__Welcome welcome = FAREBOX__V1__WELCOME__INIT;
    unsigned exchange = fake_take(fake);
    memset(session, ++fake->sessions, sizeof(session));
    link_finish(&fake->link);
    link_init(&fake->link);
    link_name(&fake->link, session);
    welcome.session = (ProtobufCBinaryData){sizeof(session), session};
    welcome.heartbeat_ms = (uint32_t)(FAKE_HEARTBEAT_NS / NS_PER_MS);
    welcome.exchanges = fake->exchanges;
    answer_bare(fake, exchange, WIRE_WELCOME, &welcome.base);
}

void fake_error(struct fake_broker *fake, unsigned exchange, enum status status)
{
    Farebox__V1__Error error = FAREBOX__V1__ERROR__INIT;
    error.status = (Farebox__V1__Status)status;
    answer_bare(fake, exchange, WIRE_ERROR, &error.base);
}

void fake_connect(struct fake_broker *fake)
{
    engine_pipe_up(fake->engine, fake->now);
    fake_welcome(fake);
    assert_int_equal(fake->state, ENGINE_READY);
}

void fake_lose_pipe(struct fake_broker *fake)
{
    link_pipe_lost(&fake->link, 0);
    fake->n_order = 0;
    engine_pipe_down(fake->engine, fake->now);
    for (unsigned n = 0; n < ENGINE_EXCHANGES; n++) {
        if (fake->under_way[n]) {
            fake->under_way[n] = false;
            engine_failed(fake->engine, n, fake->now);
        }
    }
}

void fake_forget(struct fake_broker *fake)
{
    fake_lose_pipe(fake);
    fake_pass(fake, NS_PER_SEC);
    engine_pipe_up(fake->engine, fake->now);
    link_finish(&fake->link);
    link_init(&fake->link);
    fake->n_order = 0; /* it does not even look at them */
    unsigned n = 0;
    while (!fake->under_way[n])
        n++;
    fake_error(fake, n, STATUS_UNAUTHENTICATED);
}

void fake_pass(struct fake_broker *fake, uint64_t ns)
{
    fake->now += ns;
    engine_tick(fake->engine, fake->now);
}

/* ---- looking ---- */

unsigned fake_waiting(const struct fake_broker *fake)
{
    unsigned count = 0;
    for (unsigned n = 0; n < ENGINE_EXCHANGES; n++)
        count += fake->under_way[n];
    return count;
}

unsigned fake_count(const struct fake_broker *fake, enum wire_kind kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < fake->n_seen; i++)
        count += fake->seen[i].kind == kind;
    return count;
}

const struct seen *fake_last(const struct fake_broker *fake, enum wire_kind kind)
{
    for (unsigned i = fake->n_seen; i > 0; i--)
        if (fake->seen[i - 1].kind == kind)
            return &fake->seen[i - 1];
    return NULL;
}

/* ---- shorthands ---- */

uint64_t fake_call(struct fake_broker *fake, const char *method, uint32_t timeout_ms,
                   bool idempotent, void *arg)
{
    struct wire_request request = {
        .service = slice_of("service"),
        .method = slice_of(method),
        .timeout_ms = timeout_ms,
        .idempotent = idempotent,
    };
    return engine_call(fake->engine, &request, slice_of("credential"), arg, fake->now);
}

void fake_reply(struct fake_broker *fake, uint64_t id, enum status status)
{
    struct wire_reply reply = {.status = status};
    wire_put_reply(fake_out(fake), id, &reply);
}

void fake_request(struct fake_broker *fake, uint64_t id)
{
    struct wire_request request = {.service = slice_of("mine"), .method = slice_of("do")};
    wire_put_request(fake_out(fake), id, 0, &request);
}
