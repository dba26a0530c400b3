#include "exits.h"

static const struct {
    enum exit_code code;
    const char *text, *meaning;
} exits[] = {
#define EXIT(name, number, text, meaning) {EXIT_##name, text, meaning},
#include "exits.def"
#undef EXIT
};

enum { EXITS = sizeof exits / sizeof exits[0] };

enum exit_code exits_of(int status)
{
    switch (status) {
#define EXIT_OF(outcome, name) \
    case STATUS_##outcome:     \
        return EXIT_##name;
#include "exits.def"
#undef EXIT_OF
    default:
        return EXIT_INTERNAL;
    }
}

enum exit_code exits_of_reply(int status, bool retryable)
{
    enum exit_code code = exits_of(status);
    return code == EXIT_TEMPORARY && !retryable ? EXIT_NOBODY : code;
}

const char *exits_text(enum exit_code code)
{
    for (size_t i = 0; i < EXITS; i++)
        if (exits[i].code == code)
            return exits[i].text;
    return "unknown";
}

const char *exits_meaning(enum exit_code code)
{
    for (size_t i = 0; i < EXITS; i++)
        if (exits[i].code == code)
            return exits[i].meaning;
    return "";
}

bool exits_at(size_t at, enum exit_code *code)
{
    if (at >= EXITS)
        return false;
    *code = exits[at].code;
    return true;
}
