#include "answer.h"

#include <inttypes.h>
#include <stdio.h>

void answer_finish(struct answer *self)
{
    buf_finish(&self->headers);
    buf_finish(&self->body);
    *self = (struct answer){0};
}

void answer_header(struct answer *self, const char *name, const char *value)
{
    buf_append(&self->headers, name, strlen(name) + 1);
    for (; *value; value++)
        if ((unsigned char)*value >= ' ')
            buf_append(&self->headers, value, 1);
    buf_append(&self->headers, "", 1);
}

void answer_header_number(struct answer *self, const char *name, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    answer_header(self, name, text);
}
