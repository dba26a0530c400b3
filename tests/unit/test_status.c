#include "../testing.h"

#include "farebox/v1/bus.pb-c.h"
#include "wire/status.h"

#include <ctype.h>
#include <string.h>

static void upper(char *to, size_t size, const char *from)
{
    size_t i = 0;
    for (; from[i] && i + 1 < size; i++)
        to[i] = (char)toupper((unsigned char)from[i]);
    to[i] = 0;
}

/* The table and bus.proto are two lists of the same outcomes. */
static void table_is_the_protos(void **state)
{
    (void)state;
    const ProtobufCEnumDescriptor *proto = &farebox__v1__status__descriptor;
    assert_int_equal(proto->n_values, STATUS_COUNT);
    for (int i = 0; i < STATUS_COUNT; i++) {
        const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(proto, i);
        char name[64];
        assert_non_null(value);
        upper(name, sizeof(name), status_text((enum status)i));
        assert_string_equal(name, value->name);
    }
}

static void texts_lead_back(void **state)
{
    (void)state;
    for (int i = 0; i < STATUS_COUNT; i++)
        assert_int_equal(status_from_text(status_text((enum status)i)), i);
    assert_int_equal(status_from_text("OK"), -1);
    assert_int_equal(status_from_text(""), -1);
    assert_int_equal(status_from_text("unknown"), -1);
}

static void every_outcome_has_http_and_meaning(void **state)
{
    (void)state;
    for (int i = 0; i < STATUS_COUNT; i++) {
        int http = status_http((enum status)i);
        assert_true(i == STATUS_OK ? http == 200 : http >= 400 && http <= 599);
        assert_true(strlen(status_meaning((enum status)i)) > 0);
    }
    assert_int_equal(status_http(STATUS_PERMISSION_DENIED), 403);
    assert_int_equal(status_http(STATUS_RATE_LIMITED), 429);
}

/* Trying again is only offered where the call did not happen. */
static void only_refusals_are_retryable(void **state)
{
    (void)state;
    assert_true(status_retryable(STATUS_UNAVAILABLE));
    assert_true(status_retryable(STATUS_OVERLOADED));
    assert_false(status_retryable(STATUS_OK));
    assert_false(status_retryable(STATUS_OUTCOME_UNKNOWN));
    assert_false(status_retryable(STATUS_DEADLINE_EXCEEDED));
}

static void strange_numbers_are_survived(void **state)
{
    (void)state;
    const int strange[] = {-1, STATUS_COUNT, 1 << 30};
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        enum status status = (enum status)strange[i];
        assert_string_equal(status_text(status), "unknown");
        assert_string_equal(status_meaning(status), "unknown");
        assert_int_equal(status_http(status), 500);
        assert_false(status_retryable(status));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_the_protos),
        cmocka_unit_test(texts_lead_back),
        cmocka_unit_test(every_outcome_has_http_and_meaning),
        cmocka_unit_test(only_refusals_are_retryable),
        cmocka_unit_test(strange_numbers_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
