/* token_text.h - what a JSON Web Token says of itself, true or not. */
#ifndef INSPECTOR_TOKEN_TEXT_H
#define INSPECTOR_TOKEN_TEXT_H

#include "base/buf.h"

#include <stdint.h>

/* Header and claims, as MessagePack, are appended; the signature is for token_verify() to judge.
 * False: this is no token, and what was appended is of no use. */
bool token_text_read(const char *token, struct buf *header, struct buf *claims);
/* Unix seconds; 0: it does not say. */
int64_t token_text_expires(const char *token);

#endif
