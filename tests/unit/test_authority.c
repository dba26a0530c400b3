/* Who may administer whom, and give what. */
#include "../testing.h"

#include "base/slice.h"
#include "common/authority.h"
#include "core/permission.h"

static enum authority over(const char *permission, const char *tenant)
{
    const struct permission_list own = {"acme", &permission, 1};
    return authority_over(&own, tenant);
}

static void administering_is_for_a_tenant_or_for_all(void **state)
{
    (void)state;
    assert_int_equal(over("admin:users", "beta"), AUTHORITY_ALL);
    assert_int_equal(over("admin:*", "beta"), AUTHORITY_ALL);
    assert_int_equal(over("admin:*/users", "beta"), AUTHORITY_ALL);
    assert_int_equal(over("admin:acme/users", "acme"), AUTHORITY_TENANT);
    assert_int_equal(over("admin:acme/*", "acme"), AUTHORITY_TENANT);
    assert_int_equal(over("admin:acme/users", "beta"), AUTHORITY_NONE);
    assert_int_equal(over("admin:tenants", "acme"), AUTHORITY_NONE);
    assert_int_equal(over("call:users", "acme"), AUTHORITY_NONE);
    assert_int_equal(over("call:*", "acme"), AUTHORITY_NONE);
    assert_int_equal(over("admin", "acme"), AUTHORITY_NONE);
}

static bool covers(const char *own, const char *theirs)
{
    const struct permission_list outer = {"acme", &own, 1}, inner = {"acme", &theirs, 1};
    return authority_covers(&outer, &inner);
}

static void nobody_gives_what_they_have_not(void **state)
{
    static const struct {
        const char *own, *theirs;
        bool covered;
    } cases[] = {
        {"call:orders.*", "call:orders.get", true},
        {"call:orders.*", "call:orders.*", true},
        {"call:*", "call:orders.*", true},
        {"call:*", "call:*", true},
        {"call:orders.*", "call:*", false},
        {"call:orders.get", "call:orders.*", false},
        {"call:orders.*", "call:beta/orders.*", false},
        {"call:orders.*", "call:acme/orders.*", true},
        {"subscribe:orders.>", "subscribe:orders.new", true},
        {"subscribe:orders.*", "subscribe:orders.>", false},
        {"subscribe:>", "subscribe:*/>", false},
        {"subscribe:*/>", "subscribe:>", true},
        {"serve:acme/*", "serve:orders", false},
        {"serve:acme/*", "serve:acme/orders", true},
        {"serve:*", "serve:acme/orders", true},
        {"admin:acme/users", "admin:users", false},
        {"admin:acme/*", "admin:*", false},
        {"admin:acme/*", "admin:acme/tap", true},
        {"admin:acme/*", "call:orders.get", false},
        {"call:*", "publish:>", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (covers(cases[i].own, cases[i].theirs) != cases[i].covered)
            fail_msg("%s over %s", cases[i].own, cases[i].theirs);
}

/* What is covered by this reading of the grammar the broker allows by its own. */
static void the_broker_reads_permissions_the_same_way(void **state)
{
    static const char *const texts[] = {
        "call:a.*",        "call:a.b",    "call:*",    "call:>",          "call:*.b",
        "serve:*",         "serve:x/a",   "serve:a.b", "subscribe:a.*",   "subscribe:>",
        "subscribe:*/a.>", "publish:a.>", "admin:*",   "admin:acme/users"};
    static const char *const subjects[] = {"a", "a.b", "b.b", "a.b.c", "users"};
    static const char *const tenants[] = {"acme", "x"};
    size_t n = sizeof texts / sizeof *texts;
    (void)state;
    for (size_t i = 0; i < n * n; i++) {
        const char *outer = texts[i / n], *inner = texts[i % n];
        struct permissions theirs, ours;
        if (!covers(outer, inner))
            continue;
        permissions_compile(&theirs, &outer, 1);
        permissions_compile(&ours, &inner, 1);
        for (size_t at = 0; at < (sizeof subjects / sizeof *subjects) * 2 * VERB_COUNT; at++) {
            enum verb verb = (enum verb)(at % VERB_COUNT);
            struct slice subject = slice_of(subjects[at / VERB_COUNT / 2]);
            struct slice target = slice_of(tenants[at / VERB_COUNT % 2]);
            if (permitted(&ours, verb, slice_of("acme"), target, subject))
                assert_true(permitted(&theirs, verb, slice_of("acme"), target, subject));
        }
        permissions_finish(&theirs);
        permissions_finish(&ours);
    }
}

static void a_slip_of_the_pen_is_no_permission(void **state)
{
    static const char *const bad[] = {
        "",         "call",     "call:",        "cal:a.b",    "call:a..b",
        "call:A/b", "call:a b", "admin:/users", "serve:a/b/c"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(permission_is_valid(bad[i]));
    assert_true(permission_is_valid("call:orders.*"));
    assert_true(permission_is_valid("subscribe:*/orders.>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(administering_is_for_a_tenant_or_for_all),
        cmocka_unit_test(nobody_gives_what_they_have_not),
        cmocka_unit_test(the_broker_reads_permissions_the_same_way),
        cmocka_unit_test(a_slip_of_the_pen_is_no_permission),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
