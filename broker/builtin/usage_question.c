#include "builtin/usage_question.h"

#include "core/state.h"
#include "policy/calendar.h"

#include <sodium.h>

const char *const usage_part_names[USAGE_PARTS] = {"time", "tenant", "user", "service", "method"};

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
void usage_pack_cursor(struct core *core, msgpack_packer *packer, struct slice key)
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

struct slice usage_customer(const struct core *core, const struct usage_question *question,
                            struct slice tenant)
{
    struct slice none = slice_make(NULL, 0);
    const struct account *account = question->bills ? account_find(core, tenant, none) : NULL;
    return account ? slice_of(account->billing_customer) : none;
}

static enum status read_times(const struct arguments *arguments, struct usage_question *out,
                              const char **why)
{
    struct slice none = slice_make(NULL, 0);
    out->from = argument_text(arguments, "from", none);
    out->to = argument_text(arguments, "to", none);
    if (!calendar_valid_prefix(out->from))
        return refuse_with(why, STATUS_INVALID_ARGUMENT,
                           "from: no beginning of a time like 2026-11-24T13, in UTC");
    if (!calendar_valid_prefix(out->to))
        return refuse_with(why, STATUS_INVALID_ARGUMENT,
                           "to: no beginning of a time like 2026-11-24T13, in UTC");
    if (usage_is_past(out->from, out->to))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "to: is before from");
    return STATUS_OK;
}

static enum status read_question(struct core *core, const struct arguments *arguments,
                                 struct usage_question *out, const char **why)
{
    struct slice none = slice_make(NULL, 0);
    *out = (struct usage_question){0};
    for (unsigned part = USAGE_TENANT; part < USAGE_PARTS; part++)
        out->wanted[part] = argument_text(arguments, usage_part_names[part], none);
    out->rows = argument_uint(arguments, "limit", USAGE_PAGE_ROWS);
    if (out->rows == 0 || out->rows > USAGE_PAGE_ROWS)
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "limit: 1 to 4096 rows of the books");
    if (!read_dimensions(out, arguments))
        return refuse_with(why, STATUS_INVALID_ARGUMENT,
                           "by: an array of hour, day, month, tenant, user, service, method");
    if (!read_cursor(core, out, argument_text(arguments, "cursor", none)))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "cursor: not one of ours");
    return read_times(arguments, out, why);
}

/* A user sees their own part; who administers the tenant's usage, all of it. */
static enum status confine(struct core *core, const struct call *call, enum scope scope,
                           struct usage_question *question, const char **why)
{
    const struct identity *who = call->identity;
    struct slice *tenant = &question->wanted[USAGE_TENANT];
    struct slice *user = &question->wanted[USAGE_USER];
    question->bills = scope == SCOPE_ALL || permitted(&who->permissions, VERB_ADMIN, who->tenant,
                                                      who->tenant, slice_of("usage"));
    if (scope == SCOPE_ALL)
        return STATUS_OK;
    if (question->rows > USAGE_PAGE_ROWS_OF_TENANTS)
        question->rows = USAGE_PAGE_ROWS_OF_TENANTS;
    if (tenant->len > 0 && !slice_equal(*tenant, who->tenant)) {
        audit_mismatch(core, who, "bus.usage", *tenant);
        return refuse_with(why, STATUS_TENANT_MISMATCH, "that is another tenant");
    }
    *tenant = who->tenant;
    if (question->bills)
        return STATUS_OK;
    if (user->len > 0 && !slice_equal(*user, who->user))
        return refuse_with(why, STATUS_PERMISSION_DENIED, "needs admin:usage");
    *user = who->user;
    return STATUS_OK;
}

enum status usage_question_answer(struct core *core, struct call *call, enum scope scope,
                                  struct buf *out, const char **why,
                                  enum status (*answer)(struct core *core,
                                                        const struct usage_question *question,
                                                        struct buf *out, const char **why))
{
    struct arguments arguments;
    struct usage_question question;
    builtin_arguments(&arguments, call);
    enum status status = read_question(core, &arguments, &question, why);
    if (status == STATUS_OK)
        status = confine(core, call, scope, &question, why);
    if (status == STATUS_OK)
        status = answer(core, &question, out, why);
    arguments_finish(&arguments);
    return status;
}
