/* json_text.c - errors and numbers as text. */
#include "wire/json_text.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

int json_fail(struct json_error *why, int rc, size_t at, const char *what)
{
    if (why)
        snprintf(why->text, sizeof(why->text), "byte %zu: %s", at, what);
    return rc;
}

/* A program may have set a locale with a decimal comma; only this thread is switched. */
static locale_t use_c_locale(void)
{
    return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

static void use_locale_again(locale_t before)
{
    freelocale(uselocale(before));
}

void json_format_float(char text[JSON_FLOAT_TEXT], double value)
{
    locale_t before = use_c_locale();
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, JSON_FLOAT_TEXT, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    use_locale_again(before);
    if (!strpbrk(text, ".e"))
        memcpy(text + strlen(text), ".0", sizeof(".0"));
}

double json_parse_float(const char *text)
{
    locale_t before = use_c_locale();
    double value = strtod(text, NULL);
    use_locale_again(before);
    return value;
}
