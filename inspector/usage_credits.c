#include "usage_credits.h"

#include "base/mem.h"
#include "copy.h"
#include "usage_asking.h"

struct pages {
    fbx_reply **replies;
    size_t n;
};

static int read_page(struct pages *pages, const struct cli *cli, struct usage_asking *asking,
                     bool *goes_on)
{
    fbx_reply *reply = NULL;
    fbx_value answer;
    int code = usage_asking_page(asking, cli, "credits", &reply);
    if (code)
        return code;
    pages->replies = mem_realloc(pages->replies, (pages->n + 1) * sizeof(fbx_reply *));
    pages->replies[pages->n++] = reply;
    *goes_on = fbx_read(fbx_reply_payload(reply), &answer) && usage_asking_goes_on(asking, &answer);
    return EXIT_OK;
}

static fbx_value credits_of(const fbx_reply *reply)
{
    fbx_value answer, none = {0};
    return fbx_read(fbx_reply_payload(reply), &answer) ? fbx_map_get(&answer, "credits") : none;
}

static uint32_t count(const struct pages *pages)
{
    uint32_t n = 0;
    fbx_value credit;
    for (size_t i = 0; i < pages->n; i++) {
        fbx_value credits = credits_of(pages->replies[i]);
        for (const unsigned char *cursor = NULL; fbx_next(&credits, &cursor, &credit);)
            n++;
    }
    return n;
}

static void write_all(fbx_writer *out, const struct pages *pages)
{
    fbx_value credit;
    fbx_write_array(out, count(pages));
    for (size_t i = 0; i < pages->n; i++) {
        fbx_value credits = credits_of(pages->replies[i]);
        for (const unsigned char *cursor = NULL; fbx_next(&credits, &cursor, &credit);)
            copy_value(out, &credit);
    }
}

int usage_credits_ask(fbx_writer *out, const struct cli *cli, const struct args *args)
{
    struct usage_asking asking;
    struct pages pages = {0};
    bool goes_on = true;
    int code = usage_asking_init(&asking, cli, args);
    while (!code && goes_on)
        code = read_page(&pages, cli, &asking, &goes_on);
    if (!code)
        write_all(out, &pages);
    for (size_t i = 0; i < pages.n; i++)
        fbx_reply_free(pages.replies[i]);
    mem_free(pages.replies);
    return code;
}
