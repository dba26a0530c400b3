/* bus.h - the bus under test: one that runs already (--url), or a broker started for one
 * measurement on a fresh data folder with a fresh secret, which ends with this process. */
#ifndef BENCH_BUS_H
#define BENCH_BUS_H

#include "farebox.h"
#include "measure/options.h"

#include <stdint.h>

struct bus {
    pid_t broker;     /* 0: not ours and not told */
    uint64_t exec_ns; /* when our broker was started, monotonic; 0: not ours */
    char *url, *token;
};

/* Both fail the program rather than return. One bus of our own at a time. Sets
 * options->broker_pid when the broker is ours. */
void bus_open(struct bus *bus, struct bench_options *options);
void bus_close(struct bus *bus); /* ends our broker and removes its folder */

/* A session, which the inspector shows as `name`. Holds `window` bodies of `size` bytes. */
fbx_bus *bus_connect(const struct bus *bus, const char *name, const struct bench_options *options);

/* A service whose method "echo" answers with what it is sent; capacity 0: the library's. */
void bus_serve_echo(fbx_bus *session, const char *name, uint32_t capacity);

/* A MessagePack bin value of exactly `size` bytes, zeroed: stays valid whatever is written over
 * its end. Free with mem_free. */
void *bus_body(size_t size);

#endif
