#include "core/identity.h"

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "wire/wire.h"

#include <errno.h>
#include <stdio.h>

struct remembered {
    struct list recent; /* in identities.recent, newest last */
    struct identity *identity;
    size_t key_len;
    uint8_t key[];
};

struct identities {
    struct identities_options options;
    struct sealer sealer;
    struct map by_credential;
    struct list recent;
    struct arena arena;   /* of one resolution */
    struct arena sealing; /* of one sealing */
};

struct identities *identities_create(const struct identities_options *options)
{
    struct identities *self = mem_zalloc(sizeof *self);
    self->options = *options;
    sealer_init(&self->sealer, options->seal_key);
    map_init(&self->by_credential);
    list_init(&self->recent);
    arena_init(&self->arena);
    arena_init(&self->sealing);
    return self;
}

static void forget(struct identities *self, struct remembered *entry)
{
    map_remove(&self->by_credential, slice_make(entry->key, entry->key_len));
    list_remove(&entry->recent);
    identity_unref(entry->identity);
    mem_free(entry);
}

void identities_forget(struct identities *self)
{
    for (struct list *node; (node = list_first(&self->recent));)
        forget(self, LIST_ENTRY(node, struct remembered, recent));
}

void identities_destroy(struct identities *self)
{
    if (!self)
        return;
    identities_forget(self);
    map_finish(&self->by_credential);
    arena_finish(&self->arena);
    arena_finish(&self->sealing);
    sealer_finish(&self->sealer);
    mem_free(self);
}

size_t identities_count(const struct identities *self)
{
    return self->by_credential.count;
}

/* ---- one identity ---- */

static size_t text_size(const char *text)
{
    return (text ? strlen(text) : 0) + 1;
}

static const char *put_text(char **at, const char *text)
{
    char *start = *at;
    size_t size = text_size(text);
    memcpy(start, text ? text : "", size);
    *at += size;
    return start;
}

static const char *const *put_texts(const char ***slots, char **at, const char *const *texts,
                                    size_t count)
{
    const char **start = *slots;
    for (size_t i = 0; i < count; i++)
        start[i] = put_text(at, texts[i]);
    *slots += count;
    return start;
}

static size_t block_size(const struct context *from)
{
    size_t size = text_size(from->tenant) + text_size(from->user) + text_size(from->tier) +
                  text_size(from->subscription_status) + text_size(from->billing_customer) +
                  text_size(from->token_id) + text_size(from->audience);
    for (size_t i = 0; i < from->n_permissions; i++)
        size += text_size(from->permissions[i]);
    for (size_t i = 0; i < from->n_features; i++)
        size += text_size(from->features[i]);
    return size + (from->n_permissions + from->n_features) * sizeof(char *);
}

/* All text in one block: an identity is remembered for long, and there are many. */
static struct identity *identity_create(const struct context *from)
{
    struct identity *self = mem_zalloc(sizeof *self);
    self->block = mem_alloc(block_size(from));
    const char **slots = self->block;
    char *at = (char *)(slots + from->n_permissions + from->n_features);

    self->refs = 1;
    self->context = *from;
    self->context.tenant = put_text(&at, from->tenant);
    self->context.user = put_text(&at, from->user);
    self->context.tier = put_text(&at, from->tier);
    self->context.subscription_status = put_text(&at, from->subscription_status);
    self->context.billing_customer = put_text(&at, from->billing_customer);
    self->context.token_id = put_text(&at, from->token_id);
    self->context.audience = put_text(&at, from->audience);
    self->context.permissions = put_texts(&slots, &at, from->permissions, from->n_permissions);
    self->context.features = put_texts(&slots, &at, from->features, from->n_features);
    self->tenant = slice_of(self->context.tenant);
    self->user = slice_of(self->context.user);
    self->expires_ms = from->expires_ms;
    permissions_compile(&self->permissions, self->context.permissions, from->n_permissions);
    return self;
}

struct identity *identity_supposed(const struct context *claims)
{
    return identity_create(claims);
}

struct identity *identity_ref(struct identity *self)
{
    self->refs++;
    return self;
}

void identity_unref(struct identity *self)
{
    if (!self || --self->refs > 0)
        return;
    for (unsigned i = 0; i < IDENTITY_SEALS; i++) {
        mem_free(self->seals[i].audience);
        buf_finish(&self->seals[i].credential);
    }
    permissions_finish(&self->permissions);
    mem_free(self->block);
    mem_free(self);
}

#define A_DAY_MS 86400000u

uint64_t identity_look_at(uint64_t expires_ms, struct moment now)
{
    uint64_t left_ms = expires_ms > now.unix_ms ? expires_ms - now.unix_ms : 0;
    return now.mono_ns + (left_ms < A_DAY_MS ? left_ms : A_DAY_MS) * NS_PER_MS;
}

/* ---- resolving ---- */

static struct identity *refuse(char *why, const char *reason)
{
    snprintf(why, IDENTITY_WHY_BYTES, "%s", reason);
    return NULL;
}

static struct identity *from_token(struct identities *self, struct slice token, uint64_t unix_ms,
                                   char *why)
{
    struct token_claims claims = {0};
    if (self->options.verify(self->options.verify_arg, token, (int64_t)(unix_ms / 1000), &claims,
                             why) < 0)
        return NULL;
    struct context context = {
        .tenant = claims.tenant,
        .user = claims.user,
        .tier = claims.tier,
        .subscription_status = claims.subscription_status,
        .billing_customer = claims.billing_customer,
        .token_id = claims.id,
        .permissions = (const char *const *)claims.permissions,
        .n_permissions = claims.n_permissions,
        .features = (const char *const *)claims.features,
        .n_features = claims.n_features,
        .expires_ms = (uint64_t)claims.expires_s * 1000,
        .token_issued_ms = (uint64_t)claims.issued_s * 1000,
        .token_expires_ms = (uint64_t)claims.expires_s * 1000,
    };
    struct identity *identity = identity_create(&context);
    token_claims_finish(&claims);
    return identity;
}

static struct identity *from_sealed(struct identities *self, const struct wire_credential *sealed,
                                    const struct slice *audiences, size_t n_audiences,
                                    uint64_t unix_ms, char *why)
{
    struct context context;
    int rc = context_open(&self->sealer, sealed->context, sealed->seal, audiences, n_audiences,
                          unix_ms, &self->arena, &context);
    if (rc < 0)
        return refuse(
            why, rc == -EKEYEXPIRED
                     ? "sealed context expired"
                     : "sealed context forged, issued to another or before the broker was started");
    struct identity *identity = identity_create(&context);
    identity->delegated = true;
    /* A tenant's own service has a slash in its name, and so have the subscribers of events. */
    identity->shared = !strchr(identity->context.audience, '/');
    return identity;
}

static void remember(struct identities *self, struct slice credential, struct identity *identity)
{
    if (self->by_credential.count >= self->options.remembered)
        forget(self, LIST_ENTRY(list_first(&self->recent), struct remembered, recent));
    struct remembered *entry = mem_alloc(sizeof *entry + credential.len);
    entry->identity = identity_ref(identity);
    entry->key_len = credential.len;
    memcpy(entry->key, credential.data, credential.len);
    list_push(&self->recent, &entry->recent);
    map_put(&self->by_credential, slice_make(entry->key, entry->key_len), entry);
}

/* What was proven once still has to be in time and in the right hands. */
static struct identity *admit(struct remembered *entry, const struct slice *audiences,
                              size_t n_audiences, uint64_t unix_ms, char *why)
{
    struct identity *identity = entry->identity;
    if (identity->expires_ms <= unix_ms)
        return refuse(why, "expired");
    if (identity->delegated &&
        context_admit(&identity->context, audiences, n_audiences, unix_ms) < 0)
        return refuse(why, "sealed context issued to another");
    return identity_ref(identity);
}

struct identity *identities_resolve(struct identities *self, struct slice credential,
                                    const struct slice *audiences, size_t n_audiences,
                                    uint64_t unix_ms, char *why)
{
    struct remembered *entry = map_get(&self->by_credential, credential);
    if (entry) {
        list_remove(&entry->recent);
        list_push(&self->recent, &entry->recent);
        return admit(entry, audiences, n_audiences, unix_ms, why);
    }
    struct wire_credential parts;
    struct identity *identity = NULL;
    if (wire_read_credential(&parts, credential) < 0)
        return refuse(why, "malformed credential");
    if (parts.token.len > 0)
        identity = from_token(self, parts.token, unix_ms, why);
    else
        identity = from_sealed(self, &parts, audiences, n_audiences, unix_ms, why);
    if (identity)
        remember(self, credential, identity);
    arena_reset(&self->arena);
    return identity;
}

static const char *size_defect(struct slice token)
{
    if (token.len == 0)
        return "no token";
    return token.len > TOKEN_BYTES_MAX ? "token too long" : NULL;
}

struct identity *identities_judge_token(struct identities *self, struct slice token,
                                        uint64_t unix_ms, char *why)
{
    const char *defect = size_defect(token);
    return defect ? refuse(why, defect) : from_token(self, token, unix_ms, why);
}

struct identity *identities_resolve_token(struct identities *self, struct slice token,
                                          uint64_t unix_ms, char *why)
{
    const char *defect = size_defect(token);
    if (defect)
        return refuse(why, defect);
    struct arena arena;
    arena_init(&arena);
    struct slice credential =
        wire_write_credential(&(struct wire_credential){.token = token}, &arena);
    struct identity *identity = identities_resolve(self, credential, NULL, 0, unix_ms, why);
    arena_finish(&arena);
    return identity;
}

/* ---- sealing ---- */

static bool seal_fits(const struct identity_seal *seal, struct slice audience, uint32_t depth)
{
    return seal->audience && seal->depth == depth && slice_is(audience, seal->audience);
}

static const struct identity_seal *seal_anew(struct identities *self, const struct context *terms,
                                             struct identity_seal *seal)
{
    struct context context = *terms;
    struct slice credential = {0};
    context.audience = seal->audience;
    context.depth = seal->depth;
    context.expires_ms = seal->expires_ms;
    seal->credential.len = 0;
    if (context_seal(&self->sealer, &context, &self->sealing, &credential) == 0)
        buf_append(&seal->credential, credential.data, credential.len);
    arena_reset(&self->sealing);
    return seal;
}

static struct identity_seal *seal_slot(struct identity *identity, struct slice audience,
                                       uint32_t depth)
{
    struct identity_seal *seal = &identity->seals[identity->next_seal++ % IDENTITY_SEALS];
    mem_free(seal->audience);
    seal->audience = mem_alloc(audience.len + 1);
    memcpy(seal->audience, audience.data, audience.len);
    seal->audience[audience.len] = '\0';
    seal->depth = depth;
    return seal;
}

void identity_unseal(struct identity *identity)
{
    for (unsigned i = 0; i < IDENTITY_SEALS; i++) {
        mem_free(identity->seals[i].audience);
        identity->seals[i].audience = NULL;
    }
}

const struct identity_seal *identity_sealed(struct identities *self, struct identity *identity,
                                            const struct context *terms, struct slice audience,
                                            uint32_t depth, uint64_t unix_ms, uint64_t valid_ms)
{
    struct identity_seal *seal = NULL;
    for (unsigned i = 0; i < IDENTITY_SEALS && !seal; i++) {
        if (seal_fits(&identity->seals[i], audience, depth))
            seal = &identity->seals[i];
    }
    if (seal &&
        (seal->expires_ms >= unix_ms + valid_ms || seal->expires_ms == identity->expires_ms))
        return seal;
    if (!seal)
        seal = seal_slot(identity, audience, depth);
    /* Twice what is asked for, so that one seal serves many calls. */
    seal->expires_ms = unix_ms + 2 * valid_ms;
    if (seal->expires_ms > identity->expires_ms)
        seal->expires_ms = identity->expires_ms;
    return seal_anew(self, terms, seal);
}
