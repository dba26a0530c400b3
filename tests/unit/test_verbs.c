/* Who may do what with the broker's own services: every verb, by every kind of caller, to another
 * tenant. A verb without a row here is a failure. */
#include "../testing.h"

#include "base/mem.h"
#include "builtin/builtin.h"
#include "builtin/packing.h"
#include "core/state.h"
#include "core_stage.h"

/* In everything of bolt's; nobody of acme's ever gets to see it. */
#define CANARY "canary"

enum role { NOBODY, ADMIN, SPY, OPERATOR, ROLES };

static const char *const tokens[ROLES] = {
    [NOBODY] = "acme ann",
    [ADMIN] = "acme adm admin:acme/* call:* subscribe:>", /* of their own tenant */
    [SPY] = "acme spy admin:bolt/* call:bolt/*",          /* as if of another one */
    [OPERATOR] = "infra ops admin:*",
};

#define DENIED STATUS_PERMISSION_DENIED
#define MISMATCH STATUS_TENANT_MISMATCH
#define INVALID STATUS_INVALID_ARGUMENT

/* What each is told who names bolt, in the arguments that the verb has. */
static const struct row {
    const char *service, *verb, *arguments;
    enum status told[ROLES];
} rows[] = {
    {"bus.registry", "list", "", {STATUS_OK, STATUS_OK, STATUS_OK, STATUS_OK}},
    {"bus.registry", "show", "tenant name", {MISMATCH, MISMATCH, MISMATCH, STATUS_OK}},
    {"bus.registry", "remove", "tenant service", {DENIED, MISMATCH, DENIED, STATUS_CONFLICT}},
    {"bus.sessions", "list", "", {DENIED, STATUS_OK, DENIED, STATUS_OK}},
    {"bus.stats", "show", "", {DENIED, DENIED, DENIED, STATUS_OK}},
    {"bus.feed", "open", "pattern=>", {DENIED, STATUS_OK, DENIED, DENIED}},
    {"bus.feed", "renew", "id", {INVALID, INVALID, INVALID, INVALID}},
    {"bus.feed", "close", "id", {INVALID, INVALID, INVALID, INVALID}},
    {"bus.tap", "watch", "tenant", {DENIED, MISMATCH, DENIED, STATUS_OK}},
    {"bus.tenants", "list", "tenant", {DENIED, MISMATCH, DENIED, STATUS_OK}},
    {"bus.tenants", "show", "tenant", {DENIED, MISMATCH, DENIED, STATUS_OK}},
    {"bus.tenants", "create", "tenant", {DENIED, DENIED, DENIED, STATUS_CONFLICT}},
    {"bus.tenants", "update", "tenant", {DENIED, DENIED, DENIED, STATUS_OK}},
    {"bus.tenants", "suspend", "tenant", {DENIED, DENIED, DENIED, STATUS_OK}},
    {"bus.tenants", "resume", "tenant", {DENIED, DENIED, DENIED, STATUS_OK}},
    {"bus.tenants", "delete", "tenant", {DENIED, DENIED, DENIED, STATUS_OK}},
    {"bus.usage", "show", "tenant", {MISMATCH, MISMATCH, MISMATCH, STATUS_OK}},
    {"bus.usage", "credits", "tenant", {MISMATCH, MISMATCH, MISMATCH, STATUS_OK}},
    {"bus.usage", "credit", "tenant", {DENIED, DENIED, DENIED, INVALID}},
    {"bus.explain", "call", "tenant service method", {MISMATCH, MISMATCH, MISMATCH, STATUS_OK}},
    {"bus.limits", "show", "tenant user=eve", {MISMATCH, MISMATCH, MISMATCH, STATUS_OK}},
    {"bus.me", "show", "", {STATUS_OK, STATUS_OK, STATUS_OK, STATUS_OK}},
    {"bus.config", "get", "tenant key", {MISMATCH, MISMATCH, MISMATCH, INVALID}},
    {"bus.config", "list", "tenant", {DENIED, MISMATCH, DENIED, STATUS_OK}},
    {"bus.config", "history", "tenant key", {DENIED, MISMATCH, DENIED, STATUS_OK}},
    {"bus.config", "set", "tenant key value", {DENIED, MISMATCH, DENIED, STATUS_OK}},
    {"bus.config", "delete", "tenant key", {DENIED, MISMATCH, DENIED, STATUS_OK}},
    {"bus.config", "reveal", "tenant key", {DENIED, MISMATCH, DENIED, INVALID}},
    {"bus.breakers", "list", "", {DENIED, STATUS_OK, DENIED, STATUS_OK}},
    {"bus.tokens", "revoke", "tenant user", {DENIED, DENIED, DENIED, STATUS_OK}},
    {"bus.tokens", "list", "", {DENIED, DENIED, DENIED, STATUS_OK}},
    {"bus.tokens", "logout", "", {INVALID, INVALID, INVALID, INVALID}},
    {"bus.breakers", "reset", "tenant service=prices", {DENIED, DENIED, DENIED, STATUS_OK}},
    {"bus.breakers", "force-open", "tenant service=prices", {DENIED, DENIED, DENIED, STATUS_OK}},
    {"bus.breakers", "force-close", "tenant service=prices", {DENIED, DENIED, DENIED, STATUS_OK}},
};
#define ROWS (sizeof rows / sizeof *rows)

static struct stage stage;
static struct actor *actors[ROLES];

/* ---- what bolt has ---- */

static void give_bolt_a_record(void)
{
    struct arguments said = {.map = {.type = MSGPACK_OBJECT_MAP}};
    const char *why = "";
    msgpack_object_kv pairs[] = {
        {{.type = MSGPACK_OBJECT_STR, .via.str = {4, "tier"}},
         {.type = MSGPACK_OBJECT_STR, .via.str = {4, "free"}}},
        {{.type = MSGPACK_OBJECT_STR, .via.str = {4, "name"}},
         {.type = MSGPACK_OBJECT_STR, .via.str = {6, CANARY}}},
    };
    said.map.via.map.size = 2;
    said.map.via.map.ptr = pairs;
    struct account *account = account_make(slice_of("bolt"), slice_make("", 0), NULL, &said, &why);
    assert_non_null(account);
    assert_true(account_keep(stage.core, account));
}

static void give_bolt_a_service(void)
{
    Farebox__V1__Register wanted = FAREBOX__V1__REGISTER__INIT;
    struct actor *host = stage_join(&stage, "bolt " CANARY " serve:bolt/* call:*");
    wanted.service = (char *)(uintptr_t)CANARY;
    wanted.tenant = (char *)(uintptr_t) "bolt";
    assert_int_equal(actor_register_as(host, &wanted), STATUS_OK);
    actor_call(host, 1, CANARY, CANARY);
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    assert_int_equal(actor_outcome(host, 1), STATUS_OK);
}

static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    stage.options.limits.max_breakers = 16;
    stage_start(&stage);
    actor_register(stage_join(&stage, "infra host serve:*"), "prices", 1);
    give_bolt_a_record();
    give_bolt_a_service();
    for (unsigned role = 0; role < ROLES; role++)
        actors[role] = stage_join(&stage, tokens[role]);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

/* ---- asking ---- */

/* "key" or "key=value" */
static void write_argument(msgpack_packer *packer, struct slice text)
{
    const char *sign = memchr(text.data, '=', text.len);
    struct slice key = text, value = slice_of(CANARY);
    if (sign) {
        key.len = (size_t)((const uint8_t *)sign - text.data);
        value = slice_make(sign + 1, text.len - key.len - 1);
    } else if (slice_is(text, "tenant")) {
        value = slice_of("bolt");
    }
    pack_text(packer, key);
    pack_text(packer, value);
}

static void write_arguments(struct buf *out, const char *keys)
{
    msgpack_packer packer;
    size_t n = 0;
    for (const char *at = keys; *at; at += strcspn(at, " "), at += *at == ' ')
        n++;
    packing_init(&packer, out);
    msgpack_pack_map(&packer, n);
    for (const char *at = keys; *at; at += strcspn(at, " "), at += *at == ' ')
        write_argument(&packer, slice_make(at, strcspn(at, " ")));
}

static bool is_canary(struct slice bytes)
{
    return bytes.len > 0 && memmem(bytes.data, bytes.len, CANARY, strlen(CANARY));
}

/* A stream that was opened says nothing until there is something to say: that is STATUS_OK. */
static enum status ask(struct actor *actor, const struct row *row, bool *canary)
{
    static uint64_t id = 90;
    struct buf payload = {0};
    struct wire_envelope answer;
    write_arguments(&payload, row->arguments);
    const struct wire_request request = {.service = slice_of(row->service),
                                         .method = slice_of(row->verb),
                                         .payload = buf_slice(&payload),
                                         .stream = true};
    actor_request(actor, ++id, &request, slice_make(NULL, 0));
    buf_finish(&payload);
    *canary = false;
    while (actor_next(actor, &answer)) {
        if (answer.kind != WIRE_REPLY || answer.id != id)
            continue;
        *canary = is_canary(answer.reply.payload) || is_canary(answer.reply.message);
        return answer.reply.status;
    }
    return STATUS_OK;
}

/* ---- the tests ---- */

static void each_is_told_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        for (unsigned role = 0; role < ROLES; role++) {
            bool canary;
            enum status told = ask(actors[role], &rows[i], &canary);
            if (told != rows[i].told[role])
                fail_msg("%s %s as %s: %s, not %s", rows[i].service, rows[i].verb, tokens[role],
                         status_text(told), status_text(rows[i].told[role]));
            if (canary && role != OPERATOR)
                fail_msg("%s %s shows bolt's to %s", rows[i].service, rows[i].verb, tokens[role]);
        }
    }
}

static unsigned missing;

static void look_up(struct core *core, const struct builtin *builtin)
{
    (void)core;
    for (const struct builtin_verb *verb = builtin->verbs; verb->name; verb++) {
        bool found = false;
        for (size_t i = 0; i < ROWS; i++)
            found |= strcmp(rows[i].service, builtin->name) == 0 &&
                     strcmp(rows[i].verb, verb->name) == 0;
        if (!found)
            print_error("%s %s has no row\n", builtin->name, verb->name);
        missing += !found;
    }
}

static void no_verb_is_left_out(void **state)
{
    (void)state;
    missing = 0;
    builtins_each(stage.core, look_up);
    assert_int_equal(missing, 0);
}

/* ---- slips of the pen ---- */

/* What the operator is told who says `key` with that value, or twice; must name it. */
static void assert_slip(const struct builtin *builtin, const struct builtin_verb *verb,
                        const char *key, struct slice value, unsigned times)
{
    static uint64_t id = 9000;
    struct buf payload = {0};
    msgpack_packer packer;
    packing_init(&packer, &payload);
    msgpack_pack_map(&packer, times);
    for (unsigned n = 0; n < times; n++) {
        pack_text(&packer, slice_of(key));
        packing_raw(&packer, value);
    }
    const struct wire_request request = {.service = slice_of(builtin->name),
                                         .method = slice_of(verb->name),
                                         .payload = buf_slice(&payload),
                                         .stream = true};
    actor_request(actors[OPERATOR], ++id, &request, slice_make(NULL, 0));
    buf_finish(&payload);
    struct wire_reply reply = actor_expect(actors[OPERATOR], WIRE_REPLY).reply;
    if (reply.status != STATUS_INVALID_ARGUMENT ||
        !memmem(reply.message.data, reply.message.len, key, strlen(key)))
        fail_msg("%s %s with a slip in %s: %s, %.*s", builtin->name, verb->name, key,
                 status_text(reply.status), SLICE_FMT(reply.message));
}

static void let_slip(struct core *core, const struct builtin *builtin)
{
    static const struct slice nil = {(const uint8_t *)"\xc0", 1},
                              one = {(const uint8_t *)"\x01", 1},
                              text = {(const uint8_t *)"\xa1x", 2};
    (void)core;
    for (const struct builtin_verb *verb = builtin->verbs; verb->name; verb++) {
        const struct argument *known = verb->arguments;
        assert_slip(builtin, verb, "no-such", one, 1);
        for (; known && known->name; known++) {
            if (known->type == ARGUMENT_ANY)
                continue;
            assert_slip(builtin, verb, known->name, nil, 1);
            assert_slip(builtin, verb, known->name, known->type == ARGUMENT_UINT ? text : one, 1);
        }
        known = verb->arguments;
        if (known)
            assert_slip(builtin, verb, known->name, text, 2);
    }
}

static void a_slip_of_the_pen_does_nothing(void **state)
{
    (void)state;
    builtins_each(stage.core, let_slip);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_is_told_what_the_table_says),
        TEST(no_verb_is_left_out),
        TEST(a_slip_of_the_pen_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
