/* What a permission grants, and above all what it does not. */
#include "../testing.h"

#include "core/permission.h"

struct row {
    const char *permission;
    enum verb verb;
    const char *own, *target, *subject;
    bool granted;
};

static bool grants(const char *permission, const struct row *row)
{
    struct permissions compiled;
    permissions_compile(&compiled, &permission, 1);
    bool granted = permitted(&compiled, row->verb, slice_of(row->own), slice_of(row->target),
                             slice_of(row->subject));
    permissions_finish(&compiled);
    return granted;
}

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        if (grants(row->permission, row) != row->granted)
            fail_msg("%s: %s of %s in %s by %s", row->permission, verb_text(row->verb),
                     row->subject, row->target, row->own);
    }
}

#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

static void calls_name_service_and_method(void **state)
{
    static const struct row rows[] = {
        {"call:orders.echo", VERB_CALL, "acme", "acme", "orders.echo", true},
        {"call:orders.echo", VERB_CALL, "acme", "acme", "orders.ech", false},
        {"call:orders.echo", VERB_CALL, "acme", "acme", "orders.echoes", false},
        {"call:orders.echo", VERB_CALL, "acme", "acme", "orders", false},
        {"call:orders.*", VERB_CALL, "acme", "acme", "orders.anything", true},
        {"call:orders.*", VERB_CALL, "acme", "acme", "orders.deep.er", true},
        {"call:orders.*", VERB_CALL, "acme", "acme", "orders", false},
        {"call:orders.*", VERB_CALL, "acme", "acme", "ordersx.echo", false},
        {"call:*.echo", VERB_CALL, "acme", "acme", "orders.echo", true},
        {"call:*.echo", VERB_CALL, "acme", "acme", "orders.fail", false},
        {"call:*", VERB_CALL, "acme", "acme", "orders.echo", true},
        {"call:>", VERB_CALL, "acme", "acme", "orders.echo", true},
        {"call:orders", VERB_CALL, "acme", "acme", "orders.echo", false},
    };
    (void)state;
    CHECK(rows);
}

static void verbs_do_not_stand_for_each_other(void **state)
{
    static const char *const texts[] = {"call:*", "publish:*", "subscribe:*", "serve:*", "admin:*"};
    (void)state;
    for (int given = 0; given < VERB_COUNT; given++) {
        for (int asked = 0; asked < VERB_COUNT; asked++) {
            const struct row row = {texts[given], (enum verb)asked, "acme",
                                    "acme",       "orders",         given == asked};
            check_rows(&row, 1);
        }
    }
}

static void nothing_reaches_another_tenant_by_itself(void **state)
{
    static const struct row rows[] = {
        {"call:*", VERB_CALL, "acme", "bolt", "orders.echo", false},
        {"publish:*", VERB_PUBLISH, "acme", "bolt", "news.a", false},
        {"subscribe:*", VERB_SUBSCRIBE, "acme", "bolt", "news.a", false},
        {"subscribe:*", VERB_SUBSCRIBE, "acme", "*", "news.a", false},
        {"subscribe:>", VERB_SUBSCRIBE, "acme", "*", "news.a", false},
        {"subscribe:acme/>", VERB_SUBSCRIBE, "acme", "*", "news.a", false},
        {"subscribe:*/news.>", VERB_SUBSCRIBE, "acme", "*", "news.a", true},
        {"subscribe:*/news.>", VERB_SUBSCRIBE, "acme", "*", "jobs.a", false},
        {"subscribe:*/news.>", VERB_SUBSCRIBE, "acme", "acme", "news.a", true},
        {"subscribe:bolt/news.>", VERB_SUBSCRIBE, "acme", "acme", "news.a", false},
        {"subscribe:bolt/news.>", VERB_SUBSCRIBE, "acme", "*", "news.a", false},
        {"call:bolt/*", VERB_CALL, "acme", "acme", "orders.echo", false},
        {"call:acm/*", VERB_CALL, "acme", "acme", "orders.echo", false},
    };
    (void)state;
    CHECK(rows);
}

static void serving_and_administering_are_narrowed_by_a_tenant(void **state)
{
    static const struct row rows[] = {
        {"serve:orders", VERB_SERVE, "infra", "*", "orders", true},
        {"serve:orders", VERB_SERVE, "infra", "infra", "orders", true},
        {"serve:acme/orders", VERB_SERVE, "acme", "acme", "orders", true},
        {"serve:acme/orders", VERB_SERVE, "acme", "*", "orders", false},
        {"serve:acme/*", VERB_SERVE, "acme", "acme", "orders", true},
        {"serve:acme/*", VERB_SERVE, "acme", "*", "orders", false},
        {"serve:*/orders", VERB_SERVE, "infra", "*", "orders", true},
        {"admin:sessions", VERB_ADMIN, "infra", "*", "sessions", true},
        {"admin:acme/sessions", VERB_ADMIN, "acme", "acme", "sessions", true},
        {"admin:acme/sessions", VERB_ADMIN, "acme", "*", "sessions", false},
        {"admin:acme/*", VERB_ADMIN, "acme", "*", "stats", false},
        {"admin:sessions", VERB_ADMIN, "infra", "*", "stats", false},
    };
    (void)state;
    CHECK(rows);
}

static void a_subscription_must_be_covered_as_a_whole(void **state)
{
    static const struct row rows[] = {
        {"subscribe:news.*", VERB_SUBSCRIBE, "acme", "acme", "news.a", true},
        {"subscribe:news.*", VERB_SUBSCRIBE, "acme", "acme", "news.*", true},
        {"subscribe:news.*", VERB_SUBSCRIBE, "acme", "acme", "news.>", false},
        {"subscribe:news.*", VERB_SUBSCRIBE, "acme", "acme", "news.a.b", false},
        {"subscribe:news.*", VERB_SUBSCRIBE, "acme", "acme", "*.a", false},
        {"subscribe:news.>", VERB_SUBSCRIBE, "acme", "acme", "news.*.x", true},
        {"subscribe:news.>", VERB_SUBSCRIBE, "acme", "acme", "news", false},
        {"subscribe:news.>", VERB_SUBSCRIBE, "acme", "acme", ">", false},
        {"subscribe:>", VERB_SUBSCRIBE, "acme", "acme", "*.*.>", true},
    };
    (void)state;
    CHECK(rows);
}

static void a_star_is_one_token_of_a_topic(void **state)
{
    static const struct row rows[] = {
        {"publish:news.*", VERB_PUBLISH, "acme", "acme", "news.a", true},
        {"publish:news.*", VERB_PUBLISH, "acme", "acme", "news.a.b", false},
        {"publish:news.>", VERB_PUBLISH, "acme", "acme", "news.a.b", true},
        {"publish:*.a", VERB_PUBLISH, "acme", "acme", "news.a", true},
        {"publish:*", VERB_PUBLISH, "acme", "acme", "news.a.b", true},
    };
    (void)state;
    CHECK(rows);
}

static void malformed_ones_grant_nothing(void **state)
{
    static const char *const texts[] = {
        "",          "call",       ":*",        "call:",         "CALL:*",       "calls:*",
        "call: *",   "call:**",    "call:a..b", "call:.",        "call:/",       "call:/*",
        "call:a/",   "call://*",   "call:A/*",  "call:a/b/c",    "call:a.>.b",   "call:*/",
        "call:a b",  "call:%2e",   "call:../*", "call:acme /*",  " call:*",      "call:*\n",
        "call:**/*", "call:*.*/x", "call:>.a",  "call:\xff\xfe", "call:acme/ *", "call:,",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const struct row row = {texts[i], VERB_CALL, "acme", "acme", "a.b", false};
        check_rows(&row, 1);
    }
}

static void one_bad_one_leaves_the_others(void **state)
{
    static const char *const texts[] = {"nonsense", "call:orders.*", "", "publish:news.>"};
    struct permissions compiled;
    (void)state;
    permissions_compile(&compiled, texts, 4);
    assert_int_equal(compiled.count, 2);
    assert_true(permitted(&compiled, VERB_CALL, slice_of("acme"), slice_of("acme"),
                          slice_of("orders.echo")));
    assert_true(
        permitted(&compiled, VERB_PUBLISH, slice_of("acme"), slice_of("acme"), slice_of("news.a")));
    assert_false(
        permitted(&compiled, VERB_SERVE, slice_of("acme"), slice_of("acme"), slice_of("orders")));
    permissions_finish(&compiled);
}

static void none_grants_nothing(void **state)
{
    struct permissions compiled;
    (void)state;
    permissions_compile(&compiled, NULL, 0);
    for (int verb = 0; verb < VERB_COUNT; verb++)
        assert_false(permitted(&compiled, (enum verb)verb, slice_of("acme"), slice_of("acme"),
                               slice_of("orders")));
    permissions_finish(&compiled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_name_service_and_method),
        cmocka_unit_test(verbs_do_not_stand_for_each_other),
        cmocka_unit_test(nothing_reaches_another_tenant_by_itself),
        cmocka_unit_test(serving_and_administering_are_narrowed_by_a_tenant),
        cmocka_unit_test(a_subscription_must_be_covered_as_a_whole),
        cmocka_unit_test(a_star_is_one_token_of_a_topic),
        cmocka_unit_test(malformed_ones_grant_nothing),
        cmocka_unit_test(one_bad_one_leaves_the_others),
        cmocka_unit_test(none_grants_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
