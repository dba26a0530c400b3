/* line.h - a line of configuration: a word that says what it is about, then words like key=number.
 * Pure. */
#ifndef POLICY_LINE_H
#define POLICY_LINE_H

#include <stdint.h>

#define LINE_SPACES " \t"
#define LINE_WHY_BYTES 160u

/* Writes what is wrong to `why` (LINE_WHY_BYTES). Always -EINVAL. */
__attribute__((format(printf, 2, 3))) int line_complain(char *why, const char *format, ...);
/* -EINVAL: not a decimal number from `least` to `most`. */
int line_number(uint64_t *out, const char *text, uint64_t least, uint64_t most);
/* -EINVAL: two words say the same, which `why` names; the first word of the line is not looked at.
 */
int line_says_once(const char *line, char *why);

#endif
