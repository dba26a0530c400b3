/* usage.c - bus.usage: what the books say was used, added up as somebody asks. One answer looks at
 * a page of rows and says where the next begins: the sum over a year holds up nobody, and the
 * broker keeps nothing between two pages. */
#include "builtin/builtin.h"
#include "builtin/usage_page.h"
#include "core/state.h"
#include "policy/calendar.h"

#include <sodium.h>

#define MS_PER_HOUR 3600000u

static enum status refuse_with(const char **why, enum status status, const char *text)
{
    *why = text;
    return status;
}

static const char *const part_names[USAGE_PARTS] = {"time", "tenant", "user", "service", "method"};

/* ---- the question ---- */

static const struct dimension {
    const char *name;
    enum usage_part part;
    size_t time_len; /* so much of the hour's text */
} dimensions[] = {
    {"hour", USAGE_TIME, CALENDAR_HOUR},
    {"day", USAGE_TIME, CALENDAR_DAY},
    {"month", USAGE_TIME, CALENDAR_MONTH},
    {"tenant", USAGE_TENANT, 0},
    {"user", USAGE_USER, 0},
    {"service", USAGE_SERVICE, 0},
    {"method", USAGE_METHOD, 0},
};
#define DIMENSIONS (sizeof dimensions / sizeof *dimensions)

static bool group_by(struct usage_question *question, struct slice name)
{
    for (size_t i = 0; i < DIMENSIONS; i++) {
        const struct dimension *dimension = &dimensions[i];
        if (!slice_is(name, dimension->name))
            continue;
        question->by[dimension->part] = true;
        if (dimension->time_len > question->time_len)
            question->time_len = dimension->time_len; /* the finest */
        return true;
    }
    return false;
}

static bool read_dimensions(struct usage_question *question, const struct arguments *arguments)
{
    struct slice names[DIMENSIONS];
    size_t count = 0;
    if (!argument_has(arguments, "by"))
        return true;
    if (!argument_texts(arguments, "by", names, DIMENSIONS, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!group_by(question, names[i]))
            return false;
    }
    return true;
}

/* A cursor is a row's key, which may be another tenant's: sealed, and good until the broker's end.
 */
static void write_cursor(struct core *core, msgpack_packer *packer, struct slice key)
{
    size_t len = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + key.len;
    uint8_t *cursor = arena_alloc(&core->arena, len);
    core->io.random(core->io.arg, cursor, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(cursor + crypto_secretbox_NONCEBYTES, key.data, key.len, cursor,
                          core->cursor_key);
    pack_pair_hex(packer, "next", cursor, key.len > 0 ? len : 0);
}

static bool read_cursor(struct core *core, struct usage_question *question, struct slice hex)
{
    const size_t beside = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
    uint8_t *cursor = arena_alloc(&core->arena, hex.len / 2 + 1);
    size_t len = 0;
    if (hex.len == 0)
        return true;
    if (sodium_hex2bin(cursor, hex.len / 2 + 1, (const char *)hex.data, hex.len, NULL, &len,
                       NULL) ||
        2 * len != hex.len || len < beside)
        return false;
    uint8_t *key = arena_alloc(&core->arena, len);
    question->cursor = slice_make(key, len - beside);
    return crypto_secretbox_open_easy(key, cursor + crypto_secretbox_NONCEBYTES,
                                      len - crypto_secretbox_NONCEBYTES, cursor,
                                      core->cursor_key) == 0;
}

static enum status read_question(struct core *core, const struct arguments *arguments,
                                 struct usage_question *out, const char **why)
{
    struct slice none = slice_make(NULL, 0);
    out->from = argument_text(arguments, "from", none);
    out->to = argument_text(arguments, "to", none);
    for (unsigned part = USAGE_TENANT; part < USAGE_PARTS; part++)
        out->wanted[part] = argument_text(arguments, part_names[part], none);
    out->rows = argument_uint(arguments, "limit", USAGE_PAGE_ROWS);
    if (out->rows == 0 || out->rows > USAGE_PAGE_ROWS)
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "limit: 1 to 4096 rows of the books");
    if (!calendar_valid_prefix(out->from) || !calendar_valid_prefix(out->to))
        return refuse_with(why, STATUS_INVALID_ARGUMENT,
                           "from, to: the beginning of 2026-11-24T13, in UTC");
    if (!read_dimensions(out, arguments))
        return refuse_with(why, STATUS_INVALID_ARGUMENT,
                           "by: an array of hour, day, month, tenant, user, service, method");
    if (!read_cursor(core, out, argument_text(arguments, "cursor", none)))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "cursor: not one of ours");
    return STATUS_OK;
}

/* A user sees their own part; who administers the tenant's usage, all of it. */
static enum status confine(struct core *core, const struct call *call, enum scope scope,
                           struct usage_question *question, const char **why)
{
    const struct identity *who = call->identity;
    struct slice *tenant = &question->wanted[USAGE_TENANT];
    struct slice *user = &question->wanted[USAGE_USER];
    if (scope == SCOPE_ALL)
        return STATUS_OK;
    if (tenant->len > 0 && !slice_equal(*tenant, who->tenant)) {
        audit_mismatch(core, who, "bus.usage", *tenant);
        return refuse_with(why, STATUS_TENANT_MISMATCH, "that is another tenant");
    }
    *tenant = who->tenant;
    if (permitted(&who->permissions, VERB_ADMIN, who->tenant, who->tenant, slice_of("usage")))
        return STATUS_OK;
    if (user->len > 0 && !slice_equal(*user, who->user))
        return refuse_with(why, STATUS_PERMISSION_DENIED, "needs admin:usage");
    *user = who->user;
    return STATUS_OK;
}

/* ---- the answer ---- */

static void pack_usage(msgpack_packer *packer, const struct usage *usage)
{
    pack_pair_uint(packer, "calls", usage->calls);
    pack_pair_uint(packer, "errors", usage->errors);
    pack_pair_uint(packer, "bytes_in", usage->bytes_in);
    pack_pair_uint(packer, "bytes_out", usage->bytes_out);
    pack_pair_uint(packer, "duration_us", usage->duration_ns / 1000);
}
#define USAGE_PAIRS 5u

static void pack_group(msgpack_packer *packer, const struct usage_question *question,
                       const struct usage_group *group)
{
    unsigned named = 0;
    for (unsigned part = 0; part < USAGE_PARTS; part++)
        named += question->by[part];
    msgpack_pack_map(packer, named + USAGE_PAIRS);
    for (unsigned part = 0; part < USAGE_PARTS; part++) {
        if (question->by[part])
            pack_pair_text(packer, part_names[part], group->parts[part]);
    }
    pack_usage(packer, &group->usage);
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
        pack_group(&packer, question, page->groups[i]);
    write_cursor(core, &packer, page->next);
}

static enum status look_up(struct core *core, const struct usage_question *question,
                           struct buf *out, const char **why)
{
    struct usage_page page;
    if (!journal_save(core)) /* what has just been counted is part of the answer */
        return refuse_with(why, STATUS_UNAVAILABLE, "the books cannot be written");
    int err = usage_page_read(core, question, &page);
    if (err == 0)
        pack_page(core, out, question, &page);
    return err < 0 ? refuse_with(why, STATUS_UNAVAILABLE, "the books cannot be read") : STATUS_OK;
}

static enum status show(struct core *core, struct call *call, enum scope scope, struct buf *out,
                        const char **why)
{
    struct arguments arguments;
    struct usage_question question = {0};
    if (!arguments_read(&arguments, call->request->payload))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "the payload is not a MessagePack map");
    enum status status = read_question(core, &arguments, &question, why);
    if (status == STATUS_OK)
        status = confine(core, call, scope, &question, why);
    if (status == STATUS_OK)
        status = look_up(core, &question, out, why);
    arguments_finish(&arguments);
    return status;
}

static const struct builtin_verb verbs[] = {
    {"show", ACCESS_ANYONE, "usage", show, false},
    {0},
};

const struct builtin builtin_usage = {"bus.usage", verbs};
