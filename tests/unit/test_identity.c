/* Identities: proven once, remembered within bounds, sealed for one audience and a time. */
#include "../testing.h"

#include "base/mem.h"
#include "core/identity.h"
#include "wire/wire.h"

#include <errno.h>

#define NOW_MS 1800000000000u
#define LIFE_MS 100000u

struct judge {
    unsigned asked;
    int64_t expires_s;
};

/* Takes "t-USER" and nothing else. */
static int judge_token(void *arg, struct slice token, int64_t now_s, struct token_claims *claims,
                       char *why)
{
    struct judge *judge = arg;
    judge->asked++;
    if (token.len < 3 || memcmp(token.data, "t-", 2) != 0 || now_s >= judge->expires_s) {
        snprintf(why, IDENTITY_WHY_BYTES, "bad");
        return -EACCES;
    }
    *claims = (struct token_claims){.tenant = mem_strdup("acme"),
                                    .tier = mem_strdup("free"),
                                    .subscription_status = mem_strdup("active"),
                                    .billing_customer = mem_strdup("b1"),
                                    .id = mem_strdup("j1"),
                                    .permissions = mem_zalloc(2 * sizeof(char *)),
                                    .n_permissions = 1,
                                    .features = mem_zalloc(2 * sizeof(char *)),
                                    .n_features = 1,
                                    .expires_s = judge->expires_s};
    claims->user = mem_zalloc(token.len - 1);
    memcpy(claims->user, token.data + 2, token.len - 2);
    claims->permissions[0] = mem_strdup("call:*");
    claims->features[0] = mem_strdup("export");
    return 0;
}

struct scene {
    struct judge judge;
    struct identities *identities;
    char why[IDENTITY_WHY_BYTES];
};

static void scene_open(struct scene *scene, uint32_t remembered)
{
    *scene = (struct scene){.judge = {.expires_s = (NOW_MS + LIFE_MS) / 1000}};
    struct identities_options options = {
        .verify = judge_token, .verify_arg = &scene->judge, .remembered = remembered};
    memset(options.seal_key, 7, sizeof options.seal_key);
    scene->identities = identities_create(&options);
}

static struct identity *by_token(struct scene *scene, const char *token, uint64_t now_ms)
{
    return identities_resolve_token(scene->identities, slice_of(token), now_ms, scene->why);
}

static struct identity *by_seal(struct scene *scene, struct slice credential, const char *audience,
                                uint64_t now_ms)
{
    struct slice audiences[] = {slice_of("@acme/other"), slice_of(audience)};
    return identities_resolve(scene->identities, credential, audiences, 2, now_ms, scene->why);
}

/* Borrowed from the identity. */
static struct slice seal_for(struct scene *scene, struct identity *who, const char *audience,
                             uint64_t now_ms, uint64_t valid_ms)
{
    return buf_slice(&identity_sealed(scene->identities, who, &who->context, slice_of(audience), 1,
                                      now_ms, valid_ms)
                          ->credential);
}

/* ---- tokens ---- */

static void a_token_is_judged_once(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 10);
    struct identity *first = by_token(&scene, "t-ann", NOW_MS);
    struct identity *second = by_token(&scene, "t-ann", NOW_MS + 50);
    assert_non_null(first);
    assert_ptr_equal(first, second);
    assert_int_equal(scene.judge.asked, 1);
    assert_string_equal(first->context.user, "ann");
    assert_string_equal(first->context.features[0], "export");
    assert_false(first->delegated);
    identity_unref(first);
    identity_unref(second);
    identities_destroy(scene.identities);
}

static void bad_tokens_are_judged_every_time(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 10);
    assert_null(by_token(&scene, "x", NOW_MS));
    assert_null(by_token(&scene, "x", NOW_MS));
    assert_int_equal(scene.judge.asked, 2);
    assert_int_equal(identities_count(scene.identities), 0);
    assert_null(by_token(&scene, "", NOW_MS));
    assert_true(scene.why[0] != '\0');
    identities_destroy(scene.identities);
}

static void an_overlong_token_is_not_even_judged(void **state)
{
    struct scene scene;
    char *token = mem_zalloc(TOKEN_BYTES_MAX + 2);
    (void)state;
    memset(token, 'x', TOKEN_BYTES_MAX + 1);
    memcpy(token, "t-", 2);
    scene_open(&scene, 10);
    assert_null(by_token(&scene, token, NOW_MS));
    assert_int_equal(scene.judge.asked, 0);
    identities_destroy(scene.identities);
    mem_free(token);
}

static void what_is_remembered_still_expires(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 10);
    identity_unref(by_token(&scene, "t-ann", NOW_MS));
    struct identity *last = by_token(&scene, "t-ann", NOW_MS + LIFE_MS - 1);
    assert_non_null(last);
    identity_unref(last);
    assert_null(by_token(&scene, "t-ann", NOW_MS + LIFE_MS));
    identities_destroy(scene.identities);
}

static void the_least_recently_used_is_forgotten(void **state)
{
    struct scene scene;
    char token[16];
    (void)state;
    scene_open(&scene, 4);
    struct identity *held = by_token(&scene, "t-held", NOW_MS);
    for (unsigned i = 0; i < 3; i++) {
        snprintf(token, sizeof token, "t-%u", i);
        identity_unref(by_token(&scene, token, NOW_MS));
    }
    identity_unref(by_token(&scene, "t-held", NOW_MS)); /* used again: stays */
    identity_unref(by_token(&scene, "t-new", NOW_MS));  /* t-0 goes */
    assert_int_equal(identities_count(scene.identities), 4);
    assert_int_equal(scene.judge.asked, 5);
    identity_unref(by_token(&scene, "t-held", NOW_MS));
    assert_int_equal(scene.judge.asked, 5);
    identity_unref(by_token(&scene, "t-0", NOW_MS));
    assert_int_equal(scene.judge.asked, 6);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(token, sizeof token, "t-s%u", i);
        identity_unref(by_token(&scene, token, NOW_MS));
    }
    assert_int_equal(identities_count(scene.identities), 4);
    assert_string_equal(held->context.user, "held"); /* forgotten, not gone */
    identity_unref(held);
    identities_destroy(scene.identities);
}

static void forgetting_all_asks_again(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 4);
    struct identity *held = by_token(&scene, "t-ann", NOW_MS);
    identities_forget(scene.identities);
    assert_int_equal(identities_count(scene.identities), 0);
    identity_unref(by_token(&scene, "t-ann", NOW_MS));
    assert_int_equal(scene.judge.asked, 2);
    identity_unref(held);
    identities_destroy(scene.identities);
}

/* ---- sealed contexts ---- */

static void a_seal_brings_the_same_person(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 10);
    struct identity *ann = by_token(&scene, "t-ann", NOW_MS);
    struct slice sealed = seal_for(&scene, ann, "orders", NOW_MS, 1000);
    struct identity *again = by_seal(&scene, sealed, "orders", NOW_MS);
    assert_non_null(again);
    assert_true(again->delegated);
    assert_string_equal(again->context.user, "ann");
    assert_string_equal(again->context.tenant, "acme");
    assert_string_equal(again->context.billing_customer, "b1");
    assert_string_equal(again->context.token_id, "j1");
    assert_int_equal(again->context.depth, 1);
    assert_int_equal(again->context.n_permissions, 1);
    identity_unref(again);
    identity_unref(ann);
    identities_destroy(scene.identities);
}

/* Remembered from the right one's use or not. */
static void a_seal_is_for_its_audience_only(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 10);
    struct identity *ann = by_token(&scene, "t-ann", NOW_MS);
    struct slice sealed = seal_for(&scene, ann, "orders", NOW_MS, 1000);
    for (unsigned round = 0; round < 2; round++) {
        assert_null(by_seal(&scene, sealed, "relay", NOW_MS));
        assert_null(by_seal(&scene, sealed, "acme/orders", NOW_MS));
        assert_null(by_seal(&scene, sealed, "order", NOW_MS));
        assert_null(by_seal(&scene, sealed, "", NOW_MS));
        assert_null(identities_resolve(scene.identities, sealed, NULL, 0, NOW_MS, scene.why));
        identity_unref(by_seal(&scene, sealed, "orders", NOW_MS));
    }
    identity_unref(ann);
    identities_destroy(scene.identities);
}

static void a_seal_ends(void **state)
{
    struct scene scene;
    (void)state;
    for (unsigned remembered = 0; remembered < 2; remembered++) {
        scene_open(&scene, 10);
        struct identity *ann = by_token(&scene, "t-ann", NOW_MS);
        struct slice sealed = seal_for(&scene, ann, "orders", NOW_MS, 1000);
        if (remembered)
            identity_unref(by_seal(&scene, sealed, "orders", NOW_MS));
        struct identity *last = by_seal(&scene, sealed, "orders", NOW_MS + 1999);
        assert_non_null(last);
        identity_unref(last);
        assert_null(by_seal(&scene, sealed, "orders", NOW_MS + 2000));
        identity_unref(ann);
        identities_destroy(scene.identities);
    }
}

static void a_seal_never_outlives_its_token(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 10);
    struct identity *ann = by_token(&scene, "t-ann", NOW_MS);
    struct slice sealed = seal_for(&scene, ann, "orders", NOW_MS + LIFE_MS - 10, 1000000);
    struct identity *again = by_seal(&scene, sealed, "orders", NOW_MS + LIFE_MS - 1);
    assert_non_null(again);
    assert_int_equal(again->expires_ms, NOW_MS + LIFE_MS);
    identity_unref(again);
    assert_null(by_seal(&scene, sealed, "orders", NOW_MS + LIFE_MS));
    identity_unref(ann);
    identities_destroy(scene.identities);
}

static void any_flipped_bit_is_refused(void **state)
{
    struct scene scene;
    struct buf spoilt = {0};
    (void)state;
    scene_open(&scene, 10);
    struct identity *ann = by_token(&scene, "t-ann", NOW_MS);
    struct slice sealed = seal_for(&scene, ann, "orders", NOW_MS, 1000);
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        spoilt.len = 0;
        buf_append(&spoilt, sealed.data, sealed.len);
        spoilt.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_null(by_seal(&scene, buf_slice(&spoilt), "orders", NOW_MS));
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_null(by_seal(&scene, slice_make(sealed.data, len), "orders", NOW_MS));
    buf_finish(&spoilt);
    identity_unref(ann);
    identities_destroy(scene.identities);
}

static void another_key_opens_nothing(void **state)
{
    struct scene scene, other;
    (void)state;
    scene_open(&scene, 10);
    other = scene;
    struct identities_options options = {
        .verify = judge_token, .verify_arg = &scene.judge, .remembered = 10};
    other.identities = identities_create(&options);
    struct identity *ann = by_token(&scene, "t-ann", NOW_MS);
    struct slice sealed = seal_for(&scene, ann, "orders", NOW_MS, 1000);
    assert_null(by_seal(&other, sealed, "orders", NOW_MS));
    identity_unref(ann);
    identities_destroy(scene.identities);
    identities_destroy(other.identities);
}

static void one_seal_serves_many_calls(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 10);
    struct identity *ann = by_token(&scene, "t-ann", NOW_MS);
    const uint8_t *first = seal_for(&scene, ann, "orders", NOW_MS, 1000).data;
    assert_ptr_equal(seal_for(&scene, ann, "orders", NOW_MS + 900, 1000).data, first);
    /* Good for as long as was asked for, every time. */
    for (uint64_t at = NOW_MS; at < NOW_MS + 20000; at += 333) {
        struct slice sealed = seal_for(&scene, ann, "orders", at, 1000);
        struct identity *in_time = by_seal(&scene, sealed, "orders", at + 999);
        assert_non_null(in_time);
        identity_unref(in_time);
    }
    identity_unref(ann);
    identities_destroy(scene.identities);
}

static void many_audiences_and_depths_do_not_mix(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 200);
    struct identity *ann = by_token(&scene, "t-ann", NOW_MS);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 3 * IDENTITY_SEALS; i++) {
            char audience[16];
            snprintf(audience, sizeof audience, "s%u", i / 2);
            const struct identity_seal *seal = identity_sealed(
                scene.identities, ann, &ann->context, slice_of(audience), i % 2, NOW_MS, 1000);
            struct identity *again =
                by_seal(&scene, buf_slice(&seal->credential), audience, NOW_MS);
            assert_non_null(again);
            assert_int_equal(again->context.depth, i % 2);
            identity_unref(again);
        }
    }
    identity_unref(ann);
    identities_destroy(scene.identities);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_judged_once),
        cmocka_unit_test(bad_tokens_are_judged_every_time),
        cmocka_unit_test(an_overlong_token_is_not_even_judged),
        cmocka_unit_test(what_is_remembered_still_expires),
        cmocka_unit_test(the_least_recently_used_is_forgotten),
        cmocka_unit_test(forgetting_all_asks_again),
        cmocka_unit_test(a_seal_brings_the_same_person),
        cmocka_unit_test(a_seal_is_for_its_audience_only),
        cmocka_unit_test(a_seal_ends),
        cmocka_unit_test(a_seal_never_outlives_its_token),
        cmocka_unit_test(any_flipped_bit_is_refused),
        cmocka_unit_test(another_key_opens_nothing),
        cmocka_unit_test(one_seal_serves_many_calls),
        cmocka_unit_test(many_audiences_and_depths_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
