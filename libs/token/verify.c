#include "token/internal.h"

#include <errno.h>
#include <jwt.h>
#include <stdio.h>

#define WHY_BYTES 96u

struct segments {
    struct slice header, payload;
};

/* header.payload.signature, none of them empty. */
static bool split(struct slice token, struct segments *out)
{
    const uint8_t *dots[2];
    size_t n = 0;
    for (size_t i = 0; i < token.len; i++) {
        if (token.data[i] == '\0')
            return false;
        if (token.data[i] != '.')
            continue;
        if (n == 2)
            return false;
        dots[n++] = token.data + i;
    }
    if (n != 2)
        return false;
    out->header = slice_make(token.data, (size_t)(dots[0] - token.data));
    out->payload = slice_make(dots[0] + 1, (size_t)(dots[1] - dots[0] - 1));
    return out->header.len > 0 && out->payload.len > 0 && dots[1] + 1 < token.data + token.len;
}

/* libjwt is only asked whether the signature holds. Its own idea of the algorithm is checked
 * again: it reads the header with a parser that lets later duplicates win. */
static bool signature_holds(const struct token_secret *secret, struct slice token)
{
    char text[TOKEN_BYTES_MAX + 1];
    memcpy(text, token.data, token.len);
    text[token.len] = '\0';
    jwt_t *jwt = NULL;
    if (jwt_decode(&jwt, text, secret->bytes, (int)secret->len) != 0)
        return false;
    bool holds = jwt_get_alg(jwt) == JWT_ALG_HS256;
    jwt_free(jwt);
    return holds;
}

static const char *payload_defect(const struct token_key *key, struct slice segment, int64_t now_s,
                                  struct token_claims *claims)
{
    json_t *payload = token_segment_object(segment);
    if (!payload)
        return "payload is not base64url of a JSON object without duplicates";
    const char *defect = token_validity_defect(key, payload, now_s);
    if (!defect)
        defect = token_claims_read(claims, payload);
    json_decref(payload);
    return defect;
}

/* The one it names; the only one there is may be meant without a name, or have none. */
static const struct token_secret *secret_of(const struct token_key *key, const char *kid)
{
    for (size_t i = 0; i < key->n; i++) {
        const struct token_secret *secret = &key->secrets[i];
        if (key->n == 1 && (kid[0] == '\0' || secret->kid[0] == '\0'))
            return secret;
        if (kid[0] && strcmp(secret->kid, kid) == 0)
            return secret;
    }
    return NULL;
}

static const char *token_defect(const struct token_key *key, struct slice token, int64_t now_s,
                                struct token_claims *claims)
{
    struct segments parts;
    if (token.len > TOKEN_BYTES_MAX)
        return "larger than a token may be";
    if (!split(token, &parts))
        return "not three segments";
    char kid[TOKEN_KID_MAX + 1];
    const char *defect = token_header_read(parts.header, kid);
    if (defect)
        return defect;
    const struct token_secret *secret = secret_of(key, kid);
    if (!secret)
        return kid[0] ? "no key of that kid" : "kid is missing";
    if (!signature_holds(secret, token))
        return "signature does not hold";
    return payload_defect(key, parts.payload, now_s, claims);
}

int token_verify(const struct token_key *key, struct slice token, int64_t now_s,
                 struct token_claims *claims, char *why)
{
    struct token_claims read = {0};
    const char *defect = token_defect(key, token, now_s, &read);
    if (!defect) {
        *claims = read;
        return 0;
    }
    token_claims_finish(&read);
    if (why)
        snprintf(why, WHY_BYTES, "%s", defect);
    return -EACCES;
}
