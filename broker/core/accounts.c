#include "core/accounts.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/name.h"
#include "core/changes.h"
#include "core/state.h"

#include <stdio.h>

static const char *const texts[SUBSCRIPTION_COUNT] = {
    [SUBSCRIPTION_ACTIVE] = "active",
    [SUBSCRIPTION_PAST_DUE] = "past_due",
    [SUBSCRIPTION_EXPIRED] = "expired",
    [SUBSCRIPTION_SUSPENDED] = "suspended",
};

const char *subscription_text(enum subscription_status status)
{
    return texts[status];
}

enum subscription_status subscription_from_text(struct slice text)
{
    unsigned status = 0;
    while (status < SUBSCRIPTION_COUNT && !slice_is(text, texts[status]))
        status++;
    return (enum subscription_status)status;
}

enum subscription_status account_status(const struct account *account, uint64_t unix_ms)
{
    bool over = account->expires_ms > 0 && account->expires_ms <= unix_ms;
    return over && account->status < SUBSCRIPTION_EXPIRED ? SUBSCRIPTION_EXPIRED : account->status;
}

/* ---- one record ---- */

static size_t write_key(char *room, struct slice tenant, struct slice user)
{
    int len = user.len
                  ? snprintf(room, ACCOUNT_KEY_MAX, "%.*s/%.*s", SLICE_FMT(tenant), SLICE_FMT(user))
                  : snprintf(room, ACCOUNT_KEY_MAX, "%.*s", SLICE_FMT(tenant));
    return (size_t)len;
}

static char *copy_of(struct slice text)
{
    char *copy = mem_zalloc(text.len + 1);
    if (text.len)
        memcpy(copy, text.data, text.len);
    return copy;
}

static struct account *account_create(struct slice tenant, struct slice user)
{
    char room[ACCOUNT_KEY_MAX];
    struct account *self = mem_zalloc(sizeof *self);
    size_t len = write_key(room, tenant, user);
    self->key = mem_strdup(room);
    self->tenant = slice_make(self->key, tenant.len);
    self->user = slice_make(self->key + len - user.len, user.len);
    return self;
}

void account_destroy(struct account *account)
{
    if (!account)
        return;
    for (size_t i = 0; i < account->n_features; i++)
        mem_free(account->features[i]);
    mem_free(account->features);
    mem_free(account->name);
    mem_free(account->tier);
    mem_free(account->billing_customer);
    mem_free(account->key);
    mem_free(account);
}

static struct slice text_over(const struct arguments *arguments, const char *key, const char *base)
{
    return argument_text(arguments, key, slice_of(base));
}

static bool rate_valid(uint64_t per_minute, uint64_t burst)
{
    return per_minute <= WINDOW_RATE_MAX && burst <= WINDOW_RATE_MAX && (per_minute || !burst);
}

/* A burst that is not named is as large as the rate. */
static const char *take_rate(struct account *self, const struct account *base,
                             const struct arguments *arguments)
{
    struct window_rate was = base ? base->rate : (struct window_rate){0};
    uint64_t per_minute = argument_uint(arguments, "per_minute", was.per_minute);
    uint64_t burst = per_minute == was.per_minute ? was.burst : per_minute;
    burst = argument_uint(arguments, "burst", burst);
    if (!rate_valid(per_minute, burst))
        return "per_minute, burst: not a rate";
    self->rate = (struct window_rate){(uint32_t)per_minute, (uint32_t)(burst ? burst : per_minute)};
    return NULL;
}

static const char *take_features(struct account *self, const struct account *base,
                                 const struct arguments *arguments)
{
    struct slice named[ACCOUNT_FEATURES_MAX];
    size_t n = 0;
    if (argument_has(arguments, "features")) {
        if (!argument_texts(arguments, "features", named, ACCOUNT_FEATURES_MAX, &n))
            return "features: at most 64 texts";
    } else {
        for (; base && n < base->n_features; n++)
            named[n] = slice_of(base->features[n]);
    }
    self->features = mem_zalloc((n + 1) * sizeof *self->features);
    for (; self->n_features < n; self->n_features++) {
        if (!name_valid(named[self->n_features]))
            return "features: not names (" NAME_RULE ")";
        self->features[self->n_features] = copy_of(named[self->n_features]);
    }
    return NULL;
}

static const char *take_texts(struct account *self, const struct account *base,
                              const struct arguments *arguments)
{
    struct slice name = text_over(arguments, "name", base ? base->name : "");
    struct slice tier = text_over(arguments, "tier", base ? base->tier : "");
    struct slice customer =
        text_over(arguments, "billing_customer", base ? base->billing_customer : "");
    if (name.len > ACCOUNT_TEXT_MAX || customer.len > ACCOUNT_TEXT_MAX)
        return "name, billing_customer: at most 128 bytes";
    if (tier.len > 0 ? !name_valid(tier) : self->user.len == 0)
        return "tier: every tenant has one";
    self->name = copy_of(name);
    self->tier = copy_of(tier);
    self->billing_customer = copy_of(customer);
    return NULL;
}

static const char *take_status(struct account *self, const struct account *base,
                               const struct arguments *arguments)
{
    enum subscription_status was = base ? base->status : SUBSCRIPTION_ACTIVE;
    self->status = subscription_from_text(text_over(arguments, "status", subscription_text(was)));
    self->expires_ms = argument_uint(arguments, "expires_ms", base ? base->expires_ms : 0);
    return self->status == SUBSCRIPTION_COUNT ? "status: active, past_due, suspended or expired"
                                              : NULL;
}

struct account *account_make(struct slice tenant, struct slice user, const struct account *base,
                             const struct arguments *arguments, const char **why)
{
    static const char *(*const takes[])(struct account *, const struct account *,
                                        const struct arguments *) = {take_texts, take_status,
                                                                     take_features, take_rate};
    if (!name_valid(tenant) || (user.len > 0 && !name_valid_user(user))) {
        *why = NAME_WHO_RULE;
        return NULL;
    }
    struct account *self = account_create(tenant, user);
    const char *defect = NULL;
    for (size_t i = 0; i < sizeof takes / sizeof *takes && !defect; i++)
        defect = takes[i](self, base, arguments);
    if (!defect)
        return self;
    *why = defect;
    account_destroy(self);
    return NULL;
}

void account_pack(msgpack_packer *packer, const struct account *account, uint64_t unix_ms,
                  unsigned more)
{
    msgpack_pack_map(packer, 10 + more);
    pack_pair_text(packer, "tenant", account->tenant);
    pack_pair_text(packer, "user", account->user);
    pack_pair_text(packer, "name", slice_of(account->name));
    pack_pair_text(packer, "tier", slice_of(account->tier));
    pack_pair_text(packer, "status", slice_of(subscription_text(account_status(account, unix_ms))));
    pack_pair_uint(packer, "expires_ms", account->expires_ms);
    pack_pair_text(packer, "billing_customer", slice_of(account->billing_customer));
    pack_pair_texts(packer, "features", account->features, account->n_features);
    pack_pair_uint(packer, "per_minute", account->rate.per_minute);
    pack_pair_uint(packer, "burst", account->rate.burst);
}

static bool same_features(const struct account *was, const struct account *is)
{
    if (was->n_features != is->n_features)
        return false;
    for (size_t i = 0; i < is->n_features; i++) {
        if (strcmp(was->features[i], is->features[i]) != 0)
            return false;
    }
    return true;
}

void account_differences(const struct account *was, const struct account *is, struct buf *out)
{
    const struct {
        const char *field;
        bool same;
    } fields[] = {
        {"name", strcmp(was->name, is->name) == 0},
        {"tier", strcmp(was->tier, is->tier) == 0},
        {"status", was->status == is->status},
        {"expires_ms", was->expires_ms == is->expires_ms},
        {"billing_customer", strcmp(was->billing_customer, is->billing_customer) == 0},
        {"features", same_features(was, is)},
        {"per_minute", was->rate.per_minute == is->rate.per_minute},
        {"burst", was->rate.burst == is->rate.burst},
    };
    size_t start = out->len;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!fields[i].same)
            buf_printf(out, "%s%s", out->len > start ? "," : "", fields[i].field);
    }
}

/* ---- all of them ---- */

static void put_in_force(struct core *core, struct account *account)
{
    struct account *old = map_remove(&core->accounts.by_key, slice_of(account->key));
    map_put(&core->accounts.by_key, slice_of(account->key), account);
    core->accounts.generation++;
    expiry_watch(core, account);
    account_destroy(old);
}

static void put_out_of_force(struct core *core, struct slice key)
{
    core->accounts.generation++;
    account_destroy(map_remove(&core->accounts.by_key, key));
}

static void take_record(struct core *core, struct slice key, struct slice record)
{
    struct arguments arguments;
    const char *why = "not a map";
    struct account *account = NULL;
    struct slice none = slice_make(NULL, 0);
    if (arguments_read(&arguments, record)) {
        account = account_make(argument_text(&arguments, "tenant", none),
                               argument_text(&arguments, "user", none), NULL, &arguments, &why);
        arguments_finish(&arguments);
    }
    if (account && slice_is(key, account->key)) {
        put_in_force(core, account);
        return;
    }
    log_event(LOG_ERROR, "tenants.record_unreadable", "why", why, NULL);
    account_destroy(account);
}

static int load(void *arg, struct slice key, struct slice record)
{
    take_record(arg, key, record);
    return 0;
}

/* ---- the journal ---- */

static void write_changes(struct core *core, struct buf *content)
{
    changes_write(core, &core->accounts.changes, content);
}

static int give_books(struct core *core, struct slice key, struct slice record)
{
    return record.len ? core->io.put(core->io.arg, ACCOUNTS_TABLE, key, record)
                      : core->io.remove(core->io.arg, ACCOUNTS_TABLE, key);
}

/* In force at once: it was answered for, even if the books refuse it for now. */
static int read_change(struct core *core, struct slice key, struct slice record)
{
    if (record.len)
        take_record(core, key, record);
    else
        put_out_of_force(core, key);
    changes_book(core, &core->accounts.owed, key, record, give_books);
    return 0;
}

static int read_changes(struct core *core, const struct journal_block *block, struct slice content)
{
    (void)block;
    return changes_read(core, content, read_change);
}

static bool save_owed(struct core *core)
{
    return changes_settle(core, &core->accounts.owed, give_books);
}

const struct journal_section accounts_section = {
    .tag = JOURNAL_ACCOUNTS,
    .write = write_changes,
    .save = save_owed,
    .read = read_changes,
};

/* ---- start and end ---- */

int accounts_start(struct core *core)
{
    map_init(&core->accounts.by_key);
    core->accounts.generation = 1;
    return core->io.scan(core->io.arg, ACCOUNTS_TABLE, load, core);
}

void accounts_finish(struct core *core)
{
    size_t cursor = 0;
    for (struct account *account; (account = map_next(&core->accounts.by_key, &cursor));)
        account_destroy(account);
    map_finish(&core->accounts.by_key);
    buf_finish(&core->accounts.changes);
    buf_finish(&core->accounts.owed);
}

const struct account *account_find(const struct core *core, struct slice tenant, struct slice user)
{
    char room[ACCOUNT_KEY_MAX];
    if (core->accounts.by_key.count == 0)
        return NULL;
    size_t len = write_key(room, tenant, user);
    return len < sizeof room ? map_get(&core->accounts.by_key, slice_make(room, len)) : NULL;
}

bool account_keep(struct core *core, struct account *account)
{
    struct buf record = {0};
    struct slice key = slice_of(account->key);
    msgpack_packer packer;
    packing_init(&packer, &record);
    account_pack(&packer, account, 0, 0);
    /* What the last process changed comes before what this one does. */
    bool kept =
        save_owed(core) && core->io.put(core->io.arg, ACCOUNTS_TABLE, key, buf_slice(&record)) == 0;
    if (kept) {
        changes_add(core, &core->accounts.changes, key, buf_slice(&record));
        put_in_force(core, account);
    }
    buf_finish(&record);
    return kept;
}

struct account *account_drop(struct core *core, const struct account *account)
{
    struct slice key = slice_of(account->key);
    if (!save_owed(core) || core->io.remove(core->io.arg, ACCOUNTS_TABLE, key) < 0)
        return NULL;
    changes_add(core, &core->accounts.changes, key, slice_make(NULL, 0));
    core->accounts.generation++;
    return map_remove(&core->accounts.by_key, key);
}
