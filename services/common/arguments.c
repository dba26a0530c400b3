#include "common/arguments.h"

#include "common/date.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static bool fine(const struct arguments *arguments)
{
    return arguments->wrong[0] == '\0';
}

void arguments_refuse(struct arguments *arguments, const char *format, ...)
{
    if (!fine(arguments))
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(arguments->wrong, sizeof arguments->wrong, format, args);
    va_end(args);
}

static bool is_known(const fbx_value *key, const char *const *known)
{
    if (key->type != FBX_TEXT)
        return false;
    for (; *known; known++)
        if (slice_is(slice_make(key->as.bytes.data, key->as.bytes.len), *known))
            return true;
    return false;
}

/* A misspelt key must not be taken for one that was left out. */
static void refuse_unknown_keys(struct arguments *arguments, const char *const *known)
{
    fbx_value key, value;
    const unsigned char *cursor = NULL;
    while (fbx_next(&arguments->map, &cursor, &key) && fbx_next(&arguments->map, &cursor, &value)) {
        char name[32];
        if (is_known(&key, known))
            continue;
        if (fbx_as_text(&key, name, sizeof name))
            arguments_refuse(arguments, "%s: no such argument", name);
        else
            arguments_refuse(arguments, "a key that is no argument's name");
    }
}

static bool is_messagepack(const fbx_request *request)
{
    const char *type = fbx_request_content_type(request);
    return type[0] == '\0' || strcmp(type, "application/msgpack") == 0;
}

void arguments_read(struct arguments *arguments, const fbx_request *request,
                    const char *const *known)
{
    *arguments = (struct arguments){0};
    fbx_bytes payload = fbx_request_payload(request);
    if (payload.len == 0)
        return;
    if (!is_messagepack(request))
        arguments_refuse(arguments, "content type: application/msgpack is needed");
    else if (!fbx_read(payload, &arguments->map))
        arguments_refuse(arguments, "payload: not MessagePack");
    else if (arguments->map.type != FBX_MAP && arguments->map.type != FBX_NIL)
        arguments_refuse(arguments, "payload: not a map of arguments");
    else
        refuse_unknown_keys(arguments, known);
}

/* False: absent, nil, or something is already wrong. */
static bool find(const struct arguments *arguments, const char *key, fbx_value *out)
{
    if (!fine(arguments))
        return false;
    *out = fbx_map_get(&arguments->map, key);
    return out->type != FBX_NONE && out->type != FBX_NIL;
}

void arguments_optional_text(struct arguments *arguments, const char *key, char *out, size_t size)
{
    fbx_value value;
    if (!find(arguments, key, &value))
        return;
    if (value.type != FBX_TEXT)
        arguments_refuse(arguments, "%s: must be text", key);
    else if (value.as.bytes.len >= size)
        arguments_refuse(arguments, "%s: longer than %zu bytes", key, size - 1);
    else if (value.as.bytes.len > 0 && memchr(value.as.bytes.data, '\0', value.as.bytes.len))
        arguments_refuse(arguments, "%s: must not contain NUL bytes", key);
    else
        (void)fbx_as_text(&value, out, size);
}

void arguments_text(struct arguments *arguments, const char *key, char *out, size_t size)
{
    fbx_value value;
    if (find(arguments, key, &value))
        arguments_optional_text(arguments, key, out, size);
    else
        arguments_refuse(arguments, "%s: is required", key);
}

void arguments_date(struct arguments *arguments, const char *key, int32_t *out)
{
    fbx_value value;
    if (!find(arguments, key, &value))
        return;
    if (value.type != FBX_TEXT ||
        !date_parse(slice_make(value.as.bytes.data, value.as.bytes.len), out))
        arguments_refuse(arguments, "%s: must be a date, YYYY-MM-DD", key);
}

void arguments_number(struct arguments *arguments, const char *key, double least, double most,
                      double *out)
{
    fbx_value value;
    if (!find(arguments, key, &value))
        return;
    bool is_number = value.type == FBX_DOUBLE || value.type == FBX_INT || value.type == FBX_UINT;
    double number = fbx_as_double(&value, least);
    if (is_number && number >= least && number <= most)
        *out = number;
    else
        arguments_refuse(arguments, "%s: must be a number from %g to %g", key, least, most);
}

void arguments_natural(struct arguments *arguments, const char *key, uint64_t most, uint64_t *out)
{
    fbx_value value;
    if (!find(arguments, key, &value))
        return;
    if (value.type == FBX_UINT && value.as.natural <= most)
        *out = value.as.natural;
    else
        arguments_refuse(arguments, "%s: must be a whole number from 0 to %" PRIu64, key, most);
}

bool arguments_refused(const struct arguments *arguments, fbx_request *request)
{
    if (fine(arguments))
        return false;
    fbx_respond_status(request, FBX_INVALID_ARGUMENT, arguments->wrong);
    return true;
}
