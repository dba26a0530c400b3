/* What is left of a caller's limits, as headers: of a rate, of a month, and when there is more. */
#include "../testing.h"

#include "../../gateway/reply.h"
#include "client/call.h"

#include <string.h>

#define JANUARY 1767225600u /* 2026-01-01T00:00:00Z */
#define A_DAY 86400u

static fbx_reply reply_of(int status, uint32_t retry_after_ms)
{
    return (fbx_reply){.wire = {.status = (enum status)status,
                                .retry_after_ms = retry_after_ms,
                                .rate_limit = 60,
                                .rate_remaining = 3},
                       .request_id = "",
                       .tenant = "",
                       .tier = ""};
}

static void says(const fbx_reply *reply, const char *name, const char *value)
{
    struct answer answer = {0};
    reply_headers(&answer, reply, JANUARY + 30 * A_DAY);
    const char *is = answer_get(&answer, name);
    assert_int_equal(is != NULL, value != NULL);
    if (value)
        assert_string_equal(is, value);
    answer_finish(&answer);
}

static void a_minute_says_when_only_if_it_refused(void **state)
{
    fbx_reply fine = reply_of(FBX_OK, 0), refused = reply_of(FBX_RATE_LIMITED, 1001);
    fbx_reply away = reply_of(FBX_UNAVAILABLE, 5000);
    (void)state;
    says(&fine, "RateLimit-Policy", "\"minute\";q=60;w=60");
    says(&fine, "RateLimit", "\"minute\";r=3");
    says(&fine, "X-RateLimit-Reset", NULL);
    says(&refused, "RateLimit", "\"minute\";r=3;t=2");
    says(&refused, "X-RateLimit-Reset", "2");
    says(&away, "RateLimit", "\"minute\";r=3");
    says(&away, "X-RateLimit-Reset", NULL);
}

static void a_month_says_when_it_ends(void **state)
{
    fbx_reply fine = reply_of(FBX_OK, 0), refused = reply_of(FBX_QUOTA_EXCEEDED, A_DAY * 1000);
    (void)state;
    fine.wire.quota_limit = refused.wire.quota_limit = 500;
    fine.wire.quota_remaining = 400;
    says(&fine, "RateLimit-Policy", "\"minute\";q=60;w=60, \"month\";q=500");
    says(&fine, "RateLimit", "\"minute\";r=3, \"month\";r=400;t=86400");
    says(&refused, "RateLimit", "\"minute\";r=3, \"month\";r=0;t=86400");
}

/* The quota is asked before the rate is, of which nothing is known then. */
static void a_month_is_told_without_a_minute(void **state)
{
    fbx_reply refused = reply_of(FBX_QUOTA_EXCEEDED, A_DAY * 1000), open = reply_of(FBX_OK, 0);
    (void)state;
    refused.wire.rate_limit = refused.wire.rate_remaining = 0;
    refused.wire.quota_limit = 500;
    says(&refused, "RateLimit-Policy", "\"month\";q=500");
    says(&refused, "RateLimit", "\"month\";r=0;t=86400");
    says(&refused, "X-RateLimit-Limit", NULL);
    says(&refused, "X-Quota-Limit", "500");
    open.wire.rate_limit = 0;
    says(&open, "RateLimit", NULL);
    says(&open, "RateLimit-Policy", NULL);
}

static void months_are_as_long_as_they_are(void **state)
{
    (void)state;
    assert_int_equal(reply_month_left_s(JANUARY), 31 * A_DAY);
    assert_int_equal(reply_month_left_s(JANUARY - 1), 1);
    assert_int_equal(reply_month_left_s(JANUARY + 31 * A_DAY), 28 * A_DAY);
    assert_int_equal(reply_month_left_s(JANUARY + 59 * A_DAY - 1), 1);
}

/* A login, say: the broker's refusal tells the limits of the gateway's token. */
static void the_gateways_own_terms_stay_its_own(void **state)
{
    static const struct wire_detail details[] = {{"tier", "enterprise"}, {"limit", "5"}};
    fbx_reply refused = reply_of(FBX_RATE_LIMITED, 1001), by_service = reply_of(FBX_OK, 0);
    struct answer answer = {0};
    (void)state;
    refused.message = "the tier enterprise may make 5 calls a minute";
    refused.wire.details = details;
    refused.wire.n_details = 2;
    refused.tenant = "platform";
    refused.tier = "enterprise";
    reply_headers_own(&answer, &refused);
    reply_write_own(&answer, &refused);
    buf_append(&answer.body, "", 1);
    assert_int_equal(answer.http, 429);
    assert_null(strstr((const char *)answer.body.data, "enterprise"));
    assert_null(strstr((const char *)answer.body.data, "limit\""));
    assert_non_null(strstr((const char *)answer.body.data, "\"retry_after_ms\":1001"));
    assert_string_equal(answer_get(&answer, "Retry-After"), "2");
    assert_null(answer_get(&answer, "RateLimit"));
    assert_null(answer_get(&answer, "X-Tenant-Id"));
    answer_finish(&answer);

    by_service.wire.status = STATUS_UNAUTHENTICATED;
    by_service.message = "invalid credentials";
    reply_write_own(&answer, &by_service);
    buf_append(&answer.body, "", 1);
    assert_non_null(strstr((const char *)answer.body.data, "invalid credentials"));
    answer_finish(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_minute_says_when_only_if_it_refused),
        cmocka_unit_test(a_month_says_when_it_ends),
        cmocka_unit_test(the_gateways_own_terms_stay_its_own),
        cmocka_unit_test(a_month_is_told_without_a_minute),
        cmocka_unit_test(months_are_as_long_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
