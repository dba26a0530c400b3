/* peer.h - what the peers' programs share beyond the measuring: reading their options, and
 * addresses. */
#ifndef PEERS_PEER_H
#define PEERS_PEER_H

#include "../../measure/options.h"

/* Options of a peer's program; `window` unless told. */
void peer_options(struct bench_options *options, int argc, char **argv, unsigned window,
                  const char *usage);
/* The digits after the last ':'; fails the program without. */
int peer_port(const char *url);
/* A blocking connection to a loopback port, without Nagle; fails the program. */
int peer_connect(int port);
/* As many as allowed. */
void peer_raise_descriptors(void);

#endif
