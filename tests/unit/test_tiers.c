#include "../testing.h"

#include "policy/tiers.h"

#include <errno.h>

static void test_the_default_three(void **unused)
{
    static const struct {
        const char *name;
        uint32_t per_minute, burst;
    } expected[] = {{"free", 100, 10}, {"pro", 1000, 100}, {"enterprise", 10000, 1000}};
    struct tiers tiers;
    (void)unused;
    tiers_default(&tiers);
    assert_int_equal(tiers.n, 3);
    for (unsigned i = 0; i < 3; i++) {
        const struct tier *tier = tiers_exactly(&tiers, slice_of(expected[i].name));
        assert_non_null(tier);
        assert_int_equal(tier->rank, i);
        assert_int_equal(tier->rate.per_minute, expected[i].per_minute);
        assert_int_equal(tier->rate.burst, expected[i].burst);
        assert_int_equal(tier->monthly, 0);
    }
}

static void test_who_is_unknown_is_treated_as_the_lowest(void **unused)
{
    struct tiers tiers;
    (void)unused;
    tiers_default(&tiers);
    assert_string_equal(tiers_find(&tiers, slice_of("platinum"))->name, "free");
    assert_string_equal(tiers_find(&tiers, slice_of(""))->name, "free");
    assert_null(tiers_exactly(&tiers, slice_of("platinum")));
}

static void test_what_is_left_out(void **unused)
{
    struct tiers tiers = {0};
    char why[TIER_WHY_BYTES];
    (void)unused;
    assert_int_equal(tiers_add(&tiers, "internal", why), 0);
    assert_int_equal(tiers.list[0].rate.per_minute, 0);
    assert_int_equal(tiers.list[0].weight, 1);
    assert_int_equal(tiers_add(&tiers, "  basic\tper-minute=60  monthly=5000 soft weight=3 ", why),
                     0);
    assert_int_equal(tiers.list[1].rate.burst, 60);
    assert_int_equal(tiers.list[1].monthly, 5000);
    assert_true(tiers.list[1].soft);
    assert_int_equal(tiers.list[1].weight, 3);
}

static void test_mistakes_are_named_and_change_nothing(void **unused)
{
    static const char *const lines[][2] = {
        {"", "begins with its name"},
        {"per-minute=3", "begins with its name"},
        {"free", "free is there twice"},
        {"gold per-minute=0", "a number from 1"},
        {"gold per-minute=100000001", "a number from 1 to 100000000"},
        {"gold per-minute=-1", "a number"},
        {"gold per-minute=10 per-minute=10", "twice"},
        {"gold burst=5", "needs per-minute="},
        {"gold soft", "needs monthly="},
        {"gold perminute=5", "none of"},
        {"gold feature=", "no name of a feature"},
        {"gold feature=a.b", "no name of a feature"},
        {"gold allow=reports.*", "call: or publish:"},
        {"gold allow=call:", "call: or publish:"},
        {"gold allow=call:acme/reports.*", "call: or publish:"},
        {"gold allow=subscribe:news.>", "call: or publish:"},
        {"gold allow=serve:*", "call: or publish:"},
        {"gold allow=admin:*", "call: or publish:"},
        {"gold feature=a feature=b feature=c feature=d feature=e feature=f feature=g feature=h "
         "feature=i feature=j feature=k feature=l feature=m feature=n feature=o feature=p "
         "feature=q",
         "at most 16"},
    };
    struct tiers tiers;
    char why[TIER_WHY_BYTES];
    (void)unused;
    tiers_default(&tiers);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(tiers_add(&tiers, lines[i][0], why), -EINVAL);
        assert_non_null(strstr(why, lines[i][1]));
        assert_int_equal(tiers.n, 3);
    }
    assert_int_equal(tiers_add(&tiers, "free", why), -EINVAL);
    assert_string_equal(why, "free is there twice"); /* said of the setting `tier` */
}

static void test_what_a_tier_grants(void **unused)
{
    struct tiers tiers = {0}, copy;
    char why[TIER_WHY_BYTES];
    (void)unused;
    assert_int_equal(tiers_add(&tiers, "free", why), 0);
    assert_int_equal(tiers_add(&tiers,
                               "pro feature=sso allow=call:reports.* weight=2 feature=audit "
                               "allow=publish:* allow=publish:news.>",
                               why),
                     0);
    copy = tiers;
    memset(&tiers, 0, sizeof tiers);
    assert_null(tier_feature(&copy.list[0], 0));
    assert_null(tier_permission(&copy.list[0], 0));
    assert_string_equal(tier_feature(&copy.list[1], 0), "sso");
    assert_string_equal(tier_feature(&copy.list[1], 1), "audit");
    assert_null(tier_feature(&copy.list[1], 2));
    assert_string_equal(tier_permission(&copy.list[1], 0), "call:reports.*");
    assert_string_equal(tier_permission(&copy.list[1], 1), "publish:*");
    assert_string_equal(tier_permission(&copy.list[1], 2), "publish:news.>");
    assert_null(tier_permission(&copy.list[1], 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_default_three),
        cmocka_unit_test(test_who_is_unknown_is_treated_as_the_lowest),
        cmocka_unit_test(test_what_is_left_out),
        cmocka_unit_test(test_what_a_tier_grants),
        cmocka_unit_test(test_mistakes_are_named_and_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
