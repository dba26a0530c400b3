/* preferences.h - by which channels a user wants to be notified: in general, and otherwise for
 * single kinds of events. Pure. As MessagePack:
 *
 *     "channels": {"in_app": true, "email": true, "webhook": false},
 *     "kinds": {"billing.invoice": {"email": false}}
 */
#ifndef USER_SERVICE_PREFERENCES_H
#define USER_SERVICE_PREFERENCES_H

#include "common/arguments.h"

#include <stdint.h>

#define PREFERENCES_KINDS_MAX 32u
#define PREFERENCES_KIND_SIZE 64u

enum channel { CHANNEL_IN_APP, CHANNEL_EMAIL, CHANNEL_WEBHOOK, CHANNELS };

/* A bit for each channel. */
struct choice {
    uint8_t said, on; /* what is not said of a kind is as in general */
};

struct preferences {
    struct choice channels; /* all said */
    unsigned n_kinds;
    struct {
        char name[PREFERENCES_KIND_SIZE]; /* a topic, sorted */
        struct choice choice;
    } kinds[PREFERENCES_KINDS_MAX];
};

/* Everything is wanted. */
void preferences_init(struct preferences *preferences);
/* Puts what `channels` and `kinds` of the arguments say in place of what was said; a channel that
 * is nil is not said any more, a kind that is nil is forgotten. Undefined if something is wrong. */
void preferences_read(struct preferences *preferences, struct arguments *arguments);
/* Two pairs of a map. */
void preferences_write(const struct preferences *preferences, fbx_writer *w);

#endif
