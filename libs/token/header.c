#include "token/internal.h"

#include <sodium.h>
#include <stdio.h>

json_t *token_segment_object(struct slice segment)
{
    uint8_t text[TOKEN_BYTES_MAX];
    size_t len = 0;
    /* Refuses padding, foreign characters and bits behind the end, so that one token has
     * one spelling. */
    if (sodium_base642bin(text, sizeof text, (const char *)segment.data, segment.len, NULL, &len,
                          NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return NULL;
    json_t *object = json_loadb((const char *)text, len, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(object))
        return object;
    json_decref(object);
    return NULL;
}

static bool is_kid_character(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

bool token_kid_is_plain(const char *kid)
{
    size_t len = strlen(kid);
    if (len == 0 || len > TOKEN_KID_MAX)
        return false;
    while (*kid && is_kid_character(*kid))
        kid++;
    return *kid == '\0';
}

static const char *member_defect(const char *name, const json_t *value)
{
    const char *text = json_string_value(value);
    if (strcmp(name, "alg") == 0)
        return text && strcmp(text, "HS256") == 0 ? NULL : "algorithm is not HS256";
    if (strcmp(name, "typ") == 0)
        return text && strcmp(text, "JWT") == 0 ? NULL : "type is not JWT";
    if (strcmp(name, "kid") == 0)
        return text && token_kid_is_plain(text) ? NULL : "kid is not a plain name";
    return "header has a member that is not allowed";
}

static const char *object_defect(json_t *header)
{
    const char *name;
    json_t *value;
    json_object_foreach(header, name, value)
    {
        const char *defect = member_defect(name, value);
        if (defect)
            return defect;
    }
    return json_object_get(header, "alg") ? NULL : "algorithm is missing";
}

const char *token_header_read(struct slice segment, char kid[TOKEN_KID_MAX + 1])
{
    json_t *header = token_segment_object(segment);
    if (!header)
        return "header is not base64url of a JSON object without duplicates";
    const char *defect = object_defect(header);
    const char *named = json_string_value(json_object_get(header, "kid"));
    if (!defect)
        snprintf(kid, TOKEN_KID_MAX + 1, "%s", named ? named : "");
    json_decref(header);
    return defect;
}
