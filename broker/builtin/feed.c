#include "builtin/feed.h"

#include "base/mem.h"
#include "base/name.h"
#include "builtin/builtin.h"
#include "builtin/packing.h"
#include "core/state.h"

#define LEASE_DEFAULT_MS 30000u
#define LEASE_MAX_MS 3600000u
#define URL_MAX 256u

struct feeds {
    struct list all;
    struct map by_id;
};

struct feed {
    struct list node;
    char id[33];
    struct session *opener; /* NULL: opened by a one-shot call */
    struct subscription *subscription;
    uint64_t handle; /* io's */
    uint64_t lease_ms;
    struct timer lease;
};

struct feeds *feeds_create(void)
{
    struct feeds *feeds = mem_zalloc(sizeof *feeds);
    list_init(&feeds->all);
    return feeds;
}

static void feed_close(struct core *core, struct feed *feed)
{
    wheel_disarm(&core->wheel, &feed->lease);
    subscription_remove(core, feed->subscription);
    core->io.feed_close(core->io.arg, feed->handle);
    map_remove(&core->feeds->by_id, slice_of(feed->id));
    list_remove(&feed->node);
    mem_free(feed);
}

void feeds_destroy(struct core *core)
{
    if (!core->feeds)
        return;
    for (struct list *node; (node = list_first(&core->feeds->all));)
        feed_close(core, LIST_ENTRY(node, struct feed, node));
    map_finish(&core->feeds->by_id);
    mem_free(core->feeds);
    core->feeds = NULL;
}

size_t feeds_count(const struct core *core)
{
    return core->feeds->by_id.count;
}

void feeds_session_ended(struct core *core, const struct session *session)
{
    if (!core->feeds)
        return;
    struct list *node = core->feeds->all.next;
    while (node != &core->feeds->all) {
        struct feed *feed = LIST_ENTRY(node, struct feed, node);
        node = node->next;
        if (feed->opener == session)
            feed_close(core, feed);
    }
}

void feeds_revoked(struct core *core)
{
    struct list *node = core->feeds->all.next;
    while (node != &core->feeds->all) {
        struct feed *feed = LIST_ENTRY(node, struct feed, node);
        node = node->next;
        if (revoked_holds(core, feed->subscription->identity))
            feed_close(core, feed);
    }
}

static void on_lease_over(struct timer *timer, void *arg)
{
    feed_close(arg, LIST_ENTRY(timer, struct feed, lease));
}

/* Not beyond the token it was opened, or last renewed, with. */
static void renew_lease(struct core *core, struct feed *feed)
{
    uint64_t until = core->now.mono_ns + feed->lease_ms * NS_PER_MS;
    uint64_t end = identity_look_at(feed->subscription->identity->expires_ms, core->now);
    wheel_arm(&core->wheel, &feed->lease, until < end ? until : end);
}

static void make_id(struct core *core, char id[33])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[16];
    core->io.random(core->io.arg, bytes, sizeof bytes);
    for (unsigned i = 0; i < sizeof bytes; i++) {
        id[2 * i] = digits[bytes[i] >> 4];
        id[2 * i + 1] = digits[bytes[i] & 15];
    }
    id[32] = '\0';
}

static struct feed *feed_open(struct core *core, const struct call *call, struct slice pattern,
                              uint64_t lease_ms, char url[URL_MAX])
{
    uint64_t handle = core->io.feed_open(core->io.arg, url, URL_MAX);
    if (!handle)
        return NULL;
    struct feed *feed = mem_zalloc(sizeof *feed);
    feed->handle = handle;
    feed->opener = call->caller;
    feed->lease_ms = lease_ms;
    make_id(core, feed->id);
    timer_init(&feed->lease, on_lease_over);
    struct subscription_options options = {.feed = handle,
                                           .identity = call->identity,
                                           .tenant = call->identity->tenant,
                                           .pattern = pattern};
    feed->subscription = subscription_add(core, &options);
    renew_lease(core, feed);
    list_push(&core->feeds->all, &feed->node);
    map_put(&core->feeds->by_id, slice_of(feed->id), feed);
    return feed;
}

static bool may_listen(const struct call *call, struct slice pattern)
{
    const struct identity *who = call->identity;
    return permitted(&who->permissions, VERB_SUBSCRIBE, who->tenant, who->tenant, pattern);
}

static size_t count_of(const struct core *core, struct slice tenant)
{
    const struct list *head = &core->feeds->all;
    size_t n = 0;
    for (const struct list *node = head->next; node != head; node = node->next)
        n += slice_equal(LIST_ENTRY(node, struct feed, node)->subscription->identity->tenant,
                         tenant);
    return n;
}

static enum status may_open(struct core *core, const struct call *call, enum scope scope,
                            struct slice pattern, const char **why)
{
    const struct identity *who = call->identity;
    if (who->delegated) /* it would outlive the call it was lent for */
        return refuse_with(why, STATUS_PERMISSION_DENIED, "a sealed context cannot open a feed");
    if (!name_valid_pattern(pattern))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "pattern: not a pattern of topics");
    if (!may_listen(call, pattern))
        return refuse_with(why, STATUS_PERMISSION_DENIED,
                           arena_printf(&core->arena, "needs subscribe:%.*s", SLICE_FMT(pattern)));
    return builtin_find_place(scope, core->limits.max_feeds, feeds_count(core),
                              count_of(core, who->tenant), why);
}

static void pack_feed(struct buf *out, const struct feed *feed, const char *url)
{
    msgpack_packer packer;
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 3);
    pack_pair_text(&packer, "id", slice_of(feed->id));
    pack_pair_text(&packer, "url", slice_of(url));
    pack_pair_uint(&packer, "lease_ms", feed->lease_ms);
}

static enum status open_with(struct core *core, struct call *call, enum scope scope,
                             const struct arguments *arguments, struct buf *out, const char **why)
{
    char url[URL_MAX];
    struct slice pattern = argument_text(arguments, "pattern", slice_make(NULL, 0));
    uint64_t lease_ms = argument_has(arguments, "lease_ms")
                            ? argument_uint(arguments, "lease_ms", 0)
                            : LEASE_DEFAULT_MS;
    if (lease_ms == 0 || lease_ms > LEASE_MAX_MS)
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "lease_ms: 1 to 3600000");
    enum status status = may_open(core, call, scope, pattern, why);
    if (status != STATUS_OK)
        return status;
    struct feed *feed = feed_open(core, call, pattern, lease_ms, url);
    if (!feed)
        return refuse_with(why, STATUS_UNAVAILABLE, "the endpoint cannot be opened");
    pack_feed(out, feed, url);
    return STATUS_OK;
}

static enum status open(struct core *core, struct call *call, enum scope scope, struct buf *out,
                        const char **why)
{
    struct arguments arguments;
    builtin_arguments(&arguments, call);
    enum status status = open_with(core, call, scope, &arguments, out, why);
    arguments_finish(&arguments);
    return status;
}

/* The caller's own feed by the id in the payload, or NULL. */
static struct feed *own_feed(struct core *core, const struct call *call)
{
    struct arguments arguments;
    builtin_arguments(&arguments, call);
    struct slice id = argument_text(&arguments, "id", slice_make(NULL, 0));
    struct feed *feed = map_get(&core->feeds->by_id, id);
    arguments_finish(&arguments);
    const struct identity *owner = feed ? feed->subscription->identity : NULL;
    bool own = owner && slice_equal(owner->tenant, call->identity->tenant) &&
               slice_equal(owner->user, call->identity->user);
    return own ? feed : NULL;
}

static enum status renew(struct core *core, struct call *call, enum scope scope, struct buf *out,
                         const char **why)
{
    (void)scope;
    struct feed *feed = own_feed(core, call);
    if (!feed)
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "id: no feed of yours");
    if (!may_listen(call, feed->subscription->pattern))
        return refuse_with(why, STATUS_PERMISSION_DENIED, "it may not be subscribed to any more");
    if (!call->identity->delegated)
        subscription_adopt(feed->subscription, call->identity);
    renew_lease(core, feed);
    msgpack_packer packer;
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 1);
    pack_pair_uint(&packer, "lease_ms", feed->lease_ms);
    return STATUS_OK;
}

static enum status close_feed(struct core *core, struct call *call, enum scope scope,
                              struct buf *out, const char **why)
{
    (void)scope;
    struct feed *feed = own_feed(core, call);
    if (!feed)
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "id: no feed of yours");
    feed_close(core, feed);
    msgpack_packer packer;
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 0);
    return STATUS_OK;
}

static const struct argument opened[] = {
    {"pattern", ARGUMENT_TEXT},
    {"lease_ms", ARGUMENT_UINT},
    {0},
};

static const struct argument named[] = {
    {"id", ARGUMENT_TEXT},
    {0},
};

static const struct builtin_verb verbs[] = {
    {"open", ACCESS_ANYONE, "feed", open, false, opened},
    {"renew", ACCESS_ANYONE, NULL, renew, false, named},
    {"close", ACCESS_ANYONE, NULL, close_feed, false, named},
    {0},
};

const struct builtin builtin_feed = {"bus.feed", verbs};
