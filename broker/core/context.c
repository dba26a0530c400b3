#include "core/context.h"

#include "wire/wire.h"

#include <errno.h>
#include <sodium.h>

_Static_assert(CONTEXT_KEY_BYTES == crypto_generichash_KEYBYTES, "key of the seal");
_Static_assert(CONTEXT_SEAL_BYTES == crypto_generichash_BYTES, "size of the seal");

typedef Farebox__V1__Context message;

void sealer_init(struct sealer *sealer, const uint8_t *key)
{
    memcpy(sealer->key, key, sizeof sealer->key);
}

void sealer_finish(struct sealer *sealer)
{
    sodium_memzero(sealer->key, sizeof sealer->key);
}

static void compute_seal(const struct sealer *sealer, struct slice bytes, uint8_t *seal)
{
    crypto_generichash(seal, CONTEXT_SEAL_BYTES, bytes.data, bytes.len, sealer->key,
                       sizeof sealer->key);
}

/* ---- sealing ---- */

static bool is_set(const char *text)
{
    return text && *text;
}

static bool is_complete(const struct context *context)
{
    return is_set(context->tenant) && is_set(context->user) && is_set(context->audience) &&
           context->expires_ms > 0 && context->n_permissions <= CONTEXT_PERMISSIONS_MAX &&
           context->n_features <= CONTEXT_FEATURES_MAX;
}

/* protobuf-c takes char * for what it only reads. */
static char *as_field(const char *text)
{
    return text ? (char *)(uintptr_t)text : (char *)(uintptr_t) "";
}

static message to_message(const struct context *context)
{
    message m = FAREBOX__V1__CONTEXT__INIT;
    m.tenant = as_field(context->tenant);
    m.user = as_field(context->user);
    m.tier = as_field(context->tier);
    m.subscription_status = as_field(context->subscription_status);
    m.n_permissions = context->n_permissions;
    m.permissions = (char **)(uintptr_t)context->permissions;
    m.billing_customer = as_field(context->billing_customer);
    m.n_enterprise_features = context->n_features;
    m.enterprise_features = (char **)(uintptr_t)context->features;
    m.n_tier_features = context->n_tier_features;
    m.tier_features = (char **)(uintptr_t)context->tier_features;
    m.depth = context->depth;
    m.audience = as_field(context->audience);
    m.expires_ms = context->expires_ms;
    m.token_id = as_field(context->token_id);
    m.token_issued_ms = context->token_issued_ms;
    m.token_expires_ms = context->token_expires_ms;
    return m;
}

int context_seal(const struct sealer *sealer, const struct context *context, struct arena *arena,
                 struct slice *credential)
{
    if (!is_complete(context))
        return -EINVAL;
    message m = to_message(context);
    size_t len = farebox__v1__context__get_packed_size(&m);
    uint8_t *packed = arena_alloc(arena, len);
    farebox__v1__context__pack(&m, packed);

    uint8_t seal[CONTEXT_SEAL_BYTES];
    compute_seal(sealer, slice_make(packed, len), seal);
    const struct wire_credential parts = {.context = slice_make(packed, len),
                                          .seal = slice_make(seal, sizeof seal)};
    struct slice bytes = wire_write_credential(&parts, arena);
    if (bytes.len > WIRE_CREDENTIAL_BYTES_MAX)
        return -EMSGSIZE;
    *credential = bytes;
    return 0;
}

/* ---- opening ---- */

static bool seal_holds(const struct sealer *sealer, struct slice context, struct slice seal)
{
    uint8_t expected[CONTEXT_SEAL_BYTES];
    if (seal.len != sizeof expected || context.len > WIRE_CREDENTIAL_BYTES_MAX)
        return false;
    compute_seal(sealer, context, expected);
    return sodium_memcmp(expected, seal.data, sizeof expected) == 0;
}

static void *unpack_alloc(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void unpack_free(void *arena, void *ptr)
{
    (void)arena;
    (void)ptr;
}

static message *unpack(struct slice bytes, struct arena *arena)
{
    ProtobufCAllocator allocator = {unpack_alloc, unpack_free, arena};
    return farebox__v1__context__unpack(&allocator, bytes.len, bytes.data);
}

static struct context from_message(const message *m)
{
    return (struct context){
        .tenant = m->tenant,
        .user = m->user,
        .tier = m->tier,
        .subscription_status = m->subscription_status,
        .billing_customer = m->billing_customer,
        .token_id = m->token_id,
        .audience = m->audience,
        .permissions = (const char *const *)m->permissions,
        .n_permissions = m->n_permissions,
        .features = (const char *const *)m->enterprise_features,
        .n_features = m->n_enterprise_features,
        .expires_ms = m->expires_ms,
        .token_issued_ms = m->token_issued_ms,
        .token_expires_ms = m->token_expires_ms,
        .depth = m->depth,
    };
}

int context_admit(const struct context *context, const struct slice *audiences, size_t n_audiences,
                  uint64_t now_ms)
{
    bool addressed = false;
    for (size_t i = 0; i < n_audiences && !addressed; i++)
        addressed = slice_is(audiences[i], context->audience);
    if (!addressed)
        return -EACCES;
    return now_ms < context->expires_ms ? 0 : -EKEYEXPIRED;
}

int context_open(const struct sealer *sealer, struct slice context, struct slice seal,
                 const struct slice *audiences, size_t n_audiences, uint64_t now_ms,
                 struct arena *arena, struct context *out)
{
    if (!seal_holds(sealer, context, seal))
        return -EACCES;
    /* Nothing but our own writing gets this far, so unpacking needs no bounds of its own. */
    message *m = unpack(context, arena);
    if (!m)
        return -EACCES;
    struct context opened = from_message(m);
    int err = context_admit(&opened, audiences, n_audiences, now_ms);
    if (!err)
        *out = opened;
    return err;
}
