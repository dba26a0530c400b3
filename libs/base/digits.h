/* digits.h - a number as text, where printf() would be most of the work. Pure. */
#ifndef BASE_DIGITS_H
#define BASE_DIGITS_H

#include <stddef.h>
#include <stdint.h>

#define DIGITS_MAX 20u

/* Decimal, without an end. Returns how many there are. */
size_t digits_of(char out[DIGITS_MAX], uint64_t value);

#endif
