/* context.c - sealed contexts: bytes to present again, parsed for those who read them. */
#include "client/context.h"

#include "base/mem.h"
#include "wire/wire.h"

#include <stdatomic.h>

struct fbx_context {
    atomic_uint refs;
    Farebox__V1__Context *parsed; /* or &nobody */
    struct slice credential;      /* behind the struct */
};

static Farebox__V1__Context nobody = FAREBOX__V1__CONTEXT__INIT;

static Farebox__V1__Context *parse(struct slice credential)
{
    struct wire_credential parts;
    if (wire_read_credential(&parts, credential) < 0)
        return &nobody;
    Farebox__V1__Context *parsed =
        farebox__v1__context__unpack(NULL, parts.context.len, parts.context.data);
    return parsed ? parsed : &nobody;
}

static fbx_context *create(struct slice credential)
{
    fbx_context *context = mem_alloc(sizeof(*context) + credential.len);
    uint8_t *bytes = (uint8_t *)(context + 1);
    if (credential.len > 0)
        memcpy(bytes, credential.data, credential.len);
    atomic_init(&context->refs, 1);
    context->credential = slice_make(bytes, credential.len);
    context->parsed = parse(context->credential);
    return context;
}

/* A credential ends with its seal, which is as good as random: no hashing needed. */
static size_t slot_of(struct slice credential)
{
    uint32_t end = 0;
    if (credential.len >= sizeof(end))
        memcpy(&end, credential.data + credential.len - sizeof(end), sizeof(end));
    return end % CONTEXTS_KEPT;
}

fbx_context *contexts_get(struct contexts *contexts, struct slice credential)
{
    fbx_context **slot = &contexts->slots[slot_of(credential)];
    if (!*slot || !slice_equal((*slot)->credential, credential)) {
        fbx_context_free(*slot);
        *slot = create(credential);
    }
    return fbx_context_retain(*slot);
}

void contexts_finish(struct contexts *contexts)
{
    for (size_t i = 0; i < CONTEXTS_KEPT; i++)
        fbx_context_free(contexts->slots[i]);
    memset(contexts, 0, sizeof(*contexts));
}

struct slice context_credential(const fbx_context *context)
{
    return context->credential;
}

fbx_context *fbx_context_retain(const fbx_context *context)
{
    fbx_context *own = (fbx_context *)context;
    atomic_fetch_add_explicit(&own->refs, 1, memory_order_relaxed);
    return own;
}

void fbx_context_free(fbx_context *context)
{
    if (!context || atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) > 1)
        return;
    if (context->parsed != &nobody)
        farebox__v1__context__free_unpacked(context->parsed, NULL);
    mem_free(context);
}

/* ---- reading ---- */

const char *fbx_context_tenant(const fbx_context *context)
{
    return context->parsed->tenant;
}

const char *fbx_context_user(const fbx_context *context)
{
    return context->parsed->user;
}

const char *fbx_context_tier(const fbx_context *context)
{
    return context->parsed->tier;
}

const char *fbx_context_subscription_status(const fbx_context *context)
{
    return context->parsed->subscription_status;
}

const char *fbx_context_billing_customer(const fbx_context *context)
{
    return context->parsed->billing_customer;
}

size_t fbx_context_permissions(const fbx_context *context)
{
    return context->parsed->n_permissions;
}

const char *fbx_context_permission_at(const fbx_context *context, size_t index)
{
    return index < context->parsed->n_permissions ? context->parsed->permissions[index] : NULL;
}

static bool is_among(char *const *texts, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(texts[i], text) == 0)
            return true;
    return false;
}

bool fbx_context_has_feature(const fbx_context *context, const char *feature)
{
    const Farebox__V1__Context *parsed = context->parsed;
    return is_among(parsed->enterprise_features, parsed->n_enterprise_features, feature) ||
           is_among(parsed->tier_features, parsed->n_tier_features, feature);
}

uint32_t fbx_context_depth(const fbx_context *context)
{
    return context->parsed->depth;
}
