/* How often a tenant may call in a month, through the whole core. */
#include "../testing.h"

#include "core_ask.h"
#include "core_stage.h"

#include "core/state.h"

#define ANN "acme ann call:* ends:9999999"
#define BOB "acme bob call:* ends:9999999"
#define SERVER "infra host serve:* call:* tier:internal ends:9999999"
#define A_SAVE_MS 250u
#define DAY_MS (24ull * 3600 * 1000)

static struct stage stage;
static struct actor *ann, *bob, *host;
static uint64_t ids;

static void everybody_joins(void)
{
    ann = stage_join(&stage, ANN);
    bob = stage_join(&stage, BOB);
    host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 100);
}

/* On 2027-01-15. */
static int open_stage(void **state)
{
    char why[TIER_WHY_BYTES];
    struct tiers *tiers = &stage.options.limits.tiers;
    (void)state;
    stage_init(&stage);
    assert_int_equal(tiers_add(tiers, "free monthly=10", why), 0);
    assert_int_equal(tiers_add(tiers, "easy monthly=10 soft", why), 0);
    assert_int_equal(tiers_add(tiers, "odd monthly=11", why), 0);
    assert_int_equal(tiers_add(tiers, "internal", why), 0);
    stage_start(&stage);
    everybody_joins();
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

static enum status call_and_answer(struct actor *caller)
{
    struct wire_envelope request;
    actor_call(caller, ++ids, "orders", "get");
    while (actor_next(host, &request)) {
        if (request.kind == WIRE_REQUEST)
            actor_reply(host, request.id, STATUS_OK, "");
    }
    return actor_outcome(caller, ids);
}

static void use(struct actor *caller, unsigned calls)
{
    for (unsigned n = 0; n < calls; n++)
        assert_int_equal(call_and_answer(caller), STATUS_OK);
}

static void users_share_what_their_tenant_has(void **state)
{
    (void)state;
    struct actor *eve = stage_join(&stage, "globex eve call:*");
    use(ann, 6);
    use(bob, 4);
    actor_call(ann, ++ids, "orders", "get");
    struct wire_envelope refused = actor_expect(ann, WIRE_REPLY);
    assert_int_equal(refused.reply.status, STATUS_QUOTA_EXCEEDED);
    assert_string_equal(reply_detail(&refused.reply, "tier"), "free");
    assert_string_equal(reply_detail(&refused.reply, "limit"), "10");
    assert_string_equal(reply_detail(&refused.reply, "resets_at"), "2027-02-01T00:00:00Z");
    assert_in_range(refused.reply.retry_after_ms, 16 * DAY_MS, 17 * DAY_MS);
    assert_int_equal(call_and_answer(bob), STATUS_QUOTA_EXCEEDED);
    use(eve, 10);
}

/* Asks for them, or not; the service claims what only the broker may say. */
static struct wire_reply terms_of_call(struct actor *caller, bool asks, enum status status)
{
    const struct wire_reply lie = {
        .status = status, .tenant = slice_of("globex"), .tier = slice_of("x"), .quota_limit = 7};
    const struct wire_request request = {
        .service = slice_of("orders"), .method = slice_of("get"), .terms = asks};
    struct wire_envelope envelope;
    actor_request(caller, ++ids, &request, slice_make(NULL, 0));
    if (actor_next(host, &envelope)) {
        wire_put_reply(actor_out(host), envelope.id, &lie);
        actor_say(host);
    }
    return actor_expect(caller, WIRE_REPLY).reply;
}

static void the_terms_are_told_to_whoever_asks(void **state)
{
    (void)state;
    use(bob, 3);
    struct wire_reply reply = terms_of_call(ann, true, STATUS_OK);
    assert_true(slice_is(reply.tenant, "acme"));
    assert_true(slice_is(reply.tier, "free"));
    assert_int_equal(reply.quota_limit, 10);
    assert_int_equal(reply.quota_remaining, 6);
    reply = terms_of_call(ann, false, STATUS_OK);
    assert_int_equal(reply.tenant.len + reply.tier.len, 0);
    assert_int_equal(reply.quota_limit + reply.quota_remaining, 0);
    use(bob, 5);
    reply = terms_of_call(ann, true, STATUS_OK);
    assert_int_equal(reply.status, STATUS_QUOTA_EXCEEDED);
    assert_true(slice_is(reply.tenant, "acme"));
    assert_int_equal(reply.quota_limit, 10);
    assert_int_equal(reply.quota_remaining, 0);
    reply = terms_of_call(host, true, STATUS_CONFLICT);
    assert_true(slice_is(reply.tier, "internal"));
    assert_int_equal(reply.quota_limit + reply.quota_remaining, 0);
}

/* Two parts of an answer; the service claims in both what only the broker may say. */
static void parts_of_call(bool asks, struct wire_part parts[2])
{
    const struct wire_part lie = {.payload = slice_of("x"),
                                  .request_id = slice_of("theirs"),
                                  .tenant = slice_of("globex"),
                                  .tier = slice_of("x"),
                                  .rate_limit = 7,
                                  .rate_remaining = 7,
                                  .quota_limit = 7,
                                  .quota_remaining = 7};
    const struct wire_request request = {.service = slice_of("orders"),
                                         .method = slice_of("get"),
                                         .request_id = slice_of("mine"),
                                         .stream = true,
                                         .terms = asks};
    actor_request(ann, ++ids, &request, slice_make(NULL, 0));
    uint64_t id = actor_requested(host);
    wire_put_part(actor_out(host), id, &lie);
    wire_put_part(actor_out(host), id, &lie);
    actor_reply(host, id, STATUS_OK, "");
    for (unsigned n = 0; n < 2; n++)
        parts[n] = actor_expect(ann, WIRE_PART).part;
    assert_int_equal(actor_outcome(ann, ids), STATUS_OK);
}

static void says_nothing_of_terms(const struct wire_part *part)
{
    assert_true(slice_is(part->payload, "x"));
    assert_int_equal(part->request_id.len + part->tenant.len + part->tier.len, 0);
    assert_int_equal(part->rate_limit + part->rate_remaining, 0);
    assert_int_equal(part->quota_limit + part->quota_remaining, 0);
}

static void the_first_part_tells_them_and_no_other(void **state)
{
    struct wire_part parts[2];
    (void)state;
    parts_of_call(true, parts);
    assert_true(slice_is(parts[0].payload, "x"));
    assert_true(slice_is(parts[0].request_id, "mine"));
    assert_true(slice_is(parts[0].tenant, "acme"));
    assert_true(slice_is(parts[0].tier, "free"));
    assert_int_equal(parts[0].rate_limit + parts[0].rate_remaining, 0);
    assert_int_equal(parts[0].quota_limit, 10);
    assert_int_equal(parts[0].quota_remaining, 9);
    assert_int_equal(parts[1].index, 1);
    says_nothing_of_terms(&parts[1]);
    parts_of_call(false, parts);
    says_nothing_of_terms(&parts[0]);
    says_nothing_of_terms(&parts[1]);
}

/* Twelve at once are no more than ten. */
static void what_is_under_way_is_counted_in_advance(void **state)
{
    unsigned refused = 0;
    (void)state;
    for (unsigned n = 0; n < 12; n++)
        actor_call(ann, ++ids, "orders", "get");
    for (unsigned n = 0; n < 2; n++)
        refused += actor_expect(ann, WIRE_REPLY).reply.status == STATUS_QUOTA_EXCEEDED;
    assert_int_equal(refused, 2);
    for (unsigned n = 0; n < 10; n++) {
        actor_reply(host, actor_requested(host), STATUS_OK, "");
        assert_int_equal(actor_expect(ann, WIRE_REPLY).reply.status, STATUS_OK);
    }
    assert_int_equal(call_and_answer(ann), STATUS_QUOTA_EXCEEDED);
}

static void what_reached_no_service_gives_its_place_back(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 20; n++) {
        actor_call(ann, ++ids, "nobody", "get");
        assert_int_equal(actor_outcome(ann, ids), STATUS_SERVICE_NOT_FOUND);
    }
    wire_put_control(actor_out(host), 0, 0, WIRE_GOODBYE, NULL);
    actor_say(host);
    for (unsigned n = 0; n < 20; n++) {
        actor_call(ann, ++ids, "orders", "get");
        assert_int_equal(actor_outcome(ann, ids), STATUS_UNAVAILABLE);
    }
    host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 100);
    use(ann, 10);
    assert_int_equal(call_and_answer(ann), STATUS_QUOTA_EXCEEDED);
}

static void a_new_month_is_a_new_quota(void **state)
{
    (void)state;
    use(ann, 10);
    assert_int_equal(call_and_answer(ann), STATUS_QUOTA_EXCEEDED);
    actor_call(host, ++ids, "orders", "get"); /* under way when the month ends */
    uint64_t id = actor_requested(host);
    stage.now.unix_ms += 17 * DAY_MS;
    actor_reply(host, id, STATUS_OK, "");
    assert_int_equal(actor_outcome(host, ids), STATUS_OK);
    use(ann, 10);
    assert_int_equal(call_and_answer(ann), STATUS_QUOTA_EXCEEDED);
}

/* They will be on the new month's bill. */
static void what_is_under_way_when_a_month_ends_counts_in_the_next(void **state)
{
    uint64_t under_way[4];
    (void)state;
    for (unsigned n = 0; n < 4; n++) {
        actor_call(ann, ++ids, "orders", "get");
        under_way[n] = actor_requested(host);
    }
    stage.now.unix_ms += 17 * DAY_MS;
    use(bob, 6);
    assert_int_equal(call_and_answer(bob), STATUS_QUOTA_EXCEEDED);
    for (unsigned n = 0; n < 4; n++) {
        actor_reply(host, under_way[n], STATUS_OK, "");
        assert_int_equal(actor_expect(ann, WIRE_REPLY).reply.status, STATUS_OK);
    }
    assert_int_equal(call_and_answer(ann), STATUS_QUOTA_EXCEEDED);
}

static void restart_after(unsigned ms)
{
    use(ann, 7);
    stage_pass(&stage, ms);
    stage_restart(&stage);
    everybody_joins();
    use(bob, 3);
    assert_int_equal(call_and_answer(ann), STATUS_QUOTA_EXCEEDED);
    stage_pass(&stage, ms);
    stage_restart(&stage);
    everybody_joins();
    assert_int_equal(call_and_answer(ann), STATUS_QUOTA_EXCEEDED);
}

/* From the ledger. */
static void a_restart_gives_nothing_back(void **state)
{
    (void)state;
    restart_after(0);
}

/* From the books, and the ledger adds nothing to them. */
static void nor_does_one_a_while_later(void **state)
{
    (void)state;
    restart_after(A_SAVE_MS);
}

static unsigned events(struct actor *actor)
{
    struct wire_envelope envelope;
    unsigned n = 0;
    while (actor_next(actor, &envelope))
        n += envelope.kind == WIRE_DELIVERY;
    return n;
}

static void somebody_is_told_once_over_a_restart_after(unsigned ms)
{
    struct actor *owner = stage_join(&stage, "acme owner subscribe:bus.quota");
    assert_int_equal(actor_subscribe(owner, 1, "bus.quota", NULL, NULL), STATUS_OK);
    use(ann, 7);
    assert_int_equal(events(owner), 0);
    use(ann, 1);
    assert_int_equal(events(owner), 1);
    use(ann, 1);
    assert_int_equal(events(owner), 0);
    stage_pass(&stage, ms);
    stage_restart(&stage);
    everybody_joins();
    owner = stage_join(&stage, "acme owner subscribe:bus.quota");
    assert_int_equal(actor_subscribe(owner, 1, "bus.quota", NULL, NULL), STATUS_OK);
    use(ann, 1);
    assert_int_equal(events(owner), 1); /* of 100 %, not of 80 % again */
}

/* The ledger knows of it. */
static void somebody_is_told_once(void **state)
{
    (void)state;
    somebody_is_told_once_over_a_restart_after(0);
}

/* And the books. */
static void nor_again_a_while_later(void **state)
{
    (void)state;
    somebody_is_told_once_over_a_restart_after(A_SAVE_MS);
}

/* Of eleven, nine are more than 80 %, and eight are not. */
static void a_percentage_is_reached_not_nearly(void **state)
{
    (void)state;
    struct actor *pam = stage_join(&stage, "odd pam call:* tier:odd");
    struct actor *owner = stage_join(&stage, "odd owner subscribe:bus.quota");
    assert_int_equal(actor_subscribe(owner, 1, "bus.quota", NULL, NULL), STATUS_OK);
    use(pam, 8);
    assert_int_equal(events(owner), 0);
    use(pam, 1);
    assert_int_equal(events(owner), 1);
}

/* What a service does for it may be what uses the rest up, after its own end. */
static void a_call_made_for_another_may_be_the_last(void **state)
{
    (void)state;
    struct actor *owner = stage_join(&stage, "acme owner subscribe:bus.quota");
    assert_int_equal(actor_subscribe(owner, 1, "bus.quota", NULL, NULL), STATUS_OK);
    use(ann, 8);
    assert_int_equal(events(owner), 1);
    actor_call(ann, ++ids, "orders", "get");
    struct wire_envelope outer = actor_expect(host, WIRE_REQUEST);
    struct slice credential = actor_credential(host, &outer);
    struct wire_request nested = {
        .service = slice_of("orders"), .method = slice_of("get"), .parent = outer.id};
    actor_request(host, 1000, &nested, credential);
    uint64_t inner = actor_requested(host);
    wire_put_control(actor_out(ann), ids, 0, WIRE_CANCEL, NULL);
    actor_say(ann);
    assert_int_equal(actor_outcome(ann, ids), STATUS_CANCELLED);
    assert_int_equal(events(owner), 0);
    actor_reply(host, inner, STATUS_OK, "");
    assert_int_equal(events(owner), 1);
}

static void a_soft_quota_refuses_nobody(void **state)
{
    (void)state;
    struct actor *kim = stage_join(&stage, "relaxed kim call:* tier:easy");
    use(kim, 25);
}

static void what_is_let_through_is_finished(void **state)
{
    (void)state;
    actor_register(host, "prices", 10);
    use(ann, 9);
    actor_call(ann, ++ids, "orders", "get");
    struct wire_envelope outer = actor_expect(host, WIRE_REQUEST);
    struct slice credential = actor_credential(host, &outer);
    for (unsigned n = 1; n <= 3; n++) {
        struct wire_request nested = {
            .service = slice_of("prices"), .method = slice_of("get"), .parent = outer.id};
        actor_request(host, 1000 + n, &nested, credential);
        actor_reply(host, actor_requested(host), STATUS_OK, "");
        assert_int_equal(actor_outcome(host, 1000 + n), STATUS_OK);
    }
    actor_reply(host, outer.id, STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, ids), STATUS_OK);
    assert_int_equal(call_and_answer(ann), STATUS_QUOTA_EXCEEDED);
}

/* One call is under way at it, and what it makes of that is not part of it. */
static void a_service_of_ones_own_exempts_nobody(void **state)
{
    Farebox__V1__Register own = FAREBOX__V1__REGISTER__INIT;
    unsigned refused = 0;
    own.service = (char *)(uintptr_t) "mine";
    own.tenant = (char *)(uintptr_t) "acme";
    (void)state;
    struct actor *server = stage_join(&stage, ANN " serve:acme/*");
    assert_int_equal(actor_register_as(server, &own), STATUS_OK);
    actor_call(ann, ++ids, "mine", "hold");
    struct wire_envelope outer = actor_expect(server, WIRE_REQUEST);
    struct slice sealed = actor_credential(server, &outer);
    for (unsigned n = 0; n < 20; n++) {
        const struct wire_request nested = {
            .service = slice_of("orders"), .method = slice_of("get"), .parent = outer.id};
        struct wire_envelope request;
        actor_request(server, 1000 + n, &nested, n % 2 ? sealed : slice_make(NULL, 0));
        while (actor_next(host, &request)) {
            if (request.kind == WIRE_REQUEST)
                actor_reply(host, request.id, STATUS_OK, "");
        }
        refused += actor_expect(server, WIRE_REPLY).reply.status == STATUS_QUOTA_EXCEEDED;
    }
    assert_int_equal(refused, 11);
    actor_reply(server, outer.id, STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, ids), STATUS_OK);
    assert_int_equal(call_and_answer(ann), STATUS_QUOTA_EXCEEDED);
}

static void a_clock_that_is_set_back_gives_nothing_back(void **state)
{
    (void)state;
    use(ann, 10);
    stage_pass(&stage, A_SAVE_MS);
    stage.now.unix_ms += 17 * DAY_MS; /* into February */
    assert_int_equal(call_and_answer(ann), STATUS_OK);
    stage_pass(&stage, A_SAVE_MS);
    stage.now.unix_ms -= 17 * DAY_MS;
    assert_int_equal(call_and_answer(ann), STATUS_QUOTA_EXCEEDED);
    stage_pass(&stage, A_SAVE_MS);
    stage_restart(&stage);
    everybody_joins();
    assert_int_equal(call_and_answer(ann), STATUS_QUOTA_EXCEEDED);
}

/* What the books have of a ledger that is gone says nothing of the blocks of the next. */
static void what_another_ledger_counts_is_added(void **state)
{
    (void)state;
    use(ann, 6);
    stage_pass(&stage, A_SAVE_MS);
    stage_lose_ledger(&stage);
    stage_restart(&stage);
    everybody_joins();
    use(ann, 4);
    stage_restart(&stage);
    everybody_joins();
    assert_int_equal(call_and_answer(ann), STATUS_QUOTA_EXCEEDED);
}

static void record(struct actor *operator_, const char *text)
{
    struct buf ignored = {0};
    assert_int_equal(actor_ask(operator_, ++ids, "bus.tenants", "create", text, &ignored),
                     STATUS_OK);
    buf_finish(&ignored);
}

/* The month is the tenant's, whatever a single user has subscribed to. */
static void a_users_own_tier_has_no_part_in_it(void **state)
{
    (void)state;
    struct actor *ops = stage_join(&stage, "infra ops admin:*");
    record(ops, "{\"tenant\":\"acme\",\"tier\":\"free\"}");
    record(ops, "{\"tenant\":\"acme\",\"user\":\"ann\",\"tier\":\"internal\"}");
    use(ann, 10);
    assert_int_equal(call_and_answer(ann), STATUS_QUOTA_EXCEEDED);
    assert_int_equal(call_and_answer(bob), STATUS_QUOTA_EXCEEDED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(users_share_what_their_tenant_has),
        TEST(the_terms_are_told_to_whoever_asks),
        TEST(the_first_part_tells_them_and_no_other),
        TEST(what_is_under_way_is_counted_in_advance),
        TEST(what_reached_no_service_gives_its_place_back),
        TEST(a_new_month_is_a_new_quota),
        TEST(what_is_under_way_when_a_month_ends_counts_in_the_next),
        TEST(a_restart_gives_nothing_back),
        TEST(nor_does_one_a_while_later),
        TEST(somebody_is_told_once),
        TEST(nor_again_a_while_later),
        TEST(a_percentage_is_reached_not_nearly),
        TEST(a_call_made_for_another_may_be_the_last),
        TEST(a_soft_quota_refuses_nobody),
        TEST(what_is_let_through_is_finished),
        TEST(a_service_of_ones_own_exempts_nobody),
        TEST(a_clock_that_is_set_back_gives_nothing_back),
        TEST(what_another_ledger_counts_is_added),
        TEST(a_users_own_tier_has_no_part_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
