/* breakers.h - which services are being spared, and from whom. Each service has a breaker, each
 * tenant that has failed there one of its own, and each instance one that ejects it
 * (docs/policy.md). A tenant can spoil only its own: the service's opens when its calls fail even
 * without those of the tenant that fails most. What is not closed outlives the broker. Owned by the
 * core; one thread. */
#ifndef CORE_BREAKERS_H
#define CORE_BREAKERS_H

#include "base/list.h"
#include "base/map.h"
#include "base/wheel.h"
#include "policy/breaker_table.h"

struct call;
struct core;
struct identity;
struct instance;
struct service;

#define BREAKERS_TABLE "breakers"

/* One breaker and what is known about it. */
struct guard {
    struct breaker breaker;
    struct service *service;
    struct slice tenant; /* empty: of the whole service */
    uint64_t accused_in; /* the round in which the probe of one tenant has failed */
    bool kept;           /* the store has a record of it */
    struct list node;    /* a tenant's that may be forgotten: in breakers.closed */
};

struct service_breakers {
    struct guard whole;
    struct map tenants;                    /* struct guard; only of those that have failed */
    const struct breaker_setting *setting; /* as of `generation` */
    uint64_t generation;
};

/* Of an instance. Ejected ones get no calls, as long as there are others. */
struct instance_breaker {
    struct breaker breaker;
    bool ejected;
    struct timer back; /* when it gets probes */
};

/* What a call was let through as: by which breaker it is told. */
struct call_passes {
    struct breaker_pass whole, tenant, instance;
};

struct breakers {
    struct list closed; /* guards of tenants, the least recently used first */
    size_t n;           /* guards of tenants */
    uint64_t made, generation;
};

/* Reads the records back; the registry has been read. */
int breakers_start(struct core *core);
void breakers_finish(struct core *core); /* before the registry's end */
/* The limits have changed. */
void breakers_reload(struct core *core);
void breakers_service_made(struct service *service);
/* It is removed from the registry; its records too. */
void breakers_service_gone(struct core *core, struct service *service);
void breakers_instance_made(struct instance *instance);
void breakers_instance_gone(struct core *core, struct instance *instance);

const struct breaker_setting *breakers_setting(struct core *core, struct service *service);
/* The breaker that refuses the call, or NULL: it may pass, and breakers_tell() will be told.
 * `retry_after` in ns. */
const struct guard *breakers_admit(struct core *core, struct call *call, uint64_t *retry_after);
/* The breaker that would refuse the call now, or NULL. Changes nothing. */
const struct guard *breakers_refusing(struct core *core, const struct call *call,
                                      uint64_t *retry_after);
/* It goes to its instance. */
void breakers_place(struct core *core, struct call *call);
/* For every call that passed, once. */
void breakers_tell(struct core *core, struct call *call, enum breaker_outcome outcome);

/* The guard of a tenant, made if there is none; NULL: there is no room. */
struct guard *breakers_take(struct core *core, struct service *service, struct slice tenant);
enum breaker_order { BREAKER_RESET, BREAKER_FORCE_OPEN, BREAKER_FORCE_CLOSE };
enum breaker_obeys {
    BREAKER_OBEYS,
    BREAKER_NO_ROOM,  /* for one more */
    BREAKER_NO_BOOKS, /* they refuse: the next broker would not know of it */
};
/* `tenant` may be empty. The instances of a service that is reset are let in again. What is not
 * obeyed changes nothing. */
enum breaker_obeys breakers_order(struct core *core, struct service *service, struct slice tenant,
                                  enum breaker_order order, const struct identity *by);

#endif
