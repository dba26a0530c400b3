/* What the broker's own services keep from whom, whatever they are asked. */
#include "../testing.h"

#include "base/log.h"
#include "builtin/builtin.h"
#include "core/state.h"
#include "core_ask.h"

#include <sys/mman.h>
#include <unistd.h>

static struct stage stage;
static struct actor *ops, *ann;
static struct buf answer;

static int open_stage(void **state)
{
    char why[TIER_WHY_BYTES];
    (void)state;
    stage_init(&stage);
    assert_int_equal(tiers_add(&stage.options.limits.tiers, "free", why), 0);
    stage_start(&stage);
    ops = stage_join(&stage, "infra ops admin:*");
    ann = stage_join(&stage, "acme ann subscribe:news call:*");
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    buf_finish(&answer);
    answer = (struct buf){0};
    stage_finish(&stage);
    return 0;
}

static enum status ask(struct actor *who, const char *service, const char *method,
                       const char *question)
{
    static uint64_t id;
    return actor_ask(who, ++id, service, method, question, &answer);
}

static bool says(const char *text)
{
    return strstr((const char *)answer.data, text) != NULL;
}

/* ---- sessions ---- */

/* The whole of it is the key to the session. */
static void a_sessions_id_is_not_shown(void **state)
{
    char id[2 * WIRE_SESSION_BYTES + 1];
    (void)state;
    for (unsigned i = 0; i < WIRE_SESSION_BYTES; i++)
        snprintf(id + (size_t)2 * i, 3, "%02x", ann->link.session[i]);
    assert_int_equal(ask(ops, "bus.sessions", "list", "{}"), STATUS_OK);
    assert_false(says(id));
    id[10] = '\0';
    assert_false(says(id));
    id[8] = '\0';
    assert_true(says(id));
}

/* ---- explaining ---- */

#define ABOUT(tenant) \
    "{\"tenant\":\"" tenant "\",\"user\":\"bob\",\"service\":\"orders\",\"method\":\"get\"}"

static void others_are_explained_to_who_administers_them(void **state)
{
    (void)state;
    struct actor *adm = stage_join(&stage, "acme adm admin:acme/explain");
    struct actor *spy = stage_join(&stage, "acme spy admin:bolt/explain");
    assert_int_equal(ask(adm, "bus.explain", "call", ABOUT("acme")), STATUS_OK);
    assert_int_equal(ask(adm, "bus.explain", "call", ABOUT("bolt")), STATUS_TENANT_MISMATCH);
    assert_int_equal(ask(ann, "bus.explain", "call", ABOUT("acme")), STATUS_PERMISSION_DENIED);
    assert_int_equal(ask(spy, "bus.explain", "call", ABOUT("acme")), STATUS_PERMISSION_DENIED);
    assert_int_equal(ask(spy, "bus.explain", "call", ABOUT("bolt")), STATUS_TENANT_MISMATCH);
}

/* ---- feeds ---- */

static void a_feed_is_its_openers(void **state)
{
    static const char *const others[] = {"acme bob subscribe:news", "bolt ann subscribe:news",
                                         "infra root admin:* subscribe:*/>"};
    char question[64];
    (void)state;
    assert_int_equal(ask(ann, "bus.feed", "open", "{\"pattern\":\"news\"}"), STATUS_OK);
    const char *id = strstr((const char *)answer.data, "\"id\":\"");
    assert_non_null(id);
    snprintf(question, sizeof question, "{\"id\":\"%.32s\"}", id + strlen("\"id\":\""));
    for (size_t i = 0; i < 3; i++) {
        struct actor *other = stage_join(&stage, others[i]);
        assert_int_equal(ask(other, "bus.feed", "renew", question), STATUS_INVALID_ARGUMENT);
        assert_int_equal(ask(other, "bus.feed", "close", question), STATUS_INVALID_ARGUMENT);
    }
    assert_int_equal(stage_gauges(&stage).feeds, 1);
    assert_int_equal(ask(ann, "bus.feed", "renew", question), STATUS_OK);
    assert_int_equal(ask(ann, "bus.feed", "close", question), STATUS_OK);
    assert_int_equal(stage_gauges(&stage).feeds, 0);
}

/* ---- secrets ---- */

static bool is_shown(struct actor *watcher, const char *text)
{
    struct slice part = actor_expect(watcher, WIRE_PART).part.payload;
    return memmem(part.data, part.len, text, strlen(text)) != NULL;
}

static void a_tap_shows_no_configuration(void **state)
{
    (void)state;
    const struct wire_request watch = {.service = slice_of("bus.tap"),
                                       .method = slice_of("watch"),
                                       .payload = slice_of("\x81\xa8payloads\xc3"),
                                       .stream = true};
    struct actor *watcher = stage_join(&stage, "infra all admin:tap");
    actor_request(watcher, 1, &watch, slice_make(NULL, 0));
    assert_int_equal(
        ask(ops, "bus.config", "set", "{\"key\":\"k\",\"value\":\"hunter2\",\"secret\":true}"),
        STATUS_OK);
    assert_false(is_shown(watcher, "payload"));
    assert_int_equal(ask(ops, "bus.config", "reveal", "{\"key\":\"k\"}"), STATUS_OK);
    assert_true(says("hunter2"));
    assert_false(is_shown(watcher, "hunter2"));
    assert_int_equal(ask(ann, "bus.limits", "show", "{}"), STATUS_OK);
    assert_true(is_shown(watcher, "payload"));
}

/* What `who` does is in the log, which goes to standard error. */
static void read_log(struct actor *who, const char *method, char *lines, size_t size)
{
    int file = memfd_create("log", 0), kept = dup(STDERR_FILENO);
    assert_true(file >= 0 && kept >= 0);
    assert_true(dup2(file, STDERR_FILENO) >= 0);
    log_set_level(LOG_INFO);
    enum status status = ask(who, "bus.config", method, "{\"key\":\"k\"}");
    log_set_level(LOG_ERROR);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    ssize_t got = pread(file, lines, size - 1, 0);
    lines[got > 0 ? got : 0] = '\0';
    close(file);
    close(kept);
    assert_int_equal(status, STATUS_OK);
}

static void who_looked_at_a_secret_is_written_down(void **state)
{
    char lines[2048];
    (void)state;
    assert_int_equal(
        ask(ops, "bus.config", "set", "{\"key\":\"k\",\"value\":\"hunter2\",\"secret\":true}"),
        STATUS_OK);
    read_log(ops, "get", lines, sizeof lines);
    assert_null(strstr(lines, "audit.secret_revealed"));
    read_log(ops, "reveal", lines, sizeof lines);
    assert_non_null(strstr(lines, "audit.secret_revealed"));
    assert_non_null(strstr(lines, "key=k tenant=infra user=ops"));
    assert_null(strstr(lines, "hunter2"));
}

static void configuration_of_others_is_not_listed(void **state)
{
    static const char *const whose[] = {",\"tenant\":\"acm\"", ",\"tenant\":\"acme-2\"",
                                        ",\"tenant\":\"bolt\"", ",\"tier\":\"free\"", ""};
    char question[96];
    (void)state;
    struct actor *adm = stage_join(&stage, "acme adm admin:acme/config");
    for (size_t i = 0; i < 5; i++) {
        snprintf(question, sizeof question, "{\"key\":\"theirs\",\"value\":1%s}", whose[i]);
        assert_int_equal(ask(ops, "bus.config", "set", question), STATUS_OK);
    }
    assert_int_equal(ask(adm, "bus.config", "set", "{\"key\":\"ours\",\"value\":1}"), STATUS_OK);
    assert_int_equal(ask(adm, "bus.config", "list", "{}"), STATUS_OK);
    assert_true(says("ours"));
    assert_false(says("theirs"));
    assert_int_equal(ask(adm, "bus.config", "list", "{\"cursor\":\"a\"}"), STATUS_OK);
    assert_false(says("theirs"));
}

/* ---- sizes ---- */

static size_t wanted;

static enum status fill(struct core *core, struct call *call, enum scope scope, struct buf *out,
                        const char **why)
{
    (void)core;
    (void)call;
    (void)scope;
    (void)why;
    memset(buf_reserve(out, wanted), 0xc0, wanted);
    out->len = wanted;
    return STATUS_OK;
}

static void an_answer_fits_a_frame(void **state)
{
    static const struct builtin_verb verbs[] = {
        {"show", ACCESS_ANYONE, NULL, fill, false, NULL},
        {0},
    };
    static const struct builtin filler = {"bus.stats", verbs};
    (void)state;
    registry_find(stage.core, slice_make("", 0), slice_of("bus.stats"))->builtin = &filler;
    wanted = 1;
    actor_call(ann, 900, "bus.stats", "show");
    assert_int_equal(actor_outcome(ann, 900), STATUS_OK);
    wanted = WIRE_PAYLOAD_MAX + 1;
    actor_call(ann, 901, "bus.stats", "show");
    assert_int_equal(actor_outcome(ann, 901), STATUS_TOO_LARGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sessions_id_is_not_shown),
        TEST(others_are_explained_to_who_administers_them),
        TEST(a_feed_is_its_openers),
        TEST(a_tap_shows_no_configuration),
        TEST(who_looked_at_a_secret_is_written_down),
        TEST(configuration_of_others_is_not_listed),
        TEST(an_answer_fits_a_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
