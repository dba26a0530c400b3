/* core_ask.h - an actor asks one of the broker's own services; question and answer are JSON. */
#ifndef TESTS_CORE_ASK_H
#define TESTS_CORE_ASK_H

#include "core_stage.h"

/* Sends the question, which must be JSON. */
void actor_question(struct actor *who, uint64_t id, const char *service, const char *method,
                    const char *question);
/* Sends it and passes over all that comes before its reply. `answer` is then that as a C string,
 * empty unless it is ok. */
enum status actor_ask(struct actor *who, uint64_t id, const char *service, const char *method,
                      const char *question, struct buf *answer);
/* What that detail of a reply says; empty: there is none. */
const char *reply_detail(const struct wire_reply *reply, const char *key);

#endif
