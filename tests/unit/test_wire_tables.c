/* The lists in fields.h and wire.h against those in bus.proto. */
#include "../testing.h"

#include "wire/fields.h"
#include "wire/wire.h"

/* A field in bus.proto that fields.h forgot would not show above. */
static void lists_are_complete(void **state)
{
    (void)state;
#define COUNT_FIELD(type, number, name) +1u
    assert_int_equal(farebox__v1__request__descriptor.n_fields, REQUEST_FIELDS(COUNT_FIELD));
    assert_int_equal(farebox__v1__reply__descriptor.n_fields, REPLY_FIELDS(COUNT_FIELD) + 1);
    assert_int_equal(farebox__v1__part__descriptor.n_fields, PART_FIELDS(COUNT_FIELD));
    assert_int_equal(farebox__v1__publish__descriptor.n_fields, PUBLISH_FIELDS(COUNT_FIELD));
    assert_int_equal(farebox__v1__delivery__descriptor.n_fields, DELIVERY_FIELDS(COUNT_FIELD));
    assert_int_equal(farebox__v1__request__descriptor.n_fields, REQUEST_LAST);
    assert_int_equal(farebox__v1__reply__descriptor.n_fields, REPLY_LAST);
    assert_int_equal(farebox__v1__part__descriptor.n_fields, PART_LAST);
    assert_int_equal(farebox__v1__publish__descriptor.n_fields, PUBLISH_LAST);
    assert_int_equal(farebox__v1__delivery__descriptor.n_fields, DELIVERY_LAST);
    assert_int_equal(farebox__v1__envelope__descriptor.n_fields, ENVELOPE_BODY_LAST);
    assert_int_equal(farebox__v1__frame__descriptor.n_fields, FRAME_LAST);
}

static void kinds_are_called_as_in_the_proto(void **state)
{
    (void)state;
    for (unsigned kind = ENVELOPE_BODY_FIRST; kind <= ENVELOPE_BODY_LAST; kind++)
        assert_string_equal(
            wire_kind_text((enum wire_kind)kind),
            protobuf_c_message_descriptor_get_field(&farebox__v1__envelope__descriptor, kind)
                ->name);
    assert_string_equal(wire_kind_text(WIRE_NONE), "none");
    assert_string_equal(wire_kind_text((enum wire_kind)1), "unknown");
    assert_string_equal(wire_kind_text((enum wire_kind)20), "unknown");
    assert_string_equal(wire_kind_text((enum wire_kind) - 1), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_complete),
        cmocka_unit_test(kinds_are_called_as_in_the_proto),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
