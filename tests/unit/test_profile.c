/* What may stand in a profile. */
#include "../testing.h"

#include "user-service/profile.h"

#include <string.h>

static void check(bool (*is)(const char *text), const char *const *good, const char *const *bad)
{
    for (; *good; good++)
        if (!is(*good))
            fail_msg("\"%s\" is refused", *good);
    for (; *bad; bad++)
        if (is(*bad))
            fail_msg("\"%s\" is taken", *bad);
}

static void names_are_text(void **state)
{
    static const char *const good[] = {"", "Ann", "Ann O'Neill-Müller", "安", NULL};
    static const char *const bad[] = {"a\nb",  "a\x1b[31m", "\x7f", "a\xc2\x85z",
                                      "a\xff", "\xc3",      NULL};
    (void)state;
    check(profile_is_name, good, bad);
}

static void addresses_could_be_written_to(void **state)
{
    static const char *const good[] = {"",
                                       "ann@example.com",
                                       "a.n+tag@mail.example-2.org",
                                       "x@localhost",
                                       "o'neill!#$%&*/=?^_`{|}~-@e.co",
                                       NULL};
    static const char *const bad[] = {"ann",
                                      "@example.com",
                                      "ann@",
                                      "ann@@example.com",
                                      "a@b@c.d",
                                      ".a@b.c",
                                      "a.@b.c",
                                      "a..b@c.d",
                                      "a b@c.d",
                                      "ann@-b.c",
                                      "ann@b-.c",
                                      "ann@b..c",
                                      "ann@b.c.",
                                      "ann@b_c.d",
                                      "ann@b.c\r\nBcc: x",
                                      "\"ann\"@b.c",
                                      "<ann@b.c>",
                                      "ann@[127.0.0.1]",
                                      "ann@b.c,bob@b.c",
                                      "\xc3\xa4@b.c",
                                      NULL};
    char longest[80];
    (void)state;
    check(profile_is_email, good, bad);
    memset(longest, 'a', 64);
    memcpy(longest + 64, "@b.c", 5);
    assert_true(profile_is_email(longest));
    memset(longest, 'a', 65);
    memcpy(longest + 65, "@b.c", 5);
    assert_false(profile_is_email(longest));
}

static void locales_are_tags(void **state)
{
    static const char *const good[] = {"",  "en", "de-CH", "zh-Hant-TW", "es-419", "sl-rozaj-biske",
                                       NULL};
    static const char *const bad[] = {"e",     "en_US", "en-",       "-en", "en--US",
                                      "e1",    "en US", "abcdefghi", "de.", "en-abcdefghi",
                                      "../en", "1a",    "en\nX",     NULL};
    (void)state;
    check(profile_is_locale, good, bad);
}

static void time_zones_are_names(void **state)
{
    static const char *const good[] = {"",
                                       "UTC",
                                       "Europe/Zurich",
                                       "Etc/GMT+5",
                                       "America/Argentina/Buenos_Aires",
                                       "America/Port-au-Prince",
                                       NULL};
    static const char *const bad[] = {
        "/UTC",          "Europe/", "Europe//Zurich", "../etc/passwd", "Europe/../x",
        "Europe Zurich", "+01:00",  "UTC\n",          "1UTC",          NULL};
    (void)state;
    check(profile_is_timezone, good, bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_text),
        cmocka_unit_test(addresses_could_be_written_to),
        cmocka_unit_test(locales_are_tags),
        cmocka_unit_test(time_zones_are_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
