#include "usage_credits.h"

#include "pages.h"
#include "usage_asking.h"

static int read_page(struct pages *pages, const struct cli *cli, struct usage_asking *asking,
                     bool *goes_on)
{
    fbx_reply *reply = NULL;
    fbx_value answer;
    int code = usage_asking_page(asking, cli, "credits", &reply);
    if (code)
        return code;
    pages_add(pages, reply);
    *goes_on = fbx_read(fbx_reply_payload(reply), &answer) && usage_asking_goes_on(asking, &answer);
    return EXIT_OK;
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
        pages_write(out, &pages, "credits");
    pages_free(&pages);
    return code;
}
