/* Keys by kid: which secret a token was signed with is said by its header, and believed only as far
 * as the signature goes. */
#include "../testing.h"
#include "token_forge.h"

#include "token/token.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW 1000
#define FIRST "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY" /* FORGE_SECRET */
#define SECOND "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA"
#define BODY "{\"user_id\":\"u-1\",\"tenant_id\":\"acme\",\"exp\":2000}"
#define JWK(kid, k) "{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"" kid "\",\"k\":\"" k "\"}"
#define SET(keys) "{\"keys\":[" keys "]}"

static struct token_key *read_set(const char *text)
{
    struct token_key *key = NULL;
    char why[96] = "";
    if (token_key_read_set(&key, slice_of(text), NULL, NULL, why) != 0)
        fail_msg("%s: %s", text, why);
    return key;
}

/* "": it is accepted. */
static void assert_judged(const struct token_key *key, const char *token, const char *defect)
{
    struct token_claims claims;
    char why[96] = "";
    int rc = token_verify(key, slice_of(token), NOW, &claims, why);
    assert_string_equal(why, defect);
    assert_int_equal(rc, defect[0] ? -EACCES : 0);
    if (rc == 0)
        token_claims_finish(&claims);
}

/* Signed with FORGE_SECRET, whatever its header names. */
static void assert_forged(const struct token_key *key, const char *header, const char *defect)
{
    static char token[FORGE_BYTES];
    assert_judged(key, forge_token(token, header, BODY, FORGE_SHA256), defect);
}

static char *mint(const struct token_key *key)
{
    const struct token_claims claims = {.user = "u", .tenant = "acme", .expires_s = NOW + 10};
    char *token = token_mint(key, &claims, NOW);
    assert_non_null(token);
    return token;
}

static void a_token_is_judged_by_the_key_it_names(void **state)
{
    (void)state;
    struct token_key *key = read_set(SET(JWK("new", SECOND) "," JWK("old", FIRST)));
    assert_forged(key, "{\"alg\":\"HS256\",\"kid\":\"old\"}", "");
    assert_forged(key, "{\"alg\":\"HS256\",\"kid\":\"new\"}", "signature does not hold");
    assert_forged(key, "{\"alg\":\"HS256\",\"kid\":\"other\"}", "no key of that kid");
    assert_forged(key, "{\"alg\":\"HS256\"}", "kid is missing");
    assert_forged(key, "{\"alg\":\"none\",\"kid\":\"old\"}", "algorithm is not HS256");
    token_key_destroy(key);
}

static void the_only_key_needs_no_name(void **state)
{
    (void)state;
    struct token_key *key = read_set(SET(JWK("old", FIRST)));
    assert_forged(key, "{\"alg\":\"HS256\"}", "");
    assert_forged(key, "{\"alg\":\"HS256\",\"kid\":\"old\"}", "");
    assert_forged(key, "{\"alg\":\"HS256\",\"kid\":\"new\"}", "no key of that kid");
    token_key_destroy(key);
    key = read_set(SET("{\"kty\":\"oct\",\"k\":\"" FIRST "\"}"));
    assert_forged(key, "{\"alg\":\"HS256\",\"kid\":\"any\"}", ""); /* as with a bare secret */
    token_key_destroy(key);
}

static void the_first_signs_and_all_verify(void **state)
{
    (void)state;
    struct token_key *before = read_set(SET(JWK("a", FIRST)));
    struct token_key *during = read_set(SET(JWK("b", SECOND) "," JWK("a", FIRST)));
    struct token_key *after = read_set(SET(JWK("b", SECOND)));
    char *old = mint(before), *fresh = mint(during);
    assert_judged(during, old, "");
    assert_judged(during, fresh, "");
    assert_judged(after, fresh, "");
    assert_judged(after, old, "no key of that kid");
    assert_judged(before, fresh, "no key of that kid");
    assert_true(token_key_same_secret(during, during));
    assert_false(token_key_same_secret(during, after));
    assert_false(token_key_same_secret(before, after));
    free(old);
    free(fresh);
    token_key_destroy(before);
    token_key_destroy(during);
    token_key_destroy(after);
}

static void a_set_that_is_not_ours_is_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "not JSON without duplicate members"},
        {"secret", "not JSON without duplicate members"},
        {"[]", "not a JWK Set of 1 to 16 keys"},
        {"{}", "not a JWK Set of 1 to 16 keys"},
        {SET(""), "not a JWK Set of 1 to 16 keys"},
        {"{\"keys\":[],\"keys\":[]}", "not JSON without duplicate members"},
        {SET("7"), "a key is not symmetric (kty oct)"},
        {SET("{\"kty\":\"RSA\",\"k\":\"" FIRST "\"}"), "a key is not symmetric (kty oct)"},
        {SET("{\"k\":\"" FIRST "\"}"), "a key is not symmetric (kty oct)"},
        {SET("{\"kty\":\"oct\",\"alg\":\"none\",\"k\":\"" FIRST "\"}"),
         "a key is for another algorithm than HS256"},
        {SET("{\"kty\":\"oct\",\"alg\":\"HS512\",\"k\":\"" FIRST "\"}"),
         "a key is for another algorithm than HS256"},
        {SET("{\"kty\":\"oct\",\"use\":\"enc\",\"k\":\"" FIRST "\"}"),
         "a key is not for signatures (use sig)"},
        {SET(JWK("a b", FIRST)), "a kid is not a plain name"},
        {SET("{\"kty\":\"oct\",\"kid\":7,\"k\":\"" FIRST "\"}"), "a kid is not a plain name"},
        {SET("{\"kty\":\"oct\"}"), "k is not base64url of at least 32 bytes"},
        {SET(JWK("a", "")), "k is not base64url of at least 32 bytes"},
        {SET(JWK("a", "c2hvcnQ")), "k is not base64url of at least 32 bytes"},
        {SET(JWK("a", FIRST "=")), "k is not base64url of at least 32 bytes"},
        {SET(JWK("a", FIRST) "," JWK("a", SECOND)), "two keys have the same kid"},
        {SET(JWK("a", FIRST) ",{\"kty\":\"oct\",\"k\":\"" SECOND "\"}"),
         "of several keys each needs a kid"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct token_key *key = NULL;
        char why[96] = "";
        assert_int_equal(token_key_read_set(&key, slice_of(bad[i].text), NULL, NULL, why), -EINVAL);
        assert_null(key);
        assert_string_equal(why, bad[i].why);
    }
}

static char *after_rotation(struct token_key **key, size_t kept)
{
    assert_int_equal(token_key_rotate(*key, NULL, kept), 0);
    char *text = token_key_write_set(*key);
    token_key_destroy(*key);
    *key = read_set(text);
    free(text);
    return mint(*key);
}

static void keys_go_as_they_came(void **state)
{
    (void)state;
    struct token_key *key = NULL;
    assert_int_equal(token_key_create(&key, slice_of(FORGE_SECRET), NULL, NULL), 0);
    char *nameless = mint(key);
    assert_int_equal(token_key_rotate(key, NULL, 1), -ENOKEY);
    assert_int_equal(token_key_name(key, "a b"), -EINVAL);
    assert_int_equal(token_key_name(key, "a"), 0);
    assert_judged(key, nameless, "");
    char *first = mint(key);
    assert_int_equal(token_key_rotate(key, "a", 1), -EEXIST);
    assert_int_equal(token_key_rotate(key, "a b", 1), -EINVAL);
    char *second = after_rotation(&key, 1), *third;
    assert_judged(key, first, "");
    assert_judged(key, nameless, "kid is missing");
    assert_int_equal(token_key_name(key, "b"), -EINVAL);
    third = after_rotation(&key, 1);
    assert_judged(key, second, "");
    assert_judged(key, third, "");
    assert_judged(key, first, "no key of that kid");
    for (unsigned n = 0; n < 20; n++)
        free(after_rotation(&key, SIZE_MAX));
    free(after_rotation(&key, 0));
    assert_judged(key, third, "no key of that kid");
    free(nameless);
    free(first);
    free(second);
    free(third);
    token_key_destroy(key);
}

static void a_set_is_read_from_its_file(void **state)
{
    (void)state;
    char path[] = "/tmp/farebox-set-XXXXXX", why[96] = "";
    struct token_key *key = NULL;
    int fd = mkstemp(path);
    static const char text[] = SET(JWK("a", FIRST)) "\n";
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), (ssize_t)sizeof text - 1);
    close(fd);
    assert_int_equal(token_key_load_set(&key, path, NULL, NULL, why), 0);
    token_key_destroy(key);
    unlink(path);
    assert_int_equal(token_key_load_set(&key, path, NULL, NULL, why), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_judged_by_the_key_it_names),
        cmocka_unit_test(the_only_key_needs_no_name),
        cmocka_unit_test(the_first_signs_and_all_verify),
        cmocka_unit_test(a_set_that_is_not_ours_is_refused),
        cmocka_unit_test(keys_go_as_they_came),
        cmocka_unit_test(a_set_is_read_from_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
