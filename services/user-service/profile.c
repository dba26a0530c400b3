#include "profile.h"

#include "wire/utf8.h"

#include <string.h>

#define LOCAL_PART_MAX 64u
#define LABEL_MAX 63u
#define LANGUAGE_MIN 2u
#define LANGUAGE_MAX 8u
#define SUBTAG_MAX 8u
#define DELETE 0x7f

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alphanumeric(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

/* U+0080 to U+009F are control characters, too. */
static bool is_control(const unsigned char *at)
{
    return at[0] < ' ' || at[0] == DELETE || (at[0] == 0xc2 && at[1] < 0xa0);
}

bool profile_is_name(const char *text)
{
    if (!utf8_valid_without_nul(slice_of(text)))
        return false;
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if (is_control(at))
            return false;
    return true;
}

/* ---- e-mail ---- */

static bool is_local_part(const char *text, size_t len)
{
    static const char marks[] = "!#$%&'*+-/=?^_`{|}~";
    char before = '.';
    if (len == 0 || len > LOCAL_PART_MAX || text[len - 1] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        bool dot = text[i] == '.';
        if (dot ? before == '.' : !is_alphanumeric(text[i]) && !strchr(marks, text[i]))
            return false;
        before = text[i];
    }
    return true;
}

static bool is_label(const char *text, size_t len)
{
    if (len == 0 || len > LABEL_MAX || text[0] == '-' || text[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_alphanumeric(text[i]) && text[i] != '-')
            return false;
    return true;
}

static bool is_domain(const char *text)
{
    for (;;) {
        size_t len = strcspn(text, ".");
        if (!is_label(text, len))
            return false;
        if (text[len] == '\0')
            return true;
        text += len + 1;
    }
}

bool profile_is_email(const char *text)
{
    const char *at = strrchr(text, '@');
    if (text[0] == '\0')
        return true;
    return at && is_local_part(text, (size_t)(at - text)) && is_domain(at + 1);
}

/* ---- locale ---- */

bool profile_is_locale(const char *text)
{
    size_t len = strcspn(text, "-"), most = LANGUAGE_MAX;
    if (text[0] == '\0')
        return true;
    if (len < LANGUAGE_MIN)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_letter(text[i]))
            return false;
    for (;; most = SUBTAG_MAX) {
        len = strcspn(text, "-");
        if (len == 0 || len > most)
            return false;
        for (size_t i = 0; i < len; i++)
            if (!is_alphanumeric(text[i]))
                return false;
        if (text[len] == '\0')
            return true;
        text += len + 1;
    }
}

/* ---- time zone ---- */

bool profile_is_timezone(const char *text)
{
    char before = '/';
    if (text[0] == '\0')
        return true;
    for (; *text; text++) {
        bool starts = before == '/';
        if (starts ? !is_letter(*text)
                   : !is_alphanumeric(*text) && *text != '/' && !strchr("_+-", *text))
            return false;
        before = *text;
    }
    return before != '/';
}
