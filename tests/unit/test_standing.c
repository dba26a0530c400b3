/* On what terms somebody calls: tokens, live records over them, and what services ask for. Through
 * the whole core, by bus.tenants as an operator uses it. */
#include "../testing.h"

#include "base/mem.h"
#include "builtin/packing.h"
#include "core/state.h"
#include "core_ask.h"

#include <stdio.h>

#define ANN "acme ann call:* subscribe:news.> subscribe:bus.> publish:news.>"
#define BOB "acme bob call:* tier:pro"
#define EVE "bolt eve call:* tier:enterprise"
#define HOST "infra host serve:* call:* publish:news.>"
#define OPS "infra ops admin:tenants admin:registry subscribe:*/bus.> tier:enterprise"
#define HOUR_MS 3600000u

static struct stage stage;
static struct actor *ann, *host, *ops;

static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    stage.options.limits.max_limited_users = 100;
    tiers_default(&stage.options.limits.tiers);
    snprintf(stage.options.limits.upgrade_url, sizeof stage.options.limits.upgrade_url, "%s",
             "https://pay.example/up");
    stage_start(&stage);
    ann = stage_join(&stage, ANN);
    host = stage_join(&stage, HOST);
    ops = stage_join(&stage, OPS);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

/* ---- what is said ---- */

struct said {
    const char *key, *text; /* text NULL: the number */
    uint64_t number;
};

/* Asks bus.tenants; `said` ends with a NULL key. */
static struct wire_reply ask(struct actor *actor, const char *method, const struct said *said)
{
    struct buf payload = {0};
    msgpack_packer packer;
    size_t n = 0;
    while (said[n].key)
        n++;
    packing_init(&packer, &payload);
    msgpack_pack_map(&packer, n);
    for (size_t i = 0; i < n; i++) {
        if (said[i].text)
            pack_pair_text(&packer, said[i].key, slice_of(said[i].text));
        else
            pack_pair_uint(&packer, said[i].key, said[i].number);
    }
    const struct wire_request request = {.service = slice_of("bus.tenants"),
                                         .method = slice_of(method),
                                         .payload = buf_slice(&payload)};
    actor_request(actor, 70, &request, slice_make(NULL, 0));
    buf_finish(&payload);
    return actor_expect(actor, WIRE_REPLY).reply;
}

#define SAY(method, ...) ask(ops, method, (const struct said[]){__VA_ARGS__, {0}}).status
#define SAY_OK(...) assert_int_equal(SAY(__VA_ARGS__), STATUS_OK)
#define TENANT(name)      \
    {                     \
        "tenant", name, 0 \
    }
#define USER(name)      \
    {                   \
        "user", name, 0 \
    }
#define TIER(name)      \
    {                   \
        "tier", name, 0 \
    }
#define STATUS(name)      \
    {                     \
        "status", name, 0 \
    }
#define UNTIL(ms)              \
    {                          \
        "expires_ms", NULL, ms \
    }
#define RATE(n)               \
    {                         \
        "per_minute", NULL, n \
    }

static void say_features(const char *tenant, char *const *features, size_t n)
{
    struct buf payload = {0};
    msgpack_packer packer;
    packing_init(&packer, &payload);
    msgpack_pack_map(&packer, 2);
    pack_pair_text(&packer, "tenant", slice_of(tenant));
    pack_pair_texts(&packer, "features", features, n);
    const struct wire_request request = {.service = slice_of("bus.tenants"),
                                         .method = slice_of("update"),
                                         .payload = buf_slice(&payload)};
    actor_request(ops, 71, &request, slice_make(NULL, 0));
    buf_finish(&payload);
    assert_int_equal(actor_outcome(ops, 71), STATUS_OK);
}

static bool says(struct slice payload, const char *text)
{
    return memmem(payload.data, payload.len, text, strlen(text)) != NULL;
}

/* ---- what is served ---- */

static void serve(const char *name, const char *tier, const char *method_tier, const char *feature)
{
    Farebox__V1__Register wanted = FAREBOX__V1__REGISTER__INIT;
    char *method_tiers[] = {(char *)(uintptr_t)method_tier};
    char *features[] = {(char *)(uintptr_t)feature};
    wanted.service = (char *)(uintptr_t)name;
    wanted.minimum_tier = (char *)(uintptr_t)tier;
    wanted.method_tiers = method_tiers;
    wanted.n_method_tiers = method_tier != NULL;
    wanted.business_features = features;
    wanted.n_business_features = feature != NULL;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_OK);
}

/* Calls, and is served if it is let through. */
static struct wire_reply call(struct actor *actor, const char *service, const char *method)
{
    static uint64_t id = 100;
    struct wire_envelope given;
    actor_call(actor, ++id, service, method);
    while (actor_next(host, &given)) {
        if (given.kind == WIRE_REQUEST)
            actor_reply(host, given.id, STATUS_OK, "");
    }
    struct wire_envelope reply = actor_expect(actor, WIRE_REPLY);
    assert_int_equal(reply.id, id);
    return reply.reply;
}

static enum status call_orders(struct actor *actor)
{
    return call(actor, "orders", "get").status;
}

/* ---- tiers ---- */

static void a_tier_is_asked_for(void **state)
{
    (void)state;
    struct actor *bob = stage_join(&stage, BOB), *eve = stage_join(&stage, EVE);
    serve("orders", "pro", NULL, NULL);
    struct wire_reply refused = call(ann, "orders", "get");
    assert_int_equal(refused.status, STATUS_SUBSCRIPTION_INSUFFICIENT);
    assert_true(slice_is(refused.message, "This feature requires pro subscription"));
    assert_string_equal(reply_detail(&refused, "required_tier"), "pro");
    assert_string_equal(reply_detail(&refused, "current_tier"), "free");
    assert_string_equal(reply_detail(&refused, "upgrade_url"), "https://pay.example/up");
    assert_int_equal(call_orders(bob), STATUS_OK);
    assert_int_equal(call_orders(eve), STATUS_OK);
}

static void a_method_asks_for_itself(void **state)
{
    (void)state;
    struct actor *bob = stage_join(&stage, BOB), *eve = stage_join(&stage, EVE);
    serve("orders", "pro", "export=enterprise", NULL);
    serve("prices", "pro", "look=free", NULL);
    assert_int_equal(call(bob, "orders", "export").status, STATUS_SUBSCRIPTION_INSUFFICIENT);
    assert_int_equal(call(bob, "orders", "exports").status, STATUS_OK);
    assert_int_equal(call(bob, "orders", "expor").status, STATUS_OK);
    assert_int_equal(call(eve, "orders", "export").status, STATUS_OK);
    assert_int_equal(call(ann, "prices", "look").status, STATUS_OK);
    assert_int_equal(call(ann, "prices", "buy").status, STATUS_SUBSCRIPTION_INSUFFICIENT);
}

static void what_nobody_knows_opens_nothing(void **state)
{
    (void)state;
    struct actor *odd = stage_join(&stage, "acme odd call:* tier:platinum");
    struct actor *bob = stage_join(&stage, BOB), *eve = stage_join(&stage, EVE);
    serve("orders", "pro", NULL, NULL);
    serve("vault", "diamond", NULL, NULL);
    assert_int_equal(call_orders(odd), STATUS_SUBSCRIPTION_INSUFFICIENT);
    assert_int_equal(call(bob, "vault", "get").status, STATUS_SUBSCRIPTION_INSUFFICIENT);
    assert_int_equal(call(eve, "vault", "get").status, STATUS_OK);
}

static void a_malformed_method_tier_is_refused(void **state)
{
    static const char *const bad[] = {"export", "=pro", "export=", "Ex=pro", "a=b=c"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Farebox__V1__Register wanted = FAREBOX__V1__REGISTER__INIT;
        char *texts[] = {(char *)(uintptr_t)bad[i]};
        wanted.service = (char *)(uintptr_t) "orders";
        wanted.method_tiers = texts;
        wanted.n_method_tiers = 1;
        assert_int_equal(actor_register_as(host, &wanted), STATUS_INVALID_ARGUMENT);
    }
}

/* ---- live records over tokens ---- */

static void a_change_is_in_force_at_the_next_call(void **state)
{
    (void)state;
    struct actor *bob = stage_join(&stage, BOB);
    serve("orders", "pro", NULL, NULL);
    assert_int_equal(call_orders(bob), STATUS_OK);
    SAY_OK("create", TENANT("acme"), TIER("free"));
    assert_int_equal(call_orders(bob), STATUS_SUBSCRIPTION_INSUFFICIENT);
    SAY_OK("update", TENANT("acme"), TIER("enterprise"));
    assert_int_equal(call_orders(ann), STATUS_OK);
    SAY_OK("delete", TENANT("acme"));
    assert_int_equal(call_orders(ann), STATUS_SUBSCRIPTION_INSUFFICIENT);
    assert_int_equal(call_orders(bob), STATUS_OK);
}

static void a_suspension_too(void **state)
{
    (void)state;
    struct actor *eve = stage_join(&stage, EVE);
    serve("orders", "", NULL, NULL);
    SAY_OK("create", TENANT("acme"), TIER("free"));
    assert_int_equal(call_orders(ann), STATUS_OK);
    SAY_OK("suspend", TENANT("acme"));
    struct wire_reply refused = call(ann, "orders", "get");
    assert_int_equal(refused.status, STATUS_SUBSCRIPTION_EXPIRED);
    assert_string_equal(reply_detail(&refused, "subscription_status"), "suspended");
    assert_string_equal(reply_detail(&refused, "upgrade_url"), "https://pay.example/up");
    assert_int_equal(call(ann, "bus.registry", "list").status, STATUS_SUBSCRIPTION_EXPIRED);
    assert_int_equal(call(ann, "bus.me", "show").status, STATUS_SUBSCRIPTION_EXPIRED);
    assert_int_equal(call(ann, "bus.tokens", "list").status, STATUS_PERMISSION_DENIED);
    assert_int_equal(call(ann, "bus.tokens", "logout").status, STATUS_INVALID_ARGUMENT);
    assert_int_equal(actor_publish(ann, "news.a", ""), STATUS_SUBSCRIPTION_EXPIRED);
    assert_int_equal(actor_subscribe(ann, 5, "news.>", NULL, NULL), STATUS_SUBSCRIPTION_EXPIRED);
    assert_int_equal(call_orders(eve), STATUS_OK);
    SAY_OK("resume", TENANT("acme"));
    assert_int_equal(call_orders(ann), STATUS_OK);
}

static void past_due_changes_nothing(void **state)
{
    (void)state;
    serve("orders", "pro", NULL, NULL);
    SAY_OK("create", TENANT("acme"), TIER("pro"), STATUS("past_due"));
    assert_int_equal(call_orders(ann), STATUS_OK);
}

static void an_end_that_passes_is_noticed(void **state)
{
    (void)state;
    serve("orders", "", NULL, NULL);
    SAY_OK("create", TENANT("acme"), TIER("free"), UNTIL(stage.now.unix_ms + 500));
    assert_int_equal(call_orders(ann), STATUS_OK);
    stage_pass(&stage, 499);
    assert_int_equal(call_orders(ann), STATUS_OK);
    stage_pass(&stage, 1);
    assert_int_equal(call_orders(ann), STATUS_SUBSCRIPTION_EXPIRED);
    SAY_OK("update", TENANT("acme"), UNTIL(stage.now.unix_ms + HOUR_MS));
    assert_int_equal(call_orders(ann), STATUS_OK);
    SAY_OK("update", TENANT("acme"), UNTIL(0));
    assert_int_equal(call_orders(ann), STATUS_OK);
}

/* Somebody corrects the clock of the machine. */
static void a_clock_set_back_is_noticed(void **state)
{
    (void)state;
    serve("orders", "", NULL, NULL);
    SAY_OK("create", TENANT("acme"), TIER("free"), UNTIL(stage.now.unix_ms + HOUR_MS));
    stage.now.unix_ms += 2 * HOUR_MS;
    assert_int_equal(call_orders(ann), STATUS_SUBSCRIPTION_EXPIRED);
    stage.now.unix_ms -= 2 * HOUR_MS;
    assert_int_equal(call_orders(ann), STATUS_OK);
}

static void a_user_may_have_one_of_their_own(void **state)
{
    (void)state;
    struct actor *bob = stage_join(&stage, BOB);
    serve("orders", "pro", NULL, NULL);
    assert_int_equal(SAY("create", TENANT("acme"), USER("ann"), TIER("pro")),
                     STATUS_INVALID_ARGUMENT);
    SAY_OK("create", TENANT("acme"), TIER("free"));
    SAY_OK("create", TENANT("acme"), USER("ann"), TIER("pro"));
    assert_int_equal(call_orders(ann), STATUS_OK);
    assert_int_equal(call_orders(bob), STATUS_SUBSCRIPTION_INSUFFICIENT);
    SAY_OK("suspend", TENANT("acme"), USER("ann"));
    assert_int_equal(call_orders(ann), STATUS_SUBSCRIPTION_EXPIRED);
    SAY_OK("resume", TENANT("acme"), USER("ann"));
    SAY_OK("suspend", TENANT("acme"));
    assert_int_equal(call_orders(ann), STATUS_SUBSCRIPTION_EXPIRED);
    SAY_OK("delete", TENANT("acme"));
    SAY_OK("create", TENANT("acme"), TIER("free"));
    assert_int_equal(call_orders(ann), STATUS_SUBSCRIPTION_INSUFFICIENT);
}

static void a_token_speaks_where_no_record_does(void **state)
{
    (void)state;
    struct actor *out = stage_join(&stage, "acme out call:* status:suspended");
    struct actor *odd = stage_join(&stage, "acme odd call:* status:cancelled");
    struct actor *due = stage_join(&stage, "acme due call:* status:past_due");
    serve("orders", "", NULL, NULL);
    assert_int_equal(call_orders(out), STATUS_SUBSCRIPTION_EXPIRED);
    assert_int_equal(call_orders(odd), STATUS_SUBSCRIPTION_EXPIRED);
    assert_int_equal(call_orders(due), STATUS_OK);
    SAY_OK("create", TENANT("acme"), TIER("free"));
    assert_int_equal(call_orders(out), STATUS_OK);
}

static void records_outlive_the_broker(void **state)
{
    (void)state;
    SAY_OK("create", TENANT("acme"), TIER("enterprise"), RATE(7), {"name", "Acme Ltd", 0});
    SAY_OK("create", TENANT("acme"), USER("bob"), STATUS("suspended"));
    stage_restart(&stage);
    ann = stage_join(&stage, ANN);
    host = stage_join(&stage, HOST);
    ops = stage_join(&stage, OPS);
    struct actor *bob = stage_join(&stage, BOB);
    serve("orders", "enterprise", NULL, NULL);
    struct wire_reply reply = call(ann, "orders", "get");
    assert_int_equal(reply.status, STATUS_OK);
    assert_int_equal(reply.rate_limit, 7);
    assert_int_equal(call_orders(bob), STATUS_SUBSCRIPTION_EXPIRED);
    assert_int_equal(SAY("create", TENANT("acme"), TIER("free")), STATUS_CONFLICT);
}

/* The process ended before the store had written anything of it. */
static void lose_what_was_put(void)
{
    for (unsigned i = 0; i < stage.n_records; i++) {
        if (strcmp(stage.records[i].table, ACCOUNTS_TABLE) == 0)
            stage.records[i].value.len = 0;
    }
}

static void what_was_answered_for_stays(void **state)
{
    (void)state;
    SAY_OK("create", TENANT("acme"), TIER("pro"));
    SAY_OK("create", TENANT("bolt"), TIER("free"));
    SAY_OK("update", TENANT("acme"), TIER("enterprise"), RATE(7));
    SAY_OK("delete", TENANT("bolt"));
    lose_what_was_put();
    stage_restart(&stage);
    ops = stage_join(&stage, OPS);
    assert_true(says(ask(ops, "list", (const struct said[]){{0}}).payload, "enterprise"));
    assert_int_equal(SAY("show", TENANT("bolt")), STATUS_INVALID_ARGUMENT);
    lose_what_was_put();
    stage_restart(&stage);
    ops = stage_join(&stage, OPS);
    assert_true(says(ask(ops, "list", (const struct said[]){{0}}).payload, "enterprise"));
}

static void everybody_comes_back(void)
{
    stage_restart(&stage);
    ann = stage_join(&stage, ANN);
    host = stage_join(&stage, HOST);
    ops = stage_join(&stage, OPS);
}

/* Whom the last broker suspended is not let in by this one because its disk is full. */
static void what_the_books_have_not_is_in_force(void **state)
{
    (void)state;
    serve("orders", "", NULL, NULL);
    SAY_OK("create", TENANT("acme"), TIER("free"));
    SAY_OK("suspend", TENANT("acme"));
    lose_what_was_put();
    stage.store_fails = true;
    for (unsigned i = 0; i < 2; i++) {
        everybody_comes_back();
        assert_int_equal(call_orders(ann), STATUS_SUBSCRIPTION_EXPIRED);
    }
    stage.store_fails = false;
    stage_pass(&stage, 1000);
    assert_int_equal(stage.ledger.trimmed, stage.ledger.last);
    everybody_comes_back();
    assert_int_equal(call_orders(ann), STATUS_SUBSCRIPTION_EXPIRED);
}

/* What is owed to the books is older than what is changed now. */
static void what_the_books_have_not_is_not_written_over(void **state)
{
    (void)state;
    SAY_OK("create", TENANT("acme"), TIER("enterprise"));
    lose_what_was_put();
    stage.store_fails = true;
    everybody_comes_back();
    assert_int_equal(SAY("create", TENANT("acme"), TIER("free")), STATUS_CONFLICT);
    assert_int_equal(SAY("update", TENANT("acme"), TIER("free")), STATUS_UNAVAILABLE);
    assert_int_equal(SAY("delete", TENANT("acme")), STATUS_UNAVAILABLE);
    stage.store_fails = false;
    SAY_OK("update", TENANT("acme"), TIER("pro"));
    stage_pass(&stage, 1000);
    everybody_comes_back();
    assert_true(says(ask(ops, "list", (const struct said[]){{0}}).payload, "pro"));
}

static void what_cannot_be_kept_is_not_in_force(void **state)
{
    (void)state;
    serve("orders", "pro", NULL, NULL);
    stage.store_fails = true;
    assert_int_equal(SAY("create", TENANT("acme"), TIER("pro")), STATUS_UNAVAILABLE);
    assert_int_equal(call_orders(ann), STATUS_SUBSCRIPTION_INSUFFICIENT);
}

/* ---- rates ---- */

static uint32_t limit_of(struct actor *actor)
{
    return call(actor, "orders", "get").rate_limit;
}

static void the_rate_is_that_of_the_standing(void **state)
{
    (void)state;
    serve("orders", "", NULL, NULL);
    assert_int_equal(limit_of(ann), 100);
    SAY_OK("create", TENANT("acme"), TIER("pro"));
    assert_int_equal(limit_of(ann), 1000);
    SAY_OK("update", TENANT("acme"), RATE(50));
    assert_int_equal(limit_of(ann), 50);
    SAY_OK("create", TENANT("acme"), USER("ann"), TIER("enterprise"));
    assert_int_equal(limit_of(ann), 10000);
    SAY_OK("update", TENANT("acme"), USER("ann"), RATE(3));
    assert_int_equal(limit_of(ann), 3);
    SAY_OK("update", TENANT("acme"), USER("ann"), RATE(0));
    assert_int_equal(limit_of(ann), 10000);
}

/* Who reads that the tier allows so little looks for the mistake in the wrong place. */
static void a_refusal_says_whose_rate_it_is(void **state)
{
    (void)state;
    serve("orders", "", NULL, NULL);
    SAY_OK("create", TENANT("acme"), TIER("free"));
    SAY_OK("create", TENANT("acme"), USER("ann"), RATE(1));
    assert_int_equal(call_orders(ann), STATUS_OK);
    struct wire_reply refused = call(ann, "orders", "get");
    assert_int_equal(refused.status, STATUS_RATE_LIMITED);
    assert_true(slice_is(refused.message,
                         "the subscription's own rate allows 1 calls a minute, 1 at once"));
    SAY_OK("delete", TENANT("acme"), USER("ann"));
    do
        refused = call(ann, "orders", "get");
    while (refused.status == STATUS_OK);
    assert_int_equal(refused.status, STATUS_RATE_LIMITED);
    assert_true(slice_is(refused.message, "the tier free allows 100 calls a minute, 10 at once"));
}

static void a_reload_reaches_who_is_connected(void **state)
{
    char why[TIER_WHY_BYTES];
    (void)state;
    serve("orders", "", NULL, NULL);
    assert_int_equal(limit_of(ann), 100);
    struct limits limits = stage.options.limits;
    limits.tiers.n = 0;
    assert_int_equal(tiers_add(&limits.tiers, "free per-minute=60", why), 0);
    core_reload(stage.core, &limits);
    assert_int_equal(limit_of(ann), 60);
}

/* A line is shared by what tenants have subscribed to, not by what their tokens say. */
static void so_is_the_weight(void **state)
{
    (void)state;
    struct actor *eve = stage_join(&stage, EVE);
    struct wire_envelope given;
    SAY_OK("create", TENANT("acme"), TIER("enterprise"));
    SAY_OK("create", TENANT("bolt"), TIER("free"));
    actor_register(host, "orders", 1);
    for (unsigned n = 1; n <= 5; n++) {
        actor_call(eve, n, "orders", "get");
        actor_call(ann, n, "orders", "get");
    }
    for (unsigned n = 0; n < 6; n++) { /* the first was served at once */
        given = actor_expect(host, WIRE_REQUEST);
        actor_reply(host, given.id, STATUS_OK, "");
    }
    assert_int_equal(actor_outcome(eve, 1), STATUS_OK);
    for (unsigned n = 1; n <= 4; n++)
        assert_int_equal(actor_outcome(ann, n), STATUS_OK);
}

/* ---- features ---- */

static void a_feature_is_asked_for(void **state)
{
    static char *const features[] = {(char *)(uintptr_t) "sso", (char *)(uintptr_t) "audit-log"};
    (void)state;
    serve("orders", "", NULL, "audit-log");
    struct wire_reply refused = call(ann, "orders", "get");
    assert_int_equal(refused.status, STATUS_SUBSCRIPTION_INSUFFICIENT);
    assert_string_equal(reply_detail(&refused, "required_feature"), "audit-log");
    assert_true(slice_is(refused.message, "This needs a subscription with the feature audit-log"));
    SAY_OK("create", TENANT("acme"), TIER("free"));
    assert_int_equal(call_orders(ann), STATUS_SUBSCRIPTION_INSUFFICIENT);
    say_features("acme", features, 2);
    assert_int_equal(call_orders(ann), STATUS_OK);
    SAY_OK("update", TENANT("acme"), TIER("pro"));
    assert_int_equal(call_orders(ann), STATUS_OK);
    say_features("acme", features, 1);
    assert_int_equal(call_orders(ann), STATUS_SUBSCRIPTION_INSUFFICIENT);
}

/* ---- what tiers grant ---- */

/* `pro` has a feature, and permissions, which `free` has not. */
static void configure_grants(bool granted)
{
    struct tiers *tiers = &stage.options.limits.tiers;
    char why[TIER_WHY_BYTES];
    tiers->n = 0;
    assert_int_equal(tiers_add(tiers, "free", why), 0);
    assert_int_equal(
        tiers_add(tiers,
                  granted ? "pro feature=sso allow=call:reports.* allow=publish:news.>" : "pro",
                  why),
        0);
    core_reload(stage.core, &stage.options.limits);
}

static void a_tier_grants_permissions(void **state)
{
    (void)state;
    configure_grants(true);
    struct actor *poor = stage_join(&stage, "acme poor tier:pro");
    serve("reports", "", NULL, NULL);
    serve("orders", "", NULL, NULL);
    assert_int_equal(call(poor, "reports", "get").status, STATUS_OK);
    assert_int_equal(call_orders(poor), STATUS_PERMISSION_DENIED);
    assert_true(says(call(poor, "bus.registry", "list").payload, "reports"));
    assert_false(says(call(poor, "bus.registry", "list").payload, "orders"));
    assert_int_equal(actor_publish(poor, "news.a", ""), STATUS_OK);
    assert_int_equal(actor_publish(poor, "olds.a", ""), STATUS_PERMISSION_DENIED);
    SAY_OK("create", TENANT("acme"), TIER("free"));
    assert_int_equal(call(poor, "reports", "get").status, STATUS_PERMISSION_DENIED);
    assert_int_equal(actor_publish(poor, "news.a", ""), STATUS_PERMISSION_DENIED);
    SAY_OK("update", TENANT("acme"), TIER("pro"));
    assert_int_equal(call(poor, "reports", "get").status, STATUS_OK);
    configure_grants(false);
    assert_int_equal(call(poor, "reports", "get").status, STATUS_PERMISSION_DENIED);
}

static bool shown_to_host(const char *text)
{
    struct wire_credential parts;
    actor_call(ann, 61, "orders", "get");
    struct wire_envelope request = actor_expect(host, WIRE_REQUEST);
    assert_int_equal(wire_read_credential(&parts, actor_credential(host, &request)), 0);
    actor_reply(host, request.id, STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 61), STATUS_OK);
    return says(parts.context, text);
}

static void a_tier_grants_features(void **state)
{
    (void)state;
    configure_grants(true);
    struct actor *bob = stage_join(&stage, BOB);
    serve("vault", "", NULL, "sso");
    serve("orders", "", NULL, NULL);
    assert_int_equal(call(bob, "vault", "get").status, STATUS_OK);
    assert_int_equal(call(ann, "vault", "get").status, STATUS_SUBSCRIPTION_INSUFFICIENT);
    assert_false(shown_to_host("sso"));
    SAY_OK("create", TENANT("acme"), TIER("pro"));
    assert_int_equal(call(ann, "vault", "get").status, STATUS_OK);
    assert_true(shown_to_host("sso"));
    configure_grants(false);
    assert_int_equal(call(ann, "vault", "get").status, STATUS_SUBSCRIPTION_INSUFFICIENT);
    assert_false(shown_to_host("sso"));
}

/* What a context shows of the tier is not believed when it comes back. */
static void a_granted_feature_is_not_carried_on(void **state)
{
    (void)state;
    configure_grants(true);
    struct actor *bob = stage_join(&stage, BOB);
    serve("orders", "", NULL, NULL);
    serve("vault", "", NULL, "sso");
    actor_call(bob, 1, "orders", "get");
    struct wire_envelope outer = actor_expect(host, WIRE_REQUEST);
    configure_grants(false);
    struct wire_request nested = {
        .service = slice_of("vault"), .method = slice_of("get"), .parent = outer.id};
    actor_request(host, 2, &nested, actor_credential(host, &outer));
    assert_int_equal(actor_outcome(host, 2), STATUS_SUBSCRIPTION_INSUFFICIENT);
    actor_reply(host, outer.id, STATUS_OK, "");
}

/* ---- contexts ---- */

static char *tier_shown_to_host(void)
{
    Farebox__V1__Context *context;
    struct wire_credential parts;
    actor_call(ann, 60, "orders", "get");
    struct wire_envelope request = actor_expect(host, WIRE_REQUEST);
    assert_int_equal(wire_read_credential(&parts, actor_credential(host, &request)), 0);
    context = farebox__v1__context__unpack(NULL, parts.context.len, parts.context.data);
    char *tier = mem_strdup(context->tier);
    farebox__v1__context__free_unpacked(context, NULL);
    actor_reply(host, request.id, STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 60), STATUS_OK);
    return tier;
}

static void a_service_is_told_the_terms_in_force(void **state)
{
    (void)state;
    serve("orders", "", NULL, NULL);
    char *before = tier_shown_to_host();
    SAY_OK("create", TENANT("acme"), TIER("pro"));
    char *during = tier_shown_to_host();
    SAY_OK("delete", TENANT("acme"));
    char *after = tier_shown_to_host();
    assert_string_equal(before, "free");
    assert_string_equal(during, "pro");
    assert_string_equal(after, "free");
    mem_free(before);
    mem_free(during);
    mem_free(after);
}

/* A context sealed before the suspension is no way around it. */
static void a_nested_call_is_judged_anew(void **state)
{
    (void)state;
    serve("orders", "", NULL, NULL);
    serve("prices", "", NULL, NULL);
    SAY_OK("create", TENANT("acme"), TIER("free"));
    actor_call(ann, 1, "orders", "get");
    struct wire_envelope outer = actor_expect(host, WIRE_REQUEST);
    SAY_OK("suspend", TENANT("acme"));
    struct wire_request nested = {
        .service = slice_of("prices"), .method = slice_of("get"), .parent = outer.id};
    actor_request(host, 2, &nested, actor_credential(host, &outer));
    assert_int_equal(actor_outcome(host, 2), STATUS_SUBSCRIPTION_EXPIRED);
    actor_reply(host, outer.id, STATUS_OK, "");
}

/* ---- events ---- */

static void the_suspended_hear_no_more(void **state)
{
    struct wire_envelope event;
    (void)state;
    struct actor *sam = stage_join(&stage, "acme sam publish:news.>");
    SAY_OK("create", TENANT("acme"), TIER("free"));
    assert_int_equal(actor_subscribe(ann, 5, "news.>", NULL, NULL), STATUS_OK);
    SAY_OK("create", TENANT("acme"), USER("ann"), STATUS("suspended"));
    assert_int_equal(actor_publish(sam, "news.a", "one"), STATUS_OK);
    assert_int_equal(actor_publish(sam, "news.a", "two"), STATUS_OK);
    assert_true(actor_hears_nothing(ann));
    SAY_OK("resume", TENANT("acme"), USER("ann"));
    assert_int_equal(actor_publish(sam, "news.a", "three"), STATUS_OK);
    event = actor_expect(ann, WIRE_DELIVERY);
    assert_true(slice_is(event.delivery.payload, "three"));
    assert_int_equal(event.delivery.missed, 2);
}

static void their_feeds_carry_nothing(void **state)
{
    struct buf payload = {0};
    msgpack_packer packer;
    (void)state;
    struct actor *sam = stage_join(&stage, "acme sam publish:news.>");
    packing_init(&packer, &payload);
    msgpack_pack_map(&packer, 1);
    pack_pair_text(&packer, "pattern", slice_of("news.>"));
    const struct wire_request request = {.service = slice_of("bus.feed"),
                                         .method = slice_of("open"),
                                         .payload = buf_slice(&payload)};
    SAY_OK("create", TENANT("acme"), TIER("free"));
    actor_request(ann, 1, &request, slice_make(NULL, 0));
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    SAY_OK("create", TENANT("acme"), USER("ann"), STATUS("suspended"));
    assert_int_equal(actor_publish(sam, "news.a", "one"), STATUS_OK);
    assert_int_equal(stage.fed.len, 0);
    SAY_OK("resume", TENANT("acme"), USER("ann"));
    assert_int_equal(actor_publish(sam, "news.a", "two"), STATUS_OK);
    assert_true(slice_is(buf_slice(&stage.fed), "news.a two\n"));
    buf_finish(&payload);
}

static void watch(struct actor *actor)
{
    const struct wire_request request = {
        .service = slice_of("bus.tap"), .method = slice_of("watch"), .stream = true};
    actor_request(actor, 1, &request, slice_make(NULL, 0));
}

static bool sees_something(struct actor *actor)
{
    struct wire_envelope envelope;
    return actor_next(actor, &envelope) && envelope.kind == WIRE_PART;
}

static void their_taps_show_nothing(void **state)
{
    (void)state;
    struct actor *adm = stage_join(&stage, "acme adm admin:acme/tap");
    struct actor *sam = stage_join(&stage, "acme sam publish:news.>");
    struct actor *all = stage_join(&stage, "infra all admin:tap");
    SAY_OK("create", TENANT("acme"), TIER("free"));
    SAY_OK("create", TENANT("infra"), TIER("free"), STATUS("suspended"));
    watch(adm);
    watch(all); /* operators are not locked out */
    assert_int_equal(actor_publish(sam, "news.a", "one"), STATUS_OK);
    assert_true(sees_something(adm));
    assert_true(sees_something(all));
    SAY_OK("create", TENANT("acme"), USER("adm"), STATUS("suspended"));
    assert_int_equal(actor_publish(sam, "news.a", "two"), STATUS_OK);
    assert_false(sees_something(adm));
}

static bool told(struct actor *actor, const char *event)
{
    struct wire_delivery delivery = actor_expect(actor, WIRE_DELIVERY).delivery;
    return slice_is(delivery.topic, "bus.tenant.acme") && says(delivery.payload, event);
}

static void every_change_is_told(void **state)
{
    (void)state;
    struct actor *eve = stage_join(&stage, "bolt eve subscribe:bus.>");
    struct actor *all = stage_join(&stage, "infra all subscribe:*/bus.>");
    assert_int_equal(actor_subscribe(eve, 5, "bus.tenant.*", NULL, NULL), STATUS_OK);
    assert_int_equal(actor_subscribe(all, 5, "bus.tenant.*", NULL, "*"), STATUS_OK);
    SAY_OK("create", TENANT("acme"), TIER("free"));
    assert_true(told(all, "created"));
    SAY_OK("update", TENANT("acme"), TIER("pro"));
    assert_true(told(all, "updated"));
    SAY_OK("create", TENANT("acme"), USER("ann"));
    assert_true(told(all, "created"));
    SAY_OK("suspend", TENANT("acme"));
    assert_true(told(all, "suspended"));
    SAY_OK("resume", TENANT("acme"));
    assert_true(told(all, "resumed"));
    SAY_OK("delete", TENANT("acme"));
    assert_true(told(all, "ann"));
    assert_true(told(all, "deleted"));
    assert_true(actor_hears_nothing(eve));
}

static void its_end_is_told(void **state)
{
    uint64_t now = stage.now.unix_ms;
    (void)state;
    struct actor *all = stage_join(&stage, "infra all subscribe:*/bus.>");
    SAY_OK("create", TENANT("acme"), TIER("pro"), UNTIL(now + 3000));
    SAY_OK("create", TENANT("acme"), USER("ann"), UNTIL(now + 1000));
    SAY_OK("create", TENANT("acme"), USER("bob"), UNTIL(now + 1000), STATUS("suspended"));
    assert_int_equal(actor_subscribe(all, 5, "bus.tenant.*", NULL, "*"), STATUS_OK);
    stage_pass(&stage, 900);
    assert_true(actor_hears_nothing(all));
    stage_pass(&stage, 200);
    assert_true(told(all, "expired"));
    assert_true(actor_hears_nothing(all)); /* not of who was suspended */
    SAY_OK("update", TENANT("acme"), UNTIL(now + 5000));
    assert_true(told(all, "updated"));
    stage_pass(&stage, 3000);
    assert_true(actor_hears_nothing(all));
    stage_pass(&stage, 1000);
    assert_true(told(all, "expired"));
    SAY_OK("update", TENANT("acme"), TIER("free"));
    assert_true(told(all, "updated"));
    stage_pass(&stage, 5000);
    assert_true(actor_hears_nothing(all)); /* once */
}

/* ---- who may ---- */

static enum status may(struct actor *actor, const char *method, const char *tenant)
{
    return ask(actor, method, (const struct said[]){TENANT(tenant), {0}}).status;
}

static void changing_is_for_operators(void **state)
{
    static const char *const changes[] = {"create", "update", "suspend", "resume", "delete"};
    (void)state;
    struct actor *admin = stage_join(&stage, "acme adm admin:acme/tenants");
    SAY_OK("create", TENANT("bolt"), TIER("free"));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        assert_int_equal(may(admin, changes[i], "acme"), STATUS_PERMISSION_DENIED);
        assert_int_equal(may(ann, changes[i], "acme"), STATUS_PERMISSION_DENIED);
    }
    SAY_OK("create", TENANT("acme"), TIER("free"));
    struct wire_reply own = ask(admin, "list", (const struct said[]){{0}});
    assert_true(says(own.payload, "acme"));
    assert_false(says(own.payload, "bolt"));
    assert_int_equal(may(admin, "show", "acme"), STATUS_OK);
    assert_int_equal(may(admin, "show", "bolt"), STATUS_TENANT_MISMATCH);
    assert_int_equal(may(ann, "show", "acme"), STATUS_PERMISSION_DENIED);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    SAY_OK("create", TENANT("acme"), TIER("free"));
    assert_int_equal(SAY("create", TENANT("bolt")), STATUS_INVALID_ARGUMENT);
    assert_int_equal(SAY("create", TENANT("bolt"), TIER("golden")), STATUS_INVALID_ARGUMENT);
    assert_int_equal(SAY("create", TENANT("Bolt"), TIER("free")), STATUS_INVALID_ARGUMENT);
    assert_int_equal(SAY("update", TENANT("acme"), STATUS("odd")), STATUS_INVALID_ARGUMENT);
    assert_int_equal(SAY("update", TENANT("acme"), RATE(UINT32_MAX)), STATUS_INVALID_ARGUMENT);
    assert_int_equal(SAY("update", TENANT("acme"), {"burst", NULL, 5}), STATUS_INVALID_ARGUMENT);
    assert_int_equal(SAY("update", TENANT("acme"), TIER("")), STATUS_INVALID_ARGUMENT);
    assert_int_equal(SAY("update", TENANT("bolt"), TIER("free")), STATUS_INVALID_ARGUMENT);
    assert_int_equal(SAY("suspend", TENANT("bolt")), STATUS_INVALID_ARGUMENT);
    assert_int_equal(SAY("show", TENANT("acme"), USER("a b")), STATUS_INVALID_ARGUMENT);
    assert_int_equal(SAY("update", TENANT("acme"), {"statsu", "suspended", 0}),
                     STATUS_INVALID_ARGUMENT);
    assert_int_equal(SAY("update", TENANT("acme"), {"expires_ms", "soon", 0}),
                     STATUS_INVALID_ARGUMENT);
    assert_int_equal(SAY("update", TENANT("acme"), {"tier", NULL, 3}), STATUS_INVALID_ARGUMENT);
}

/* Whoever suspends their own tenant can undo it. */
static void an_operator_is_not_locked_out(void **state)
{
    (void)state;
    SAY_OK("create", TENANT("infra"), TIER("free"));
    SAY_OK("suspend", TENANT("infra"));
    SAY_OK("resume", TENANT("infra"));
}

/* ---- discovery ---- */

static bool lists(struct actor *actor, const char *service)
{
    return says(call(actor, "bus.registry", "list").payload, service);
}

static void what_they_may_not_use_is_not_shown(void **state)
{
    static char *const features[] = {(char *)(uintptr_t) "sso"};
    (void)state;
    struct actor *bob = stage_join(&stage, BOB);
    serve("orders", "", NULL, NULL);
    serve("prices", "pro", NULL, NULL);
    serve("vault", "", NULL, "sso");
    serve("desk", "enterprise", "look=free", NULL);
    assert_true(lists(ann, "orders"));
    assert_false(lists(ann, "prices"));
    assert_false(lists(ann, "vault"));
    assert_true(lists(ann, "desk"));
    assert_true(lists(bob, "prices"));
    assert_true(lists(ops, "prices"));
    assert_true(lists(ops, "vault"));
    SAY_OK("create", TENANT("acme"), TIER("pro"));
    say_features("acme", features, 1);
    assert_true(lists(ann, "prices"));
    assert_true(lists(ann, "vault"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tier_is_asked_for),
        TEST(a_method_asks_for_itself),
        TEST(what_nobody_knows_opens_nothing),
        TEST(a_malformed_method_tier_is_refused),
        TEST(a_change_is_in_force_at_the_next_call),
        TEST(a_suspension_too),
        TEST(past_due_changes_nothing),
        TEST(an_end_that_passes_is_noticed),
        TEST(a_clock_set_back_is_noticed),
        TEST(a_user_may_have_one_of_their_own),
        TEST(a_token_speaks_where_no_record_does),
        TEST(records_outlive_the_broker),
        TEST(what_was_answered_for_stays),
        TEST(what_the_books_have_not_is_in_force),
        TEST(what_the_books_have_not_is_not_written_over),
        TEST(what_cannot_be_kept_is_not_in_force),
        TEST(the_rate_is_that_of_the_standing),
        TEST(a_refusal_says_whose_rate_it_is),
        TEST(a_reload_reaches_who_is_connected),
        TEST(so_is_the_weight),
        TEST(a_feature_is_asked_for),
        TEST(a_tier_grants_permissions),
        TEST(a_tier_grants_features),
        TEST(a_granted_feature_is_not_carried_on),
        TEST(a_service_is_told_the_terms_in_force),
        TEST(a_nested_call_is_judged_anew),
        TEST(the_suspended_hear_no_more),
        TEST(their_feeds_carry_nothing),
        TEST(their_taps_show_nothing),
        TEST(every_change_is_told),
        TEST(its_end_is_told),
        TEST(changing_is_for_operators),
        TEST(nonsense_is_refused),
        TEST(an_operator_is_not_locked_out),
        TEST(what_they_may_not_use_is_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
