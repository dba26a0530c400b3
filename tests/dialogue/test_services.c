/* The services that come with Farebox, run by the host as users run them. */
#include "harness.h"

#include "../testing.h"
#include "base/buf.h"
#include "wire/json.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD_MAX (1u << 20) /* what the broker lets through */

static const char *const serve_only[] = {"serve:*", NULL};
static const char *const serve_and_ask[] = {"serve:*", "call:data-bridge.history", NULL};
static const char *const everything[] = {"call:*", "publish:>", "subscribe:>", NULL};

/* ---- a bus with all three services ---- */

struct scene {
    struct place *place;
    struct process *host;
    fbx_bus *ann; /* acme's, allowed everything */
};

static struct process *start_services(struct place *place, const char *const *permissions)
{
    static const char *const names[] = {"echo", "data-bridge", "performance-analytics"};
    char modules[3][PATH_MAX], below[64];
    char *token = place_token_file(place, "platform", "host", permissions);
    const char *argv[] = {"farebox-host", "--url",    place->url, "--token-file", token, modules[0],
                          modules[1],     modules[2], NULL};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(below, sizeof below, "lib/farebox/%s.so", names[i]);
        build_path(modules[i], sizeof modules[i], below);
    }
    struct process *host =
        place_start(place, "farebox-host ready: echo data-bridge performance-analytics", argv);
    free(token);
    return host;
}

/* In order, so that sanitizers can say what they found. */
static void stop_services(struct process *host)
{
    char line[512];
    kill(host->pid, SIGTERM);
    while (process_line(host, "", line, sizeof line))
        print_message("  | %s\n", line);
    assert_int_equal(process_stop(host, 0), 0);
}

static int open_scene(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    scene->place = place_create();
    place_start_broker(scene->place, NULL);
    scene->host = start_services(scene->place, serve_only);
    scene->ann = place_connect(scene->place, "acme", "ann", everything);
    *state = scene;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *scene = *state;
    fbx_close(scene->ann);
    stop_services(scene->host);
    place_destroy(scene->place);
    free(scene);
    return 0;
}

/* ---- calls in JSON ---- */

struct answer {
    int status;
    char message[256];
    struct buf payload; /* MessagePack */
    fbx_value value;
};

static void answer_free(struct answer *answer)
{
    buf_finish(&answer->payload);
}

static void note_reply(struct answer *answer, const fbx_reply *reply)
{
    fbx_bytes payload = fbx_reply_payload(reply);
    answer->status = fbx_reply_status(reply);
    (void)snprintf(answer->message, sizeof answer->message, "%s", fbx_reply_message(reply));
    buf_append(&answer->payload, payload.data, payload.len);
}

static struct answer ask(fbx_bus *bus, const char *service, const char *method, const char *json)
{
    struct answer answer = {0};
    struct buf arguments = {0};
    fbx_reply *reply = NULL;
    assert_int_equal(msgpack_from_json(&arguments, slice_of(json), NULL), 0);
    int rc =
        fbx_call(bus, service, method, (fbx_bytes){arguments.data, arguments.len}, NULL, &reply);
    if (rc != 0)
        fail_msg("%s.%s: %s", service, method, fbx_error_text(rc));
    note_reply(&answer, reply);
    fbx_reply_free(reply);
    buf_finish(&arguments);
    if (answer.status == FBX_OK)
        assert_true(fbx_read((fbx_bytes){answer.payload.data, answer.payload.len}, &answer.value));
    return answer;
}

static void assert_answers(fbx_bus *bus, const char *service, const char *method, const char *json,
                           const char *expected)
{
    struct buf text = {0};
    struct answer answer = ask(bus, service, method, json);
    if (answer.status != FBX_OK)
        fail_msg("%s.%s %s: %s %s", service, method, json, fbx_status_text(answer.status),
                 answer.message);
    assert_int_equal(json_from_msgpack(&text, buf_slice(&answer.payload), NULL), 0);
    if (!slice_is(buf_slice(&text), expected))
        fail_msg("%s.%s %s: %.*s", service, method, json, SLICE_FMT(buf_slice(&text)));
    buf_finish(&text);
    answer_free(&answer);
}

static void assert_refuses(fbx_bus *bus, const char *service, const char *method, const char *json,
                           int status, const char *message)
{
    struct answer answer = ask(bus, service, method, json);
    if (answer.status != status || !strstr(answer.message, message))
        fail_msg("%s.%s %s: %s '%s'", service, method, json, fbx_status_text(answer.status),
                 answer.message);
    answer_free(&answer);
}

static double number_in(const struct answer *answer, const char *key)
{
    fbx_value value = fbx_map_get(&answer->value, key);
    return fbx_as_double(&value, NAN);
}

static fbx_type type_in(const fbx_value *map, const char *key)
{
    return fbx_map_get(map, key).type;
}

/* ---- echo ---- */

static void echo_gives_back_bytes_and_their_type(void **state)
{
    struct scene *scene = *state;
    const fbx_call_options options = {.content_type = "application/x-anything"};
    fbx_reply *reply = NULL;
    assert_int_equal(
        fbx_call(scene->ann, "echo", "echo", (fbx_bytes){"\0\377x", 3}, &options, &reply), 0);
    assert_int_equal(fbx_reply_status(reply), FBX_OK);
    assert_string_equal(fbx_reply_content_type(reply), "application/x-anything");
    assert_int_equal(fbx_reply_payload(reply).len, 3);
    assert_memory_equal(fbx_reply_payload(reply).data, "\0\377x", 3);
    fbx_reply_free(reply);
}

static void echo_fails_as_it_is_told(void **state)
{
    struct scene *scene = *state;
    char json[128];
    for (int status = 1; status <= FBX_INTERNAL; status++) {
        (void)snprintf(json, sizeof json, "{\"status\":\"%s\",\"message\":\"so be it\"}",
                       fbx_status_text(status));
        assert_refuses(scene->ann, "echo", "fail", json, status, "so be it");
    }
    assert_refuses(scene->ann, "echo", "fail", "{}", FBX_INTERNAL, "failed on request");
    assert_refuses(scene->ann, "echo", "fail", "{\"status\":\"okay\"}", FBX_INVALID_ARGUMENT,
                   "status: no such status");
}

/* Counts replies; a reply is the event others wait for. */
struct tally {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned replies, parts, of_status[32];
    bool parts_in_order;
};

static void tally_open(struct tally *tally)
{
    *tally = (struct tally){.parts_in_order = true};
    pthread_mutex_init(&tally->lock, NULL);
    pthread_cond_init(&tally->changed, NULL);
}

/* With the lock. */
static void count_one(struct tally *tally, const fbx_reply *reply)
{
    tally->replies++;
    tally->of_status[fbx_reply_status(reply)]++;
    pthread_cond_broadcast(&tally->changed);
}

static void count_reply(void *arg, const fbx_reply *reply)
{
    struct tally *tally = arg;
    pthread_mutex_lock(&tally->lock);
    count_one(tally, reply);
    pthread_mutex_unlock(&tally->lock);
}

static void count_part(void *arg, fbx_bytes part, uint32_t index)
{
    struct tally *tally = arg;
    fbx_value value;
    pthread_mutex_lock(&tally->lock);
    bool good = fbx_read(part, &value);
    fbx_value said = good ? fbx_map_get(&value, "index") : (fbx_value){0};
    tally->parts_in_order &=
        index == tally->parts && fbx_as_int(&said, -1) == (int64_t)tally->parts;
    tally->parts++;
    pthread_mutex_unlock(&tally->lock);
}

static void await_replies(struct tally *tally, unsigned count)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PLACE_PATIENCE_MS / 1000;
    pthread_mutex_lock(&tally->lock);
    while (tally->replies < count)
        if (pthread_cond_timedwait(&tally->changed, &tally->lock, &until) != 0)
            fail_msg("%u of %u replies", tally->replies, count);
    pthread_mutex_unlock(&tally->lock);
}

static void call_soon(fbx_bus *bus, const char *method, const char *json,
                      const fbx_call_options *options, struct tally *tally, uint64_t *id)
{
    struct buf arguments = {0};
    assert_int_equal(msgpack_from_json(&arguments, slice_of(json), NULL), 0);
    assert_int_equal(fbx_call_async(bus, "echo", method, (fbx_bytes){arguments.data, arguments.len},
                                    options, count_reply, tally, id),
                     0);
    buf_finish(&arguments);
}

static void sleepers_hold_up_nobody(void **state)
{
    struct scene *scene = *state;
    struct tally tally;
    uint64_t ids[20];
    tally_open(&tally);
    for (size_t i = 0; i < 20; i++)
        call_soon(scene->ann, "sleep", "{\"ms\":3600000}", NULL, &tally, &ids[i]);
    assert_answers(scene->ann, "echo", "echo", "[1]", "[1]");
    assert_answers(scene->ann, "echo", "sleep", "{\"ms\":1}", "{\"ms\":1}");
    assert_answers(scene->ann, "echo", "sleep", "null", "{\"ms\":0}");
    assert_int_equal(tally.replies, 0);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(fbx_cancel(scene->ann, ids[i]), 0);
    await_replies(&tally, 20);
    assert_int_equal(tally.of_status[FBX_CANCELLED], 20);
    assert_refuses(scene->ann, "echo", "sleep", "{\"ms\":-1}", FBX_INVALID_ARGUMENT, "ms: must be");
    assert_refuses(scene->ann, "echo", "sleep", "{\"ms\":3600001}", FBX_INVALID_ARGUMENT,
                   "ms: must");
}

static void streams_come_whole_and_in_order(void **state)
{
    struct scene *scene = *state;
    const fbx_call_options options = {.on_part = count_part};
    struct tally tally;
    tally_open(&tally);
    call_soon(scene->ann, "stream", "{\"count\":5000}", &options, &tally, NULL);
    await_replies(&tally, 1);
    assert_int_equal(tally.of_status[FBX_OK], 1);
    assert_int_equal(tally.parts, 5000);
    assert_true(tally.parts_in_order);
    assert_refuses(scene->ann, "echo", "stream", "{\"count\":1}", FBX_INVALID_ARGUMENT, "stream: ");
}

/* ---- data-bridge ---- */

static void every_argument_is_checked(void **state)
{
    struct scene *scene = *state;
    static const struct {
        const char *method, *json, *message;
    } wrong[] = {
        {"history", "{}", "symbol: is required"},
        {"history", "null", "symbol: is required"},
        {"history", "[]", "payload: not a map"},
        {"history", "{\"symbol\":5}", "symbol: must be text"},
        {"history", "{\"symbol\":\"\"}", "symbol: no such symbol"},
        {"history", "{\"symbol\":\"sp500\\u0000\"}", "symbol: must not contain NUL"},
        {"history", "{\"symbol\":\"../sp500\"}", "symbol: no such symbol"},
        {"history", "{\"symbol\":\"sp500\",\"from\":\"2001-02-29\"}", "from: must be a date"},
        {"history", "{\"symbol\":\"sp500\",\"to\":20010228}", "to: must be a date"},
        {"history", "{\"symbol\":\"sp500\",\"from\":\"2002-01-01\",\"to\":\"2001-01-01\"}",
         "from: later than to"},
        {"history", "{\"symbol\":\"sp500\",\"form\":\"2002-01-01\"}", "form: no such argument"},
        {"symbols", "{\"symbol\":\"sp500\"}", "symbol: no such argument"},
        {"quote", "{\"symbol\":\"sp500\",\"date\":\"1999-12-31\"}", "date: before the first bar"},
        {"replay", "{\"symbol\":\"sp500\",\"speed\":\"fast\"}", "speed: must be a number"},
        {"replay", "{\"symbol\":\"sp500\",\"speed\":-0.5}", "speed: must be a number"},
        {"replay", "{\"symbol\":\"sp500\",\"from\":\"2021-01-01\"}", "from, to: no bars"},
        {"stop", "{}", "replay: is required"},
        {"stop", "{\"replay\":\"0000000000000000\"}", "replay: none of this name"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_refuses(scene->ann, "data-bridge", wrong[i].method, wrong[i].json,
                       FBX_INVALID_ARGUMENT, wrong[i].message);
    char reply[64];
    assert_int_equal(call_text(scene->ann, "data-bridge", "symbols", "\301", reply, sizeof reply),
                     FBX_INVALID_ARGUMENT);
}

static void quotes_are_the_files_figures(void **state)
{
    struct scene *scene = *state;
    /* 2008-09-14 was a Sunday. */
    assert_answers(scene->ann, "data-bridge", "quote",
                   "{\"symbol\":\"SP500\",\"date\":\"2008-09-14\"}",
                   "{\"symbol\":\"sp500\",\"interval\":\"daily\",\"date\":\"2008-09-12\","
                   "\"open\":1245.880005,\"high\":1255.089966,\"low\":1233.810059,"
                   "\"close\":1251.699951,\"volume\":6273260000}");
    assert_answers(scene->ann, "data-bridge", "quote", "{\"symbol\":\"ibm\"}",
                   "{\"symbol\":\"ibm\",\"interval\":\"monthly\",\"date\":\"2010-03-01\","
                   "\"close\":125.55}");
}

static void a_whole_history_fits_one_payload(void **state)
{
    struct scene *scene = *state;
    struct answer answer = ask(scene->ann, "data-bridge", "history", "{\"symbol\":\"sp500\"}");
    assert_int_equal(answer.status, FBX_OK);
    assert_true(answer.payload.len < PAYLOAD_MAX / 2);
    fbx_value bars = fbx_map_get(&answer.value, "bars");
    assert_int_equal(bars.count, 5105);
    fbx_value last = fbx_at(&bars, 5104), volume = fbx_at(&last, 5);
    assert_int_equal(fbx_as_int(&volume, 0), 5792140000);
    answer_free(&answer);
    assert_answers(scene->ann, "data-bridge", "history",
                   "{\"symbol\":\"goog\",\"from\":\"2010-01-02\",\"to\":\"2010-03-01\"}",
                   "{\"symbol\":\"goog\",\"interval\":\"monthly\",\"fields\":[\"date\",\"close\"],"
                   "\"bars\":[[\"2010-02-01\",526.8],[\"2010-03-01\",560.19]]}");
    assert_answers(scene->ann, "data-bridge", "history",
                   "{\"symbol\":\"goog\",\"from\":\"2011-01-01\"}",
                   "{\"symbol\":\"goog\",\"interval\":\"monthly\",\"fields\":[\"date\",\"close\"],"
                   "\"bars\":[]}");
}

/* ---- replay ---- */

struct tape {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned events, missed;
    char first[11], last[11];
    bool ascending;
};

static void tape_open(struct tape *tape)
{
    *tape = (struct tape){.ascending = true};
    pthread_mutex_init(&tape->lock, NULL);
    pthread_cond_init(&tape->changed, NULL);
}

static void record(void *arg, const fbx_event *event)
{
    struct tape *tape = arg;
    fbx_value bar;
    char date[11] = "";
    bool good = fbx_read(event->payload, &bar);
    fbx_value said = good ? fbx_map_get(&bar, "date") : (fbx_value){0};
    pthread_mutex_lock(&tape->lock);
    (void)fbx_as_text(&said, date, sizeof date);
    tape->ascending &= strcmp(date, tape->last) > 0;
    if (tape->events++ == 0)
        memcpy(tape->first, date, sizeof date);
    memcpy(tape->last, date, sizeof date);
    tape->missed += (unsigned)event->missed;
    pthread_cond_broadcast(&tape->changed);
    pthread_mutex_unlock(&tape->lock);
}

static void await_events(struct tape *tape, unsigned count)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PLACE_PATIENCE_MS / 1000;
    pthread_mutex_lock(&tape->lock);
    while (tape->events < count)
        if (pthread_cond_timedwait(&tape->changed, &tape->lock, &until) != 0)
            fail_msg("%u of %u events", tape->events, count);
    pthread_mutex_unlock(&tape->lock);
}

static void a_replay_is_heard_by_its_tenant_only(void **state)
{
    struct scene *scene = *state;
    fbx_bus *gus = place_connect(scene->place, "globex", "gus", everything);
    struct tape ours, theirs;
    tape_open(&ours);
    tape_open(&theirs);
    assert_int_equal(fbx_subscribe(scene->ann, "market.bar.*", NULL, record, &ours, NULL), 0);
    assert_int_equal(fbx_subscribe(gus, ">", NULL, record, &theirs, NULL), 0);
    struct answer answer = ask(scene->ann, "data-bridge", "replay",
                               "{\"symbol\":\"sp500\",\"from\":\"2008-01-01\","
                               "\"to\":\"2008-12-31\",\"speed\":0}");
    assert_int_equal(answer.status, FBX_OK);
    assert_true(number_in(&answer, "bars") == 253);
    await_events(&ours, 253);
    assert_string_equal(ours.first, "2008-01-02");
    assert_string_equal(ours.last, "2008-12-31");
    assert_true(ours.ascending && ours.missed == 0);
    /* What would have reached them came before the answer to this. */
    assert_int_equal(fbx_ping(gus, 0), 0);
    assert_int_equal(theirs.events, 0);
    answer_free(&answer);
    fbx_close(gus);
}

static void a_replay_is_stopped_by_its_tenant_only(void **state)
{
    struct scene *scene = *state;
    fbx_bus *gus = place_connect(scene->place, "globex", "gus", everything);
    struct tape tape;
    char id[32], json[64];
    tape_open(&tape);
    assert_int_equal(fbx_subscribe(scene->ann, "market.>", NULL, record, &tape, NULL), 0);
    struct answer answer =
        ask(scene->ann, "data-bridge", "replay", "{\"symbol\":\"msft\",\"speed\":0.001}");
    assert_int_equal(answer.status, FBX_OK);
    fbx_value value = fbx_map_get(&answer.value, "replay");
    assert_true(fbx_as_text(&value, id, sizeof id));
    await_events(&tape, 1);
    (void)snprintf(json, sizeof json, "{\"replay\":\"%s\"}", id);
    assert_refuses(gus, "data-bridge", "stop", json, FBX_INVALID_ARGUMENT, "replay: none");
    assert_answers(scene->ann, "data-bridge", "stop", json, json);
    answer_free(&answer);
    fbx_close(gus);
}

static void replays_need_the_right_to_publish_and_are_few(void **state)
{
    struct scene *scene = *state;
    static const char *const call_only[] = {"call:*", NULL};
    fbx_bus *bob = place_connect(scene->place, "acme", "bob", call_only);
    const char *slow = "{\"symbol\":\"ibm\",\"speed\":0.001}";
    assert_refuses(bob, "data-bridge", "replay", slow, FBX_PERMISSION_DENIED,
                   "publish:market.bar.ibm");
    for (int i = 0; i < 8; i++) {
        struct answer answer = ask(scene->ann, "data-bridge", "replay", slow);
        assert_int_equal(answer.status, FBX_OK);
        answer_free(&answer);
    }
    assert_refuses(scene->ann, "data-bridge", "replay", slow, FBX_OVERLOADED, "too many");
    fbx_bus *gus = place_connect(scene->place, "globex", "gus", everything);
    struct answer answer = ask(gus, "data-bridge", "replay", slow);
    assert_int_equal(answer.status, FBX_OK);
    answer_free(&answer);
    fbx_close(gus);
    fbx_close(bob);
}

/* ---- performance-analytics ---- */

static void a_report_on_the_real_index(void **state)
{
    struct scene *scene = *state;
    /* Figures by tests/unit/performance.awk. */
    struct answer answer = ask(scene->ann, "performance-analytics", "report",
                               "{\"symbol\":\"sp500\",\"from\":\"2003-01-01\","
                               "\"to\":\"2013-12-31\",\"risk_free_rate\":0.02}");
    assert_int_equal(answer.status, FBX_OK);
    assert_true(number_in(&answer, "bars") == 2769);
    assert_true(fabs(number_in(&answer, "total_return") - 1.033332151891) < 1e-11);
    assert_true(fabs(number_in(&answer, "annualised_return") - 0.066672622095) < 1e-11);
    assert_true(fabs(number_in(&answer, "annualised_volatility") - 0.201118953674) < 1e-11);
    assert_true(fabs(number_in(&answer, "sharpe_ratio") - 0.322505651747) < 1e-11);
    fbx_value drawdown = fbx_map_get(&answer.value, "max_drawdown");
    fbx_value trough = fbx_map_get(&drawdown, "trough");
    char date[11];
    assert_true(fbx_as_text(&trough, date, sizeof date));
    assert_string_equal(date, "2009-03-09");
    answer_free(&answer);
}

static void short_ranges_have_no_figures_they_cannot_have(void **state)
{
    struct scene *scene = *state;
    struct answer answer = ask(scene->ann, "performance-analytics", "report",
                               "{\"symbol\":\"goog\",\"from\":\"2010-02-01\"}");
    assert_int_equal(answer.status, FBX_OK);
    assert_true(fabs(number_in(&answer, "annualised_return") - 1.229236332552) < 1e-11);
    assert_int_equal(type_in(&answer.value, "annualised_volatility"), FBX_NIL);
    assert_int_equal(type_in(&answer.value, "sharpe_ratio"), FBX_NIL);
    fbx_value drawdown = fbx_map_get(&answer.value, "max_drawdown");
    assert_int_equal(type_in(&drawdown, "depth"), FBX_DOUBLE);
    assert_int_equal(type_in(&drawdown, "peak"), FBX_NIL);
    assert_int_equal(type_in(&drawdown, "recovery"), FBX_NIL);
    answer_free(&answer);
    assert_refuses(scene->ann, "performance-analytics", "report",
                   "{\"symbol\":\"goog\",\"from\":\"2010-03-01\"}", FBX_INVALID_ARGUMENT,
                   "two bars");
    assert_refuses(scene->ann, "performance-analytics", "report",
                   "{\"symbol\":\"goog\",\"risk_free_rate\":2}", FBX_INVALID_ARGUMENT,
                   "risk_free_rate: must be a number from -1 to 1");
}

static void a_nested_refusal_is_passed_on(void **state)
{
    struct scene *scene = *state;
    static const char *const report_only[] = {"call:performance-analytics.report", NULL};
    fbx_bus *bob = place_connect(scene->place, "acme", "bob", report_only);
    assert_refuses(scene->ann, "performance-analytics", "report", "{\"symbol\":\"nope\"}",
                   FBX_INVALID_ARGUMENT, "symbol: no such symbol");
    assert_refuses(bob, "performance-analytics", "report", "{\"symbol\":\"sp500\"}",
                   FBX_PERMISSION_DENIED, "call:data-bridge.history");
    fbx_close(bob);
}

static void a_service_may_ask_by_its_own_right(void **state)
{
    (void)state;
    static const char *const report_only[] = {"call:performance-analytics.report", NULL};
    struct place *place = place_create();
    place_start_broker(place, NULL);
    struct process *host = start_services(place, serve_and_ask);
    fbx_bus *bob = place_connect(place, "acme", "bob", report_only);
    struct answer answer = ask(bob, "performance-analytics", "report", "{\"symbol\":\"sp500\"}");
    assert_int_equal(answer.status, FBX_OK);
    answer_free(&answer);
    assert_refuses(bob, "data-bridge", "history", "{\"symbol\":\"sp500\"}", FBX_PERMISSION_DENIED,
                   "call:data-bridge.history");
    fbx_close(bob);
    stop_services(host);
    place_destroy(place);
}

/* More reports at a time than the host has workers: none waits for another's worker. */
static void many_reports_at_once(void **state)
{
    struct scene *scene = *state;
    struct buf arguments = {0};
    struct tally tally;
    tally_open(&tally);
    assert_int_equal(msgpack_from_json(&arguments, slice_of("{\"symbol\":\"sp500\"}"), NULL), 0);
    for (int i = 0; i < 40; i++)
        assert_int_equal(fbx_call_async(scene->ann, "performance-analytics", "report",
                                        (fbx_bytes){arguments.data, arguments.len}, NULL,
                                        count_reply, &tally, NULL),
                         0);
    await_replies(&tally, 40);
    assert_int_equal(tally.of_status[FBX_OK], 40);
    buf_finish(&arguments);
}

/* Each reply makes the next call, until it has been told to stop. */
struct caller {
    fbx_bus *bus;
    struct tally tally;
    bool enough;
};

static void call_again(void *arg, const fbx_reply *reply);

static void call_report(struct caller *caller)
{
    static const unsigned char goog[] = "\x81\xa6symbol\xa4goog";
    int rc = fbx_call_async(caller->bus, "performance-analytics", "report",
                            (fbx_bytes){goog, sizeof goog - 1}, NULL, call_again, caller, NULL);
    assert_int_equal(rc, 0);
}

static void call_again(void *arg, const fbx_reply *reply)
{
    struct caller *caller = arg;
    /* At once, so that who says that it is enough knows how many are still to come. */
    pthread_mutex_lock(&caller->tally.lock);
    bool enough = caller->enough;
    count_one(&caller->tally, reply);
    pthread_mutex_unlock(&caller->tally.lock);
    if (!enough)
        call_report(caller);
}

static void one_of_two_hosts_leaves_unnoticed(void **state)
{
    struct scene *scene = *state;
    struct process *second = start_services(scene->place, serve_only);
    struct caller caller = {.bus = scene->ann};
    tally_open(&caller.tally);
    for (int i = 0; i < 16; i++)
        call_report(&caller);
    await_replies(&caller.tally, 300);
    stop_services(second);
    pthread_mutex_lock(&caller.tally.lock);
    caller.enough = true;
    unsigned last = caller.tally.replies + 16;
    pthread_mutex_unlock(&caller.tally.lock);
    await_replies(&caller.tally, last);
    for (int status = 1; status <= FBX_INTERNAL; status++)
        if (caller.tally.of_status[status] > 0)
            print_error("%u of %u: %s\n", caller.tally.of_status[status], last,
                        fbx_status_text(status));
    assert_int_equal(caller.tally.of_status[FBX_OK], last);
}

/* ---- the example ---- */

static void the_readmes_service_says_hello(void **state)
{
    struct scene *scene = *state;
    char program[PATH_MAX];
    char *token = place_token(scene->place, "platform", "hello", "pro", serve_only);
    build_path(program, sizeof program, "examples/hello");
    setenv("FAREBOX_URL", scene->place->url, 1);
    setenv("FAREBOX_TOKEN", token, 1);
    place_start(scene->place, "hello ready", (const char *const[]){program, NULL});
    unsetenv("FAREBOX_URL");
    unsetenv("FAREBOX_TOKEN");
    free(token);
    assert_answers(scene->ann, "hello", "greet", "{\"name\":\"Ada\"}",
                   "{\"text\":\"Hello, Ada of acme\"}");
    assert_answers(scene->ann, "hello", "greet", "null", "{\"text\":\"Hello, stranger of acme\"}");
}

/* Its nng calls what libs/shim/workaround.c has in its place, though it names only the SDK. */
static void the_readmes_service_has_an_nng_that_is_mended(void **state)
{
    static const char look[] = "LD_BIND_NOW=1 LD_DEBUG=bindings \"$0\" 2>&1 | grep -c "
                               "\"libnng.* to .*libfarebox.*nng_stream_\\(recv\\|send\\)'\"";
    struct scene *scene = *state;
    char program[PATH_MAX], said[64];
    build_path(program, sizeof program, "examples/hello");
    assert_int_equal(place_run(scene->place, said, sizeof said,
                               (const char *const[]){"/bin/sh", "-c", look, program, NULL}),
                     0);
    assert_string_equal(said, "2\n");
}

static void the_readmes_service_says_why_it_cannot(void **state)
{
    struct scene *scene = *state;
    char program[PATH_MAX], said[512];
    build_path(program, sizeof program, "examples/hello");
    setenv("FAREBOX_URL", "ipc:///nonexistent.sock", 1);
    assert_int_equal(
        place_run(scene->place, said, sizeof said, (const char *const[]){program, NULL}), 1);
    assert_non_null(strstr(said, "needs a token"));
    setenv("FAREBOX_TOKEN", "any", 1);
    assert_int_equal(
        place_run(scene->place, said, sizeof said, (const char *const[]){program, NULL}), 1);
    assert_non_null(strstr(said, "connection refused"));
    unsetenv("FAREBOX_URL");
    unsetenv("FAREBOX_TOKEN");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(echo_gives_back_bytes_and_their_type),
        CASE(echo_fails_as_it_is_told),
        CASE(sleepers_hold_up_nobody),
        CASE(streams_come_whole_and_in_order),
        CASE(every_argument_is_checked),
        CASE(quotes_are_the_files_figures),
        CASE(a_whole_history_fits_one_payload),
        CASE(a_replay_is_heard_by_its_tenant_only),
        CASE(a_replay_is_stopped_by_its_tenant_only),
        CASE(replays_need_the_right_to_publish_and_are_few),
        CASE(a_report_on_the_real_index),
        CASE(short_ranges_have_no_figures_they_cannot_have),
        CASE(a_nested_refusal_is_passed_on),
        cmocka_unit_test(a_service_may_ask_by_its_own_right),
        CASE(many_reports_at_once),
        CASE(one_of_two_hosts_leaves_unnoticed),
        CASE(the_readmes_service_says_hello),
        CASE(the_readmes_service_has_an_nng_that_is_mended),
        CASE(the_readmes_service_says_why_it_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
