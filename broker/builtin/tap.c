#include "builtin/tap.h"

#include "base/mem.h"
#include "base/name.h"
#include "builtin/builtin.h"
#include "builtin/packing.h"
#include "core/state.h"
#include "core/tell.h"

#define TAPS_MAX 16u

struct taps {
    struct list all;
    size_t count; /* of those that ended, some are forgotten only when there is something to show */
};

/* Ends with the call that opened it, which is found again by its id. */
struct tap {
    struct list node;
    uint64_t call_id;
    char *service, *tenant, *topic; /* "": any */
    bool payloads, operates;        /* operates: its opener sees all tenants */
};

struct taps *taps_create(void)
{
    struct taps *taps = mem_zalloc(sizeof *taps);
    list_init(&taps->all);
    return taps;
}

static void tap_close(struct core *core, struct tap *tap)
{
    list_remove(&tap->node);
    core->taps->count--;
    mem_free(tap->service);
    mem_free(tap->tenant);
    mem_free(tap->topic);
    mem_free(tap);
}

void taps_destroy(struct core *core)
{
    if (!core->taps)
        return;
    for (struct list *node; (node = list_first(&core->taps->all));)
        tap_close(core, LIST_ENTRY(node, struct tap, node));
    mem_free(core->taps);
}

static bool wants(const char *wanted, struct slice actual)
{
    return wanted[0] == '\0' || slice_is(actual, wanted);
}

/* The call a tap streams to, if it is still under way; closes the tap otherwise. */
static struct call *listener(struct core *core, struct tap *tap)
{
    struct call *call = call_find(core, tap->call_id);
    if (call && call->caller)
        return call;
    tap_close(core, tap);
    return NULL;
}

/* Somebody whose token was revoked, or who was suspended, meanwhile sees no more. */
static bool may_watch(struct core *core, const struct call *to)
{
    return !revoked_holds(core, to->identity) &&
           (standing_served(standing_of(core, to->identity)) || builtin_operates(to));
}

/* What the slow miss they miss: a tap never holds anything up. */
static void stream(struct core *core, struct call *to, const struct buf *tapped)
{
    if (session_full(core, to->caller) || !may_watch(core, to))
        return;
    tell_part(core, to, buf_slice(tapped));
}

static void pack_payload(msgpack_packer *packer, struct slice payload)
{
    pack_text(packer, slice_of("payload"));
    msgpack_pack_bin(packer, payload.len);
    msgpack_pack_bin_body(packer, payload.data, payload.len);
}

static void pack_call(const struct core *core, struct buf *out, const struct call *call,
                      const struct wire_reply *reply, bool payload)
{
    msgpack_packer packer;
    packing_init(&packer, out);
    msgpack_pack_map(&packer, payload ? 12 : 11);
    pack_pair_uint(&packer, "at_ms", core->now.unix_ms);
    pack_pair_text(&packer, "kind", slice_of("call"));
    pack_pair_text(&packer, "tenant", call->identity->tenant);
    pack_pair_text(&packer, "user", call->identity->user);
    pack_pair_text(&packer, "service", call->service->name);
    pack_pair_text(&packer, "method", slice_make(call->method, call->method_len));
    pack_pair_text(&packer, "status", slice_of(status_text(reply->status)));
    pack_pair_uint(&packer, "bytes_in", call->bytes_in);
    pack_pair_uint(&packer, "bytes_out", reply->payload.len);
    pack_pair_uint(&packer, "duration_us", (core->now.mono_ns - call->started) / 1000);
    pack_pair_text(&packer, "request_id", slice_make(call->request_id, call->request_id_len));
    if (payload)
        pack_payload(&packer, reply->payload);
}

static bool wants_call(const struct tap *tap, const struct call *call)
{
    return tap->topic[0] == '\0' && wants(tap->service, call->service->name) &&
           wants(tap->tenant, call->identity->tenant) && call->id != tap->call_id;
}

/* A secret is shown to who asks for it, and to nobody who listens. */
static bool is_confidential(const struct call *call)
{
    return call->service->builtin == &builtin_config;
}

void taps_call(struct core *core, struct call *call, const struct wire_reply *reply)
{
    if (core->taps->count == 0 || !call->identity || !call->service)
        return;
    struct list *node = core->taps->all.next;
    while (node != &core->taps->all) {
        struct tap *tap = LIST_ENTRY(node, struct tap, node);
        node = node->next;
        struct call *to = listener(core, tap);
        if (!to || !wants_call(tap, call))
            continue;
        struct buf tapped = {0};
        pack_call(core, &tapped, call, reply, tap->payloads && !is_confidential(call));
        stream(core, to, &tapped);
        buf_finish(&tapped);
    }
}

/* Where it was published. */
static struct slice tenant_of(const struct identity *identity, const struct wire_publish *publish)
{
    return publish->tenant.len > 0 ? publish->tenant : identity->tenant;
}

static void pack_event(const struct core *core, struct buf *out, const struct identity *identity,
                       const struct wire_publish *publish, bool payload)
{
    struct slice tenant = tenant_of(identity, publish);
    bool foreign = !slice_equal(tenant, identity->tenant);
    msgpack_packer packer;
    packing_init(&packer, out);
    msgpack_pack_map(&packer, payload ? 7 : 6);
    pack_pair_uint(&packer, "at_ms", core->now.unix_ms);
    pack_pair_text(&packer, "kind", slice_of("event"));
    pack_pair_text(&packer, "tenant", tenant);
    pack_pair_text(&packer, "user", foreign ? slice_make(NULL, 0) : identity->user);
    pack_pair_text(&packer, "topic", publish->topic);
    pack_pair_uint(&packer, "bytes_in", publish->payload.len);
    if (payload)
        pack_payload(&packer, publish->payload);
}

static bool wants_event(const struct tap *tap, const struct identity *identity,
                        const struct wire_publish *publish)
{
    return tap->service[0] == '\0' && wants(tap->tenant, tenant_of(identity, publish)) &&
           (tap->topic[0] == '\0' || pattern_matches(slice_of(tap->topic), publish->topic));
}

void taps_event(struct core *core, const struct identity *identity,
                const struct wire_publish *publish)
{
    if (core->taps->count == 0)
        return;
    struct list *node = core->taps->all.next;
    while (node != &core->taps->all) {
        struct tap *tap = LIST_ENTRY(node, struct tap, node);
        node = node->next;
        struct call *to = listener(core, tap);
        if (!to || !wants_event(tap, identity, publish))
            continue;
        struct buf tapped = {0};
        pack_event(core, &tapped, identity, publish, tap->payloads);
        stream(core, to, &tapped);
        buf_finish(&tapped);
    }
}

void taps_drain(struct core *core)
{
    for (struct list *node; (node = list_first(&core->taps->all));) {
        struct tap *tap = LIST_ENTRY(node, struct tap, node);
        struct call *to = call_find(core, tap->call_id);
        tap_close(core, tap);
        if (to)
            call_fail(core, to, STATUS_UNAVAILABLE, "the broker is stopping");
    }
}

void taps_revoked(struct core *core)
{
    struct list *node = core->taps->all.next;
    while (node != &core->taps->all) {
        struct tap *tap = LIST_ENTRY(node, struct tap, node);
        node = node->next;
        struct call *to = listener(core, tap);
        if (!to || !revoked_holds(core, to->identity))
            continue;
        tap_close(core, tap);
        call_fail(core, to, STATUS_UNAUTHENTICATED, "the token it was made with was revoked");
    }
}

/* ---- opening ---- */

static char *copy_of(struct slice text)
{
    char *copy = mem_zalloc(text.len + 1);
    if (text.len)
        memcpy(copy, text.data, text.len);
    return copy;
}

/* Whoever sees one tenant has it for `tenant`. Those that ended hold no place. */
static size_t count_of(struct core *core, struct slice tenant)
{
    struct list *node = core->taps->all.next;
    size_t n = 0;
    while (node != &core->taps->all) {
        struct tap *tap = LIST_ENTRY(node, struct tap, node);
        node = node->next;
        if (listener(core, tap))
            n += !tap->operates && slice_is(tenant, tap->tenant);
    }
    return n;
}

static enum status check(struct core *core, struct call *call, enum scope scope,
                         const struct arguments *arguments, const char **why)
{
    struct slice none = slice_make(NULL, 0);
    struct slice tenant = argument_text(arguments, "tenant", none);
    struct slice topic = argument_text(arguments, "topic", none);
    struct slice service = argument_text(arguments, "service", none);
    if (service.len > 0 && !name_valid_service(service))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "service: not the name of a service");
    if (tenant.len > 0 && !name_valid(tenant))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "tenant: not the name of a tenant");
    if (scope == SCOPE_TENANT && tenant.len > 0 && !slice_equal(tenant, call->identity->tenant)) {
        audit_mismatch(core, call->identity, "tap", tenant);
        return refuse_with(why, STATUS_TENANT_MISMATCH, "that is another tenant");
    }
    if (topic.len > 0 && !name_valid_pattern(topic))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "topic: not a pattern of topics");
    size_t own = count_of(core, call->identity->tenant);
    return builtin_find_place(scope, TAPS_MAX, core->taps->count, own, why);
}

static void tap_open(struct core *core, const struct call *call, enum scope scope,
                     const struct arguments *arguments)
{
    struct slice none = slice_make(NULL, 0);
    struct tap *tap = mem_zalloc(sizeof *tap);
    tap->call_id = call->id;
    tap->service = copy_of(argument_text(arguments, "service", none));
    tap->topic = copy_of(argument_text(arguments, "topic", none));
    tap->tenant = copy_of(scope == SCOPE_TENANT ? call->identity->tenant
                                                : argument_text(arguments, "tenant", none));
    tap->payloads = argument_bool(arguments, "payloads", false);
    tap->operates = scope == SCOPE_ALL;
    list_push(&core->taps->all, &tap->node);
    core->taps->count++;
}

/* Until it is cancelled, but no longer than the token it was opened with. */
static void last(struct core *core, struct call *call)
{
    uint64_t expires_ms = call->identity->expires_ms;
    wheel_disarm(&core->wheel, &call->timer);
    if (expires_ms >= call->caller->identity->expires_ms)
        return;
    call->ends_ms = expires_ms;
    wheel_arm(&core->wheel, &call->timer, identity_look_at(expires_ms, core->now));
}

static enum status watch(struct core *core, struct call *call, enum scope scope, struct buf *out,
                         const char **why)
{
    (void)out;
    struct arguments arguments;
    if (!call->caller || !call->stream)
        return refuse_with(why, STATUS_INVALID_ARGUMENT,
                           "a tap streams: it needs a session and a caller that takes parts");
    if (call->identity->delegated) /* it would outlive the call it was lent for */
        return refuse_with(why, STATUS_PERMISSION_DENIED, "a sealed context cannot tap");
    builtin_arguments(&arguments, call);
    enum status status = check(core, call, scope, &arguments, why);
    if (status == STATUS_OK) {
        tap_open(core, call, scope, &arguments);
        call_keep_request(call);
        last(core, call);
    }
    arguments_finish(&arguments);
    return status;
}

static const struct argument arguments_of_watch[] = {
    {"service", ARGUMENT_TEXT},
    {"tenant", ARGUMENT_TEXT},
    {"topic", ARGUMENT_TEXT},
    {"payloads", ARGUMENT_BOOL},
    {0},
};

static const struct builtin_verb verbs[] = {
    {"watch", ACCESS_ADMIN, "tap", watch, true, arguments_of_watch},
    {0},
};

const struct builtin builtin_tap = {"bus.tap", verbs};
