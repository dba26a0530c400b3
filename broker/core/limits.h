/* limits.h - the numbers the core obeys. Filled from the settings by the program,
 * from a seed by the simulator; may be replaced between turns. */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

#include "policy/breaker_table.h"
#include "policy/rate_table.h"
#include "policy/tiers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define UPGRADE_URL_MAX 255u

/* What a reply that was received outlives. */
enum durability {
    DURABILITY_CRASH, /* the end of the process */
    DURABILITY_POWER, /* that of the system: replies wait for the disk */
};

/* False: no such word. */
static inline bool durability_read(enum durability *out, const char *word)
{
    bool power = strcmp(word, "power") == 0;
    if (!power && strcmp(word, "crash") != 0)
        return false;
    *out = power ? DURABILITY_POWER : DURABILITY_CRASH;
    return true;
}

struct limits {
    enum durability durability;
    uint32_t heartbeat_ms;       /* three missed end a session */
    uint32_t grace_ms;           /* a session outlives its pipe by this */
    uint32_t default_timeout_ms; /* of calls that state none */
    uint32_t max_timeout_ms;
    uint32_t max_payload_bytes;
    size_t outbox_bytes; /* of a session, unsent or unacknowledged */
    uint32_t max_sessions;
    uint32_t max_calls;         /* pending at a time */
    uint32_t queue_length;      /* calls waiting for one service */
    uint32_t default_capacity;  /* calls an instance takes at a time */
    uint32_t call_depth;        /* nested calls below the first */
    uint32_t max_subscriptions; /* of one session */
    uint32_t max_services;      /* records in the registry */
    uint32_t max_instances;     /* of all of them together */
    uint32_t health_least_ms;   /* instances are not checked more often */
    bool health_urls;           /* there are URLs that may be checked */
    uint32_t max_feeds;
    uint32_t max_answers; /* kept for idempotency keys */
    size_t answers_bytes;
    uint64_t answer_ttl_ms;
    uint32_t usage_hours_kept, usage_kept; /* days, by the hour and at all; 0: for ever */
    uint32_t max_limited_users;            /* whose calls of the last minute are remembered */
    struct tiers tiers;
    struct rate_table rates; /* besides those of tiers */
    struct breaker_table breakers;
    uint32_t max_breakers;                 /* of tenants */
    char upgrade_url[UPGRADE_URL_MAX + 1]; /* where a better tier is to be had; may be empty */
    uint32_t max_identities;               /* verified credentials remembered */
    uint32_t max_revoked;                  /* revocations kept */
    uint32_t max_token_days;               /* tokens that last longer are refused; 0: none is */
    uint32_t silent_pipe_ms;               /* a connection that never says anything */
};

#endif
