/* reply.c - replies: views during their callback, copies when kept. */
#include "client/call.h"

#include "base/mem.h"

/* Only our own, never constant, replies are seen as constant by the application. */
static const char *make_text(const fbx_reply *reply, const char *const *made, struct slice text)
{
    const char **own = (const char **)made;
    if (!*own)
        *own = text.len > 0 ? arena_text(reply->texts, text) : "";
    return *own;
}

int fbx_reply_status(const fbx_reply *reply)
{
    return (int)reply->wire.status;
}

fbx_bytes fbx_reply_payload(const fbx_reply *reply)
{
    return (fbx_bytes){reply->wire.payload.data, reply->wire.payload.len};
}

const char *fbx_reply_content_type(const fbx_reply *reply)
{
    if (reply->wire.content_type.len == 0)
        return DEFAULT_CONTENT_TYPE;
    return make_text(reply, &reply->content_type, reply->wire.content_type);
}

const char *fbx_reply_message(const fbx_reply *reply)
{
    return make_text(reply, &reply->message, reply->wire.message);
}

const char *fbx_reply_request_id(const fbx_reply *reply)
{
    return make_text(reply, &reply->request_id, reply->wire.request_id);
}

bool fbx_reply_retryable(const fbx_reply *reply)
{
    return reply->wire.retryable;
}

uint32_t fbx_reply_retry_after_ms(const fbx_reply *reply)
{
    return reply->wire.retry_after_ms;
}

uint32_t fbx_reply_rate_limit(const fbx_reply *reply)
{
    return reply->wire.rate_limit;
}

uint32_t fbx_reply_rate_remaining(const fbx_reply *reply)
{
    return reply->wire.rate_remaining;
}

const char *fbx_reply_tenant(const fbx_reply *reply)
{
    return make_text(reply, &reply->tenant, reply->wire.tenant);
}

const char *fbx_reply_tier(const fbx_reply *reply)
{
    return make_text(reply, &reply->tier, reply->wire.tier);
}

uint64_t fbx_reply_quota_limit(const fbx_reply *reply)
{
    return reply->wire.quota_limit;
}

uint64_t fbx_reply_quota_remaining(const fbx_reply *reply)
{
    return reply->wire.quota_remaining;
}

bool fbx_reply_replayed(const fbx_reply *reply)
{
    return reply->wire.replayed;
}

const char *fbx_reply_detail(const fbx_reply *reply, const char *key)
{
    for (size_t i = 0; i < reply->wire.n_details; i++)
        if (strcmp(reply->wire.details[i].key, key) == 0)
            return reply->wire.details[i].value;
    return NULL;
}

size_t fbx_reply_details(const fbx_reply *reply)
{
    return reply->wire.n_details;
}

const char *fbx_reply_detail_at(const fbx_reply *reply, size_t index, const char **value)
{
    if (index >= reply->wire.n_details)
        return NULL;
    if (value)
        *value = reply->wire.details[index].value;
    return reply->wire.details[index].key;
}

/* ---- keeping ---- */

static size_t details_bytes(const struct wire_reply *wire)
{
    size_t size = 0;
    for (size_t i = 0; i < wire->n_details; i++)
        size += strlen(wire->details[i].key) + strlen(wire->details[i].value) + 2;
    return size;
}

/* Copies and terminates; moves `*at` past it. */
static struct slice keep(char **at, struct slice bytes)
{
    char *copy = *at;
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    copy[bytes.len] = '\0';
    *at += bytes.len + 1;
    return slice_make(copy, bytes.len);
}

static void keep_details(struct wire_reply *wire, struct wire_detail *details, char **at)
{
    for (size_t i = 0; i < wire->n_details; i++) {
        details[i].key = (const char *)keep(at, slice_of(wire->details[i].key)).data;
        details[i].value = (const char *)keep(at, slice_of(wire->details[i].value)).data;
    }
    wire->details = details;
}

fbx_reply *fbx_reply_retain(const fbx_reply *reply)
{
    struct wire_reply wire = reply->wire;
    size_t size = sizeof(fbx_reply) + wire.n_details * sizeof(struct wire_detail) +
                  details_bytes(&wire) + wire.payload.len + wire.content_type.len +
                  wire.message.len + wire.request_id.len + wire.tenant.len + wire.tier.len + 6;
    fbx_reply *kept = mem_zalloc(size);
    struct wire_detail *details = (struct wire_detail *)(void *)(kept + 1);
    char *at = (char *)(details + wire.n_details);
    keep_details(&wire, details, &at);
    wire.payload = keep(&at, wire.payload);
    wire.content_type = keep(&at, wire.content_type);
    wire.message = keep(&at, wire.message);
    wire.request_id = keep(&at, wire.request_id);
    wire.tenant = keep(&at, wire.tenant);
    wire.tier = keep(&at, wire.tier);
    kept->wire = wire;
    kept->content_type = (const char *)wire.content_type.data;
    kept->message = (const char *)wire.message.data;
    kept->request_id = (const char *)wire.request_id.data;
    kept->tenant = (const char *)wire.tenant.data;
    kept->tier = (const char *)wire.tier.data;
    return kept;
}

void fbx_reply_free(fbx_reply *reply)
{
    mem_free(reply);
}
