/* text.c - words for statuses, errors and refusals. */
#include "client/bus.h"

#include "wire/status.h"
#include "wire/utf8.h"

#include <stdarg.h>
#include <stdio.h>

static __thread char last_error[256];

void text_set_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(last_error, sizeof(last_error), format, args);
    va_end(args);
}

const char *fbx_last_error(void)
{
    return last_error;
}

const char *fbx_status_text(int status)
{
    return status_text((enum status)status);
}

const char *fbx_error_text(int error)
{
    switch (error) {
    case 0:
        return "ok";
    case FBX_EINVAL:
        return "invalid argument";
    case FBX_ECLOSED:
        return "the bus is closed";
    case FBX_ETIMEDOUT:
        return "the broker did not answer in time";
    case FBX_EREFUSED:
        return "the broker refused";
    case FBX_EWOULDBLOCK:
        return "would block";
    case FBX_EUNREACHABLE:
        return "nothing listens at the URL";
    default:
        return "unknown error";
    }
}

bool text_take(struct slice *out, const char *text)
{
    struct slice taken = slice_make(text, text ? strnlen(text, TEXT_BYTES_MAX + 1) : 0);
    if (taken.len > TEXT_BYTES_MAX || !utf8_valid_text(taken))
        return false;
    *out = taken;
    return true;
}

bool text_is_sound(const char *text)
{
    struct slice ignored;
    return text_take(&ignored, text);
}

struct slice text_cut(const char *text)
{
    struct slice cut = slice_make(text, text ? strnlen(text, TEXT_BYTES_MAX) : 0);
    cut.len = utf8_valid_prefix(cut);
    return cut;
}
