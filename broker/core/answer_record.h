/* answer_record.h - a kept answer as bytes, in the books and in the journal. Pure. */
#ifndef CORE_ANSWER_RECORD_H
#define CORE_ANSWER_RECORD_H

#include "core/answers.h"

/* Appends. */
void answer_record_write(struct buf *out, const struct answer *answer,
                         const struct wire_reply *reply);
/* What is known of every answer: hash, end, whether it was metered. False: it makes no sense. */
bool answer_record_head(struct slice *record, struct answer *answer);
/* What follows the head. Views into the record, and the turn's arena. */
bool answer_record_reply(struct core *core, struct slice *record, struct wire_reply *reply);
/* It is metered now. */
void answer_record_pay(struct buf *record);

#endif
