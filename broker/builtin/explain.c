/* explain.c - bus.explain: what would become of a call, and why, filter by filter. It is the
 * filters themselves that say so; nothing is counted, reserved or sent. */
#include "base/name.h"
#include "builtin/builtin.h"
#include "builtin/packing.h"
#include "core/state.h"

#define PERMISSIONS_MAX 64u

struct asked {
    struct arguments arguments;
    struct identity *identity; /* a reference; NULL: whose the token is */
    struct rehearsal rehearsal;
    struct slice key;
    struct buf payload;
};

/* ---- on whose behalf ---- */

static char *text_of(struct core *core, const struct arguments *arguments, const char *key,
                     const char *otherwise)
{
    struct slice text = argument_text(arguments, key, slice_of(otherwise));
    return arena_text(&core->arena, text);
}

static enum status suppose(struct core *core, const struct call *call, struct asked *asked,
                           const char **why)
{
    const struct context *own = &call->identity->context;
    const char *permissions[PERMISSIONS_MAX];
    struct slice texts[PERMISSIONS_MAX];
    size_t count = 0;
    struct context claims = {.tenant = text_of(core, &asked->arguments, "tenant", own->tenant),
                             .user = text_of(core, &asked->arguments, "user", own->user),
                             .tier = text_of(core, &asked->arguments, "tier", own->tier),
                             .subscription_status = "",
                             .billing_customer = "",
                             .token_id = "",
                             .audience = "",
                             .expires_ms = UINT64_MAX,
                             .permissions = permissions};
    if (!name_valid(slice_of(claims.tenant)) || !name_valid_user(slice_of(claims.user)))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, NAME_WHO_RULE);
    if (argument_has(&asked->arguments, "permissions") &&
        !argument_texts(&asked->arguments, "permissions", texts, PERMISSIONS_MAX, &count))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "permissions: at most 64 texts");
    if (argument_has(&asked->arguments, "tier") &&
        !tiers_exactly(&core->limits.tiers, slice_of(claims.tier)))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "tier: none of that name is configured");
    for (size_t i = 0; i < count; i++)
        permissions[i] = arena_text(&core->arena, texts[i]);
    claims.n_permissions = count;
    asked->identity = identity_supposed(&claims);
    if (asked->identity->permissions.count < count) /* a token's would grant nothing, silently */
        return refuse_with(why, STATUS_INVALID_ARGUMENT,
                           "permissions: each is verb:pattern or verb:tenant/pattern");
    return STATUS_OK;
}

static bool is_supposed(const struct arguments *arguments)
{
    return argument_has(arguments, "tenant") || argument_has(arguments, "user") ||
           argument_has(arguments, "tier") || argument_has(arguments, "permissions");
}

/* Whose it is, and what is wrong with it, is for who may know of every tenant. */
static enum status ask_with_token(enum scope scope, struct asked *asked, const char **why)
{
    asked->rehearsal.token = argument_text(&asked->arguments, "token", slice_make(NULL, 0));
    if (scope != SCOPE_ALL)
        return refuse_with(why, STATUS_PERMISSION_DENIED,
                           "to ask with a token needs admin:explain of all tenants");
    if (asked->rehearsal.token.len == 0)
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "token: a text");
    if (is_supposed(&asked->arguments))
        return refuse_with(why, STATUS_INVALID_ARGUMENT,
                           "a token says itself whose it is: no tenant, user, tier, permissions");
    return STATUS_OK;
}

/* Anybody may ask about themselves; about others, who administers it. */
static enum status ask_about(struct core *core, const struct call *call, enum scope scope,
                             struct asked *asked, const char **why)
{
    struct identity *who = call->identity;
    struct slice tenant = argument_text(&asked->arguments, "tenant", who->tenant);
    if (argument_has(&asked->arguments, "token"))
        return ask_with_token(scope, asked, why);
    if (!is_supposed(&asked->arguments)) {
        asked->identity = identity_ref(who);
        return STATUS_OK;
    }
    if (scope != SCOPE_ALL && !slice_equal(tenant, who->tenant)) {
        audit_mismatch(core, who, "bus.explain", tenant);
        return refuse_with(why, STATUS_TENANT_MISMATCH, "that is another tenant");
    }
    if (scope != SCOPE_ALL &&
        !permitted(&who->permissions, VERB_ADMIN, who->tenant, who->tenant, slice_of("explain")))
        return refuse_with(why, STATUS_PERMISSION_DENIED, "needs admin:explain");
    return suppose(core, call, asked, why);
}

static enum status ask_with_key(struct asked *asked, const char **why)
{
    const struct arguments *arguments = &asked->arguments;
    asked->key = argument_text(arguments, "idempotency_key", slice_make(NULL, 0));
    if (argument_has(arguments, "idempotency_key") && asked->key.len == 0)
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "idempotency_key: a text");
    asked->rehearsal.has_payload = argument_pack(arguments, "payload", &asked->payload);
    return STATUS_OK;
}

/* ---- the walk ---- */

struct walk {
    const struct call *call;
    struct buf steps;
    size_t n;
    enum status outcome; /* as of the first that does not let it through */
    bool settled, waits, replayed;
};

static void pack_details(msgpack_packer *packer, const struct refusal *refusal)
{
    pack_pair_map(packer, "details", refusal->n_details);
    for (size_t i = 0; i < refusal->n_details; i++)
        pack_pair_text(packer, refusal->details[i].key, slice_of(refusal->details[i].value));
}

static void pack_refusal(msgpack_packer *packer, const struct refusal *refusal)
{
    pack_pair_text(packer, "status", slice_of(status_text(refusal->status)));
    pack_pair_text(packer, "message", slice_of(refusal->message));
    pack_pair_uint(packer, "retry_after_ms", refusal->retry_after_ms);
    pack_details(packer, refusal);
}

/* Whoever is held by one filter does not come to the next. */
static void settle(struct walk *walk, enum verdict verdict, enum status status)
{
    if (walk->settled || verdict == VERDICT_PASS)
        return;
    walk->settled = true;
    walk->outcome = status;
    walk->replayed = verdict == VERDICT_WAIT && walk->call->replayed;
    walk->waits = verdict == VERDICT_WAIT && !walk->replayed;
}

static void add_step(void *arg, const struct filter *filter, enum verdict verdict,
                     const struct refusal *refusal)
{
    static const char *const texts[] = {"pass", "refuse", "wait"};
    struct walk *walk = arg;
    msgpack_packer packer;
    unsigned reasons = verdict == VERDICT_REFUSE ? 4 : refusal->message ? 1 : 0;
    packing_init(&packer, &walk->steps);
    msgpack_pack_map(&packer, 2 + reasons);
    pack_pair_text(&packer, "filter", slice_of(filter->name));
    pack_pair_text(&packer, "verdict", slice_of(texts[verdict]));
    if (verdict == VERDICT_REFUSE)
        pack_refusal(&packer, refusal);
    else if (refusal->message)
        pack_pair_text(&packer, "message", slice_of(refusal->message));
    settle(walk, verdict, refusal->status);
    walk->n++;
}

static void pack_walk(struct buf *out, struct walk *walk)
{
    msgpack_packer packer;
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 4);
    pack_pair_text(&packer, "outcome", slice_of(status_text(walk->outcome)));
    pack_pair_bool(&packer, "waits", walk->waits);
    pack_pair_bool(&packer, "replayed", walk->replayed);
    pack_pair_array(&packer, "steps", walk->n);
    packing_raw(&packer, buf_slice(&walk->steps));
    buf_finish(&walk->steps);
}

static enum status walk_through(struct core *core, struct asked *asked, struct buf *out,
                                const char **why)
{
    struct slice none = slice_make(NULL, 0);
    const struct wire_request request = {.service =
                                             argument_text(&asked->arguments, "service", none),
                                         .method = argument_text(&asked->arguments, "method", none),
                                         .payload = buf_slice(&asked->payload),
                                         .idempotency_key = asked->key};
    struct call *call = call_open(core);
    struct walk walk = {.call = call, .outcome = STATUS_OK};
    if (!call)
        return refuse_with(why, STATUS_OVERLOADED, "too many calls under way");
    call->dry = &asked->rehearsal;
    call->request = &request;
    call->identity = asked->identity;
    asked->identity = NULL;
    chain_explain(core, call, add_step, &walk);
    call_discard(core, call);
    pack_walk(out, &walk);
    return STATUS_OK;
}

static enum status explain(struct core *core, struct call *call, enum scope scope, struct buf *out,
                           const char **why)
{
    struct asked asked = {0};
    builtin_arguments(&asked.arguments, call);
    enum status status = ask_about(core, call, scope, &asked, why);
    if (status == STATUS_OK)
        status = ask_with_key(&asked, why);
    if (status == STATUS_OK)
        status = walk_through(core, &asked, out, why);
    identity_unref(asked.identity);
    arguments_finish(&asked.arguments);
    buf_finish(&asked.payload);
    return status;
}

static const struct argument supposed[] = {
    {"service", ARGUMENT_TEXT}, {"method", ARGUMENT_TEXT},
    {"tenant", ARGUMENT_TEXT},  {"user", ARGUMENT_TEXT},
    {"tier", ARGUMENT_TEXT},    {"permissions", ARGUMENT_ARRAY},
    {"token", ARGUMENT_TEXT},   {"idempotency_key", ARGUMENT_TEXT},
    {"payload", ARGUMENT_ANY},  {0},
};

static const struct builtin_verb verbs[] = {
    {"call", ACCESS_ANYONE, "explain", explain, false, supposed},
    {0},
};

const struct builtin builtin_explain = {"bus.explain", verbs};
