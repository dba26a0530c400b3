#include "usage_sums.h"

#include "base/mem.h"
#include "usage_asking.h"

#include <stdio.h>
#include <stdlib.h>

const char *const usage_names[USAGE_NAMES] = {"time", "tenant", "user", "service", "method"};
const char *const usage_figures[USAGE_FIGURES] = {"calls",     "errors",      "bytes_in",
                                                  "bytes_out", "duration_us", "voided"};

static void copy_text(char *out, size_t size, fbx_value value)
{
    char *text = usage_text(value);
    snprintf(out, size, "%s", text ? text : "");
    mem_free(text);
}

static void add_row(struct usage_sums *sums, const fbx_value *row)
{
    if (sums->count == sums->cap) {
        sums->cap = sums->cap ? 2 * sums->cap : 64;
        sums->list = mem_realloc(sums->list, sums->cap * sizeof *sums->list);
    }
    struct usage_sum *sum = &sums->list[sums->count++];
    for (unsigned i = 0; i < USAGE_NAMES; i++)
        sum->names[i] = usage_text(fbx_map_get(row, usage_names[i]));
    sum->customer = usage_text(fbx_map_get(row, "billing_customer"));
    for (unsigned i = 0; i < USAGE_FIGURES; i++) {
        sum->figures[i] = fbx_map_get(row, usage_figures[i]).as.natural;
        sums->total[i] += sum->figures[i];
    }
}

/* False: that was the last. */
static bool add_page(struct usage_sums *sums, struct usage_asking *asking, const fbx_reply *reply)
{
    fbx_value answer, row;
    if (!fbx_read(fbx_reply_payload(reply), &answer))
        return false;
    fbx_value rows = fbx_map_get(&answer, "rows");
    const unsigned char *cursor = NULL;
    while (fbx_next(&rows, &cursor, &row))
        add_row(sums, &row);
    if (!sums->hour[0]) /* of the first page: what was over then is whole on all of them */
        copy_text(sums->hour, sizeof sums->hour, fbx_map_get(&answer, "hour"));
    return usage_asking_goes_on(asking, &answer);
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
    mem_free(sum->customer);
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

static int ask_page(struct usage_sums *sums, const struct cli *cli, struct usage_asking *asking,
                    bool *goes_on)
{
    fbx_reply *reply = NULL;
    int code = usage_asking_page(asking, cli, "show", &reply);
    if (code)
        return code;
    *goes_on = add_page(sums, asking, reply);
    fbx_reply_free(reply);
    return EXIT_OK;
}

int usage_sums_ask(struct usage_sums *out, const struct cli *cli, const struct args *args,
                   const char *const *by, uint32_t n_by)
{
    struct usage_asking asking;
    bool goes_on = true;
    *out = (struct usage_sums){0};
    int code = usage_asking_init(&asking, cli, args);
    asking.by = by;
    asking.n_by = n_by;
    while (!code && goes_on)
        code = ask_page(out, cli, &asking, &goes_on);
    if (code == EXIT_OK)
        fold(out);
    else
        usage_sums_finish(out);
    return code;
}
