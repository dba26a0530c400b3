/* tokens.c - bus.tokens: taking back what an issuer has signed. Whoever shows a token may end it;
 * ending those of others is for operators. */
#include "base/log.h"
#include "base/name.h"
#include "builtin/builtin.h"
#include "builtin/packing.h"
#include "core/state.h"
#include "wire/utf8.h"

#define PAGE_BYTES ((size_t)256 << 10)
#define MS_PER_DAY 86400000u
#define AHEAD_MS 60000u /* clocks of issuers may be, as far as iat goes */

/* ---- asking ---- */

static bool is_id(struct slice id)
{
    return id.len > 0 && id.len <= REVOKED_ID_MAX && utf8_valid_without_nul(id);
}

/* Without one there is no token that would outlive what is kept. */
static uint64_t longest(const struct core *core)
{
    uint64_t days = core->limits.max_token_days;
    return days ? core->now.unix_ms + days * MS_PER_DAY : 0;
}

static enum status take_one(const struct core *core, const struct arguments *arguments,
                            struct revocation *out, const char **why)
{
    out->id = argument_text(arguments, "id", slice_make(NULL, 0));
    out->until_ms = argument_uint(arguments, "expires_ms", longest(core));
    if (argument_has(arguments, "tenant") || argument_has(arguments, "user") ||
        argument_has(arguments, "issued_before_ms"))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "id, or tenant and user");
    if (!is_id(out->id))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "id: 1 to 256 bytes");
    return STATUS_OK;
}

static enum status take_all(const struct core *core, const struct arguments *arguments,
                            struct revocation *out, const char **why)
{
    struct slice none = slice_make(NULL, 0);
    out->tenant = argument_text(arguments, "tenant", none);
    out->user = argument_text(arguments, "user", none);
    out->issued_before_ms = argument_uint(arguments, "issued_before_ms", core->now.unix_ms);
    out->until_ms = longest(core);
    if (!name_valid(out->tenant) || !name_valid_user(out->user) ||
        argument_has(arguments, "expires_ms"))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "id, or tenant and user");
    if (out->issued_before_ms > core->now.unix_ms + AHEAD_MS)
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "issued_before_ms: that is to come");
    return STATUS_OK;
}

/* ---- revoking ---- */

static const char *or_null(struct core *core, struct slice text)
{
    return text.len > 0 ? arena_text(&core->arena, text) : NULL;
}

static void audit(struct core *core, const struct revocation *revocation, const char *what,
                  const struct identity *by)
{
    log_event(LOG_INFO, "audit.token", "what", what, "id", or_null(core, revocation->id), "tenant",
              or_null(core, revocation->tenant), "user", or_null(core, revocation->user),
              "by_tenant", by->context.tenant, "by_user", by->context.user, NULL);
}

/* The answer waits for the disk where replies do (core/hold.h). */
static enum status keep(struct core *core, struct call *call, struct revocation *revocation,
                        const char *what, struct buf *out, const char **why)
{
    const struct identity *by = call->identity;
    msgpack_packer packer;
    revocation->at_ms = core->now.unix_ms;
    revocation->by =
        slice_of(arena_printf(&core->arena, "%s/%s", by->context.tenant, by->context.user));
    switch (revoked_add(core, revocation)) {
    case REVOKE_FULL:
        return refuse_with(why, STATUS_OVERLOADED, "max-revoked revocations are kept already");
    case REVOKE_NO_BOOKS:
        return refuse_with(why, STATUS_UNAVAILABLE, "the store cannot keep it");
    case REVOKE_DONE:
        break;
    }
    call->counted = journal_turn(core);
    audit(core, revocation, what, by);
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 0);
    return STATUS_OK;
}

static enum status revoke(struct core *core, struct call *call, enum scope scope, struct buf *out,
                          const char **why)
{
    struct arguments arguments;
    struct revocation revocation = {0};
    if (scope != SCOPE_ALL)
        return refuse_with(why, STATUS_PERMISSION_DENIED, "needs admin:tokens for all tenants");
    builtin_arguments(&arguments, call);
    enum status status = argument_has(&arguments, "id")
                             ? take_one(core, &arguments, &revocation, why)
                             : take_all(core, &arguments, &revocation, why);
    if (status == STATUS_OK)
        status = keep(core, call, &revocation, "revoked", out, why);
    arguments_finish(&arguments);
    return status;
}

/* The token that the call was made with, or that it is made for. */
static enum status logout(struct core *core, struct call *call, enum scope scope, struct buf *out,
                          const char **why)
{
    const struct context *claims = &call->identity->context;
    struct revocation revocation = {.id = slice_of(claims->token_id),
                                    .until_ms = claims->token_expires_ms};
    (void)scope;
    if (!is_id(revocation.id))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "the token has no id (jti)");
    return keep(core, call, &revocation, "logout", out, why);
}

/* ---- listing ---- */

static void pack(msgpack_packer *packer, const struct revocation *revocation)
{
    bool one = revocation->id.len > 0;
    msgpack_pack_map(packer, one ? 4 : 6);
    if (one) {
        pack_pair_text(packer, "id", revocation->id);
    } else {
        pack_pair_text(packer, "tenant", revocation->tenant);
        pack_pair_text(packer, "user", revocation->user);
        pack_pair_uint(packer, "issued_before_ms", revocation->issued_before_ms);
    }
    pack_pair_uint(packer, "until_ms", revocation->until_ms);
    pack_pair_uint(packer, "at_ms", revocation->at_ms);
    pack_pair_text(packer, "by", revocation->by);
}

struct listing {
    struct core *core;
    struct buf rows;
    struct slice after, next; /* keys */
    uint64_t n;
};

static int add(void *arg, struct slice key, struct slice record)
{
    struct listing *listing = arg;
    struct revocation revocation;
    msgpack_packer packer;
    if (slice_equal(key, listing->after) || !revocation_read(&revocation, key, record))
        return 0;
    if (listing->rows.len > PAGE_BYTES)
        return 1;
    packing_init(&packer, &listing->rows);
    pack(&packer, &revocation);
    listing->next = arena_copy(&listing->core->arena, key);
    listing->n++;
    return 0;
}

static enum status list(struct core *core, struct call *call, enum scope scope, struct buf *out,
                        const char **why)
{
    struct arguments arguments;
    msgpack_packer packer;
    if (scope != SCOPE_ALL)
        return refuse_with(why, STATUS_PERMISSION_DENIED, "needs admin:tokens for all tenants");
    builtin_arguments(&arguments, call);
    struct listing listing = {.core = core,
                              .after = argument_text(&arguments, "after", slice_make("", 0))};
    int rc = core->io.scan_from(core->io.arg, REVOKED_TABLE, listing.after, add, &listing);
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 2);
    pack_pair_array(&packer, "revoked", listing.n);
    packing_raw(&packer, buf_slice(&listing.rows));
    pack_pair_text(&packer, "next", rc > 0 ? listing.next : slice_make("", 0));
    buf_finish(&listing.rows);
    arguments_finish(&arguments);
    return rc < 0 ? refuse_with(why, STATUS_UNAVAILABLE, "the books cannot be read") : STATUS_OK;
}

static const struct argument revoked[] = {
    {"id", ARGUMENT_TEXT},   {"expires_ms", ARGUMENT_UINT},       {"tenant", ARGUMENT_TEXT},
    {"user", ARGUMENT_TEXT}, {"issued_before_ms", ARGUMENT_UINT}, {0},
};

static const struct argument listed[] = {
    {"after", ARGUMENT_TEXT},
    {0},
};

static const struct builtin_verb verbs[] = {
    {"revoke", ACCESS_ADMIN, "tokens", revoke, false, revoked},
    {"logout", ACCESS_ALWAYS, NULL, logout, false, NULL},
    {"list", ACCESS_ADMIN, "tokens", list, false, listed},
    {0},
};

const struct builtin builtin_tokens = {"bus.tokens", verbs};
