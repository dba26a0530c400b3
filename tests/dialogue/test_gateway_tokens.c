/* Tokens that are none, shown to the gateway: whatever is wrong with them, the answer is the same,
 * so that nobody learns how far a forged one came. */
#include "../testing.h"

#include "base/file.h"
#include "front.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WHO "\"user_id\":\"ann\",\"tenant_id\":\"acme\""
#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define SOON "4102444800" /* 2100-01-01 */
#define PAYLOAD "{" WHO ",\"exp\":" SOON "}"

enum { TOKEN_BYTES = 16384 };

static char token[TOKEN_BYTES], usual[4096];
static struct buf secret;

static int open_door(void **state)
{
    int rc = front_open(state);
    assert_int_equal(file_read(&secret, front.place->secret, 4096), 0);
    if (secret.data[secret.len - 1] == '\n')
        secret.len--;
    usual[0] = '\0';
    return rc;
}

static int close_door(void **state)
{
    buf_finish(&secret);
    return front_close(state);
}

/* ---- forging, with the right secret ---- */

static size_t put_base64(size_t at, const void *bytes, size_t len)
{
    sodium_bin2base64(token + at, TOKEN_BYTES - at, bytes, len,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return strlen(token);
}

static void sign(size_t len)
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, secret.data, secret.len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)token, len);
    crypto_auth_hmacsha256_final(&state, mac);
    token[len] = '.';
    (void)put_base64(len + 1, mac, sizeof mac);
}

static void sign_longer(size_t len)
{
    unsigned char mac[crypto_auth_hmacsha512_BYTES];
    crypto_auth_hmacsha512_state state;
    crypto_auth_hmacsha512_init(&state, secret.data, secret.len);
    crypto_auth_hmacsha512_update(&state, (const unsigned char *)token, len);
    crypto_auth_hmacsha512_final(&state, mac);
    token[len] = '.';
    (void)put_base64(len + 1, mac, sizeof mac);
}

static size_t begin(const char *header, const char *payload)
{
    size_t len = put_base64(0, header, strlen(header));
    token[len] = '.';
    return put_base64(len + 1, payload, strlen(payload));
}

static void append(const char *text)
{
    size_t len = strlen(token);
    snprintf(token + len, TOKEN_BYTES - len, "%s", text);
}

static void forge(const char *header, const char *payload)
{
    sign(begin(header, payload));
}

/* ---- showing ---- */

static int shown(void)
{
    return front_ask("POST /v1/call/echo/echo", token, "1");
}

/* The body but for the request's number, which is each one's own. */
static const char *body(void)
{
    char *text = strstr(front.answer, "\r\n\r\n");
    char *id = strstr(text, "\"request_id\":\"");
    if (id)
        for (id += strlen("\"request_id\":\""); *id != '"'; id++)
            *id = 'x';
    return text;
}

static void is_refused_as_all_are(const char *what)
{
    int status = shown();
    if (status != 401)
        fail_msg("%s: %d", what, status);
    if (!usual[0])
        snprintf(usual, sizeof usual, "%s", body());
    assert_string_equal(body(), usual);
}

static void whatever_is_wrong_with_a_token_the_answer_is_one(void **state)
{
    static const char *const headers[] = {
        "{\"alg\":\"none\"}",
        "{\"alg\":\"None\"}",
        "{\"alg\":\"NONE\"}",
        "{\"typ\":\"JWT\"}",
        "{\"alg\":\"hs256\"}",
        "{\"alg\":\"HS384\"}",
        "{\"alg\":\"RS256\"}",
        "{\"alg\":\"HS256\",\"kid\":\"../secret\"}",
        "{\"alg\":\"HS256\",\"kid\":\"' OR 1=1 --\"}",
        "{\"alg\":\"HS256\",\"jku\":\"http://127.0.0.1/\"}",
        "{\"alg\":\"HS256\",\"x5u\":\"http://127.0.0.1/\"}",
        "{\"alg\":\"HS256\",\"jwk\":{}}",
        "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
    };
    static const char *const payloads[] = {
        "{" WHO "}",
        "{" WHO ",\"exp\":1}",
        "{" WHO ",\"exp\":\"" SOON "\"}",
        "{" WHO ",\"exp\":9223372036854775808}",
        "{" WHO ",\"exp\":" SOON ",\"nbf\":" SOON "}",
        "{" WHO ",\"exp\":" SOON ",\"iss\":\"evil\"}",
        "{" WHO ",\"exp\":" SOON ",\"aud\":\"evil\"}",
        "{" WHO ",\"exp\":" SOON ",\"tenant_id\":\"globex\"}",
        "{\"user_id\":\"../ann\",\"tenant_id\":\"acme\",\"exp\":" SOON "}",
        "[]",
        "",
    };
    char now[128];
    (void)state;
    forge(HS256, PAYLOAD);
    assert_int_not_equal(shown(), 401); /* or nothing that follows means anything */
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        forge(headers[i], PAYLOAD);
        is_refused_as_all_are(headers[i]);
    }
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        forge(HS256, payloads[i]);
        is_refused_as_all_are(payloads[i]);
    }
    snprintf(now, sizeof now, "{" WHO ",\"exp\":%lld}", (long long)time(NULL));
    forge(HS256, now);
    is_refused_as_all_are("exp equal to now");
    sign_longer(begin("{\"alg\":\"HS512\"}", PAYLOAD));
    is_refused_as_all_are("HS512, signed as such");
}

static void whatever_is_wrong_with_its_form_too(void **state)
{
    static char long_text[9000];
    char header[5000];
    (void)state;
    (void)begin("{\"alg\":\"none\"}", PAYLOAD);
    append(".");
    is_refused_as_all_are("none, and no signature");
    (void)begin(HS256, PAYLOAD);
    is_refused_as_all_are("two segments");
    forge(HS256, PAYLOAD);
    append(".e30");
    is_refused_as_all_are("four segments");
    forge(HS256, PAYLOAD);
    char *last = token + strlen(token) - 2;
    *last = *last == 'A' ? 'B' : 'A';
    is_refused_as_all_are("another signature");
    memset(long_text, 'k', sizeof long_text - 1);
    snprintf(header, sizeof header, "{\"alg\":\"HS256\",\"kid\":\"%.4096s\"}", long_text);
    forge(header, PAYLOAD);
    is_refused_as_all_are("a kid of 4 KiB");
    snprintf(token, sizeof token, "%s", long_text);
    is_refused_as_all_are("over 8 KiB");
    snprintf(token, sizeof token, "..");
    is_refused_as_all_are("nothing but dots");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_door, close_door)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whatever_is_wrong_with_a_token_the_answer_is_one),
        TEST(whatever_is_wrong_with_its_form_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
