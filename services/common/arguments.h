/* arguments.h - what a caller sent, checked: a MessagePack map (or nothing, which
 * is an empty one) with known keys. The first thing wrong is remembered and everything
 * after it does nothing, so a method reads all its arguments and then asks once:
 *
 *     arguments_read(&arguments, request, known);
 *     arguments_text(&arguments, "symbol", symbol, sizeof symbol);
 *     if (arguments_refused(&arguments, request))
 *         return;
 */
#ifndef SERVICES_COMMON_ARGUMENTS_H
#define SERVICES_COMMON_ARGUMENTS_H

#include "farebox.h"

struct arguments {
    fbx_value map;   /* borrows from the request */
    char wrong[160]; /* "" while everything is fine */
};

/* `known`: the keys that are understood, NULL-terminated. */
void arguments_read(struct arguments *arguments, const fbx_request *request,
                    const char *const *known);
/* Required text that fits `size` bytes with its terminator, without NUL bytes. */
void arguments_text(struct arguments *arguments, const char *key, char *out, size_t size);
/* The others leave `*out` alone when the key is absent or nil. */
void arguments_optional_text(struct arguments *arguments, const char *key, char *out, size_t size);
/* YYYY-MM-DD, as days since 1970-01-01. */
void arguments_date(struct arguments *arguments, const char *key, int32_t *out);
/* Within `least` and `most`, both included. */
void arguments_number(struct arguments *arguments, const char *key, double least, double most,
                      double *out);
void arguments_natural(struct arguments *arguments, const char *key, uint64_t most, uint64_t *out);
/* Something the method found wrong itself; name the key first ("symbol: …"). */
void arguments_refuse(struct arguments *arguments, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* If something is wrong, answers the request with invalid_argument and returns true. */
bool arguments_refused(const struct arguments *arguments, fbx_request *request);

#endif
