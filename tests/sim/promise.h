/* promise.h - the list of promises, and what to do when one is broken. */
#ifndef SIM_PROMISE_H
#define SIM_PROMISE_H

#include <stdbool.h>

struct world;

enum promise {
#define PROMISE(name, text) PROMISE_##name,
#include "promises.def"
#undef PROMISE
    PROMISES
};

/* The first promise that was broken in a run. */
struct breach {
    bool broken;
    enum promise promise;
    char what[240];
};

const char *promise_name(enum promise promise);
const char *promise_text(enum promise promise);

void promise_broken(struct world *world, enum promise promise, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
