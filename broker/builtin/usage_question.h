/* usage_question.h - what somebody asks bus.usage for, as far as they may know it. */
#ifndef BUILTIN_USAGE_QUESTION_H
#define BUILTIN_USAGE_QUESTION_H

#include "builtin/builtin.h"
#include "builtin/usage_page.h"

/* As they are called in questions and answers. */
extern const char *const usage_part_names[USAGE_PARTS];

/* STATUS_OK, or a status with `*why`; views into the arguments and the arena. */
enum status usage_question_read(struct core *core, const struct call *call, enum scope scope,
                                const struct arguments *arguments, struct usage_question *out,
                                const char **why);
/* The pair "next": empty if the key is. */
void usage_pack_cursor(struct core *core, msgpack_packer *packer, struct slice key);

#endif
