/* promise_config.c - changes of the configuration are one line of revisions, of which nothing that
 * was acknowledged is lost, over deaths of the broker and failing disks. */
#include "errands.h"
#include "work.h"
#include "world.h"

#include "builtin/packing.h"
#include "core/state.h"

typedef const struct config_change change_t;

static bool same_place(change_t *a, change_t *b)
{
    return a->scope == b->scope && a->key == b->key;
}

static bool is_done(change_t *change)
{
    return change->errand.state == ERRAND_DONE;
}

/* The newest that was acknowledged there before that errand was made; NULL: none. */
static change_t *newest_before(const struct errands *errands, unsigned scope, unsigned key,
                               const struct errand *errand)
{
    change_t *newest = NULL;
    for (unsigned i = 0; i < errands->n_changes; i++) {
        change_t *change = &errands->changes[i];
        if (change->scope == scope && change->key == key && is_done(change) &&
            errand_precedes(&change->errand, errand) &&
            (!newest || change->revision > newest->revision))
            newest = change;
    }
    return newest;
}

/* May it have been done, and later than `than` was? NULL: at any time. */
static bool may_follow(change_t *change, change_t *than)
{
    if (change == than || change->errand.state == ERRAND_REFUSED)
        return false;
    return !is_done(change) || !than || change->revision > than->revision;
}

/* ---- one line of revisions ---- */

static bool may_have_been_deleted(const struct errands *errands, change_t *since)
{
    for (unsigned i = 0; i < errands->n_changes; i++) {
        change_t *change = &errands->changes[i];
        if (same_place(change, since) && change->deletes && may_follow(change, since))
            return true;
    }
    return false;
}

/* What it expected was there when it was done. */
static void came_in_time(struct world *world, change_t *change)
{
    const struct errands *errands = &world->errands;
    change_t *before = NULL;
    for (unsigned i = 0; i < errands->n_changes; i++) {
        change_t *other = &errands->changes[i];
        if (same_place(other, change) && is_done(other) && other->revision < change->revision &&
            (!before || other->revision > before->revision))
            before = other;
    }
    if (!before)
        return;
    bool fits = change->expected > 0 ? before->revision <= change->expected
                                     : may_have_been_deleted(errands, before) || before->deletes;
    if (!fits)
        promise_broken(world, PROMISE_CONFIG_LINEAR,
                       "call %u expected revision %llu and was done after call %u made it %llu",
                       change->errand.call, (unsigned long long)change->expected,
                       before->errand.call, (unsigned long long)before->revision);
}

static void in_line(struct world *world, change_t *change)
{
    const struct errands *errands = &world->errands;
    for (unsigned i = 0; i < errands->n_changes; i++) {
        change_t *other = &errands->changes[i];
        if (other == change || !is_done(other))
            continue;
        bool grows =
            other->revision < change->revision || !errand_precedes(&other->errand, &change->errand);
        if (other->revision == change->revision || !grows)
            promise_broken(world, PROMISE_CONFIG_LINEAR, "call %u made revision %llu, %u %llu",
                           other->errand.call, (unsigned long long)other->revision,
                           change->errand.call, (unsigned long long)change->revision);
        if (same_place(other, change) && other->conditional)
            came_in_time(world, other);
    }
    if (change->conditional)
        came_in_time(world, change);
}

/* ---- answers to changes ---- */

static bool says_where(const struct arguments *value, unsigned scope, unsigned key)
{
    char text[CONFIG_SCOPE_BYTES];
    struct slice none = slice_make(NULL, 0);
    config_scope(text, scope);
    return slice_is(argument_text(value, "scope", none), text) &&
           slice_is(argument_text(value, "key", none), config_keys[key]);
}

static void was_done(struct world *world, change_t *asked, const struct arguments *value)
{
    struct config_change change = *asked;
    change.errand.state = ERRAND_DONE;
    change.errand.over_at = world->now;
    change.revision = argument_uint(value, "revision", 0);
    if (!says_where(value, change.scope, change.key) || change.revision == 0)
        promise_broken(world, PROMISE_CONFIG_KEPT, "call %u changed something else",
                       change.errand.call);
    in_line(world, &change);
}

/* Whatever else was asked for there, was it surely done before `newest` or never? */
static bool surely_newest(const struct errands *errands, change_t *asked, change_t *newest)
{
    for (unsigned i = 0; i < errands->n_changes; i++) {
        change_t *change = &errands->changes[i];
        if (change != asked && same_place(change, asked) && may_follow(change, newest))
            return false;
    }
    return true;
}

static void was_too_late(struct world *world, change_t *change)
{
    const struct errands *errands = &world->errands;
    change_t *newest = newest_before(errands, change->scope, change->key, &change->errand);
    uint64_t revision = newest && !newest->deletes ? newest->revision : 0;
    SAW(world, OVERTAKEN_CHANGE);
    if (!change->conditional ||
        (revision == change->expected && surely_newest(errands, change, newest)))
        promise_broken(world, PROMISE_CONFIG_KEPT,
                       "call %u was refused, as if the revision were not %llu", change->errand.call,
                       (unsigned long long)change->expected);
}

/* ---- answers to looks ---- */

static bool may_be_absent(const struct errands *errands, unsigned scope, unsigned key,
                          const struct errand *since)
{
    change_t *newest = newest_before(errands, scope, key, since);
    return !newest || newest->deletes || may_have_been_deleted(errands, newest);
}

static void was_seen(struct world *world, const struct config_look *look, unsigned scope,
                     const struct arguments *value)
{
    const struct errands *errands = &world->errands;
    uint64_t revision = argument_uint(value, "revision", 0);
    struct slice text = argument_text(value, "value", slice_make(NULL, 0));
    change_t *change = errands_change(&world->errands, config_text_number(text));
    change_t *newest = newest_before(errands, scope, look->key, &look->errand);
    char own[CONFIG_TEXT_BYTES] = "";
    if (change)
        config_text(own, change);
    if (!change || !slice_is(text, own) || change->scope != scope || change->key != look->key ||
        change->deletes || change->errand.state == ERRAND_REFUSED ||
        (is_done(change) && change->revision != revision))
        promise_broken(world, PROMISE_CONFIG_KEPT, "call %u was shown '%.*s', revision %llu",
                       look->errand.call, SLICE_FMT(text), (unsigned long long)revision);
    if (newest && newest->revision > revision)
        promise_broken(world, PROMISE_CONFIG_KEPT,
                       "call %u was shown revision %llu, call %u had made it %llu",
                       look->errand.call, (unsigned long long)revision, newest->errand.call,
                       (unsigned long long)newest->revision);
    SAW_IF(newest && newest->errand.over_in < world->bus.boot, world, CONFIG_OUTLIVED);
}

static void was_shown(struct world *world, const struct config_look *look,
                      const struct arguments *value)
{
    if (says_where(value, look->scope, look->key)) {
        was_seen(world, look, look->scope, value);
        return;
    }
    if (!look->inherits || !says_where(value, EVERYBODY, look->key)) {
        promise_broken(world, PROMISE_TENANCY, "call %u was shown what is not its tenant's",
                       look->errand.call);
        return;
    }
    if (!may_be_absent(&world->errands, look->scope, look->key, &look->errand))
        promise_broken(world, PROMISE_CONFIG_KEPT, "call %u was not shown its tenant's value",
                       look->errand.call);
    was_seen(world, look, EVERYBODY, value);
}

static void was_absent(struct world *world, const struct config_look *look)
{
    const struct errands *errands = &world->errands;
    if (!may_be_absent(errands, look->scope, look->key, &look->errand) ||
        (look->inherits && !may_be_absent(errands, EVERYBODY, look->key, &look->errand)))
        promise_broken(world, PROMISE_CONFIG_KEPT, "call %u found nothing", look->errand.call);
}

static void on_answered(struct world *world, struct peer *peer, unsigned number,
                        const struct wire_reply *reply)
{
    change_t *change = errands_change(&world->errands, number);
    const struct config_look *look = errands_look(&world->errands, number);
    struct arguments value;
    (void)peer;
    if ((!change && !look) || !arguments_read(&value, reply->payload))
        return;
    if (change && reply->status == STATUS_OK)
        was_done(world, change, &value);
    if (change && reply->status == STATUS_CONFLICT)
        was_too_late(world, change);
    if (look && reply->status == STATUS_OK)
        was_shown(world, look, &value);
    if (look && reply->status == STATUS_INVALID_ARGUMENT)
        was_absent(world, look);
    arguments_finish(&value);
}

/* ---- in the books ---- */

struct shelf {
    struct world *world;
    bool past[ERRANDS_MAX];                      /* in the history */
    unsigned rows[EVERYBODY + 1][CONFIG_KEYS];   /* of it */
    uint64_t newest[EVERYBODY + 1][CONFIG_KEYS]; /* by the table of values */
};

/* False: not a key of ours. */
static bool place_of(const struct value *value, unsigned *scope, unsigned *key)
{
    char text[CONFIG_SCOPE_BYTES];
    for (*scope = 0; *scope <= EVERYBODY; ++*scope) {
        config_scope(text, *scope);
        if (slice_is(value->scope, text))
            break;
    }
    for (*key = 0; *key < CONFIG_KEYS && !slice_is(value->key, config_keys[*key]);)
        ++*key;
    return *scope <= EVERYBODY && *key < CONFIG_KEYS;
}

static int look_at_value(void *arg, struct slice name, struct slice record)
{
    struct shelf *shelf = arg;
    unsigned scope, key;
    const struct value *value = value_read(shelf->world->bus.core, name, record);
    if (value && place_of(value, &scope, &key))
        shelf->newest[scope][key] = value->revision;
    return 0;
}

static void is_in_the_history(struct shelf *shelf, const struct value *value, unsigned scope,
                              unsigned key)
{
    struct world *world = shelf->world;
    const struct errands *errands = &world->errands;
    change_t *writer = value->deleted
                           ? NULL
                           : errands_change(&world->errands, config_text_number(value->contents));
    for (unsigned i = 0; i < errands->n_changes; i++) {
        change_t *change = &errands->changes[i];
        bool is_it = is_done(change) && change->scope == scope && change->key == key &&
                     change->revision == value->revision && change->deletes == value->deleted;
        shelf->past[i] = shelf->past[i] || (is_it && (change->deletes || writer == change));
    }
    if (writer && writer->errand.state == ERRAND_REFUSED)
        promise_broken(world, PROMISE_CONFIG_KEPT, "call %u was refused, and is in the books",
                       writer->errand.call);
}

static int look_at_history(void *arg, struct slice key, struct slice record)
{
    enum { REVISION_BYTES = 9 }; /* behind a value's name */
    struct shelf *shelf = arg;
    unsigned scope, which;
    if (key.len < REVISION_BYTES)
        return 0;
    const struct value *value =
        value_read(shelf->world->bus.core, slice_make(key.data, key.len - REVISION_BYTES), record);
    if (!value || !place_of(value, &scope, &which))
        return 0;
    shelf->rows[scope][which]++;
    is_in_the_history(shelf, value, scope, which);
    return 0;
}

static void is_kept(const struct shelf *shelf, unsigned number)
{
    change_t *change = &shelf->world->errands.changes[number];
    uint64_t newest = shelf->newest[change->scope][change->key];
    bool trimmed = shelf->rows[change->scope][change->key] >= VALUE_REVISIONS;
    if (is_done(change) && (newest < change->revision || !(trimmed || shelf->past[number])))
        promise_broken(shelf->world, PROMISE_CONFIG_KEPT,
                       "call %u made revision %llu, of which the books do not know",
                       change->errand.call, (unsigned long long)change->revision);
}

static void on_over(struct world *world)
{
    struct shelf shelf = {.world = world};
    struct io io = {.arg = world};
    bus_store_io(&io);
    io.scan(io.arg, VALUES_TABLE, look_at_value, &shelf);
    io.scan(io.arg, VALUES_HISTORY_TABLE, look_at_history, &shelf);
    for (unsigned i = 0; i < world->errands.n_changes; i++)
        is_kept(&shelf, i);
}

const struct observer observer_config = {
    .answered = on_answered,
    .over = on_over,
};
