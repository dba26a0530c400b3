/* usage_question.h - what somebody asks bus.usage for, as far as they may know it. */
#ifndef BUILTIN_USAGE_QUESTION_H
#define BUILTIN_USAGE_QUESTION_H

#include "builtin/builtin.h"
#include "builtin/usage_page.h"

/* As they are called in questions and answers. */
extern const char *const usage_part_names[USAGE_PARTS];

/* Has `answer` answer what the call asks. STATUS_OK, or a status with `*why`. */
enum status usage_question_answer(struct core *core, struct call *call, enum scope scope,
                                  struct buf *out, const char **why,
                                  enum status (*answer)(struct core *core,
                                                        const struct usage_question *question,
                                                        struct buf *out, const char **why));
/* Whom the tenant is billed as, by its record; empty: nobody says, or it is not for who asks. */
struct slice usage_customer(const struct core *core, const struct usage_question *question,
                            struct slice tenant);
/* The pair "next": empty if the key is. */
void usage_pack_cursor(struct core *core, msgpack_packer *packer, struct slice key);

#endif
