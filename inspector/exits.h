/* exits.h - exit statuses of the inspector, from the one table in exits.def. Pure. */
#ifndef INSPECTOR_EXITS_H
#define INSPECTOR_EXITS_H

#include "wire/status.h"

#include <stddef.h>

enum exit_code {
#define EXIT(name, number, text, meaning) EXIT_##name = (number),
#include "exits.def"
#undef EXIT
};

/* The exit status for the outcome of a call; EXIT_INTERNAL for a number from the future. */
enum exit_code exits_of(int status);
/* The same of a reply: what is not to be tried again is not temporary, whatever its outcome. */
enum exit_code exits_of_reply(int status, bool retryable);
/* "usage", "bad_input", …: the error's name where there is no outcome to name it. */
const char *exits_text(enum exit_code code);
const char *exits_meaning(enum exit_code code);
/* Walks the table in order, with `at` from 0; false at its end. */
bool exits_at(size_t at, enum exit_code *code);

#endif
