/* question.h - pieces of the maps that commands ask the broker's services with. */
#ifndef INSPECTOR_QUESTION_H
#define INSPECTOR_QUESTION_H

#include "args.h"
#include "farebox.h"

void question_text(fbx_writer *writer, const char *key, const char *value);
/* All that was given for an option that repeats, as an array. */
void question_texts(fbx_writer *writer, const char *key, const struct args *args,
                    const char *option);

#endif
