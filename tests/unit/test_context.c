#include "../testing.h"

#include "base/mem.h"
#include "core/context.h"
#include "wire/wire.h"

#include <errno.h>

#define NOW 1000000u

static const uint8_t key_bytes[CONTEXT_KEY_BYTES] = "0123456789abcdef0123456789abcde";
static const char *const permissions[] = {"call:orders.*", "publish:orders.>"};
static const char *const features[] = {"sso"};

struct bench {
    struct sealer sealer;
    struct arena arena;
    struct context context; /* a good one */
};

static struct bench *bench_make(void)
{
    struct bench *bench = mem_zalloc(sizeof *bench);
    sealer_init(&bench->sealer, key_bytes);
    arena_init(&bench->arena);
    bench->context = (struct context){.tenant = "acme",
                                      .user = "ann",
                                      .tier = "free",
                                      .subscription_status = "active",
                                      .billing_customer = "cus_1",
                                      .token_id = "t-1",
                                      .audience = "orders",
                                      .permissions = permissions,
                                      .n_permissions = 2,
                                      .features = features,
                                      .n_features = 1,
                                      .expires_ms = NOW + 1,
                                      .token_issued_ms = NOW - 9,
                                      .token_expires_ms = NOW + 9,
                                      .depth = 3};
    return bench;
}

static void bench_free(struct bench *bench)
{
    sealer_finish(&bench->sealer);
    arena_finish(&bench->arena);
    mem_free(bench);
}

static struct wire_credential seal(struct bench *bench)
{
    struct slice bytes = {0};
    struct wire_credential credential = {0};
    assert_int_equal(context_seal(&bench->sealer, &bench->context, &bench->arena, &bytes), 0);
    assert_int_equal(wire_read_credential(&credential, bytes), 0);
    assert_int_equal(credential.token.len, 0);
    return credential;
}

/* As the service named; `out` must stay untouched on failure. */
static int open_as(struct bench *bench, const struct wire_credential *sealed, const char *service,
                   uint64_t now_ms, struct context *out)
{
    const struct slice audiences[] = {slice_of("billing"), slice_of(service)};
    struct context opened = {.depth = 77};
    int err = context_open(&bench->sealer, sealed->context, sealed->seal, audiences, 2, now_ms,
                           &bench->arena, &opened);
    if (err)
        assert_true(opened.depth == 77 && !opened.tenant);
    else if (out)
        *out = opened;
    return err;
}

static void what_was_sealed_is_read_back(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    const struct wire_credential sealed = seal(bench);
    struct context back;
    assert_int_equal(open_as(bench, &sealed, "orders", NOW, &back), 0);
    assert_string_equal(back.tenant, "acme");
    assert_string_equal(back.user, "ann");
    assert_string_equal(back.tier, "free");
    assert_string_equal(back.subscription_status, "active");
    assert_string_equal(back.billing_customer, "cus_1");
    assert_string_equal(back.token_id, "t-1");
    assert_int_equal(back.token_issued_ms, NOW - 9);
    assert_int_equal(back.token_expires_ms, NOW + 9);
    assert_string_equal(back.audience, "orders");
    assert_int_equal(back.n_permissions, 2);
    assert_string_equal(back.permissions[1], "publish:orders.>");
    assert_int_equal(back.n_features, 1);
    assert_string_equal(back.features[0], "sso");
    assert_int_equal(back.depth, 3);
    assert_int_equal(back.expires_ms, NOW + 1);
    bench_free(bench);
}

static void absent_texts_read_as_empty(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    bench->context = (struct context){
        .tenant = "acme", .user = "ann", .audience = "orders", .expires_ms = NOW + 1};
    const struct wire_credential sealed = seal(bench);
    struct context back;
    assert_int_equal(open_as(bench, &sealed, "orders", NOW, &back), 0);
    assert_string_equal(back.tier, "");
    assert_string_equal(back.subscription_status, "");
    assert_string_equal(back.billing_customer, "");
    assert_string_equal(back.token_id, "");
    assert_int_equal(back.n_permissions, 0);
    bench_free(bench);
}

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    const struct wire_credential sealed = seal(bench);
    uint8_t *context = mem_dup(sealed.context.data, sealed.context.len);
    uint8_t *mark = mem_dup(sealed.seal.data, sealed.seal.len);
    const struct wire_credential forged = {.context = slice_make(context, sealed.context.len),
                                           .seal = slice_make(mark, sealed.seal.len)};
    for (size_t bit = 0; bit < 8 * sealed.context.len; bit++) {
        context[bit / 8] = (uint8_t)(context[bit / 8] ^ 1u << bit % 8);
        assert_int_equal(open_as(bench, &forged, "orders", NOW, NULL), -EACCES);
        context[bit / 8] = (uint8_t)(context[bit / 8] ^ 1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sealed.seal.len; bit++) {
        mark[bit / 8] = (uint8_t)(mark[bit / 8] ^ 1u << bit % 8);
        assert_int_equal(open_as(bench, &forged, "orders", NOW, NULL), -EACCES);
        mark[bit / 8] = (uint8_t)(mark[bit / 8] ^ 1u << bit % 8);
    }
    assert_int_equal(open_as(bench, &forged, "orders", NOW, NULL), 0);
    mem_free(context);
    mem_free(mark);
    bench_free(bench);
}

static void cut_or_longer_ones_are_refused(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    const struct wire_credential sealed = seal(bench);
    struct wire_credential cut = sealed;
    for (cut.context.len = 0; cut.context.len < sealed.context.len; cut.context.len++)
        assert_int_equal(open_as(bench, &cut, "orders", NOW, NULL), -EACCES);
    for (cut.seal.len = 0; cut.seal.len < sealed.seal.len; cut.seal.len++)
        assert_int_equal(open_as(bench, &cut, "orders", NOW, NULL), -EACCES);
    uint8_t *longer = mem_zalloc(sealed.context.len + 1);
    memcpy(longer, sealed.context.data, sealed.context.len);
    cut = sealed;
    cut.context = slice_make(longer, sealed.context.len + 1);
    assert_int_equal(open_as(bench, &cut, "orders", NOW, NULL), -EACCES);
    mem_free(longer);
    bench_free(bench);
}

/* Somebody who knows the format raises a tier under the old seal, or under one of their own. */
static void a_raised_tier_is_refused(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    const struct wire_credential honest = seal(bench);
    bench->context.tier = "enterprise";
    struct wire_credential raised = seal(bench);
    raised.seal = honest.seal;
    assert_int_equal(open_as(bench, &raised, "orders", NOW, NULL), -EACCES);

    struct bench *other = bench_make();
    const uint8_t own_key[CONTEXT_KEY_BYTES] = "a key of the attacker itself....";
    sealer_init(&other->sealer, own_key);
    other->context.tier = "enterprise";
    raised = seal(other);
    assert_int_equal(open_as(bench, &raised, "orders", NOW, NULL), -EACCES);
    bench_free(other);
    bench_free(bench);
}

static void another_audience_is_refused(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    const struct wire_credential sealed = seal(bench);
    assert_int_equal(open_as(bench, &sealed, "echo", NOW, NULL), -EACCES);
    assert_int_equal(open_as(bench, &sealed, "order", NOW, NULL), -EACCES);
    assert_int_equal(open_as(bench, &sealed, "orders2", NOW, NULL), -EACCES);
    assert_int_equal(open_as(bench, &sealed, "", NOW, NULL), -EACCES);
    struct context out;
    assert_int_equal(context_open(&bench->sealer, sealed.context, sealed.seal, NULL, 0, NOW,
                                  &bench->arena, &out),
                     -EACCES);
    bench_free(bench);
}

static void its_time_ends(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    const struct wire_credential sealed = seal(bench);
    struct context opened;
    const struct slice audience = slice_of("orders");
    assert_int_equal(open_as(bench, &sealed, "orders", NOW, &opened), 0);
    assert_int_equal(open_as(bench, &sealed, "orders", NOW + 1, NULL), -EKEYEXPIRED);
    assert_int_equal(open_as(bench, &sealed, "orders", UINT64_MAX, NULL), -EKEYEXPIRED);
    /* A remembered one is asked the same again. */
    assert_int_equal(context_admit(&opened, &audience, 1, NOW), 0);
    assert_int_equal(context_admit(&opened, &audience, 1, NOW + 1), -EKEYEXPIRED);
    assert_int_equal(context_admit(&opened, &audience, 0, NOW), -EACCES);
    bench_free(bench);
}

static void incomplete_ones_are_not_sealed(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    const struct context good = bench->context;
    const char **many = mem_zalloc((CONTEXT_PERMISSIONS_MAX + 1) * sizeof *many);
    struct slice out = {0};
    for (size_t i = 0; i <= CONTEXT_PERMISSIONS_MAX; i++)
        many[i] = "call:a.b";
    struct context bad[6] = {good, good, good, good, good, good};
    bad[0].tenant = "";
    bad[1].user = NULL;
    bad[2].audience = NULL;
    bad[3].expires_ms = 0;
    bad[4].permissions = many;
    bad[4].n_permissions = CONTEXT_PERMISSIONS_MAX + 1;
    bad[5].features = many;
    bad[5].n_features = CONTEXT_FEATURES_MAX + 1;
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(context_seal(&bench->sealer, &bad[i], &bench->arena, &out), -EINVAL);
    assert_null(out.data);
    mem_free(many);
    bench_free(bench);
}

static void too_large_ones_are_not_sealed(void **state)
{
    (void)state;
    struct bench *bench = bench_make();
    const char *many[CONTEXT_PERMISSIONS_MAX];
    char text[200] = {0};
    struct slice out = {0};
    memset(text, 'x', sizeof text - 1);
    for (size_t i = 0; i < CONTEXT_PERMISSIONS_MAX; i++)
        many[i] = text;
    bench->context.permissions = many;
    bench->context.n_permissions = CONTEXT_PERMISSIONS_MAX;
    assert_int_equal(context_seal(&bench->sealer, &bench->context, &bench->arena, &out), -EMSGSIZE);
    assert_null(out.data);
    bench->context.n_permissions = 40;
    assert_int_equal(context_seal(&bench->sealer, &bench->context, &bench->arena, &out), 0);
    assert_true(out.len <= WIRE_CREDENTIAL_BYTES_MAX);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_is_read_back),
        cmocka_unit_test(absent_texts_read_as_empty),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(cut_or_longer_ones_are_refused),
        cmocka_unit_test(a_raised_tier_is_refused),
        cmocka_unit_test(another_audience_is_refused),
        cmocka_unit_test(its_time_ends),
        cmocka_unit_test(incomplete_ones_are_not_sealed),
        cmocka_unit_test(too_large_ones_are_not_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
