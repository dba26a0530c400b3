/* sessions.c - bus.sessions: who is connected. */
#include "builtin/builtin.h"
#include "builtin/packing.h"
#include "core/state.h"

static size_t length(const struct list *head)
{
    size_t count = 0;
    for (const struct list *node = head->next; node != head; node = node->next)
        count++;
    return count;
}

static uint64_t serving(const struct session *session)
{
    uint64_t sum = 0;
    for (struct list *node = session->instances.next; node != &session->instances;
         node = node->next)
        sum += LIST_ENTRY(node, struct instance, by_session)->in_flight;
    return sum;
}

static void pack_services(msgpack_packer *packer, const struct session *session)
{
    pack_pair_array(packer, "services", length(&session->instances));
    for (struct list *node = session->instances.next; node != &session->instances;
         node = node->next)
        pack_text(packer, LIST_ENTRY(node, struct instance, by_session)->service->name);
}

/* Only the head of the id: the whole is the key to the session. */
#define SHOWN_ID_BYTES 4u

static void pack_session(struct core *core, msgpack_packer *packer, const struct session *session)
{
    const struct context *who = &session->identity->context;
    msgpack_pack_map(packer, 16);
    pack_pair_hex(packer, "id", session->link.session, SHOWN_ID_BYTES);
    pack_pair_text(packer, "name", slice_of(session->name));
    pack_pair_text(packer, "tenant", slice_of(who->tenant));
    pack_pair_text(packer, "user", slice_of(who->user));
    pack_pair_text(packer, "tier", slice_of(standing_of(core, session->identity)->tier_name));
    pack_pair_text(packer, "client", slice_of(session->client));
    pack_pair_text(packer, "state",
                   slice_of(session->draining ? "draining" : session_state_text(session->state)));
    pack_pair_uint(packer, "since_ms", session->since_ms);
    pack_services(packer, session);
    pack_pair_uint(packer, "subscriptions", session->subscriptions.count);
    pack_pair_uint(packer, "calling", session->calls_by_id.count);
    pack_pair_uint(packer, "serving", serving(session));
    pack_pair_uint(packer, "outbox_bytes", link_backlog(&session->link));
    pack_pair_uint(packer, "missed", session->missed);
    pack_pair_uint(packer, "frames_in", session->frames_in);
    pack_pair_uint(packer, "frames_out", session->frames_out);
}

static bool visible(const struct call *call, const struct session *session, enum scope scope)
{
    return scope == SCOPE_ALL || slice_equal(session->identity->tenant, call->identity->tenant);
}

static enum status list(struct core *core, struct call *call, enum scope scope, struct buf *out,
                        const char **why)
{
    (void)why;
    const struct list *head = &core->sessions.all;
    msgpack_packer packer;
    size_t count = 0;

    for (struct list *node = head->next; node != head; node = node->next)
        count += visible(call, LIST_ENTRY(node, struct session, node), scope);
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 1);
    pack_pair_array(&packer, "sessions", count);
    for (struct list *node = head->next; node != head; node = node->next) {
        const struct session *session = LIST_ENTRY(node, struct session, node);
        if (visible(call, session, scope))
            pack_session(core, &packer, session);
    }
    return STATUS_OK;
}

static const struct builtin_verb verbs[] = {
    {"list", ACCESS_ADMIN, "sessions", list, false, NULL},
    {0},
};

const struct builtin builtin_sessions = {"bus.sessions", verbs};
