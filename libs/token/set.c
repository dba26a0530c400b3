/* set.c - several secrets in one file: a JWK Set (RFC 7517) of symmetric keys. Strict: a key of
 * another kind is a mistake, since tokens signed with it would be refused. */
#include "token/internal.h"

#include "base/mem.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define WHY_BYTES 96u

/* ---- reading ---- */

static bool says(const json_t *jwk, const char *member, const char *wanted, bool required)
{
    const json_t *value = json_object_get(jwk, member);
    const char *text = json_string_value(value);
    return value ? text && strcmp(text, wanted) == 0 : !required;
}

/* The bytes of `k`; what the parser has of it is wiped, too. */
static bool take_bytes(struct token_secret *secret, json_t *jwk)
{
    json_t *k = json_object_get(jwk, "k");
    const char *text = json_string_value(k);
    size_t len = json_string_length(k);
    if (!text)
        return false;
    secret->bytes = mem_zalloc(len + 1);
    bool read = sodium_base642bin(secret->bytes, len, text, len, NULL, &secret->len, NULL,
                                  sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
    sodium_memzero((void *)(uintptr_t)text, len);
    return read && secret->len >= TOKEN_SECRET_MIN;
}

static const char *take_jwk(struct token_secret *secret, json_t *jwk)
{
    const char *kid = json_string_value(json_object_get(jwk, "kid"));
    if (!json_is_object(jwk) || !says(jwk, "kty", "oct", true))
        return "a key is not symmetric (kty oct)";
    if (!says(jwk, "alg", "HS256", false))
        return "a key is for another algorithm than HS256";
    if (!says(jwk, "use", "sig", false))
        return "a key is not for signatures (use sig)";
    if (json_object_get(jwk, "kid") && !(kid && token_kid_is_plain(kid)))
        return "a kid is not a plain name";
    if (kid)
        snprintf(secret->kid, sizeof secret->kid, "%s", kid);
    return take_bytes(secret, jwk) ? NULL : "k is not base64url of at least 32 bytes";
}

static const char *names_defect(const struct token_key *key)
{
    for (size_t i = 0; key->n > 1 && i < key->n; i++) {
        if (key->secrets[i].kid[0] == '\0')
            return "of several keys each needs a kid";
        for (size_t j = 0; j < i; j++) {
            if (strcmp(key->secrets[i].kid, key->secrets[j].kid) == 0)
                return "two keys have the same kid";
        }
    }
    return NULL;
}

static const char *take_set(struct token_key *key, json_t *set)
{
    json_t *keys = json_object_get(set, "keys"), *jwk;
    size_t i, n = json_array_size(keys);
    if (n == 0 || n > TOKEN_SECRETS_MAX)
        return "not a JWK Set of 1 to 16 keys";
    key->secrets = mem_zalloc(n * sizeof *key->secrets);
    json_array_foreach(keys, i, jwk)
    {
        key->n++;
        const char *defect = take_jwk(&key->secrets[i], jwk);
        if (defect)
            return defect;
    }
    return names_defect(key);
}

int token_key_read_set(struct token_key **out, struct slice text, const char *issuer,
                       const char *audience, char *why)
{
    if (sodium_init() < 0)
        return -EIO;
    struct token_key *key = token_key_empty(issuer, audience);
    json_t *set = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    const char *defect = set ? take_set(key, set) : "not JSON without duplicate members";
    json_decref(set);
    if (!defect) {
        *out = key;
        return 0;
    }
    token_key_destroy(key);
    if (why)
        snprintf(why, WHY_BYTES, "%s", defect);
    return -EINVAL;
}

/* ---- writing ---- */

static json_t *jwk_of(const struct token_secret *secret)
{
    size_t size = sodium_base64_encoded_len(secret->len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = mem_zalloc(size);
    sodium_bin2base64(text, size, secret->bytes, secret->len,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    json_t *jwk = json_pack("{ss ss ss ss}", "kty", "oct", "alg", "HS256", "use", "sig", "k", text);
    if (secret->kid[0])
        json_object_set_new(jwk, "kid", json_string(secret->kid));
    sodium_memzero(text, size);
    mem_free(text);
    return jwk;
}

char *token_key_write_set(const struct token_key *key)
{
    json_t *keys = json_array();
    for (size_t i = 0; i < key->n; i++)
        json_array_append_new(keys, jwk_of(&key->secrets[i]));
    json_t *set = json_pack("{so}", "keys", keys);
    char *text = json_dumps(set, JSON_INDENT(2));
    json_decref(set);
    return text;
}

/* ---- rotating ---- */

static void name_at_random(char kid[TOKEN_KID_MAX + 1])
{
    uint8_t bytes[8];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(kid, TOKEN_KID_MAX + 1, bytes, sizeof bytes);
}

int token_key_name(struct token_key *key, const char *kid)
{
    if (key->n != 1 || (kid && !token_kid_is_plain(kid)))
        return -EINVAL;
    if (kid)
        snprintf(key->secrets[0].kid, sizeof key->secrets[0].kid, "%s", kid);
    else
        name_at_random(key->secrets[0].kid);
    return 0;
}

int token_key_rotate(struct token_key *key, const char *kid, size_t kept)
{
    if (kid && !token_kid_is_plain(kid))
        return -EINVAL;
    if (kept > key->n)
        kept = key->n;
    if (kept > TOKEN_SECRETS_MAX - 1)
        kept = TOKEN_SECRETS_MAX - 1;
    for (size_t i = 0; i < kept; i++) {
        if (key->secrets[i].kid[0] == '\0')
            return -ENOKEY;
        if (kid && strcmp(kid, key->secrets[i].kid) == 0)
            return -EEXIST;
    }
    struct token_secret *secrets = mem_zalloc((kept + 1) * sizeof *secrets);
    secrets[0].len = TOKEN_SECRET_MIN;
    secrets[0].bytes = mem_alloc(TOKEN_SECRET_MIN);
    randombytes_buf(secrets[0].bytes, TOKEN_SECRET_MIN);
    if (kid)
        snprintf(secrets[0].kid, sizeof secrets[0].kid, "%s", kid);
    else
        name_at_random(secrets[0].kid);
    memcpy(secrets + 1, key->secrets, kept * sizeof *secrets);
    for (size_t i = kept; i < key->n; i++)
        token_secret_finish(&key->secrets[i]);
    mem_free(key->secrets);
    key->secrets = secrets;
    key->n = kept + 1;
    return 0;
}
