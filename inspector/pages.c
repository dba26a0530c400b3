#include "pages.h"

#include "base/mem.h"

void pages_add(struct pages *pages, fbx_reply *reply)
{
    pages->replies = mem_realloc(pages->replies, (pages->n + 1) * sizeof(fbx_reply *));
    pages->replies[pages->n++] = reply;
}

static fbx_value array_of(const fbx_reply *reply, const char *key)
{
    fbx_value answer, none = {0};
    return fbx_read(fbx_reply_payload(reply), &answer) ? fbx_map_get(&answer, key) : none;
}

static uint32_t count(const struct pages *pages, const char *key)
{
    uint32_t n = 0;
    fbx_value element;
    for (size_t i = 0; i < pages->n; i++) {
        fbx_value array = array_of(pages->replies[i], key);
        for (const unsigned char *cursor = NULL; fbx_next(&array, &cursor, &element);)
            n++;
    }
    return n;
}

void pages_write(fbx_writer *w, const struct pages *pages, const char *key)
{
    fbx_value element;
    fbx_write_array(w, count(pages, key));
    for (size_t i = 0; i < pages->n; i++) {
        fbx_value array = array_of(pages->replies[i], key);
        for (const unsigned char *cursor = NULL; fbx_next(&array, &cursor, &element);)
            fbx_write_value(w, &element);
    }
}

void pages_free(struct pages *pages)
{
    for (size_t i = 0; i < pages->n; i++)
        fbx_reply_free(pages->replies[i]);
    mem_free(pages->replies);
    *pages = (struct pages){0};
}
