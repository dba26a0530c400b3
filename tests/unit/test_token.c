#include "../testing.h"
#include "token_forge.h"

#include "base/buf.h"
#include "token/token.h"

#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW 1000
#define HEAD "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define WHO "\"user_id\":\"u-1\",\"tenant_id\":\"acme\""
#define BODY "{" WHO ",\"exp\":2000}"

static struct token_key *key_for(const char *issuer, const char *audience)
{
    struct token_key *key = NULL;
    assert_int_equal(token_key_create(&key, slice_of(FORGE_SECRET), issuer, audience), 0);
    return key;
}

static void assert_refused_by(const struct token_key *key, struct slice token, const char *defect)
{
    struct token_claims claims;
    char why[96] = "";
    memset(&claims, 0x5a, sizeof claims);
    struct token_claims before = claims;
    assert_int_equal(token_verify(key, token, NOW, &claims, why), -EACCES);
    assert_string_equal(why, defect);
    assert_memory_equal(&claims, &before, sizeof claims);
    assert_int_equal(token_verify(key, token, NOW, &claims, NULL), -EACCES);
}

/* The text of the defect shows which line of defence held. */
static void assert_refused(const char *header, const char *payload, const char *defect)
{
    static char token[FORGE_BYTES];
    struct token_key *key = key_for(NULL, NULL);
    forge_token(token, header, payload, FORGE_SHA256);
    assert_refused_by(key, slice_of(token), defect);
    token_key_destroy(key);
}

static struct token_claims accepted_by(const struct token_key *key, const char *payload)
{
    static char token[FORGE_BYTES];
    struct token_claims claims;
    char why[96] = "";
    forge_token(token, HEAD, payload, FORGE_SHA256);
    if (token_verify(key, slice_of(token), NOW, &claims, why) != 0)
        fail_msg("refused: %s", why);
    return claims;
}

static void assert_accepted(const char *payload)
{
    struct token_key *key = key_for(NULL, NULL);
    struct token_claims claims = accepted_by(key, payload);
    token_claims_finish(&claims);
    token_key_destroy(key);
}

/* ---- what a good one says ---- */

static void claims_are_read(void **state)
{
    (void)state;
    struct token_key *key = key_for(NULL, NULL);
    struct token_claims c = accepted_by(
        key, "{" WHO ",\"subscription_tier\":\"pro\",\"subscription_status\":\"past_due\","
             "\"permissions\":[\"call:orders.*\",\"publish:>\"],\"usage_limits\":{\"calls\":1},"
             "\"exp\":2000,\"iat\":900,\"nbf\":950,\"jti\":\"t/1\",\"iss\":\"farebox\","
             "\"aud\":[\"other\",\"farebox\"],\"business_context\":{\"billing_customer_id\":"
             "\"cus_9\",\"enterprise_features\":[\"sso\"]},\"unknown\":null}");
    assert_string_equal(c.user, "u-1");
    assert_string_equal(c.tenant, "acme");
    assert_string_equal(c.tier, "pro");
    assert_string_equal(c.subscription_status, "past_due");
    assert_string_equal(c.billing_customer, "cus_9");
    assert_string_equal(c.id, "t/1");
    assert_int_equal(c.n_permissions, 2);
    assert_string_equal(c.permissions[1], "publish:>");
    assert_int_equal(c.n_features, 1);
    assert_string_equal(c.features[0], "sso");
    assert_int_equal(c.expires_s, 2000);
    assert_int_equal(c.issued_s, 900);
    assert_int_equal(c.not_before_s, 950);
    token_claims_finish(&c);
    token_claims_finish(&c);
    token_key_destroy(key);
}

static void absent_claims_have_the_least_meaning(void **state)
{
    (void)state;
    struct token_key *key = key_for(NULL, NULL);
    struct token_claims c = accepted_by(key, BODY);
    assert_string_equal(c.tier, "free");
    assert_string_equal(c.subscription_status, "active");
    assert_string_equal(c.billing_customer, "");
    assert_string_equal(c.id, "");
    assert_int_equal(c.n_permissions, 0);
    assert_int_equal(c.n_features, 0);
    assert_int_equal(c.issued_s, 0);
    token_claims_finish(&c);
    token_key_destroy(key);
}

/* ---- the header ---- */

static void other_algorithms_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"none",  "None",  "NONE",  "hs256", "HS384",
                                        "HS512", "RS256", "ES256", "",      "HS256 "};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char header[64];
        snprintf(header, sizeof header, "{\"alg\":\"%s\",\"typ\":\"JWT\"}", names[i]);
        assert_refused(header, BODY, "algorithm is not HS256");
    }
    assert_refused("{\"alg\":256}", BODY, "algorithm is not HS256");
    assert_refused("{\"alg\":[\"HS256\"]}", BODY, "algorithm is not HS256");
    assert_refused("{\"typ\":\"JWT\"}", BODY, "algorithm is missing");
    assert_refused("{}", BODY, "algorithm is missing");
    assert_refused("{\"ALG\":\"HS256\"}", BODY, "header has a member that is not allowed");
}

/* Signed with our secret, just with another hash: libjwt would accept these. */
static void a_right_signature_of_another_kind_is_refused(void **state)
{
    (void)state;
    static const char hs384[] = "eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9."
                                "eyJ1c2VyX2lkIjoidS0xIiwidGVuYW50X2lkIjoiYWNtZSIsImV4cCI6MjAwMH0."
                                "20YfC-CH1BmwLKyDZL-AaYBHwFRTLG2ctRxSXNkXMspyAWif5ENqm47WHdY6BTyv";
    static char token[FORGE_BYTES];
    struct token_key *key = key_for(NULL, NULL);
    forge_token(token, "{\"alg\":\"HS512\",\"typ\":\"JWT\"}", BODY, FORGE_SHA512);
    assert_refused_by(key, slice_of(token), "algorithm is not HS256");
    assert_refused_by(key, slice_of(hs384), "algorithm is not HS256");
    token_key_destroy(key);
}

/* libjwt lets the last one win, we would have looked at the first. */
static void a_header_said_twice_is_refused(void **state)
{
    (void)state;
    const char *defect = "header is not base64url of a JSON object without duplicates";
    assert_refused("{\"alg\":\"HS256\",\"alg\":\"none\"}", BODY, defect);
    assert_refused("{\"alg\":\"none\",\"alg\":\"HS256\"}", BODY, defect);
    assert_refused("[\"HS256\"]", BODY, defect);
    assert_refused("{\"alg\":\"HS256\"} x", BODY, defect);
    assert_refused("{\"alg\":\"HS256\"", BODY, defect);
    assert_refused("{\"alg\":\"HS256\\u0000\"}", BODY, defect);
}

static void members_that_name_keys_are_refused(void **state)
{
    (void)state;
    static const char *const members[] = {"\"jku\":\"https://evil.example/jwks\"",
                                          "\"x5u\":\"https://evil.example/x\"",
                                          "\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}",
                                          "\"x5c\":[\"AA\"]",
                                          "\"crit\":[\"exp\"]",
                                          "\"crit\":[]",
                                          "\"cty\":\"JWT\"",
                                          "\"zip\":\"DEF\"",
                                          "\"b64\":false"};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        char header[128];
        snprintf(header, sizeof header, "{\"alg\":\"HS256\",%s}", members[i]);
        assert_refused(header, BODY, "header has a member that is not allowed");
    }
    assert_refused("{\"alg\":\"HS256\",\"typ\":\"JWE\"}", BODY, "type is not JWT");
    assert_refused("{\"alg\":\"HS256\",\"typ\":1}", BODY, "type is not JWT");
}

static void kid_is_a_plain_name(void **state)
{
    (void)state;
    static const char *const bad[] = {"../../dev/null", "/etc/passwd", "x' OR 1=1 --", "", "a b",
                                      "k\\n",           "\\u00e4"};
    static char token[FORGE_BYTES], header[8192];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(header, sizeof header, "{\"alg\":\"HS256\",\"kid\":\"%s\"}", bad[i]);
        assert_refused(header, BODY, "kid is not a plain name");
    }
    assert_refused("{\"alg\":\"HS256\",\"kid\":7}", BODY, "kid is not a plain name");
    snprintf(header, sizeof header, "{\"alg\":\"HS256\",\"kid\":\"%04096d\"}", 0);
    assert_refused(header, BODY, "kid is not a plain name");
    snprintf(header, sizeof header, "{\"alg\":\"HS256\",\"kid\":\"%065d\"}", 0);
    assert_refused(header, BODY, "kid is not a plain name");

    struct token_key *key = key_for(NULL, NULL);
    struct token_claims claims;
    snprintf(header, sizeof header, "{\"alg\":\"HS256\",\"kid\":\"Key_2-%058d\"}", 0);
    forge_token(token, header, BODY, FORGE_SHA256);
    assert_int_equal(token_verify(key, slice_of(token), NOW, &claims, NULL), 0);
    token_claims_finish(&claims);
    token_key_destroy(key);
}

/* ---- the signature and the shape ---- */

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    char token[FORGE_BYTES];
    struct token_key *key = key_for(NULL, NULL);
    struct token_claims claims;
    size_t len = strlen(forge_token(token, HEAD, BODY, FORGE_SHA256));
    for (size_t bit = 0; bit < len * 8; bit++) {
        token[bit / 8] = (char)(token[bit / 8] ^ (1 << bit % 8));
        assert_int_equal(token_verify(key, slice_make(token, len), NOW, &claims, NULL), -EACCES);
        token[bit / 8] = (char)(token[bit / 8] ^ (1 << bit % 8));
    }
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(token_verify(key, slice_make(token, cut), NOW, &claims, NULL), -EACCES);
    assert_int_equal(token_verify(key, slice_make(token, len), NOW, &claims, NULL), 0);
    token_claims_finish(&claims);
    token_key_destroy(key);
}

static void another_secret_does_not_verify(void **state)
{
    (void)state;
    char token[FORGE_BYTES];
    struct token_key *other = NULL;
    assert_int_equal(
        token_key_create(&other, slice_of("0123456789abcdef0123456789abcdeF"), NULL, NULL), 0);
    forge_token(token, HEAD, BODY, FORGE_SHA256);
    assert_refused_by(other, slice_of(token), "signature does not hold");
    token_key_destroy(other);
}

static void there_are_three_segments(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     ".",    "..",   "...",    "a.b",
                                      "a.b.", ".b.c", "a..c", "a.b.c.d"};
    char token[FORGE_BYTES + 8];
    struct token_key *key = key_for(NULL, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused_by(key, slice_of(bad[i]), "not three segments");
    forge_token(token, HEAD, BODY, FORGE_SHA256);
    size_t len = strlen(token);
    memcpy(token + len, ".x", sizeof ".x");
    assert_refused_by(key, slice_of(token), "not three segments");
    token[len] = '\0';
    assert_refused_by(key, slice_make(token, len + 1), "not three segments");
    *strrchr(token, '.') = '\0';
    assert_refused_by(key, slice_of(token), "not three segments");
    token_key_destroy(key);
}

/* Padding, the other alphabet, blanks: one token has one spelling. */
static void base64_is_strict(void **state)
{
    (void)state;
    static const char *const headers[] = {"eyJhbGciOiJIUzI1NiJ9==", "eyJhbGciOiJIUzI1NiJ9\n",
                                          " eyJhbGciOiJIUzI1NiJ9",  "eyJhbGciOiJIUzI1NiJ9A",
                                          "eyJ/bGciOiJIUzI1NiJ9",   "%65yJhbGciOiJIUzI1NiJ9"};
    char token[FORGE_BYTES], payload[FORGE_BYTES];
    struct token_key *key = key_for(NULL, NULL);
    forge_base64(payload, slice_of(BODY));
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        forge_signature(token, headers[i], payload, FORGE_SHA256);
        assert_refused_by(key, slice_of(token),
                          "header is not base64url of a JSON object without duplicates");
    }
    token_key_destroy(key);
}

static void size_is_bounded(void **state)
{
    (void)state;
    static char payload[FORGE_BYTES], token[FORGE_BYTES];
    struct token_key *key = key_for(NULL, NULL);
    snprintf(payload, sizeof payload, "{" WHO ",\"exp\":2000,\"x\":\"%05000d\"}", 0);
    assert_accepted(payload);
    snprintf(payload, sizeof payload, "{" WHO ",\"exp\":2000,\"x\":\"%06100d\"}", 0);
    assert_true(strlen(forge_token(token, HEAD, payload, FORGE_SHA256)) > TOKEN_BYTES_MAX);
    assert_refused_by(key, slice_of(token), "larger than a token may be");
    token_key_destroy(key);
}

static void depth_bombs_are_refused(void **state)
{
    (void)state;
    static char bomb[6001];
    memset(bomb, '[', sizeof bomb - 1);
    assert_refused(bomb, BODY, "header is not base64url of a JSON object without duplicates");
    /* libjwt refuses to read it at all */
    assert_refused(HEAD, bomb, "signature does not hold");
}

/* ---- times ---- */

static void expiry_is_required_and_ahead(void **state)
{
    (void)state;
    assert_refused(HEAD, "{" WHO "}", "exp is missing");
    assert_refused(HEAD, "{" WHO ",\"exp\":1000}", "expired");
    assert_refused(HEAD, "{" WHO ",\"exp\":999}", "expired");
    assert_refused(HEAD, "{" WHO ",\"exp\":0}", "expired");
    assert_accepted("{" WHO ",\"exp\":1001}");
    static const char *const no_times[] = {"\"2000\"",    "2000.5", "2e3",    "-1",
                                           "null",        "true",   "[2000]", "9223372036854775807",
                                           "253402300800"};
    for (size_t i = 0; i < sizeof no_times / sizeof no_times[0]; i++) {
        char payload[128];
        snprintf(payload, sizeof payload, "{" WHO ",\"exp\":%s}", no_times[i]);
        assert_refused(HEAD, payload, "exp is not a time");
    }
    /* 2^63 is not even JSON to the parser under libjwt */
    assert_refused(HEAD, "{" WHO ",\"exp\":9223372036854775808}", "signature does not hold");
}

static void other_times_have_a_minute_of_leeway(void **state)
{
    (void)state;
    assert_accepted("{" WHO ",\"exp\":2000,\"nbf\":1060,\"iat\":1060}");
    assert_refused(HEAD, "{" WHO ",\"exp\":2000,\"nbf\":1061}", "not valid yet");
    assert_refused(HEAD, "{" WHO ",\"exp\":2000,\"iat\":1061}", "issued in the future");
    assert_refused(HEAD, "{" WHO ",\"exp\":2000,\"nbf\":\"1\"}", "nbf or iat is not a time");
    assert_refused(HEAD, "{" WHO ",\"exp\":2000,\"iat\":1.5}", "nbf or iat is not a time");
    assert_refused(HEAD, "{" WHO ",\"exp\":2000,\"iat\":-5}", "nbf or iat is not a time");
}

/* ---- issuer and audience ---- */

static void refused_party(const struct token_key *key, const char *payload, const char *defect)
{
    char token[FORGE_BYTES];
    forge_token(token, HEAD, payload, FORGE_SHA256);
    assert_refused_by(key, slice_of(token), defect);
}

static void accepted_party(const struct token_key *key, const char *payload)
{
    struct token_claims claims = accepted_by(key, payload);
    token_claims_finish(&claims);
}

#define PAYLOAD(more) "{" WHO ",\"exp\":2000" more "}"

static void unconfigured_parties_default_to_ours(void **state)
{
    (void)state;
    struct token_key *key = key_for(NULL, NULL);
    accepted_party(key, PAYLOAD(""));
    accepted_party(key, PAYLOAD(",\"iss\":\"farebox\",\"aud\":\"farebox\""));
    refused_party(key, PAYLOAD(",\"iss\":\"evil\""), "issuer is not the one expected");
    refused_party(key, PAYLOAD(",\"iss\":\"\""), "issuer is not the one expected");
    refused_party(key, PAYLOAD(",\"iss\":null"), "issuer is not the one expected");
    refused_party(key, PAYLOAD(",\"aud\":\"evil\""), "audience is not the one expected");
    refused_party(key, PAYLOAD(",\"aud\":[]"), "audience is not the one expected");
    refused_party(key, PAYLOAD(",\"aud\":[\"farebox\",1]"), "audience is not the one expected");
    refused_party(key, PAYLOAD(",\"aud\":{\"farebox\":1}"), "audience is not the one expected");
    token_key_destroy(key);
}

static void configured_parties_are_required(void **state)
{
    (void)state;
    struct token_key *key = key_for("idp.example", "bus");
    accepted_party(key, PAYLOAD(",\"iss\":\"idp.example\",\"aud\":[\"x\",\"bus\"]"));
    refused_party(key, PAYLOAD(",\"aud\":\"bus\""), "issuer is not the one expected");
    refused_party(key, PAYLOAD(",\"iss\":\"farebox\",\"aud\":\"bus\""),
                  "issuer is not the one expected");
    refused_party(key, PAYLOAD(",\"iss\":\"idp.example\""), "audience is not the one expected");
    refused_party(key, PAYLOAD(",\"iss\":\"idp.example\",\"aud\":\"farebox\""),
                  "audience is not the one expected");
    token_key_destroy(key);
}

/* ---- contents ---- */

static void claims_said_twice_are_refused(void **state)
{
    (void)state;
    const char *defect = "payload is not base64url of a JSON object without duplicates";
    assert_refused(HEAD, "{" WHO ",\"exp\":2000,\"tenant_id\":\"other\"}", defect);
    assert_refused(HEAD, "{" WHO ",\"exp\":2000,\"exp\":3000}", defect);
    assert_refused(HEAD, PAYLOAD(",\"business_context\":{\"x\":1,\"x\":2}"), defect);
}

static void identities_are_names(void **state)
{
    (void)state;
    static const struct {
        const char *payload, *defect;
    } bad[] = {
        {"{\"tenant_id\":\"acme\",\"exp\":2000}", "user_id is missing or malformed"},
        {"{\"user_id\":7,\"tenant_id\":\"acme\",\"exp\":2000}", "user_id is missing or malformed"},
        {"{\"user_id\":\"a b\",\"tenant_id\":\"acme\",\"exp\":2000}",
         "user_id is missing or malformed"},
        {"{\"user_id\":\"../x\",\"tenant_id\":\"acme\",\"exp\":2000}",
         "user_id is missing or malformed"},
        {"{\"user_id\":\"u\",\"exp\":2000}", "tenant_id is missing or malformed"},
        {"{\"user_id\":\"u\",\"tenant_id\":\"\",\"exp\":2000}",
         "tenant_id is missing or malformed"},
        {"{\"user_id\":\"u\",\"tenant_id\":\"Acme\",\"exp\":2000}",
         "tenant_id is missing or malformed"},
        {"{\"user_id\":\"u\",\"tenant_id\":\"a.b\",\"exp\":2000}",
         "tenant_id is missing or malformed"},
        {"{\"user_id\":\"u\",\"tenant_id\":\"bus\",\"exp\":2000}", "tenant_id is the broker's own"},
        {"{\"user_id\":\"u\",\"tenant_id\":\"bus.acme\",\"exp\":2000}",
         "tenant_id is missing or malformed"},
        {"{\"user_id\":\"u\",\"tenant_id\":\"*\",\"exp\":2000}",
         "tenant_id is missing or malformed"},
        {"{\"user_id\":\"u\",\"tenant_id\":null,\"exp\":2000}",
         "tenant_id is missing or malformed"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(HEAD, bad[i].payload, bad[i].defect);
}

static void types_are_as_listed(void **state)
{
    (void)state;
    const char *permissions = "permissions is not a list of short texts";
    assert_refused(HEAD, PAYLOAD(",\"subscription_tier\":3"), "subscription_tier is malformed");
    assert_refused(HEAD, PAYLOAD(",\"subscription_tier\":\"Pro!\""),
                   "subscription_tier is malformed");
    assert_refused(HEAD, PAYLOAD(",\"subscription_status\":null"),
                   "subscription_status is malformed");
    assert_refused(HEAD, PAYLOAD(",\"jti\":12"), "jti is malformed");
    assert_refused(HEAD, PAYLOAD(",\"jti\":\"\""), "jti is malformed");
    assert_refused(HEAD, PAYLOAD(",\"usage_limits\":5"), "usage_limits is not an object");
    assert_refused(HEAD, PAYLOAD(",\"permissions\":\"call:*\""), permissions);
    assert_refused(HEAD, PAYLOAD(",\"permissions\":[\"call:*\",7]"), permissions);
    assert_refused(HEAD, PAYLOAD(",\"permissions\":[\"\"]"), permissions);
    assert_refused(HEAD, PAYLOAD(",\"permissions\":[\"a\\nb\"]"), permissions);
    assert_refused(HEAD, PAYLOAD(",\"business_context\":[]"), "business_context is not an object");
    assert_refused(HEAD, PAYLOAD(",\"business_context\":{\"billing_customer_id\":1}"),
                   "billing_customer_id is not plain text");
    assert_refused(HEAD, PAYLOAD(",\"business_context\":{\"enterprise_features\":{}}"),
                   "enterprise_features is not a short list of plain texts");
}

static void with_permissions(struct buf *payload, unsigned count, unsigned bytes)
{
    payload->len = 0;
    buf_printf(payload, "{" WHO ",\"exp\":2000,\"permissions\":[");
    for (unsigned i = 0; i < count; i++)
        buf_printf(payload, "%s\"%0*d\"", i ? "," : "", (int)bytes, 1);
    buf_append(payload, "]}", 3);
}

static void permissions_are_bounded(void **state)
{
    (void)state;
    struct buf payload = {0};
    const char *defect = "permissions is not a list of short texts";
    with_permissions(&payload, TOKEN_PERMISSIONS_MAX, 8);
    assert_accepted((const char *)payload.data);
    with_permissions(&payload, TOKEN_PERMISSIONS_MAX + 1, 8);
    assert_refused(HEAD, (const char *)payload.data, defect);
    with_permissions(&payload, 1, 256);
    assert_accepted((const char *)payload.data);
    with_permissions(&payload, 1, 257);
    assert_refused(HEAD, (const char *)payload.data, defect);
    buf_finish(&payload);
}

/* ---- secrets ---- */

static void short_secrets_are_refused(void **state)
{
    (void)state;
    struct token_key *key = NULL;
    const char *secret = FORGE_SECRET;
    for (size_t len = 0; len < TOKEN_SECRET_MIN; len++)
        assert_int_equal(token_key_create(&key, slice_make(secret, len), NULL, NULL), -EINVAL);
    assert_null(key);
    token_key_destroy(NULL);
}

static int load(struct token_key **key, const char *content, size_t len)
{
    char path[] = "/tmp/farebox-token-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, len), (ssize_t)len);
    close(fd);
    int err = token_key_load(key, path, NULL, NULL);
    unlink(path);
    return err;
}

static void a_secret_file_loses_one_newline(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        bool same; /* as FORGE_SECRET */
    } files[] = {{FORGE_SECRET, true},
                 {FORGE_SECRET "\n", true},
                 {FORGE_SECRET "\n\n", false},
                 {FORGE_SECRET "\r\n", false},
                 {FORGE_SECRET " ", false}};
    char token[FORGE_BYTES];
    forge_token(token, HEAD, BODY, FORGE_SHA256);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct token_key *key = NULL;
        struct token_claims claims = {0};
        assert_int_equal(load(&key, files[i].content, strlen(files[i].content)), 0);
        assert_int_equal(token_verify(key, slice_of(token), NOW, &claims, NULL),
                         files[i].same ? 0 : -EACCES);
        token_claims_finish(&claims);
        token_key_destroy(key);
    }
}

static void useless_secret_files_are_refused(void **state)
{
    (void)state;
    struct token_key *key = NULL;
    char *large = calloc(1, 70000);
    assert_int_equal(load(&key, "", 0), -EINVAL);
    assert_int_equal(load(&key, "\n", 1), -EINVAL);
    assert_int_equal(load(&key, "0123456789abcdef0123456789abcde\n", 32), -EINVAL);
    assert_int_equal(load(&key, large, 70000), -EFBIG);
    assert_int_equal(token_key_load(&key, "/nonexistent/secret", NULL, NULL), -ENOENT);
    assert_int_equal(token_key_load(&key, "/tmp", NULL, NULL), -EISDIR);
    assert_null(key);
    free(large);
}

/* ---- minting ---- */

static void minted_tokens_come_back(void **state)
{
    (void)state;
    char *permissions[] = {"call:orders.*", "admin:*"};
    char *features[] = {"sso"};
    const struct token_claims claims = {.user = "ann@acme.example",
                                        .tenant = "acme",
                                        .tier = "enterprise",
                                        .subscription_status = "active",
                                        .billing_customer = "cus_1",
                                        .permissions = permissions,
                                        .n_permissions = 2,
                                        .features = features,
                                        .n_features = 1,
                                        .issued_s = 1000,
                                        .expires_s = 87400};
    struct token_key *key = key_for("idp", "bus");
    char *token = token_mint(key, &claims, NOW), *other = token_mint(key, &claims, NOW);
    struct token_claims back;
    assert_non_null(token);
    assert_string_not_equal(token, other); /* another jti */
    assert_int_equal(token_verify(key, slice_of(token), NOW, &back, NULL), 0);
    assert_string_equal(back.user, claims.user);
    assert_string_equal(back.tier, claims.tier);
    assert_string_equal(back.billing_customer, claims.billing_customer);
    assert_string_equal(back.permissions[1], "admin:*");
    assert_string_equal(back.features[0], "sso");
    assert_int_equal(strlen(back.id), 32);
    assert_int_equal(back.expires_s, 87400);
    token_claims_finish(&back);
    free(token);
    free(other);
    token_key_destroy(key);
}

/* To be released with json_decref(). */
static json_t *payload_of(const char *token)
{
    char text[FORGE_BYTES];
    size_t len = 0;
    const char *segment = strchr(token, '.') + 1;
    assert_int_equal(sodium_base642bin((unsigned char *)text, sizeof text, segment,
                                       strcspn(segment, "."), NULL, &len, NULL,
                                       sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                     0);
    return json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
}

static void minted_tokens_tell_limits(void **state)
{
    (void)state;
    static const struct token_limits limits = {.per_minute = 1000, .burst = 100};
    struct token_claims claims = {.user = "u", .tenant = "acme", .expires_s = NOW + 1};
    struct token_key *key = key_for(NULL, NULL);
    for (int told = 0; told < 2; told++) {
        claims.limits = told ? &limits : NULL;
        char *token = token_mint(key, &claims, NOW);
        json_t *payload = payload_of(token);
        json_t *wanted =
            json_loads(told ? "{\"per_minute\":1000,\"burst\":100,\"monthly\":0}" : "{}", 0, NULL);
        assert_true(json_equal(json_object_get(payload, "usage_limits"), wanted));
        json_decref(wanted);
        json_decref(payload);
        free(token);
    }
    token_key_destroy(key);
}

static void what_would_be_refused_is_not_minted(void **state)
{
    (void)state;
    struct token_key *key = key_for(NULL, NULL);
    const struct token_claims good = {.user = "u", .tenant = "acme", .expires_s = NOW + 1};
    struct token_claims bad = good;
    char *token = token_mint(key, &good, NOW);
    assert_non_null(token);
    free(token);
    bad.tenant = "Not A Name";
    assert_null(token_mint(key, &bad, NOW));
    bad = good;
    bad.expires_s = NOW;
    assert_null(token_mint(key, &bad, NOW));
    bad = good;
    bad.user = NULL;
    assert_null(token_mint(key, &bad, NOW));
    bad = good;
    bad.user = "\xff";
    assert_null(token_mint(key, &bad, NOW));
    token_key_destroy(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_are_read),
        cmocka_unit_test(absent_claims_have_the_least_meaning),
        cmocka_unit_test(other_algorithms_are_refused),
        cmocka_unit_test(a_right_signature_of_another_kind_is_refused),
        cmocka_unit_test(a_header_said_twice_is_refused),
        cmocka_unit_test(members_that_name_keys_are_refused),
        cmocka_unit_test(kid_is_a_plain_name),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(another_secret_does_not_verify),
        cmocka_unit_test(there_are_three_segments),
        cmocka_unit_test(base64_is_strict),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(depth_bombs_are_refused),
        cmocka_unit_test(expiry_is_required_and_ahead),
        cmocka_unit_test(other_times_have_a_minute_of_leeway),
        cmocka_unit_test(unconfigured_parties_default_to_ours),
        cmocka_unit_test(configured_parties_are_required),
        cmocka_unit_test(claims_said_twice_are_refused),
        cmocka_unit_test(identities_are_names),
        cmocka_unit_test(types_are_as_listed),
        cmocka_unit_test(permissions_are_bounded),
        cmocka_unit_test(short_secrets_are_refused),
        cmocka_unit_test(a_secret_file_loses_one_newline),
        cmocka_unit_test(useless_secret_files_are_refused),
        cmocka_unit_test(minted_tokens_come_back),
        cmocka_unit_test(minted_tokens_tell_limits),
        cmocka_unit_test(what_would_be_refused_is_not_minted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
