#include "builtin/usage_credits.h"

#include "base/name.h"
#include "builtin/announce.h"
#include "builtin/usage_question.h"
#include "core/state.h"
#include "policy/calendar.h"
#include "wire/utf8.h"

#define PAGE_BYTES (256u * 1024u)
#define METHOD_OTHER "?" /* the meter's name of those that are too many */

void usage_pack_credit(msgpack_packer *packer, const struct credit *credit, struct slice customer)
{
    const struct usage_key *of = &credit->of;
    msgpack_pack_map(packer, 10 + (customer.len > 0));
    pack_pair_text(packer, "id", credit->id);
    pack_pair_text(packer, "time", of->time);
    pack_pair_text(packer, "tenant", of->tenant);
    pack_pair_text(packer, "user", of->user);
    pack_pair_text(packer, "service", of->service);
    pack_pair_text(packer, "method", of->method);
    pack_pair_uint(packer, "calls", credit->calls);
    pack_pair_uint(packer, "at_ms", credit->at_ms);
    pack_pair_text(packer, "by", credit->by);
    pack_pair_text(packer, "reason", credit->reason);
    if (customer.len > 0)
        pack_pair_text(packer, "billing_customer", customer);
}

/* ---- giving ---- */

static bool is_hour(struct slice text)
{
    return text.len == CALENDAR_HOUR && calendar_valid_prefix(text);
}

static bool is_row(const struct usage_key *of)
{
    return is_hour(of->time) && name_valid(of->tenant) && name_valid_user(of->user) &&
           name_valid(of->service) &&
           (name_valid(of->method) || slice_is(of->method, METHOD_OTHER));
}

static enum status read_credit(const struct arguments *arguments, struct credit *out,
                               const char **why)
{
    struct slice none = slice_make(NULL, 0);
    out->of = (struct usage_key){.time = argument_text(arguments, "time", none),
                                 .tenant = argument_text(arguments, "tenant", none),
                                 .user = argument_text(arguments, "user", none),
                                 .service = argument_text(arguments, "service", none),
                                 .method = argument_text(arguments, "method", none)};
    out->id = argument_text(arguments, "id", none);
    out->calls = argument_uint(arguments, "calls", 0);
    out->reason = argument_text(arguments, "reason", none);
    if (!is_row(&out->of))
        return refuse_with(why, STATUS_INVALID_ARGUMENT,
                           "time, tenant, user, service, method: a row of an hour of usage");
    if (!name_valid_user(out->id) || out->id.len > CREDIT_ID_MAX)
        return refuse_with(why, STATUS_INVALID_ARGUMENT,
                           "id: 1 to 64 printable characters without space, quote, \\ or /");
    if (out->calls == 0)
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "calls: how many, at least 1");
    if (out->reason.len > CREDIT_REASON_MAX || !utf8_valid_without_nul(out->reason))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "reason: a text of up to 256 bytes");
    return STATUS_OK;
}

static enum status judge(enum credit_outcome outcome, const char **why)
{
    static const struct {
        enum status status;
        const char *why;
    } verdicts[] = {
        [CREDIT_GIVEN] = {STATUS_OK, NULL},
        [CREDIT_KNOWN] = {STATUS_OK, NULL},
        [CREDIT_CONFLICT] = {STATUS_CONFLICT, "that id is another credit's of this tenant"},
        [CREDIT_NO_ROW] = {STATUS_INVALID_ARGUMENT, "there is no such row of an hour"},
        [CREDIT_TOO_MUCH] = {STATUS_INVALID_ARGUMENT, "that is more than was metered"},
        [CREDIT_TOO_MANY] = {STATUS_INVALID_ARGUMENT, "the row has all the credits it may have"},
        [CREDIT_NO_BOOKS] = {STATUS_UNAVAILABLE, "the books cannot be read or written"},
    };
    return refuse_with(why, verdicts[outcome].status, verdicts[outcome].why);
}

/* The answer waits for the disk where replies do (core/hold.h). */
static enum status give(struct core *core, struct call *call, struct credit *credit,
                        struct buf *out, const char **why)
{
    msgpack_packer packer;
    enum credit_outcome outcome = credits_give(core, credit);
    enum status status = judge(outcome, why);
    if (status != STATUS_OK)
        return status;
    call->counted = journal_turn(core);
    if (outcome == CREDIT_GIVEN)
        announce_credit(core, credit, call->identity);
    packing_init(&packer, out);
    usage_pack_credit(&packer, credit, slice_make(NULL, 0));
    return STATUS_OK;
}

enum status usage_give_credit(struct core *core, struct call *call, enum scope scope,
                              struct buf *out, const char **why)
{
    const struct identity *by = call->identity;
    struct arguments arguments;
    struct credit credit = {
        .at_ms = core->now.unix_ms,
        .by = slice_of(arena_printf(&core->arena, "%s/%s", by->context.tenant, by->context.user))};
    if (scope != SCOPE_ALL)
        return refuse_with(why, STATUS_PERMISSION_DENIED, "needs admin:usage of all tenants");
    builtin_arguments(&arguments, call);
    enum status status = read_credit(&arguments, &credit, why);
    if (status == STATUS_OK)
        status = give(core, call, &credit, out, why);
    arguments_finish(&arguments);
    return status;
}

/* ---- listing ---- */

struct listing {
    struct core *core;
    const struct usage_question *question;
    struct buf rows;
    struct slice next;
    uint64_t n, looked_at;
};

static int add(void *arg, struct slice key, struct slice record)
{
    struct listing *listing = arg;
    struct credit credit;
    msgpack_packer packer;
    if (!credit_read(&credit, key, record))
        return 0;
    if (usage_is_past(credit.of.time, listing->question->to))
        return 1;
    if (listing->looked_at++ == listing->question->rows || listing->rows.len > PAGE_BYTES) {
        listing->next = arena_copy(&listing->core->arena, key);
        return 1;
    }
    if (!usage_is_wanted(listing->question, &credit.of))
        return 0;
    packing_init(&packer, &listing->rows);
    usage_pack_credit(&packer, &credit,
                      usage_customer(listing->core, listing->question, credit.of.tenant));
    listing->n++;
    return 0;
}

static enum status list(struct core *core, const struct usage_question *question, struct buf *out,
                        const char **why)
{
    struct listing listing = {.core = core, .question = question};
    struct slice start = question->cursor.len > 0 ? question->cursor : question->from;
    msgpack_packer packer;
    int rc = core->io.scan_from(core->io.arg, CREDITS_TABLE, start, add, &listing);
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 2);
    pack_pair_array(&packer, "credits", listing.n);
    packing_raw(&packer, buf_slice(&listing.rows));
    usage_pack_cursor(core, &packer, listing.next);
    buf_finish(&listing.rows);
    return rc < 0 ? refuse_with(why, STATUS_UNAVAILABLE, "the books cannot be read") : STATUS_OK;
}

enum status usage_list_credits(struct core *core, struct call *call, enum scope scope,
                               struct buf *out, const char **why)
{
    return usage_question_answer(core, call, scope, out, why, list);
}
