/* route.h - what each kind of envelope does. */
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include "core/filter.h"

/* The one text for every bad credential: a caller learns nothing from the difference. */
#define TEXT_UNAUTHENTICATED "no valid token"
#define TEXT_NOT_SERVED "the subscription is suspended or has ended"

/* Texts of an envelope beside its payload. What we add must not push a frame over what its
 * receiver reads. */
#define ROUTE_TEXTS_MAX (32u * 1024u)

struct subscription;

/* A frame being read, and who sent it. */
struct inbound {
    struct session *session;   /* NULL: one-shot */
    struct exchange *exchange; /* a one-shot's, until something took it over */
    uint32_t pipe;
    struct wire_frame *frame;
    struct identity **resolved; /* by credential index - 1; filled when first needed */
};

/* Whoever the credential stands for: 0 is the session itself. Borrowed for the frame;
 * NULL: not valid (logged). */
struct identity *inbound_identity(struct core *core, struct inbound *inbound, uint32_t credential);
void inbound_finish(struct inbound *inbound);

/* An envelope of a session. Negative: the session cannot go on. */
int route_envelope(struct core *core, struct inbound *inbound,
                   const struct wire_envelope *envelope);
/* The one envelope of a frame without a session. */
void route_one_shot(struct core *core, struct inbound *inbound,
                    const struct wire_envelope *envelope);

/* Answers an envelope, in its session or outside one. */
void route_acknowledge(struct core *core, struct inbound *inbound, uint64_t id, enum status status,
                       const char *message);

/* route_events.c */
void route_publish(struct core *core, struct inbound *inbound,
                   const struct wire_envelope *envelope);
void route_subscribe(struct core *core, struct inbound *inbound,
                     const struct wire_envelope *envelope);
void route_unsubscribe(struct core *core, struct inbound *inbound, uint64_t id);
/* Ends a session's subscription that it has not ended itself, and says why. */
void route_subscription_over(struct core *core, struct subscription *subscription,
                             enum status status, const char *why);

#endif
