/* state.h - the core's parts side by side. For broker/core, broker/filters and
 * broker/builtin only; the world sees core.h. */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "core/accounts.h"
#include "core/audit.h"
#include "core/breakers.h"
#include "core/call.h"
#include "core/chain.h"
#include "core/core.h"
#include "core/credits.h"
#include "core/expiry.h"
#include "core/health.h"
#include "core/hold.h"
#include "core/identity.h"
#include "core/meter.h"
#include "core/months.h"
#include "core/pubsub.h"
#include "core/rates.h"
#include "core/registry.h"
#include "core/retention.h"
#include "core/revoked.h"
#include "core/session.h"
#include "core/standing.h"
#include "core/values.h"

struct feeds;
struct taps;

struct stats {
    uint64_t calls, errors[STATUS_COUNT], one_shot, turns;
    uint64_t frames_in, frames_out, bytes_in, bytes_out, bad_frames;
    struct hist latency; /* ns, answered calls */
};

struct core {
    struct limits limits;
    struct io io;
    const char *version;
    struct moment now; /* of this turn */
    struct moment started;
    uint8_t boot[8];
    uint8_t cursor_key[32]; /* of pages that say where the next one begins */
    uint64_t chance;        /* the next of the small choices left to it; known to nobody */
    struct arena arena;     /* of the frame being read */
    struct wheel wheel;
    struct identities *identities;
    struct sessions sessions;
    struct calls calls;
    struct chain chain;
    struct registry registry;
    struct checks checks;
    struct accounts accounts;
    struct expiry expiry;
    struct grants grants;
    struct breakers breakers;
    struct pubsub pubsub;
    struct feeds *feeds;
    struct taps *taps;
    struct stats stats;
    struct audit audit;
    struct journal journal;
    struct hold hold;
    struct meter meter;
    struct retention retention;
    struct rates rates;
    struct months months;
    struct answers answers;
    struct values values;
    struct credits credits;
    struct revoked revoked;
    bool draining;
};

#endif
