/* listen.h - opening a listener by URL with the options each transport needs. */
#ifndef BROKER_LISTEN_H
#define BROKER_LISTEN_H

#include "config.h"

#include <nng/nng.h>

/* Negative errno, with `why` (SETTINGS_WHY_BYTES) naming the URL and the reason. */
int listen_on(nng_socket socket, const char *url, const struct settings *settings, char *why);

/* Certificate and key, if there are any, can be used together. Negative errno, with `why` naming
 * the file. */
int listen_check_tls(const struct settings *settings, char *why);

#endif
