/* certificate.h - certificates for tests, made where they are needed. */
#ifndef DIALOGUE_CERTIFICATE_H
#define DIALOGUE_CERTIFICATE_H

#include "harness.h"

/* NAME.pem and NAME.key in the place's folder: a certificate for that address or host, signed by
 * itself alone. Replaces those that are there. */
void certificate_make(struct place *place, const char *name, const char *host);

#endif
