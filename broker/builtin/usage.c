/* usage.c - bus.usage: what the books say was used, added up as somebody asks. One answer looks at
 * a page of rows and says where the next begins: the sum over a year holds up nobody, and the
 * broker keeps nothing between two pages. */
#include "builtin/usage_credits.h"
#include "builtin/usage_question.h"
#include "core/state.h"
#include "policy/calendar.h"

#define MS_PER_HOUR 3600000u

static void pack_figures(msgpack_packer *packer, const struct usage_group *group)
{
    const struct usage *usage = &group->usage;
    pack_pair_uint(packer, "calls", usage->calls);
    pack_pair_uint(packer, "errors", usage->errors);
    pack_pair_uint(packer, "bytes_in", usage->bytes_in);
    pack_pair_uint(packer, "bytes_out", usage->bytes_out);
    pack_pair_uint(packer, "duration_us", usage->duration_ns / 1000);
    pack_pair_uint(packer, "voided", group->voided);
}
#define FIGURES 6u

static void pack_group(const struct core *core, msgpack_packer *packer,
                       const struct usage_question *question, const struct usage_group *group)
{
    struct slice customer = usage_customer(core, question, group->parts[USAGE_TENANT]);
    unsigned named = customer.len > 0;
    for (unsigned part = 0; part < USAGE_PARTS; part++)
        named += question->by[part];
    msgpack_pack_map(packer, named + FIGURES);
    for (unsigned part = 0; part < USAGE_PARTS; part++) {
        if (question->by[part])
            pack_pair_text(packer, usage_part_names[part], group->parts[part]);
    }
    if (customer.len > 0)
        pack_pair_text(packer, "billing_customer", customer);
    pack_figures(packer, group);
}

/* The hour tells which ones are over: their rows change no more. */
static void pack_page(struct core *core, struct buf *out, const struct usage_question *question,
                      const struct usage_page *page)
{
    char hour[CALENDAR_HOUR + 1];
    msgpack_packer packer;
    packing_init(&packer, out);
    calendar_print(core->now.unix_ms / MS_PER_HOUR, hour);
    msgpack_pack_map(&packer, 3);
    pack_pair_text(&packer, "hour", slice_of(hour));
    pack_pair_array(&packer, "rows", page->n_groups);
    for (size_t i = 0; i < page->n_groups; i++)
        pack_group(core, &packer, question, page->groups[i]);
    usage_pack_cursor(core, &packer, page->next);
}

static enum status look_up(struct core *core, const struct usage_question *question,
                           struct buf *out, const char **why)
{
    struct usage_page page;
    if (!journal_save(core)) /* what has just been counted is part of the answer */
        return refuse_with(why, STATUS_UNAVAILABLE,
                           "the store takes no usage now: the answer would be too low");
    int err = usage_page_read(core, question, &page);
    if (err == 0)
        pack_page(core, out, question, &page);
    return err < 0 ? refuse_with(why, STATUS_UNAVAILABLE, "the books cannot be read") : STATUS_OK;
}

static enum status show(struct core *core, struct call *call, enum scope scope, struct buf *out,
                        const char **why)
{
    return usage_question_answer(core, call, scope, out, why, look_up);
}

static const struct argument shown[] = {
    {"from", ARGUMENT_TEXT},    {"to", ARGUMENT_TEXT},
    {"tenant", ARGUMENT_TEXT},  {"user", ARGUMENT_TEXT},
    {"service", ARGUMENT_TEXT}, {"method", ARGUMENT_TEXT},
    {"by", ARGUMENT_ARRAY},     {"limit", ARGUMENT_UINT},
    {"cursor", ARGUMENT_TEXT},  {0},
};

static const struct argument credited[] = {
    {"from", ARGUMENT_TEXT},  {"to", ARGUMENT_TEXT},      {"tenant", ARGUMENT_TEXT},
    {"user", ARGUMENT_TEXT},  {"service", ARGUMENT_TEXT}, {"method", ARGUMENT_TEXT},
    {"limit", ARGUMENT_UINT}, {"cursor", ARGUMENT_TEXT},  {0},
};

static const struct argument given[] = {
    {"id", ARGUMENT_TEXT},    {"time", ARGUMENT_TEXT},    {"tenant", ARGUMENT_TEXT},
    {"user", ARGUMENT_TEXT},  {"service", ARGUMENT_TEXT}, {"method", ARGUMENT_TEXT},
    {"calls", ARGUMENT_UINT}, {"reason", ARGUMENT_TEXT},  {0},
};

static const struct builtin_verb verbs[] = {
    {"show", ACCESS_ANYONE, "usage", show, false, shown},
    {"credits", ACCESS_ANYONE, "usage", usage_list_credits, false, credited},
    {"credit", ACCESS_ADMIN, "usage", usage_give_credit, false, given},
    {0},
};

const struct builtin builtin_usage = {"bus.usage", verbs};
