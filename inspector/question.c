#include "question.h"

void question_text(fbx_writer *w, const char *key, const char *value)
{
    fbx_write_text(w, key);
    fbx_write_text(w, value);
}

void question_texts(fbx_writer *w, const char *key, const struct args *args, const char *option)
{
    unsigned cursor = 0;
    uint32_t count = 0;
    while (args_next(args, option, &cursor))
        count++;
    fbx_write_text(w, key);
    fbx_write_array(w, count);
    cursor = 0;
    for (const char *text; (text = args_next(args, option, &cursor));)
        fbx_write_text(w, text);
}
