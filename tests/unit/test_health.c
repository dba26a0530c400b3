/* How an instance's checks make it ready, degraded and down. */
#include "../testing.h"

#include "policy/health.h"

#include <string.h>

#define SECOND UINT64_C(1000000000)
#define CALM (100 * SECOND)

static const struct health_rules rules = {.rise = 2, .fall = 3, .calm_ns = CALM};

/* A check a second: p pass, w warn, f fail. Returns the state after the last. */
static enum health_state after(struct health *health, uint64_t *now, const char *outcomes)
{
    for (; *outcomes; outcomes++) {
        enum health_state was = health->state;
        bool changed = health_tell(health, &rules, *now += SECOND,
                                   *outcomes == 'p'   ? HEALTH_PASS
                                   : *outcomes == 'w' ? HEALTH_WARN
                                                      : HEALTH_FAIL);
        assert_int_equal(changed, was != health->state);
    }
    return health->state;
}

static void test_rows_decide(void **unused)
{
    static const struct row {
        const char *outcomes;
        enum health_state state;
    } table[] = {
        {"", HEALTH_STARTING},      {"p", HEALTH_READY},         {"w", HEALTH_DEGRADED},
        {"ff", HEALTH_STARTING},    {"fff", HEALTH_DOWN},        {"ffp", HEALTH_READY},
        {"pff", HEALTH_READY},      {"pffpff", HEALTH_READY},    {"pfff", HEALTH_DOWN},
        {"pfffp", HEALTH_DOWN},     {"pfffpp", HEALTH_READY},    {"pfffpfp", HEALTH_DOWN},
        {"pww", HEALTH_READY},      {"pwww", HEALTH_DEGRADED},   {"pwwpww", HEALTH_READY},
        {"pwwwp", HEALTH_DEGRADED}, {"pfwf", HEALTH_DEGRADED},   {"pwwwff", HEALTH_DEGRADED},
        {"pwwwfff", HEALTH_DOWN},   {"pfffww", HEALTH_DEGRADED}, {"pfffwp", HEALTH_DEGRADED},
        {"pfffwwpp", HEALTH_READY}, {"wpp", HEALTH_READY},       {"wp", HEALTH_DEGRADED},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct health health = {0};
        uint64_t now = SECOND;
        if (after(&health, &now, table[i].outcomes) != table[i].state)
            fail_msg("%s: %s, not %s", table[i].outcomes, health_text(health.state),
                     health_text(table[i].state));
    }
}

static uint32_t checks_until_ready(struct health *health, uint64_t *now)
{
    uint32_t checks = 0;
    while (health->state != HEALTH_READY) {
        after(health, now, "p");
        assert_in_range(++checks, 1, 1000);
    }
    return checks;
}

/* Each further fall doubles what it takes to be ready; meanwhile it is degraded, and of use. */
static void test_who_flaps_is_trusted_less(void **unused)
{
    static const uint32_t wanted[] = {2, 4, 8, 16, 32, 64, 64, 64};
    struct health health = {0};
    uint64_t now = SECOND;
    (void)unused;
    after(&health, &now, "p");
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_int_equal(after(&health, &now, "fff"), HEALTH_DOWN);
        assert_int_equal(health_rise(&health, &rules, now), wanted[i]);
        if (i > 0)
            assert_int_equal(after(&health, &now, "pp"), HEALTH_DEGRADED);
        if (i > 0)
            assert_int_equal(after(&health, &now, "f"), HEALTH_DEGRADED);
        health.fell = now; /* however long it took */
        assert_int_equal(checks_until_ready(&health, &now), wanted[i]);
    }
}

static void test_falls_are_forgotten_one_by_one(void **unused)
{
    struct health health = {0};
    uint64_t now = SECOND;
    (void)unused;
    after(&health, &now, "pfffppfffppppfff");
    assert_int_equal(health_rise(&health, &rules, now), 8);
    assert_int_equal(health_rise(&health, &rules, now + CALM - 1), 8);
    assert_int_equal(health_rise(&health, &rules, now + CALM), 4);
    assert_int_equal(health_rise(&health, &rules, now + 2 * CALM), 2);
    assert_int_equal(health_rise(&health, &rules, now + 100 * CALM), 2);
}

/* Whatever comes in whatever order: nobody is ready without the row that makes ready, nor down
 * without the one that makes down, and rows that long never go unheard. */
static void test_any_order(void **unused)
{
    struct rng rng = {20260101};
    (void)unused;
    for (unsigned run = 0; run < 300; run++) {
        struct health health = {0};
        uint64_t now = SECOND;
        uint32_t passes = 0, fails = 0;
        uint64_t bias = rng_next(&rng) % 5;
        for (unsigned i = 0; i < 300; i++) {
            enum health_state was = health.state;
            uint32_t rise = health_rise(&health, &rules, now += SECOND);
            enum health_outcome outcome = (enum health_outcome)(rng_next(&rng) % 3);
            if (rng_next(&rng) % 5 < bias)
                outcome = was == HEALTH_READY ? HEALTH_FAIL : HEALTH_PASS;
            passes = outcome == HEALTH_PASS ? passes + 1 : 0;
            fails = outcome == HEALTH_FAIL ? fails + 1 : 0;
            (void)health_tell(&health, &rules, now, outcome);
            assert_true(health.state != HEALTH_DRAINING);
            assert_true(fails < rules.fall || health.state == HEALTH_DOWN);
            assert_true(passes < rise || health.state == HEALTH_READY);
            if (health.state == HEALTH_READY && was != HEALTH_READY && was != HEALTH_STARTING)
                assert_true(passes >= rise);
            if (health.state == HEALTH_DOWN && was != HEALTH_DOWN)
                assert_true(fails >= rules.fall);
            assert_true(rise >= rules.rise && rise <= rules.rise << (HEALTH_FALLS_MAX - 1));
        }
    }
}

static void test_a_service_is_as_its_best(void **unused)
{
    uint32_t counts[HEALTH_STATES] = {0};
    (void)unused;
    assert_int_equal(health_best(counts), HEALTH_DOWN);
    counts[HEALTH_DOWN] = 3;
    assert_int_equal(health_best(counts), HEALTH_DOWN);
    counts[HEALTH_DRAINING] = 1;
    assert_int_equal(health_best(counts), HEALTH_DRAINING);
    counts[HEALTH_STARTING] = 1;
    assert_int_equal(health_best(counts), HEALTH_STARTING);
    counts[HEALTH_DEGRADED] = 1;
    assert_int_equal(health_best(counts), HEALTH_DEGRADED);
    counts[HEALTH_READY] = 1;
    assert_int_equal(health_best(counts), HEALTH_READY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_decide),
        cmocka_unit_test(test_who_flaps_is_trusted_less),
        cmocka_unit_test(test_falls_are_forgotten_one_by_one),
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_a_service_is_as_its_best),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
