/* tenants.c - bus.tenants: the records of tenants, and of users with a subscription of their own.
 * Whoever administers one tenant sees its records; changing them is for operators. */
#include "base/name.h"
#include "builtin/announce.h"
#include "builtin/builtin.h"
#include "builtin/packing.h"
#include "core/state.h"
#include "wire/utf8.h"

#include <stdlib.h>

#define PAGE_BYTES ((size_t)256 << 10) /* of records, in one answer */

static const char reserved[] = "tenant: bus and what begins with bus. is the broker's own";

/* One request: whose record, and what is said about it. */
struct asked {
    struct arguments arguments;
    struct slice tenant, user;
    const struct account *account; /* NULL: there is none */
};

/* Ended by arguments_finish(). Without a tenant it is the caller's own. */
static enum status ask(struct core *core, const struct call *call, enum scope scope,
                       struct asked *out, const char **why)
{
    struct slice own = call->identity->tenant;
    *out = (struct asked){0};
    builtin_arguments(&out->arguments, call);
    out->tenant = argument_text(&out->arguments, "tenant", own);
    out->user = argument_text(&out->arguments, "user", slice_make(NULL, 0));
    if (name_reserved(out->tenant) && !slice_is(out->tenant, "bus"))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, reserved);
    if (!name_valid(out->tenant) || (out->user.len > 0 && !name_valid_user(out->user)))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, NAME_WHO_RULE);
    if (scope != SCOPE_ALL && !slice_equal(out->tenant, own)) {
        audit_mismatch(core, call->identity, "bus.tenants", out->tenant);
        return refuse_with(why, STATUS_TENANT_MISMATCH, "that is another tenant");
    }
    out->account = account_find(core, out->tenant, out->user);
    return STATUS_OK;
}

static const char *whose(struct core *core, const struct asked *asked)
{
    return asked->user.len == 0
               ? arena_printf(&core->arena, "tenant %.*s", SLICE_FMT(asked->tenant))
               : arena_printf(&core->arena, "user %.*s of tenant %.*s", SLICE_FMT(asked->user),
                              SLICE_FMT(asked->tenant));
}

static enum status check_there(struct core *core, const struct asked *asked, const char **why)
{
    if (asked->account)
        return STATUS_OK;
    return refuse_with(why, STATUS_INVALID_ARGUMENT,
                       arena_printf(&core->arena, "there is no record of %s", whose(core, asked)));
}

/* ---- looking ---- */

/* Records in the order of their keys, as many as fit. */
struct page {
    struct core *core;
    struct slice users_of; /* tenant; empty: it is tenants that are looked for */
    struct slice from;     /* key to look on from */
    struct slice after;    /* name of the last record of the page before */
    struct buf records;
    size_t n;
    struct slice last;
    bool more; /* than fit */
};

static int put_in_page(struct page *page, const struct account *account)
{
    struct slice name = account->user.len ? account->user : account->tenant;
    msgpack_packer packer;
    if (slice_equal(name, page->after))
        return 0;
    page->more = page->records.len >= PAGE_BYTES;
    if (page->more)
        return 1;
    packing_init(&packer, &page->records);
    account_pack(&packer, account, page->core->now.unix_ms, 0);
    page->last = name;
    page->n++;
    return 0;
}

static int look_at_user(void *arg, struct slice key, struct slice record)
{
    struct page *page = arg;
    const struct account *account = map_get(&page->core->accounts.by_key, key);
    (void)record;
    if (!account)
        return 0;
    return slice_equal(account->tenant, page->users_of) ? put_in_page(page, account) : 1;
}

/* A tenant's users, of whom there may be many, are passed over: '0' comes behind '/'. */
static int look_at_tenant(void *arg, struct slice key, struct slice record)
{
    struct page *page = arg;
    const struct account *account = map_get(&page->core->accounts.by_key, key);
    (void)record;
    if (!account)
        return 0;
    if (account->user.len == 0)
        return put_in_page(page, account);
    page->from = slice_of(arena_printf(&page->core->arena, "%.*s0", SLICE_FMT(account->tenant)));
    return 1;
}

/* Negative errno of the books. */
static int fill_page(struct page *page)
{
    const struct io *io = &page->core->io;
    int rc;
    do {
        struct slice from = page->from;
        page->from = slice_make("", 0);
        rc = io->scan_from(io->arg, ACCOUNTS_TABLE, from,
                           page->users_of.len ? look_at_user : look_at_tenant, page);
    } while (rc >= 0 && page->from.len > 0);
    return rc;
}

/* Two pairs of a map; "next" is what to say for the page behind it. */
static void pack_page(struct buf *out, const char *key, struct page *page)
{
    msgpack_packer packer;
    packing_init(&packer, out);
    pack_pair_array(&packer, key, page->n);
    packing_raw(&packer, buf_slice(&page->records));
    pack_pair_text(&packer, "next", page->more ? page->last : slice_make("", 0));
}

static struct slice asked_after(const struct asked *asked)
{
    return argument_text(&asked->arguments, "after", slice_make("", 0));
}

static enum status list_all(struct core *core, const struct asked *asked, struct buf *out,
                            const char **why)
{
    struct slice after = asked_after(asked);
    struct page page = {.core = core, .from = after, .after = after};
    msgpack_packer packer;
    int rc = fill_page(&page);
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 2);
    pack_page(out, "tenants", &page);
    buf_finish(&page.records);
    return rc < 0 ? refuse_with(why, STATUS_UNAVAILABLE, "the store cannot be read") : STATUS_OK;
}

static void list_own(struct core *core, const struct call *call, const struct asked *asked,
                     struct buf *out)
{
    const struct account *own = account_find(core, call->identity->tenant, slice_make("", 0));
    struct page page = {.core = core, .after = asked_after(asked)};
    msgpack_packer packer;
    if (own)
        (void)put_in_page(&page, own);
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 2);
    pack_page(out, "tenants", &page);
    buf_finish(&page.records);
}

static enum status list(struct core *core, struct call *call, enum scope scope, struct buf *out,
                        const char **why)
{
    struct asked asked;
    enum status status = ask(core, call, scope, &asked, why);
    if (status == STATUS_OK && scope == SCOPE_ALL)
        status = list_all(core, &asked, out, why);
    else if (status == STATUS_OK)
        list_own(core, call, &asked, out);
    arguments_finish(&asked.arguments);
    return status;
}

static void pack_record(struct core *core, struct buf *out, const struct account *account,
                        unsigned more)
{
    msgpack_packer packer;
    packing_init(&packer, out);
    account_pack(&packer, account, core->now.unix_ms, more);
}

static enum status show_with_users(struct core *core, const struct asked *asked, struct buf *out,
                                   const char **why)
{
    struct slice after = asked_after(asked);
    struct page page = {.core = core, .users_of = asked->tenant, .after = after};
    page.from = slice_of(
        arena_printf(&core->arena, "%.*s/%.*s", SLICE_FMT(asked->tenant), SLICE_FMT(after)));
    int rc = fill_page(&page);
    pack_record(core, out, asked->account, 2);
    pack_page(out, "users", &page);
    buf_finish(&page.records);
    return rc < 0 ? refuse_with(why, STATUS_UNAVAILABLE, "the store cannot be read") : STATUS_OK;
}

static enum status show(struct core *core, struct call *call, enum scope scope, struct buf *out,
                        const char **why)
{
    struct asked asked;
    enum status status = ask(core, call, scope, &asked, why);
    if (status == STATUS_OK)
        status = check_there(core, &asked, why);
    if (status == STATUS_OK && asked.user.len > 0)
        pack_record(core, out, asked.account, 0);
    else if (status == STATUS_OK)
        status = show_with_users(core, &asked, out, why);
    arguments_finish(&asked.arguments);
    return status;
}

/* ---- changing ---- */

/* A request to change something, which only operators may. */
static enum status ask_change(struct core *core, const struct call *call, enum scope scope,
                              struct asked *out, const char **why)
{
    *out = (struct asked){0};
    if (scope != SCOPE_ALL)
        return refuse_with(why, STATUS_PERMISSION_DENIED, "needs admin:tenants for all tenants");
    return ask(core, call, scope, out, why);
}

static enum status ask_existing(struct core *core, const struct call *call, enum scope scope,
                                struct asked *out, const char **why)
{
    enum status status = ask_change(core, call, scope, out, why);
    return status == STATUS_OK ? check_there(core, out, why) : status;
}

/* The fields that are others than in the record there is, in the turn's arena; NULL: there is none.
 */
static const char *changes_of(struct core *core, const struct asked *asked,
                              const struct account *account)
{
    struct buf fields = {0};
    if (!asked->account)
        return NULL;
    account_differences(asked->account, account, &fields);
    char *text = arena_text(&core->arena, buf_slice(&fields));
    buf_finish(&fields);
    return text;
}

/* The answer waits for the disk where replies do: for what it says, whoever has said so first. */
static enum status keep(struct core *core, struct call *call, const struct asked *asked,
                        struct account *account, const char *what, struct buf *out,
                        const char **why)
{
    const char *changed = changes_of(core, asked, account);
    bool is_new = !changed || changed[0];
    if (is_new && !account_keep(core, account)) {
        account_destroy(account);
        return refuse_with(why, STATUS_UNAVAILABLE, "the store cannot keep the record");
    }
    call->counted = journal_turn(core);
    pack_record(core, out, account, 0);
    if (is_new)
        announce_account(core, account, what, changed, call->identity);
    else
        account_destroy(account);
    return STATUS_OK;
}

/* A record of the books that says it otherwise holds all the same. */
static bool is_text(const struct asked *asked, const char *key)
{
    return utf8_valid_without_nul(argument_text(&asked->arguments, key, slice_make("", 0)));
}

static enum status write_down(struct core *core, struct call *call, const struct asked *asked,
                              const char *what, struct buf *out, const char **why)
{
    struct slice tier = argument_text(&asked->arguments, "tier", slice_make(NULL, 0));
    if (tier.len > 0 && !tiers_exactly(&core->limits.tiers, tier))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "tier: none of that name is configured");
    if (!is_text(asked, "name") || !is_text(asked, "billing_customer"))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "name, billing_customer: not a text");
    struct account *account =
        account_make(asked->tenant, asked->user, asked->account, &asked->arguments, why);
    return account ? keep(core, call, asked, account, what, out, why) : STATUS_INVALID_ARGUMENT;
}

static enum status create(struct core *core, struct call *call, enum scope scope, struct buf *out,
                          const char **why)
{
    struct asked asked;
    enum status status = ask_change(core, call, scope, &asked, why);
    if (status == STATUS_OK && name_reserved(asked.tenant))
        status = refuse_with(why, STATUS_INVALID_ARGUMENT, reserved);
    if (status == STATUS_OK && asked.account)
        status = refuse_with(
            why, STATUS_CONFLICT,
            arena_printf(&core->arena, "there is a record of %s already", whose(core, &asked)));
    if (status == STATUS_OK && asked.user.len > 0 &&
        !account_find(core, asked.tenant, slice_make(NULL, 0)))
        status = refuse_with(
            why, STATUS_INVALID_ARGUMENT,
            arena_printf(&core->arena, "tenant %.*s has no record", SLICE_FMT(asked.tenant)));
    if (status == STATUS_OK)
        status = write_down(core, call, &asked, "created", out, why);
    arguments_finish(&asked.arguments);
    return status;
}

static enum status update(struct core *core, struct call *call, enum scope scope, struct buf *out,
                          const char **why)
{
    struct asked asked;
    enum status status = ask_existing(core, call, scope, &asked, why);
    if (status == STATUS_OK)
        status = write_down(core, call, &asked, "updated", out, why);
    arguments_finish(&asked.arguments);
    return status;
}

/* It would be expired still. */
static bool has_ended(const struct core *core, const struct account *account)
{
    return account->expires_ms > 0 && account->expires_ms <= core->now.unix_ms;
}

/* Everything but the status stays. */
static enum status set_status(struct core *core, struct call *call, enum scope scope,
                              enum subscription_status wanted, const char *what, struct buf *out,
                              const char **why)
{
    static const struct arguments nothing = {.map = {.type = MSGPACK_OBJECT_MAP}};
    struct asked asked;
    enum status status = ask_existing(core, call, scope, &asked, why);
    if (status == STATUS_OK && wanted == SUBSCRIPTION_ACTIVE && has_ended(core, asked.account))
        status = refuse_with(why, STATUS_CONFLICT,
                             "it has ended: give it another end first, with update and expires_ms");
    if (status == STATUS_OK) {
        struct account *account =
            account_make(asked.tenant, asked.user, asked.account, &nothing, why);
        account->status = wanted;
        status = keep(core, call, &asked, account, what, out, why);
    }
    arguments_finish(&asked.arguments);
    return status;
}

static enum status suspend(struct core *core, struct call *call, enum scope scope, struct buf *out,
                           const char **why)
{
    return set_status(core, call, scope, SUBSCRIPTION_SUSPENDED, "suspended", out, why);
}

static enum status resume(struct core *core, struct call *call, enum scope scope, struct buf *out,
                          const char **why)
{
    return set_status(core, call, scope, SUBSCRIPTION_ACTIVE, "resumed", out, why);
}

static bool drop(struct core *core, const struct call *call, const struct account *account)
{
    struct account *old = account_drop(core, account);
    if (old)
        announce_account(core, old, "deleted", NULL, call->identity);
    account_destroy(old);
    return old != NULL;
}

static int by_key(const void *a, const void *b)
{
    const struct account *const *left = a, *const *right = b;
    return strcmp((*left)->key, (*right)->key);
}

/* The users of a tenant; in the turn's arena, in order. */
static const struct account **gather(struct core *core, struct slice tenant, size_t *count)
{
    const struct map *all = &core->accounts.by_key;
    const struct account **found = arena_alloc(&core->arena, (all->count + 1) * sizeof *found);
    size_t cursor = 0;
    *count = 0;
    for (const struct account *account; (account = map_next(all, &cursor));) {
        if (account->user.len > 0 && slice_equal(account->tenant, tenant))
            found[(*count)++] = account;
    }
    qsort(found, *count, sizeof *found, by_key);
    return found;
}

/* The tenant goes last: until then its users' records have something to stand on. */
static bool drop_all(struct core *core, const struct call *call, const struct asked *asked)
{
    size_t count = 0;
    const struct account **users =
        asked->user.len == 0 ? gather(core, asked->tenant, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        if (!drop(core, call, users[i]))
            return false;
    }
    return drop(core, call, asked->account);
}

static enum status forget(struct core *core, struct call *call, enum scope scope, struct buf *out,
                          const char **why)
{
    struct asked asked;
    msgpack_packer packer;
    enum status status = ask_existing(core, call, scope, &asked, why);
    if (status == STATUS_OK && !drop_all(core, call, &asked))
        status = refuse_with(why, STATUS_UNAVAILABLE, "the store cannot forget the record");
    if (status == STATUS_OK)
        call->counted = journal_turn(core);
    arguments_finish(&asked.arguments);
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 0);
    return status;
}

static const struct argument listed[] = {
    {"tenant", ARGUMENT_TEXT},
    {"after", ARGUMENT_TEXT},
    {0},
};

static const struct argument shown[] = {
    {"tenant", ARGUMENT_TEXT},
    {"user", ARGUMENT_TEXT},
    {"after", ARGUMENT_TEXT},
    {0},
};

static const struct argument described[] = {
    {"tenant", ARGUMENT_TEXT},
    {"user", ARGUMENT_TEXT},
    {"name", ARGUMENT_TEXT},
    {"tier", ARGUMENT_TEXT},
    {"status", ARGUMENT_TEXT},
    {"expires_ms", ARGUMENT_UINT},
    {"billing_customer", ARGUMENT_TEXT},
    {"features", ARGUMENT_ARRAY},
    {"per_minute", ARGUMENT_UINT},
    {"burst", ARGUMENT_UINT},
    {0},
};

static const struct argument named[] = {
    {"tenant", ARGUMENT_TEXT},
    {"user", ARGUMENT_TEXT},
    {0},
};

static const struct builtin_verb verbs[] = {
    {"list", ACCESS_ADMIN, "tenants", list, false, listed},
    {"show", ACCESS_ADMIN, "tenants", show, false, shown},
    {"create", ACCESS_ADMIN, "tenants", create, false, described},
    {"update", ACCESS_ADMIN, "tenants", update, false, described},
    {"suspend", ACCESS_ADMIN, "tenants", suspend, false, named},
    {"resume", ACCESS_ADMIN, "tenants", resume, false, named},
    {"delete", ACCESS_ADMIN, "tenants", forget, false, named},
    {0},
};

const struct builtin builtin_tenants = {"bus.tenants", verbs};
