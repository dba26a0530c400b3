#include "usage_sums.h"

#include "args.h"
#include "ask.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const char *const usage_names[USAGE_NAMES] = {"time", "tenant", "user", "service", "method"};
const char *const usage_figures[USAGE_FIGURES] = {"calls", "errors", "bytes_in", "bytes_out",
                                                  "duration_us"};

#define CURSOR_MAX 2048u

struct asking {
    const struct args *args;
    const char *const *by;
    uint32_t n_by;
    char month[sizeof "2026-11"]; /* the present one, in case no time was given */
    char cursor[CURSOR_MAX];
    size_t cap;
};

/* ---- the question ---- */

static const char *const passed_on[] = {"from", "to", "tenant", "user", "service", "method"};
#define PASSED_ON (sizeof passed_on / sizeof *passed_on)

static const char *value_of(const struct asking *asking, const char *option)
{
    bool untimed = !args_has(asking->args, "from") && !args_has(asking->args, "to");
    if (untimed && strcmp(option, "from") == 0)
        return asking->month;
    return args_text(asking->args, option, "");
}

static void write_question(fbx_writer *w, const struct asking *asking)
{
    fbx_write_map(w, PASSED_ON + 2);
    for (size_t i = 0; i < PASSED_ON; i++) {
        fbx_write_text(w, passed_on[i]);
        fbx_write_text(w, value_of(asking, passed_on[i]));
    }
    fbx_write_text(w, "by");
    fbx_write_array(w, asking->n_by);
    for (uint32_t i = 0; i < asking->n_by; i++)
        fbx_write_text(w, asking->by[i]);
    fbx_write_text(w, "cursor");
    fbx_write_text(w, asking->cursor);
}

/* ---- the answer ---- */

static char *text_of(fbx_value value)
{
    char *text = NULL;
    if (value.type == FBX_TEXT) {
        text = mem_zalloc(value.as.bytes.len + 1);
        memcpy(text, value.as.bytes.data, value.as.bytes.len);
    }
    return text;
}

static void copy_text(char *out, size_t size, fbx_value value)
{
    char *text = text_of(value);
    snprintf(out, size, "%s", text ? text : "");
    mem_free(text);
}

static void add_row(struct usage_sums *sums, struct asking *asking, const fbx_value *row)
{
    if (sums->count == asking->cap) {
        asking->cap = asking->cap ? 2 * asking->cap : 64;
        sums->list = mem_realloc(sums->list, asking->cap * sizeof *sums->list);
    }
    struct usage_sum *sum = &sums->list[sums->count++];
    for (unsigned i = 0; i < USAGE_NAMES; i++)
        sum->names[i] = text_of(fbx_map_get(row, usage_names[i]));
    for (unsigned i = 0; i < USAGE_FIGURES; i++) {
        sum->figures[i] = fbx_map_get(row, usage_figures[i]).as.natural;
        sums->total[i] += sum->figures[i];
    }
}

static void add_page(struct usage_sums *sums, struct asking *asking, const fbx_reply *reply)
{
    fbx_value answer, row;
    asking->cursor[0] = '\0';
    if (!fbx_read(fbx_reply_payload(reply), &answer))
        return;
    fbx_value rows = fbx_map_get(&answer, "rows");
    const unsigned char *cursor = NULL;
    while (fbx_next(&rows, &cursor, &row))
        add_row(sums, asking, &row);
    copy_text(asking->cursor, sizeof asking->cursor, fbx_map_get(&answer, "next"));
    if (!sums->hour[0]) /* of the first page: what was over then is whole on all of them */
        copy_text(sums->hour, sizeof sums->hour, fbx_map_get(&answer, "hour"));
}

static int in_order(const void *a, const void *b)
{
    const struct usage_sum *left = a, *right = b;
    int order = 0;
    for (unsigned i = 0; i < USAGE_NAMES && order == 0; i++)
        order = left->names[i] && right->names[i] ? strcmp(left->names[i], right->names[i]) : 0;
    return order;
}

static void free_names(struct usage_sum *sum)
{
    for (unsigned i = 0; i < USAGE_NAMES; i++)
        mem_free(sum->names[i]);
}

/* Each group once. */
static void fold(struct usage_sums *sums)
{
    size_t kept = 0;
    if (sums->count == 0)
        return;
    qsort(sums->list, sums->count, sizeof *sums->list, in_order);
    for (size_t i = 1; i < sums->count; i++) {
        if (in_order(&sums->list[kept], &sums->list[i]) != 0) {
            sums->list[++kept] = sums->list[i];
            continue;
        }
        for (unsigned figure = 0; figure < USAGE_FIGURES; figure++)
            sums->list[kept].figures[figure] += sums->list[i].figures[figure];
        free_names(&sums->list[i]);
    }
    sums->count = kept + 1;
}

void usage_sums_finish(struct usage_sums *sums)
{
    for (size_t i = 0; i < sums->count; i++)
        free_names(&sums->list[i]);
    mem_free(sums->list);
    *sums = (struct usage_sums){0};
}

static int ask_page(struct usage_sums *sums, const struct cli *cli, struct asking *asking)
{
    fbx_writer question = {0};
    fbx_reply *reply;
    write_question(&question, asking);
    int code = ask_broker(cli, "bus.usage", "show", &question, &reply);
    fbx_writer_free(&question);
    if (!reply)
        return code ? code : EXIT_INTERRUPTED;
    add_page(sums, asking, reply);
    fbx_reply_free(reply);
    return EXIT_OK;
}

int usage_sums_ask(struct usage_sums *out, const struct cli *cli, const struct args *args,
                   const char *const *by, uint32_t n_by)
{
    struct asking asking = {.args = args, .by = by, .n_by = n_by};
    time_t now = time(NULL);
    struct tm utc;
    int code;
    *out = (struct usage_sums){0};
    if (!gmtime_r(&now, &utc) || strftime(asking.month, sizeof asking.month, "%Y-%m", &utc) == 0)
        return cli_fail(cli, EXIT_USAGE, "the clock makes no sense: say --from");
    do
        code = ask_page(out, cli, &asking);
    while (code == EXIT_OK && asking.cursor[0] != '\0');
    if (code == EXIT_OK)
        fold(out);
    else
        usage_sums_finish(out);
    return code;
}
