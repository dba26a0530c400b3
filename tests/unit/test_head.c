/* What a request's head may look like, whatever pieces it comes in. */
#include "../testing.h"

#include "../../gateway/head.h"

#include <string.h>

static struct head fed(const char *text, size_t len, size_t piece)
{
    struct head head = {0};
    for (size_t at = 0; at < len; at += piece)
        head_feed(&head, (const uint8_t *)text + at, len - at < piece ? len - at : piece);
    return head;
}

static void refuses(const char *text, size_t len, const char *defect)
{
    for (size_t piece = 1; piece <= len; piece++) {
        struct head head = fed(text, len, piece);
        assert_non_null(head.defect);
        assert_string_equal(head.defect, defect);
        assert_false(head.ended);
    }
}

#define REFUSES(text, defect) refuses(text, sizeof(text) - 1, defect)

static void a_sound_head_ends(void **state)
{
    static const char text[] = "\r\nPOST /v1/call/a/b?c=d HTTP/1.1\r\nHost: x\r\nX-A:\r\n"
                               "x_b!#$: \t\"a, b\"\xc3\xa9\r\n\r\n\nbody\x01";
    (void)state;
    for (size_t piece = 1; piece < sizeof text; piece++) {
        struct head head = fed(text, sizeof text - 1, piece);
        assert_null(head.defect);
        assert_true(head.ended);
    }
}

static void an_unfinished_head_is_neither(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r";
    (void)state;
    struct head head = fed(text, sizeof text - 1, 1);
    assert_null(head.defect);
    assert_false(head.ended);
}

static void line_ends_are_two_bytes(void **state)
{
    (void)state;
    REFUSES("GET / HTTP/1.1\nHost: x\r\n\r\n", "a line feed is alone");
    REFUSES("GET / HTTP/1.1\r\nHost: x\n\r\n", "a line feed is alone");
    REFUSES("GET / HTTP/1.1\r\nHost: x\r\n\n", "a line feed is alone");
    REFUSES("\nGET / HTTP/1.1\r\n\r\n", "a line feed is alone");
    REFUSES("GET / HTTP/1.1\r\nHost: x\rY: z\r\n\r\n", "a carriage return is alone");
    REFUSES("GET / HTTP/1.1\r\n\rHost: x\r\n\r\n", "a carriage return is alone");
}

static void headers_are_names_and_values(void **state)
{
    (void)state;
    REFUSES("GET / HTTP/1.1\r\nX-A: b\r\n c\r\n\r\n", "a header is folded");
    REFUSES("GET / HTTP/1.1\r\nX-A: b\r\n\tc\r\n\r\n", "a header is folded");
    REFUSES("GET / HTTP/1.1\r\nContent-Length : 1\r\n\r\n", "a header's name is not one");
    REFUSES("GET / HTTP/1.1\r\n: 1\r\n\r\n", "a header's name is not one");
    REFUSES("GET / HTTP/1.1\r\nnothing\r\n\r\n", "a header's name is not one");
    REFUSES("GET / HTTP/1.1\r\nX-A: a\0b\r\n\r\n", "a header holds a control character");
    REFUSES("GET / HTTP/1.1\r\nX-A: a\x7f\r\n\r\n", "a header holds a control character");
    REFUSES(" / HTTP/1.1\r\n\r\n", "the request's line has no method");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_head_ends),
        cmocka_unit_test(an_unfinished_head_is_neither),
        cmocka_unit_test(line_ends_are_two_bytes),
        cmocka_unit_test(headers_are_names_and_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
