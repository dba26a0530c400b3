#include "usage_asking.h"

#include "args.h"
#include "ask.h"
#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static const char *const passed_on[] = {"from", "to", "tenant", "user", "service", "method"};
#define PASSED_ON (sizeof passed_on / sizeof *passed_on)

static const char *value_of(const struct usage_asking *asking, const char *option)
{
    if (strcmp(option, "from") == 0)
        return asking->from;
    if (strcmp(option, "to") == 0)
        return asking->to;
    return args_text(asking->args, option, "");
}

static void write_question(fbx_writer *w, const struct usage_asking *asking)
{
    fbx_write_map(w, PASSED_ON + 1 + (asking->n_by > 0));
    for (size_t i = 0; i < PASSED_ON; i++) {
        fbx_write_text(w, passed_on[i]);
        fbx_write_text(w, value_of(asking, passed_on[i]));
    }
    if (asking->n_by > 0) {
        fbx_write_text(w, "by");
        fbx_write_array(w, asking->n_by);
    }
    for (uint32_t i = 0; i < asking->n_by; i++)
        fbx_write_text(w, asking->by[i]);
    fbx_write_text(w, "cursor");
    fbx_write_text(w, asking->cursor);
}

int usage_asking_init(struct usage_asking *asking, const struct cli *cli, const struct args *args)
{
    bool timed = args_has(args, "from") || args_has(args, "to");
    int64_t now_s = (int64_t)(clock_now().unix_ms / 1000);
    *asking = (struct usage_asking){.args = args};
    asking->from = usage_time_read(args_text(args, "from", timed ? "" : "this-month"), now_s,
                                   asking->from_room);
    asking->to = usage_time_read(args_text(args, "to", ""), now_s, asking->to_room);
    if (!asking->from || !asking->to)
        return cli_fail(cli, EXIT_USAGE, "the clock makes no sense: say the day");
    return EXIT_OK;
}

int usage_asking_page(struct usage_asking *asking, const struct cli *cli, const char *method,
                      fbx_reply **reply)
{
    fbx_writer question = {0};
    write_question(&question, asking);
    int code = ask_broker(cli, "bus.usage", method, &question, reply);
    fbx_writer_free(&question);
    return *reply || code ? code : EXIT_INTERRUPTED;
}

bool usage_asking_goes_on(struct usage_asking *asking, const fbx_value *answer)
{
    fbx_value next = fbx_map_get(answer, "next");
    bool is_text = next.type == FBX_TEXT;
    snprintf(asking->cursor, sizeof asking->cursor, "%.*s", is_text ? (int)next.as.bytes.len : 0,
             is_text ? (const char *)next.as.bytes.data : "");
    return asking->cursor[0] != '\0';
}

char *usage_text(fbx_value value)
{
    char *text = NULL;
    if (value.type == FBX_TEXT) {
        text = mem_zalloc(value.as.bytes.len + 1);
        memcpy(text, value.as.bytes.data, value.as.bytes.len);
    }
    return text;
}
