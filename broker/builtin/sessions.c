/* sessions.c - bus.sessions: who is connected. */
#include "builtin/builtin.h"
#include "builtin/packing.h"
#include "core/state.h"

#include <stdlib.h>

#define PAGE_BYTES ((size_t)256 << 10) /* of sessions, in one answer */
#define PLACE_DIGITS 16u

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

/* ---- pages ---- */

struct page {
    struct buf rows;
    size_t n;
    uint64_t last; /* session.opened */
    bool more;     /* than fit */
};

/* 0: from the first on. */
static bool read_place(struct core *core, const struct arguments *arguments, uint64_t *out)
{
    struct slice text = argument_text(arguments, "after", slice_make("", 0));
    char *digits = arena_text(&core->arena, text), *end = digits;
    *out = strtoull(digits, &end, 16);
    return text.len == 0 || (text.len == PLACE_DIGITS && end == digits + text.len);
}

static void fill_page(struct core *core, const struct call *call, enum scope scope, uint64_t after,
                      struct page *page)
{
    const struct list *head = &core->sessions.all;
    msgpack_packer packer;
    packing_init(&packer, &page->rows);
    for (struct list *node = head->next; node != head && !page->more; node = node->next) {
        const struct session *session = LIST_ENTRY(node, struct session, node);
        if (session->opened <= after || !visible(call, session, scope))
            continue;
        page->more = page->rows.len >= PAGE_BYTES;
        if (page->more)
            break;
        pack_session(core, &packer, session);
        page->last = session->opened;
        page->n++;
    }
}

static void pack_page(struct core *core, struct buf *out, const struct page *page)
{
    msgpack_packer packer;
    packing_init(&packer, out);
    msgpack_pack_map(&packer, page->more ? 2 : 1);
    pack_pair_array(&packer, "sessions", page->n);
    packing_raw(&packer, buf_slice(&page->rows));
    if (page->more)
        pack_pair_text(
            &packer, "next",
            slice_of(arena_printf(&core->arena, "%016llx", (unsigned long long)page->last)));
}

static enum status list(struct core *core, struct call *call, enum scope scope, struct buf *out,
                        const char **why)
{
    struct arguments arguments;
    struct page page = {.n = 0};
    uint64_t after = 0;
    builtin_arguments(&arguments, call);
    bool ours = read_place(core, &arguments, &after);
    arguments_finish(&arguments);
    if (!ours)
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "after: not one of ours");
    fill_page(core, call, scope, after, &page);
    pack_page(core, out, &page);
    buf_finish(&page.rows);
    return STATUS_OK;
}

static const struct argument listed[] = {
    {"after", ARGUMENT_TEXT},
    {0},
};

static const struct builtin_verb verbs[] = {
    {"list", ACCESS_ADMIN, "sessions", list, false, listed},
    {0},
};

const struct builtin builtin_sessions = {"bus.sessions", verbs};
