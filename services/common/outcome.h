/* outcome.h - outcomes by their text. */
#ifndef SERVICES_COMMON_OUTCOME_H
#define SERVICES_COMMON_OUTCOME_H

#include <stddef.h>

/* The status whose text this is ("overloaded"), or a negative number. */
int outcome_named(const char *text, size_t len);
/* Takes a refusal as fbx_last_error() words it, "permission_denied: needs …", apart:
 * returns the status (permission_denied if it begins with none) and where its message begins. */
int outcome_of_refusal(const char *refusal, const char **message);

#endif
