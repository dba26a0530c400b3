/* The bounds at the door: what one connection may take, and that the others are served when it
 * takes it. */
#include "raw.h"

#include "../testing.h"

#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

static const char *const all[] = {"call:*", "publish:*", "subscribe:*", "serve:*", "admin:*", NULL};

/* ---- answers nobody reads ---- */

/* More than the kernel holds for it and the broker is willing to. */
#define UNREAD 4096

static bool ask_without_reading(struct raw_peer *peer)
{
    struct wire_out ping;
    wire_out_init(&ping);
    wire_put_control(&ping, 1, 0, WIRE_PING, NULL);
    struct slice frame = wire_seal_frame(&ping, &(struct wire_head){0});
    bool heard = true;
    for (int i = 0; i < UNREAD && heard; i++)
        heard = raw_send(peer, frame);
    wire_out_finish(&ping);
    return heard;
}

static bool is_served(void *peer)
{
    return raw_ping(peer).kind == WIRE_ACKNOWLEDGE;
}

/* With so few exchanges all would soon be his, and for a moment they are. */
static void who_does_not_read_is_cut_off_and_nobody_else(void **state)
{
    (void)state;
    static const char *const flags[] = {"--max-exchanges", "128", NULL};
    struct place *place = place_create();
    place_start_broker(place, flags);
    fbx_bus *bus = place_connect(place, "acme", "ann", all);
    struct raw_peer deaf = raw_dial(place), polite = raw_dial(place);
    assert_false(ask_without_reading(&deaf));
    assert_true(eventually(is_served, &polite));
    assert_int_equal(fbx_ping(bus, 5000), 0);
    raw_hang_up(&deaf);
    raw_hang_up(&polite);
    fbx_close(bus);
    place_destroy(place);
}

/* ---- every exchange held ---- */

#define EXCHANGES 16 /* one of them always stays free, to say so */
#define SESSIONS (EXCHANGES / 2)

struct crowd {
    struct place *place;
    struct raw_peer peers[SESSIONS], one_shot;
    uint8_t sessions[SESSIONS][WIRE_SESSION_BYTES];
};

/* Each session has two exchanges at the broker, the last one has one. */
static void hold(struct crowd *crowd, int i)
{
    for (int held = 0; held < (i < SESSIONS - 1 ? 2 : 1); held++)
        assert_true(raw_park(&crowd->peers[i], crowd->sessions[i]));
}

/* An exchange just answered is not free yet, so that one of these may be cut off early. */
static void hold_again(struct crowd *crowd)
{
    for (int i = 0; i < SESSIONS; i++) {
        if (!raw_is_gone(&crowd->peers[i]))
            continue;
        raw_hang_up(&crowd->peers[i]);
        crowd->peers[i] = raw_dial(crowd->place);
        hold(crowd, i);
    }
}

static bool is_busy(struct crowd *crowd)
{
    struct raw_answer answer = raw_ping(&crowd->one_shot);
    return answer.kind == WIRE_ERROR && answer.status == STATUS_OVERLOADED;
}

static bool stays_busy(void *arg)
{
    struct crowd *crowd = arg;
    hold_again(crowd);
    return is_busy(crowd) && is_busy(crowd) && is_busy(crowd);
}

/* A session is told nothing that it could take for an answer: it loses its connection. */
static bool has_cut_off_a_session(void *arg)
{
    struct crowd *crowd = arg;
    struct raw_peer *last = &crowd->peers[SESSIONS - 1];
    return raw_is_gone(last) || !raw_park(last, crowd->sessions[SESSIONS - 1]);
}

static void gather(struct crowd *crowd)
{
    char *token = place_token(crowd->place, "acme", "ann", "pro", all);
    crowd->one_shot = raw_dial(crowd->place);
    for (int i = 0; i < SESSIONS; i++) {
        crowd->peers[i] = raw_dial(crowd->place);
        raw_greet(&crowd->peers[i], token, crowd->sessions[i]);
    }
    free(token);
}

static void a_full_broker_says_so_and_recovers(void **state)
{
    (void)state;
    static const char *const flags[] = {"--max-exchanges", "16", NULL};
    struct crowd crowd = {.place = place_create()};
    place_start_broker(crowd.place, flags);
    gather(&crowd);
    for (int i = 0; i < SESSIONS; i++)
        hold(&crowd, i);
    assert_true(eventually(stays_busy, &crowd));
    assert_true(eventually(has_cut_off_a_session, &crowd));
    for (int i = 0; i < SESSIONS; i++)
        raw_hang_up(&crowd.peers[i]);
    assert_true(eventually(is_served, &crowd.one_shot));
    raw_hang_up(&crowd.one_shot);
    place_destroy(crowd.place);
}

/* ---- what is too large ---- */

static void is_refused_unread(struct place *place, size_t size)
{
    struct raw_peer peer = raw_dial(place);
    raw_send_bytes(&peer, size);
    assert_true(raw_is_cut_off(&peer));
    raw_hang_up(&peer);
}

static void a_frame_too_large_is_not_answered(void **state)
{
    (void)state;
    struct place *place = place_create();
    place_start_broker(place, NULL);
    struct raw_peer polite = raw_dial(place);
    is_refused_unread(place, (size_t)3 * 1024 * 1024);
    is_refused_unread(place, WIRE_FRAME_MAX + 1);
    is_refused_unread(place, SIZE_MAX / 2);
    assert_int_equal(raw_ping(&polite).kind, WIRE_ACKNOWLEDGE);
    raw_hang_up(&polite);
    place_destroy(place);
}

/* ---- one-shot calls of one connection ---- */

#define ONE_SHOTS 256

struct hoard {
    fbx_request *requests[ONE_SHOTS + 1];
    atomic_uint n;
    sem_t more;
};

static void keep(void *arg, fbx_request *request)
{
    struct hoard *hoard = arg;
    hoard->requests[atomic_fetch_add(&hoard->n, 1)] = request;
    sem_post(&hoard->more);
}

static void await_one(struct hoard *hoard)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PLACE_PATIENCE_MS / 1000;
    assert_int_equal(sem_timedwait(&hoard->more, &until), 0);
}

static void write_call(struct wire_out *out, const char *token)
{
    struct arena arena;
    arena_init(&arena);
    struct slice credential =
        wire_write_credential(&(struct wire_credential){.token = slice_of(token)}, &arena);
    wire_out_init(out);
    uint32_t who = wire_put_credential(out, credential);
    const struct wire_request request = {
        .service = slice_of("hoard"), .method = slice_of("keep"), .timeout_ms = 60000};
    wire_put_request(out, 1, who, &request);
    arena_finish(&arena);
}

static void call_without_end(struct raw_peer *peer, const char *token, struct hoard *hoard)
{
    struct wire_out call;
    write_call(&call, token);
    assert_true(raw_send(peer, wire_seal_frame(&call, &(struct wire_head){0})));
    wire_out_finish(&call);
    await_one(hoard);
}

static void one_connection_has_only_so_many_calls(void **state)
{
    (void)state;
    struct hoard *hoard = calloc(1, sizeof *hoard);
    struct wire_out call;
    struct place *place = place_create();
    place_start_broker(place, NULL);
    assert_int_equal(sem_init(&hoard->more, 0, 0), 0);
    fbx_bus *bus = place_connect(place, "acme", "hoarder", all);
    fbx_service service = {.name = "hoard", .handler = keep, .arg = hoard, .on_io_thread = true};
    assert_int_equal(fbx_serve(bus, &service), 0);
    char *token = place_token(place, "acme", "ann", "pro", all);

    struct raw_peer greedy = raw_dial(place), other = raw_dial(place);
    for (int i = 0; i < ONE_SHOTS; i++)
        call_without_end(&greedy, token, hoard);
    write_call(&call, token);
    struct raw_answer answer = raw_ask(&greedy, &call);
    assert_int_equal(answer.kind, WIRE_REPLY);
    assert_int_equal(answer.status, STATUS_OVERLOADED);
    call_without_end(&other, token, hoard);

    for (unsigned i = 0; i < atomic_load(&hoard->n); i++)
        fbx_respond(hoard->requests[i], (fbx_bytes){0}, NULL);
    raw_hang_up(&greedy);
    raw_hang_up(&other);
    fbx_close(bus);
    sem_destroy(&hoard->more);
    free(hoard);
    free(token);
    place_destroy(place);
}

/* ---- a log nobody reads ---- */

#define REGISTRATIONS 800 /* two lines each: more than a pipe holds */

static void a_log_nobody_reads_stops_nobody(void **state)
{
    (void)state;
    struct hoard hoard = {.n = 0};
    struct place *place = place_create();
    place_start_broker(place, NULL); /* into a pipe, which is not read from now on */
    fbx_bus *bus = place_connect(place, "acme", "ann", all);
    fbx_service service = {.name = "hoard", .handler = keep, .arg = &hoard, .on_io_thread = true};
    for (int i = 0; i < REGISTRATIONS; i++) {
        assert_int_equal(fbx_serve(bus, &service), 0);
        assert_int_equal(fbx_unserve(bus, service.name), 0);
    }
    fbx_close(bus);
    assert_int_equal(place_stop_broker(place, SIGTERM), 0);
    place_destroy(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_does_not_read_is_cut_off_and_nobody_else),
        cmocka_unit_test(a_full_broker_says_so_and_recovers),
        cmocka_unit_test(a_frame_too_large_is_not_answered),
        cmocka_unit_test(one_connection_has_only_so_many_calls),
        cmocka_unit_test(a_log_nobody_reads_stops_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
