/* probe.h - asks health endpoints: a GET on a thread of its own, which starts with the first
 * question. Only addresses that the list admits are ever connected to, judged when the connection
 * is made, whatever the URL said before; no redirect is followed, no proxy, no cookie, no password.
 * A status of 2xx passes; a body {"status": "warn"} or "fail" (JSON) says otherwise. */
#ifndef BROKER_PROBE_H
#define BROKER_PROBE_H

#include "policy/allow.h"
#include "policy/health.h"

#include <stdint.h>

struct prober;

struct core;

/* `wake` is called on the prober's thread when there is something to take. */
struct prober *prober_create(void (*wake)(void *arg), void *arg);
/* Hands over what has come to an end: at most once for each question; `reason` is a static text. */
void prober_take(struct prober *prober,
                 void (*each)(struct core *core, uint64_t id, enum health_outcome outcome,
                              const char *reason),
                 struct core *core);
/* Takes NULL. Nobody is woken any more once it returns. */
void prober_destroy(struct prober *prober);

/* Any thread; neither blocks. Both are copied; without a list nothing is admitted. `ca_file` (PEM)
 * says who may vouch for https endpoints, and is read for each of them; empty: whom the system
 * trusts. */
void prober_allow(struct prober *prober, const struct allow_list *list, const char *ca_file);
/* What has no answer within `timeout_ms` is given up, perhaps without a word. */
void prober_ask(struct prober *prober, uint64_t id, const char *url, uint32_t timeout_ms);

#endif
