#include "token/internal.h"

#include "base/mem.h"

#include <jwt.h>
#include <sodium.h>
#include <stdlib.h>

#define ID_BYTES 16u

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text)
        json_object_set_new(object, name, json_string(text));
}

static void set_time(json_t *object, const char *name, int64_t seconds)
{
    if (seconds)
        json_object_set_new(object, name, json_integer(seconds));
}

static void set_texts(json_t *object, const char *name, char **texts, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_string(texts[i]));
    json_object_set_new(object, name, array);
}

static void set_id(json_t *object, const char *id)
{
    uint8_t bytes[ID_BYTES];
    char hex[2 * ID_BYTES + 1];
    randombytes_buf(bytes, sizeof bytes);
    set_text(object, "jti", id && *id ? id : sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes));
}

static json_t *limits_of(const struct token_limits *limits)
{
    json_t *object = json_object();
    if (limits) {
        json_object_set_new(object, "per_minute", json_integer(limits->per_minute));
        json_object_set_new(object, "burst", json_integer(limits->burst));
        json_object_set_new(object, "monthly", json_integer(limits->monthly));
    }
    return object;
}

static json_t *payload_of(const struct token_key *key, const struct token_claims *claims)
{
    json_t *business = json_object();
    set_text(business, "billing_customer_id", claims->billing_customer);
    set_texts(business, "enterprise_features", claims->features, claims->n_features);

    json_t *payload = json_object();
    set_text(payload, "iss", key->issuer ? key->issuer : TOKEN_ISSUER_DEFAULT);
    set_text(payload, "aud", key->audience ? key->audience : TOKEN_ISSUER_DEFAULT);
    set_text(payload, "user_id", claims->user);
    set_text(payload, "tenant_id", claims->tenant);
    set_text(payload, "subscription_tier", claims->tier);
    set_text(payload, "subscription_status", claims->subscription_status);
    set_texts(payload, "permissions", claims->permissions, claims->n_permissions);
    json_object_set_new(payload, "usage_limits", limits_of(claims->limits));
    set_time(payload, "exp", claims->expires_s);
    set_time(payload, "iat", claims->issued_s);
    set_time(payload, "nbf", claims->not_before_s);
    set_id(payload, claims->id);
    json_object_set_new(payload, "business_context", business);
    return payload;
}

/* Text to free with free(), or NULL. */
static char *sign(const struct token_key *key, const char *payload)
{
    jwt_t *jwt = NULL;
    char *text = NULL;
    if (jwt_new(&jwt) != 0)
        return NULL;
    const struct token_secret *secret = &key->secrets[0];
    if (jwt_add_grants_json(jwt, payload) == 0 &&
        (secret->kid[0] == '\0' || jwt_add_header(jwt, "kid", secret->kid) == 0) &&
        jwt_set_alg(jwt, JWT_ALG_HS256, secret->bytes, (int)secret->len) == 0)
        text = jwt_encode_str(jwt);
    jwt_free(jwt);
    return text;
}

char *token_mint(const struct token_key *key, const struct token_claims *claims, int64_t now_s)
{
    json_t *object = payload_of(key, claims);
    char *payload = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    char *token = payload ? sign(key, payload) : NULL;
    free(payload);
    /* A token that its own broker would refuse is found out here, not in production. */
    struct token_claims checked;
    if (token && token_verify(key, slice_of(token), now_s, &checked, NULL) == 0) {
        token_claims_finish(&checked);
        return token;
    }
    free(token);
    return NULL;
}
