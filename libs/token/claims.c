#include "token/internal.h"

#include "base/mem.h"
#include "base/name.h"

#define TEXT_BYTES_MAX 128u
#define PERMISSION_BYTES_MAX 256u
#define FEATURES_MAX 64u
#define AUDIENCES_MAX 16
#define LEEWAY_S 60
#define LATEST_S 253402300799 /* end of the year 9999: milliseconds of it fit anywhere */

/* ---- validity ---- */

/* Absent: 0 stays in *out. */
static bool read_time(const json_t *payload, const char *name, int64_t *out)
{
    const json_t *value = json_object_get(payload, name);
    if (!value)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > LATEST_S)
        return false;
    *out = json_integer_value(value);
    return true;
}

static const char *times_defect(const json_t *payload, int64_t now_s)
{
    int64_t expires = 0, not_before = 0, issued = 0;
    if (!json_object_get(payload, "exp"))
        return "exp is missing";
    if (!read_time(payload, "exp", &expires))
        return "exp is not a time";
    if (!read_time(payload, "nbf", &not_before) || !read_time(payload, "iat", &issued))
        return "nbf or iat is not a time";
    if (expires <= now_s)
        return "expired";
    if (not_before > now_s + LEEWAY_S)
        return "not valid yet";
    return issued > now_s + LEEWAY_S ? "issued in the future" : NULL;
}

static bool names_audience(const json_t *aud, const char *wanted)
{
    if (json_is_string(aud))
        return strcmp(json_string_value(aud), wanted) == 0;
    if (!json_is_array(aud) || json_array_size(aud) > AUDIENCES_MAX)
        return false;
    bool found = false;
    for (size_t i = 0; i < json_array_size(aud); i++) {
        const char *one = json_string_value(json_array_get(aud, i));
        if (!one)
            return false;
        found = found || strcmp(one, wanted) == 0;
    }
    return found;
}

static const char *parties_defect(const struct token_key *key, const json_t *payload)
{
    const json_t *iss = json_object_get(payload, "iss");
    const json_t *aud = json_object_get(payload, "aud");
    const char *issuer = key->issuer ? key->issuer : TOKEN_ISSUER_DEFAULT;
    const char *audience = key->audience ? key->audience : TOKEN_ISSUER_DEFAULT;
    if (iss ? !json_is_string(iss) || strcmp(json_string_value(iss), issuer) != 0 : !!key->issuer)
        return "issuer is not the one expected";
    if (aud ? !names_audience(aud, audience) : !!key->audience)
        return "audience is not the one expected";
    return NULL;
}

const char *token_validity_defect(const struct token_key *key, const json_t *payload, int64_t now_s)
{
    const char *defect = times_defect(payload, now_s);
    return defect ? defect : parties_defect(key, payload);
}

/* ---- contents ---- */

static bool is_printable(struct slice text, size_t max)
{
    if (text.len == 0 || text.len > max)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    }
    return true;
}

static bool is_plain_text(struct slice text)
{
    return is_printable(text, TEXT_BYTES_MAX);
}

static bool is_permission(struct slice text)
{
    return is_printable(text, PERMISSION_BYTES_MAX);
}

static bool is_empty_or_plain(struct slice text)
{
    return text.len == 0 || is_plain_text(text);
}

/* Absent: `fallback` (NULL: the claim is required). */
static bool read_text(char **out, const json_t *object, const char *name,
                      bool (*valid)(struct slice), const char *fallback)
{
    const json_t *value = json_object_get(object, name);
    const char *text = value ? json_string_value(value) : fallback;
    if (!text || (value && !valid(slice_of(text))))
        return false;
    *out = mem_strdup(text);
    return true;
}

static bool read_texts(char ***out, size_t *n, const json_t *object, const char *name, size_t max,
                       bool (*valid)(struct slice))
{
    const json_t *array = json_object_get(object, name);
    if (!array)
        return true;
    size_t size = json_array_size(array);
    if (!json_is_array(array) || size > max)
        return false;
    *out = size ? mem_zalloc(size * sizeof **out) : NULL;
    for (; *n < size; (*n)++) {
        const char *text = json_string_value(json_array_get(array, *n));
        if (!text || !valid(slice_of(text)))
            return false;
        (*out)[*n] = mem_strdup(text);
    }
    return true;
}

static bool is_object_or_absent(const json_t *payload, const char *name)
{
    const json_t *value = json_object_get(payload, name);
    return !value || json_is_object(value);
}

static const char *read_business(struct token_claims *claims, const json_t *payload)
{
    if (!is_object_or_absent(payload, "business_context"))
        return "business_context is not an object";
    const json_t *business = json_object_get(payload, "business_context");
    if (!read_text(&claims->billing_customer, business, "billing_customer_id", is_empty_or_plain,
                   ""))
        return "billing_customer_id is not plain text";
    if (!read_texts(&claims->features, &claims->n_features, business, "enterprise_features",
                    FEATURES_MAX, is_plain_text))
        return "enterprise_features is not a short list of plain texts";
    return NULL;
}

const char *token_claims_read(struct token_claims *claims, const json_t *payload)
{
    if (!read_text(&claims->user, payload, "user_id", name_valid_user, NULL))
        return "user_id is missing or malformed";
    if (!read_text(&claims->tenant, payload, "tenant_id", name_valid, NULL))
        return "tenant_id is missing or malformed";
    if (name_reserved(slice_of(claims->tenant)))
        return "tenant_id is the broker's own";
    if (!read_text(&claims->tier, payload, "subscription_tier", name_valid, "free"))
        return "subscription_tier is malformed";
    if (!read_text(&claims->subscription_status, payload, "subscription_status", name_valid,
                   "active"))
        return "subscription_status is malformed";
    if (!read_text(&claims->id, payload, "jti", is_plain_text, ""))
        return "jti is malformed";
    if (!read_texts(&claims->permissions, &claims->n_permissions, payload, "permissions",
                    TOKEN_PERMISSIONS_MAX, is_permission))
        return "permissions is not a list of short texts";
    if (!is_object_or_absent(payload, "usage_limits"))
        return "usage_limits is not an object";
    read_time(payload, "exp", &claims->expires_s);
    read_time(payload, "nbf", &claims->not_before_s);
    read_time(payload, "iat", &claims->issued_s);
    return read_business(claims, payload);
}

static void free_texts(char **texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mem_free(texts[i]);
    mem_free(texts);
}

void token_claims_finish(struct token_claims *claims)
{
    if (!claims)
        return;
    mem_free(claims->user);
    mem_free(claims->tenant);
    mem_free(claims->tier);
    mem_free(claims->subscription_status);
    mem_free(claims->billing_customer);
    mem_free(claims->id);
    free_texts(claims->permissions, claims->n_permissions);
    free_texts(claims->features, claims->n_features);
    memset(claims, 0, sizeof *claims);
}
