/* pages.h - an answer that came in several replies, put together again. */
#ifndef INSPECTOR_PAGES_H
#define INSPECTOR_PAGES_H

#include <farebox.h>
#include <stddef.h>

struct pages {
    fbx_reply **replies;
    size_t n;
};

/* Takes the reply over. */
void pages_add(struct pages *pages, fbx_reply *reply);
/* Writes what the arrays `key` of all of them hold, as one array. */
void pages_write(fbx_writer *w, const struct pages *pages, const char *key);
void pages_free(struct pages *pages);

#endif
