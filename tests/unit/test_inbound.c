/* What a client may send, and where each of its requests ends, whatever pieces they come in. */
#include "../testing.h"

#include "../../gateway/inbound.h"

#include <stdio.h>
#include <string.h>

#define MOST 200u
#define LARGEST 15u
#define HEAD "POST / HTTP/1.1\r\nHost: x\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

static struct inbound fed(const char *text, size_t len, size_t piece)
{
    struct inbound inbound = {.most = MOST, .largest = LARGEST};
    for (size_t at = 0; at < len; at += piece)
        inbound_feed(&inbound, (const uint8_t *)text + at, len - at < piece ? len - at : piece);
    return inbound;
}

static void takes(const char *text, size_t len, unsigned requests)
{
    for (size_t piece = 1; piece <= len; piece++) {
        struct inbound inbound = fed(text, len, piece);
        if (inbound.defect)
            fail_msg("%s: %s", text, inbound.defect);
        assert_int_equal(inbound.requests, requests);
        assert_false(inbound_in_head(&inbound));
    }
}

static void refuses(const char *text, size_t len, unsigned request, const char *defect)
{
    for (size_t piece = 1; piece <= len; piece++) {
        struct inbound inbound = fed(text, len, piece);
        if (!inbound.defect)
            fail_msg("taken: %s", text);
        assert_string_equal(inbound.defect, defect);
        assert_int_equal(inbound.defective, request);
    }
}

#define TAKES(text, requests) takes(text, sizeof(text) - 1, requests)
#define REFUSES(text, defect) refuses(text, sizeof(text) - 1, 1, defect)
#define REFUSES_SECOND(text, defect) refuses(text, sizeof(text) - 1, 2, defect)

static void sound_requests_follow_each_other(void **state)
{
    (void)state;
    TAKES("\r\nGET /a?b=c HTTP/1.1\r\nHost: x\r\nX-A:\r\nx_b!#$: \t\"a, b\"\xc3\xa9\r\n\r\n", 1);
    TAKES(HEAD "\r\n" HEAD "Content-Length: 4\r\n\r\n\n \x01\n" HEAD "\r\n", 3);
    TAKES(HEAD "CONTENT-LENGTH: \t4\r\n\r\nG / " HEAD "\r\n", 2);
    TAKES(HEAD "Content-Length: 00000000000000000000004\r\n\r\nG / " HEAD "\r\n", 2);
    TAKES(HEAD "Content-Length: 0\r\n\r\n" HEAD "\r\n", 2);
    TAKES(CHUNKED "3\r\n\n\n\n\r\n0\r\n\r\n" HEAD "\r\n", 2);
    TAKES(CHUNKED "A;a=b\r\n0123456789\r\n00\r\nX-A: b\r\nX-B: c\r\n\r\n" HEAD "\r\n", 2);
}

/* And it may be before each of them. */
static void one_empty_line_may_be_before_a_request(void **state)
{
    static const char more[] = "more than one empty line is before the request";
    (void)state;
    TAKES("\r\n" HEAD "\r\n\r\n" HEAD "Content-Length: 1\r\n\r\n1\r\n" HEAD "\r\n\r\n", 3);
    REFUSES("\r\n\r\n" HEAD "\r\n", more);
    REFUSES("\r\n\r", more);
    REFUSES_SECOND(HEAD "\r\n\r\n\r\n", more);
}

static void an_unfinished_head_is_known(void **state)
{
    static const char text[] = HEAD "Content-Length: 1\r\n\r\n1GET / HTT";
    (void)state;
    const size_t body = sizeof text - sizeof "1GET / HTT";
    for (size_t len = 1; len < sizeof text; len++) {
        struct inbound inbound = fed(text, len, len);
        assert_int_equal(inbound_in_head(&inbound), len != body && len != body + 1);
    }
}

static void lines_end_in_two_bytes(void **state)
{
    (void)state;
    REFUSES("GET / HTTP/1.1\nHost: x\r\n\r\n", "a line feed is alone");
    REFUSES("GET / HTTP/1.1\r\nHost: x\n\r\n", "a line feed is alone");
    REFUSES("GET / HTTP/1.1\r\nHost: x\r\n\n", "a line feed is alone");
    REFUSES("GET / HTTP/1.1\r\nHost: x\rY: z\r\n\r\n", "a carriage return is alone");
    REFUSES("GET / HTTP/1.1\r\n\rHost: x\r\n\r\n", "a carriage return is alone");
    REFUSES(CHUNKED "1\n1\r\n0\r\n\r\n", "a line feed is alone");
    REFUSES(CHUNKED "1;a\n1\r\n0\r\n\r\n", "a line feed is alone");
    REFUSES(CHUNKED "1\r\n1\n0\r\n\r\n", "a line feed is alone");
    REFUSES(CHUNKED "0\r\n\n", "a line feed is alone");
    REFUSES(CHUNKED "0\r\nX: y\n\r\n", "a line feed is alone");
    REFUSES_SECOND(HEAD "\r\nGET / HTTP/1.1\nHost: x\r\n\r\n", "a line feed is alone");
}

static void headers_are_names_and_values(void **state)
{
    (void)state;
    REFUSES(HEAD "X-A: b\r\n c\r\n\r\n", "a header is folded");
    REFUSES(HEAD "X-A: b\r\n\tc\r\n\r\n", "a header is folded");
    REFUSES(HEAD "Content-Length : 1\r\n\r\n", "a header's name is not one");
    REFUSES(HEAD ": 1\r\n\r\n", "a header's name is not one");
    REFUSES(HEAD "nothing\r\n\r\n", "a header's name is not one");
    REFUSES(HEAD "X-A: a\0b\r\n\r\n", "a header holds a control character");
    REFUSES(HEAD "X-A: a\x7f\r\n\r\n", "a header holds a control character");
    REFUSES(CHUNKED "0\r\nX : y\r\n\r\n", "a header's name is not one");
    REFUSES(HEAD "host: y\r\n\r\n", "there is more than one Host");
    REFUSES(HEAD "Idempotency-Key: a\r\nidempotency-key: b\r\n\r\n",
            "there is more than one Idempotency-Key");
    REFUSES(HEAD "X-Timeout-Ms: 5\r\nAccept: a\r\nX-Timeout-Ms: 5\r\n\r\n",
            "there is more than one X-Timeout-Ms");
    REFUSES(HEAD "Authorization: a\r\nauthorization: a\r\n\r\n",
            "there is more than one Authorization");
    REFUSES_SECOND(HEAD "\r\n / HTTP/1.1\r\n\r\n", "the request's line has no method");
}

static void a_line_holds_no_control_character(void **state)
{
    static const char holds[] = "the request's line holds a control character";
    (void)state;
    REFUSES("GET /\x01 HTTP/1.1\r\n\r\n", holds);
    REFUSES("GET /a\tb HTTP/1.1\r\n\r\n", holds);
    REFUSES("GET \t HTTP/1.1\r\n\r\n", holds);
    REFUSES("GET /\x7f HTTP/1.1\r\n\r\n", holds);
    REFUSES("GET / HTTP/1.1\t\r\n\r\n", holds);
    REFUSES("GET /\tHTTP/1.1\r\n\r\n", holds);
    TAKES("GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", 1);
}

static void a_request_ends_in_one_place(void **state)
{
    static const char twice[] = "the request says more than once how long it is";
    static const char number[] = "its Content-Length is no number";
    (void)state;
    REFUSES(HEAD "Content-Length: 4\r\nContent-Length: 4\r\n\r\n", twice);
    REFUSES(HEAD "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", twice);
    REFUSES(CHUNKED "0\r\nContent-Length: 4\r\n\r\n", twice);
    REFUSES(HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", twice);
    REFUSES(HEAD "Content-Length: +4\r\n\r\n", number);
    REFUSES(HEAD "Content-Length: 4, 4\r\n\r\n", number);
    REFUSES(HEAD "Content-Length:\r\n\r\n", number);
    REFUSES(HEAD "Content-Length: \t\r\n\r\n", number);
    REFUSES(HEAD "Content-Length: 99999999999999999999999\r\n\r\n", number);
    REFUSES(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n",
            "its Transfer-Encoding is not chunked");
    REFUSES(HEAD "Transfer-Encoding: xchunked\r\n\r\n", "its Transfer-Encoding is not chunked");
    REFUSES(CHUNKED "x\r\n", "a chunk's size is no number");
    REFUSES(CHUNKED "\r\n", "a chunk's size is no number");
    REFUSES(CHUNKED "1 \r\n", "a chunk's size is no number");
    REFUSES(CHUNKED "1\r\n1\r\n\r\n", "a chunk's size is no number");
    REFUSES(CHUNKED "FFFFFFFFFFFFFFFFFF\r\n", "a chunk's size is no number");
    REFUSES(CHUNKED "1\r\n11\r\n0\r\n\r\n", "a chunk is longer than it says");
    REFUSES(CHUNKED "1;\x01\r\n1\r\n0\r\n\r\n", "a chunk holds a control character");
}

/* The chunk that makes it so is not waited for. Another request has as much. */
static void all_chunks_together_have_a_bound(void **state)
{
    static const char over[] = "the body is over the limit";
    struct inbound inbound = fed(CHUNKED "10\r\n", sizeof CHUNKED + 3, 7);
    (void)state;
    assert_int_equal(inbound.http, 413);
    assert_string_equal(inbound_instead(&inbound), "0\r\n\r\n");
    REFUSES(CHUNKED "10\r\n", over);
    REFUSES(CHUNKED "FFFFFFFFFFFFFFF\r\n", over);
    TAKES(CHUNKED "A\r\n0123456789\r\n5\r\n01234\r\n0\r\n\r\n", 1);
    REFUSES(CHUNKED "A\r\n0123456789\r\n6\r\n", over);
    REFUSES_SECOND(CHUNKED "F\r\n0123456789abcde\r\n0\r\n\r\n" CHUNKED
                           "A\r\n0123456789\r\n5\r\n01234\r\n1\r\n",
                   over);
}

/* Otherwise a chunk of one byte could bring a thousand that nobody counts. */
static void a_chunks_extension_is_content_beyond_a_few_bytes(void **state)
{
    static const char over[] = "the body is over the limit";
    (void)state;
    TAKES(CHUNKED "1;a=45678901234\r\n1\r\n1;a=45678901234\r\n1\r\n0;a=45678901234\r\n\r\n", 1);
    TAKES(CHUNKED "1;a=456789012345678901234567\r\n1\r\n0\r\n\r\n", 1);
    REFUSES(CHUNKED "1;a=4567890123456789012345678\r\n", over);
    REFUSES(CHUNKED "1;a=4567890123456\r\n1\r\nC\r\n", over);
    REFUSES(CHUNKED "0;a=45678901234567890123456789\r\n", over);
}

/* Not even behind what is looked at first, or where another reader would not look. */
static void nothing_follows_a_length(void **state)
{
    static const char number[] = "its Content-Length is no number";
    static const char coding[] = "its Transfer-Encoding is not chunked";
    (void)state;
    REFUSES(HEAD "Content-Length: 00000000000000000000000048\r\n\r\n", number);
    REFUSES(HEAD "Content-Length: 000000000000000000000000\r\n\r\n", number);
    REFUSES(HEAD "Content-Length: 4                       , 4\r\n\r\n", number);
    REFUSES(HEAD "Content-Length: 4 \r\n\r\n", number);
    REFUSES(HEAD "Content-Length: 4\t\r\n\r\n", number);
    REFUSES(HEAD "Transfer-Encoding: chunked                 , gzip\r\n\r\n", coding);
    REFUSES(HEAD "Transfer-Encoding: chunked \r\n\r\n", coding);
    REFUSES(HEAD "Transfer-Encoding: chunked\t\r\n\r\n", coding);
}

static void a_line_has_three_parts(void **state)
{
    static const char line[] = "the request's line is not a method, a target and a version";
    static const char version[] = "only HTTP/1.1 and HTTP/1.0 are spoken here";
    (void)state;
    TAKES("GET / HTTP/1.0\r\n\r\n", 1);
    TAKES("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n", 1);
    REFUSES("GET\r\nHost: x\r\n\r\n", line);
    REFUSES("GET /\r\nHost: x\r\n\r\n", line);
    REFUSES("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", line);
    REFUSES("GET /  HTTP/1.1\r\nHost: x\r\n\r\n", line);
    REFUSES("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", line);
    REFUSES("GET / http/1.1\r\nHost: x\r\n\r\n", line);
    REFUSES("GET / HTTP/1.11\r\nHost: x\r\n\r\n", line);
    REFUSES("GET / HTTP/1.1 \r\nHost: x\r\n\r\n", line);
    REFUSES("GET / HTTP/2.0\r\nHost: x\r\n\r\n", version);
    REFUSES("GET / HTTP/0.9\r\nHost: x\r\n\r\n", version);
    REFUSES("GET / HTTP/1.1\r\nX-A: b\r\n\r\n", "there is no Host");
    REFUSES("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.0 has no Transfer-Encoding");
    assert_int_equal(fed("GET / HTTP/2.0\r\n", 16, 16).http, 505);
    REFUSES("\nGET / HTTP/1.1\r\n", "a line feed is alone");
    REFUSES_SECOND(HEAD "\r\n\rGET / HTTP/1.1\r\n", "a carriage return is alone");
}

static void a_head_has_its_bound(void **state)
{
    char text[MOST + 64] = HEAD "X: ";
    (void)state;
    memset(text + strlen(text), 'a', sizeof text - strlen(text));
    assert_int_equal(fed(text, MOST + 1, 7).http, 431);
    assert_null(fed(text, MOST, 7).defect);
    memset(text + 5, 'a', sizeof text - 5);
    assert_int_equal(fed(text, MOST + 1, 7).http, 414);
    assert_null(fed(text, MOST, 7).defect);
}

/* What it costs to keep counts, not only its bytes. */
static void many_small_things_are_much(void **state)
{
    enum { ENOUGH = 1000 };
    static const struct many {
        const char *begin, *item, *end;
        unsigned http;
    } all[] = {{"GET /?", "&", " HTTP/1.1\r\n", 414},
               {HEAD, "a:\r\n", "\r\n", 431},
               {HEAD "Cookie: ", ";", "\r\n\r\n", 431}};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char text[8 * ENOUGH];
        size_t len = strlen(all[i].begin), item = strlen(all[i].item);
        struct inbound inbound = {.most = sizeof text, .largest = LARGEST};
        memcpy(text, all[i].begin, len);
        for (unsigned n = 0; n < ENOUGH; n++, len += item)
            memcpy(text + len, all[i].item, item);
        inbound_feed(&inbound, (const uint8_t *)text, len);
        assert_int_equal(inbound.http, all[i].http);
    }
}

/* Bytes are passed on only when the piece they belong to is whole and sound. */
static void pieces_are_whole_or_replaced(void **state)
{
    static const char in_head[] = "GET / HTTP/1.1\r\nHost: gateway\r\n\r\n";
    static const struct cut {
        const char *sound, *rest, *instead;
    } cuts[] = {
        {"", HEAD "X-A: b\r\n", NULL},
        {HEAD "\r\n", "GET / HTTP", NULL},
        {CHUNKED, "5", NULL},
        {CHUNKED "2\r\n1", "", NULL},
        {CHUNKED "2\r\n12", "\r", NULL},
        {CHUNKED "2\r\n12\r\n", "0\r\nX: y\r\n", NULL},
        {CHUNKED "2\r\n12\r\n0\r\nX: y\r\n\r\n", "", NULL},
        {HEAD "\r\n", HEAD "X A: b\r\n", in_head},
        {HEAD "\r\n", "\n", in_head},
        {HEAD "\r\n\r\n", "\r\n", in_head},
        {CHUNKED, "x\r\n", "0\r\n\r\n"},
        {CHUNKED, "1;\x01", "0\r\n\r\n"},
        {CHUNKED "2\r\n12", "3\r\n", "\r\n0\r\n\r\n"},
        {CHUNKED "2\r\n12", "\r3", "\r\n0\r\n\r\n"},
        {CHUNKED "2\r\n12\r\n", "0\r\nX : y\r\n", "0\r\n\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        char text[256];
        size_t sound = strlen(cuts[i].sound);
        struct inbound inbound = {.most = MOST, .largest = LARGEST};
        int len = snprintf(text, sizeof text, "%s%s", cuts[i].sound, cuts[i].rest);
        assert_int_equal(inbound_feed(&inbound, (const uint8_t *)text, (size_t)len), sound);
        assert_int_equal(inbound.defect != NULL, cuts[i].instead != NULL);
        if (cuts[i].instead)
            assert_string_equal(inbound_instead(&inbound), cuts[i].instead);
    }
}

static void a_chunks_line_has_its_bound(void **state)
{
    static const char *const begins[] = {CHUNKED "1;", CHUNKED "0\r\nX: "};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char text[2 * INBOUND_CHUNK_LINE_BYTES];
        size_t len = strlen(begins[i]);
        struct inbound inbound = {.most = MOST, .largest = sizeof text};
        memset(text, 'a', sizeof text);
        memcpy(text, begins[i], len);
        size_t line = sizeof CHUNKED - 1 + INBOUND_CHUNK_LINE_BYTES;
        inbound_feed(&inbound, (const uint8_t *)text, line - 2);
        assert_null(inbound.defect);
        inbound_feed(&inbound, (const uint8_t *)"\r\n1", 3); /* its last byte, and one more */
        assert_int_equal(inbound.defect != NULL, i == 1);
        struct inbound longer = {.most = MOST, .largest = sizeof text};
        inbound_feed(&longer, (const uint8_t *)text, line - 1);
        inbound_feed(&longer, (const uint8_t *)"\r\n", 2);
        assert_int_equal(longer.http, 400);
        assert_string_equal(inbound_instead(&longer), "0\r\n\r\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_requests_follow_each_other),
        cmocka_unit_test(one_empty_line_may_be_before_a_request),
        cmocka_unit_test(an_unfinished_head_is_known),
        cmocka_unit_test(lines_end_in_two_bytes),
        cmocka_unit_test(headers_are_names_and_values),
        cmocka_unit_test(a_line_holds_no_control_character),
        cmocka_unit_test(a_request_ends_in_one_place),
        cmocka_unit_test(all_chunks_together_have_a_bound),
        cmocka_unit_test(a_chunks_extension_is_content_beyond_a_few_bytes),
        cmocka_unit_test(nothing_follows_a_length),
        cmocka_unit_test(a_line_has_three_parts),
        cmocka_unit_test(a_head_has_its_bound),
        cmocka_unit_test(many_small_things_are_much),
        cmocka_unit_test(pieces_are_whole_or_replaced),
        cmocka_unit_test(a_chunks_line_has_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
