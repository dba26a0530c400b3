/* config.c - bus.config: configuration that services share (core/values.h). Whoever may call gets
 * the value that counts for them; whoever administers it sees and changes all of it. A secret is
 * shown to nobody but who asks to have it revealed and may. */
#include "base/name.h"
#include "builtin/announce.h"
#include "builtin/builtin.h"
#include "builtin/packing.h"
#include "core/state.h"

#define PAGE_BYTES (256u * 1024u)

struct asked {
    struct arguments arguments;
    struct slice scope, key;
};

/* ---- whose ---- */

static struct slice scope_text(struct core *core, const char *kind, struct slice name)
{
    return slice_of(arena_printf(&core->arena, "%s.%.*s", kind, SLICE_FMT(name)));
}

/* "tenant" or "tier"; neither: everybody's for operators, their own for who administers a tenant.
 */
static enum status read_scope(struct core *core, const struct call *call, enum scope scope,
                              struct asked *asked, const char **why)
{
    struct slice none = slice_make(NULL, 0), own = call->identity->tenant;
    struct slice tenant =
        argument_text(&asked->arguments, "tenant", scope == SCOPE_ALL ? none : own);
    struct slice tier = argument_text(&asked->arguments, "tier", none);
    if (scope != SCOPE_ALL && (tier.len > 0 || !slice_equal(tenant, own))) {
        audit_mismatch(core, call->identity, "bus.config", tenant);
        return refuse_with(why, STATUS_TENANT_MISMATCH, "that is not your tenant's");
    }
    bool slips = (argument_has(&asked->arguments, "tenant") && !name_valid(tenant)) ||
                 (argument_has(&asked->arguments, "tier") && !name_valid(tier));
    if (slips || (tenant.len > 0 && tier.len > 0))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "tenant, tier: one of them, a name");
    asked->scope = tenant.len ? scope_text(core, "tenant", tenant)
                   : tier.len ? scope_text(core, "tier", tier)
                              : slice_of("global");
    return STATUS_OK;
}

static enum status ask(struct core *core, const struct call *call, enum scope scope,
                       struct asked *out, const char **why)
{
    *out = (struct asked){0};
    builtin_arguments(&out->arguments, call);
    out->key = argument_text(&out->arguments, "key", slice_make(NULL, 0));
    if (out->key.len > VALUE_KEY_MAX || !name_valid_topic(out->key))
        return refuse_with(why, STATUS_INVALID_ARGUMENT,
                           "key: names joined by dots, up to 128 bytes");
    return read_scope(core, call, scope, out, why);
}

/* ---- showing ---- */

static void pack_value(msgpack_packer *packer, const struct value *value, bool revealed)
{
    bool shown = !value->deleted && (revealed || !value->secret);
    msgpack_pack_map(packer, shown ? 8 : 7);
    pack_pair_text(packer, "key", value->key);
    pack_pair_text(packer, "scope", value->scope);
    pack_pair_uint(packer, "revision", value->revision);
    pack_pair_uint(packer, "at_ms", value->at_ms);
    pack_pair_text(packer, "by", value->by);
    pack_pair_bool(packer, "secret", value->secret);
    pack_pair_bool(packer, "deleted", value->deleted);
    if (!shown)
        return;
    pack_text(packer, slice_of("value"));
    packing_raw(packer, value->contents);
}

/* The tenant's, their tier's, everybody's. */
static const struct value *resolve(struct core *core, struct identity *who, struct slice key)
{
    const char *tier = standing_of(core, who)->tier->name;
    const struct slice scopes[] = {scope_text(core, "tenant", who->tenant),
                                   scope_text(core, "tier", slice_of(tier)), slice_of("global")};
    const struct value *value = NULL;
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes && !value; i++)
        value = values_find(core, scopes[i], key);
    return value;
}

/* An operator may name whose; others get what counts for them. */
static const struct value *look_up(struct core *core, const struct call *call,
                                   const struct asked *asked)
{
    bool named =
        argument_has(&asked->arguments, "tenant") || argument_has(&asked->arguments, "tier");
    return named ? values_find(core, asked->scope, asked->key)
                 : resolve(core, call->identity, asked->key);
}

/* Who may see one tenant's secrets sees that one's, not those of everybody it inherits. */
static bool may_reveal(enum scope scope, const struct asked *asked, const struct value *value)
{
    return !value->secret || scope == SCOPE_ALL || slice_equal(value->scope, asked->scope);
}

static enum status give(struct core *core, struct call *call, enum scope scope, bool revealed,
                        struct buf *out, const char **why)
{
    struct asked asked;
    msgpack_packer packer;
    enum status status = ask(core, call, scope, &asked, why);
    const struct value *value = status == STATUS_OK ? look_up(core, call, &asked) : NULL;
    if (status == STATUS_OK && !value)
        status = refuse_with(why, STATUS_INVALID_ARGUMENT, "there is no such key");
    if (value && revealed && !may_reveal(scope, &asked, value))
        status = refuse_with(why, STATUS_PERMISSION_DENIED, "that secret is not your tenant's");
    packing_init(&packer, out);
    if (status == STATUS_OK)
        pack_value(&packer, value, revealed);
    if (status == STATUS_OK && value->secret && revealed)
        announce_reveal(core, value, call->identity);
    arguments_finish(&asked.arguments);
    return status;
}

static enum status get(struct core *core, struct call *call, enum scope scope, struct buf *out,
                       const char **why)
{
    return give(core, call, scope, false, out, why);
}

static enum status reveal(struct core *core, struct call *call, enum scope scope, struct buf *out,
                          const char **why)
{
    return give(core, call, scope, true, out, why);
}

/* ---- lists ---- */

struct listing {
    struct core *core;
    struct slice scope, prefix;
    struct buf rows;
    struct buf next; /* key of the first that did not fit */
    bool secret;     /* whatever the values say themselves */
    size_t n;
};

static void add_row(struct listing *listing, const struct value *value)
{
    msgpack_packer packer;
    struct value shown = *value;
    shown.secret |= listing->secret;
    packing_init(&packer, &listing->rows);
    pack_value(&packer, &shown, false);
    listing->n++;
}

static bool begins_with(struct slice text, struct slice start)
{
    return text.len >= start.len &&
           (start.len == 0 || memcmp(text.data, start.data, start.len) == 0);
}

static int list_one(void *arg, struct slice name, struct slice record)
{
    struct listing *listing = arg;
    const struct value *value = value_read(listing->core, name, record);
    if (!value || !slice_equal(value->scope, listing->scope))
        return 1;
    if (value->deleted || !begins_with(value->key, listing->prefix))
        return 0;
    if (listing->rows.len > PAGE_BYTES) {
        buf_append(&listing->next, value->key.data, value->key.len);
        return 1;
    }
    add_row(listing, value);
    return 0;
}

static int list_revision(void *arg, const struct value *value)
{
    add_row(arg, value);
    return 0;
}

static void pack_listing(struct buf *out, struct listing *listing, const char *what)
{
    msgpack_packer packer;
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 2);
    pack_pair_array(&packer, what, listing->n);
    packing_raw(&packer, buf_slice(&listing->rows));
    pack_pair_text(&packer, "next", buf_slice(&listing->next));
    buf_finish(&listing->rows);
    buf_finish(&listing->next);
}

static enum status list_from(struct core *core, const struct asked *asked, struct buf *out,
                             const char **why)
{
    struct slice none = slice_make(NULL, 0);
    struct slice after = argument_text(&asked->arguments, "cursor", none);
    struct listing listing = {.core = core,
                              .scope = asked->scope,
                              .prefix = argument_text(&asked->arguments, "prefix", none)};
    const struct slice start[] = {asked->scope, after};
    int rc = core->io.scan_from(core->io.arg, VALUES_TABLE, arena_join(&core->arena, start, 2),
                                list_one, &listing);
    pack_listing(out, &listing, "values");
    return rc < 0 ? refuse_with(why, STATUS_UNAVAILABLE, "the store cannot be read") : STATUS_OK;
}

static enum status list(struct core *core, struct call *call, enum scope scope, struct buf *out,
                        const char **why)
{
    struct asked asked = {0};
    builtin_arguments(&asked.arguments, call);
    enum status status = read_scope(core, call, scope, &asked, why);
    if (status == STATUS_OK)
        status = list_from(core, &asked, out, why);
    arguments_finish(&asked.arguments);
    return status;
}

static enum status history(struct core *core, struct call *call, enum scope scope, struct buf *out,
                           const char **why)
{
    struct asked asked;
    struct listing listing = {.core = core};
    enum status status = ask(core, call, scope, &asked, why);
    const struct value *newest =
        status == STATUS_OK ? values_remembered(core, asked.scope, asked.key) : NULL;
    /* What was in the open before it became a secret may be the same. */
    listing.secret = newest && newest->secret;
    if (status == STATUS_OK &&
        values_history(core, asked.scope, asked.key, list_revision, &listing) < 0)
        status = refuse_with(why, STATUS_UNAVAILABLE, "the store cannot be read");
    pack_listing(out, &listing, "revisions");
    arguments_finish(&asked.arguments);
    return status;
}

/* ---- changing ---- */

/* 0: there must be none yet. */
static enum status check_revision(struct core *core, const struct asked *asked, const char **why)
{
    if (!argument_has(&asked->arguments, "if_revision"))
        return STATUS_OK;
    const struct value *now = values_find(core, asked->scope, asked->key);
    uint64_t revision = now ? now->revision : 0;
    if (argument_uint(&asked->arguments, "if_revision", UINT64_MAX) == revision)
        return STATUS_OK;
    return refuse_with(
        why, STATUS_CONFLICT,
        arena_printf(&core->arena, "its revision is %llu", (unsigned long long)revision));
}

/* The answer waits for the disk where replies do. */
static enum status change(struct core *core, struct call *call, const struct asked *asked,
                          struct value_change *change, struct buf *out, const char **why)
{
    const struct identity *by = call->identity;
    msgpack_packer packer;
    change->scope = asked->scope;
    change->key = asked->key;
    change->by =
        slice_of(arena_printf(&core->arena, "%s/%s", by->context.tenant, by->context.user));
    enum status status = check_revision(core, asked, why);
    if (status != STATUS_OK)
        return status;
    const struct value *value = NULL;
    status = values_change(core, change, &value, why);
    if (status != STATUS_OK)
        return status;
    call->counted = journal_turn(core);
    announce_value(core, value, by);
    packing_init(&packer, out);
    pack_value(&packer, value, false);
    return STATUS_OK;
}

/* What is there of a tier that is gone can be read and deleted; nothing is to be added. */
static enum status check_tier(const struct core *core, const struct asked *asked, const char **why)
{
    struct slice name = argument_text(&asked->arguments, "tier", slice_make(NULL, 0));
    if (name.len == 0 || tiers_exactly(&core->limits.tiers, name))
        return STATUS_OK;
    return refuse_with(why, STATUS_INVALID_ARGUMENT, "tier: none of that name is configured");
}

static enum status set(struct core *core, struct call *call, enum scope scope, struct buf *out,
                       const char **why)
{
    struct asked asked;
    struct buf contents = {0};
    enum status status = ask(core, call, scope, &asked, why);
    if (status == STATUS_OK)
        status = check_tier(core, &asked, why);
    if (status == STATUS_OK && !argument_pack(&asked.arguments, "value", &contents))
        status = refuse_with(why, STATUS_INVALID_ARGUMENT, "value: there is none");
    if (status == STATUS_OK && contents.len > VALUE_BYTES_MAX)
        status = refuse_with(why, STATUS_TOO_LARGE, "a value has at most 64 KiB");
    const struct value *before =
        status == STATUS_OK ? values_remembered(core, asked.scope, asked.key) : NULL;
    struct value_change wanted = {.contents = buf_slice(&contents),
                                  .secret = argument_bool(&asked.arguments, "secret", false) ||
                                            (before && before->secret)};
    if (status == STATUS_OK)
        status = change(core, call, &asked, &wanted, out, why);
    arguments_finish(&asked.arguments);
    buf_finish(&contents);
    return status;
}

static enum status forget(struct core *core, struct call *call, enum scope scope, struct buf *out,
                          const char **why)
{
    struct asked asked;
    enum status status = ask(core, call, scope, &asked, why);
    const struct value *before =
        status == STATUS_OK ? values_find(core, asked.scope, asked.key) : NULL;
    if (status == STATUS_OK && !before)
        status = refuse_with(why, STATUS_INVALID_ARGUMENT, "there is no such key");
    struct value_change wanted = {.secret = before && before->secret, .deleted = true};
    if (status == STATUS_OK)
        status = change(core, call, &asked, &wanted, out, why);
    arguments_finish(&asked.arguments);
    return status;
}

static const struct argument looked_at[] = {
    {"key", ARGUMENT_TEXT},
    {"tenant", ARGUMENT_TEXT},
    {"tier", ARGUMENT_TEXT},
    {0},
};

static const struct argument listed[] = {
    {"tenant", ARGUMENT_TEXT},
    {"tier", ARGUMENT_TEXT},
    {"prefix", ARGUMENT_TEXT},
    {"cursor", ARGUMENT_TEXT},
    {0},
};

static const struct argument written[] = {
    {"key", ARGUMENT_TEXT},
    {"value", ARGUMENT_ANY},
    {"secret", ARGUMENT_BOOL},
    {"if_revision", ARGUMENT_UINT},
    {"tenant", ARGUMENT_TEXT},
    {"tier", ARGUMENT_TEXT},
    {0},
};

static const struct argument deleted[] = {
    {"key", ARGUMENT_TEXT},
    {"if_revision", ARGUMENT_UINT},
    {"tenant", ARGUMENT_TEXT},
    {"tier", ARGUMENT_TEXT},
    {0},
};

static const struct builtin_verb verbs[] = {
    {"get", ACCESS_ANYONE, "config", get, false, looked_at},
    {"list", ACCESS_ADMIN, "config", list, false, listed},
    {"history", ACCESS_ADMIN, "config", history, false, looked_at},
    {"set", ACCESS_ADMIN, "config", set, false, written},
    {"delete", ACCESS_ADMIN, "config", forget, false, deleted},
    {"reveal", ACCESS_ADMIN, "secrets", reveal, false, looked_at},
    {0},
};

const struct builtin builtin_config = {"bus.config", verbs};
