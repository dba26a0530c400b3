#include "core/values.h"

#include "base/mem.h"
#include "core/changes.h"
#include "core/state.h"

#include <errno.h>

/* A record: FORMAT, revision (8), at_ms (8), flags (1), the lengths of `by` (2) and of the contents
 * (4), then both. The history has the revision, big endian, behind a value's name and a NUL. */
#define FORMAT 1u
#define RECORD_BYTES 24u
#define FLAG_SECRET 1u
#define FLAG_DELETED 2u
#define REVISION_BYTES 8u

struct value_scope {
    struct list values; /* value.by_scope, the one changed longest ago first */
    size_t n, bytes;
    struct slice name;
    uint8_t text[];
};

/* ---- names ---- */

static struct slice join(struct core *core, struct slice scope, struct slice key)
{
    const struct slice parts[] = {scope, key};
    return arena_join(&core->arena, parts, 2);
}

static bool split(struct slice name, struct slice *scope, struct slice *key)
{
    const uint8_t *end = name.len ? memchr(name.data, '\0', name.len) : NULL;
    if (!end)
        return false;
    *scope = slice_make(name.data, (size_t)(end - name.data));
    *key = slice_make(end + 1, name.len - scope->len - 1);
    return true;
}

/* ---- records ---- */

static void put_record(struct buf *out, const struct value *value)
{
    journal_put(out, FORMAT, 1);
    journal_put(out, value->revision, 8);
    journal_put(out, value->at_ms, 8);
    journal_put(out, (value->secret ? FLAG_SECRET : 0) | (value->deleted ? FLAG_DELETED : 0), 1);
    journal_put(out, value->by.len, 2);
    journal_put(out, value->contents.len, 4);
    buf_append(out, value->by.data, value->by.len);
    buf_append(out, value->contents.data, value->contents.len);
}

static bool take_record(struct value *value, struct slice name, struct slice record)
{
    value->name = name;
    if (!split(name, &value->scope, &value->key) || record.len < RECORD_BYTES ||
        journal_take(&record, 1) != FORMAT)
        return false;
    value->revision = journal_take(&record, 8);
    value->at_ms = journal_take(&record, 8);
    unsigned flags = (unsigned)journal_take(&record, 1);
    size_t by = journal_take(&record, 2), contents = journal_take(&record, 4);
    value->secret = flags & FLAG_SECRET;
    value->deleted = flags & FLAG_DELETED;
    if (record.len != by + contents)
        return false;
    value->by = slice_make(record.data, by);
    value->contents = slice_make(record.data + by, contents);
    return true;
}

const struct value *value_read(struct core *core, struct slice name, struct slice record)
{
    struct value *value = arena_zalloc(&core->arena, sizeof *value);
    return take_record(value, name, record) ? value : NULL;
}

/* ---- in memory ---- */

static struct value_scope *scope_of(struct values *values, struct slice name)
{
    struct value_scope *scope = map_get(&values->scopes, name);
    if (scope)
        return scope;
    scope = mem_zalloc(sizeof *scope + name.len);
    if (name.len > 0)
        memcpy(scope->text, name.data, name.len);
    scope->name = slice_make(scope->text, name.len);
    list_init(&scope->values);
    map_put(&values->scopes, scope->name, scope);
    return scope;
}

static struct slice keep_text(uint8_t **at, struct slice text)
{
    struct slice kept = slice_make(*at, text.len);
    if (text.len)
        memcpy(*at, text.data, text.len);
    *at += text.len;
    return kept;
}

/* All of it in one block. */
static struct value *copy_of(const struct value *from)
{
    size_t size = from->name.len + from->by.len + from->contents.len;
    struct value *value = mem_zalloc(sizeof *value + size);
    uint8_t *at = value->bytes;
    *value = *from;
    value->name = keep_text(&at, from->name);
    value->by = keep_text(&at, from->by);
    value->contents = keep_text(&at, from->contents);
    (void)split(value->name, &value->scope, &value->key);
    list_init(&value->by_scope);
    return value;
}

static void drop(struct values *values, struct value *value)
{
    struct value_scope *scope = value->of;
    map_remove(&values->by_name, value->name);
    list_remove(&value->by_scope);
    scope->bytes -= value->contents.len;
    scope->n--;
    mem_free(value);
    if (scope->n > 0)
        return;
    map_remove(&values->scopes, scope->name);
    mem_free(scope);
}

static const struct value *take(struct values *values, const struct value *from)
{
    struct value *old = map_get(&values->by_name, from->name);
    struct value *value = copy_of(from);
    value->of = scope_of(values, value->scope);
    value->of->n++;
    value->of->bytes += value->contents.len;
    list_push(&value->of->values, &value->by_scope);
    if (old)
        drop(values, old);
    map_put(&values->by_name, value->name, value);
    if (value->revision > values->revision)
        values->revision = value->revision;
    return value;
}

const struct value *values_remembered(const struct core *core, struct slice scope, struct slice key)
{
    uint8_t room[VALUE_SCOPE_MAX + 1 + VALUE_KEY_MAX];
    if (scope.len > VALUE_SCOPE_MAX || key.len > VALUE_KEY_MAX)
        return NULL;
    memcpy(room, scope.data, scope.len);
    room[scope.len] = '\0';
    memcpy(room + scope.len + 1, key.data, key.len);
    return map_get(&core->values.by_name, slice_make(room, scope.len + 1 + key.len));
}

const struct value *values_find(const struct core *core, struct slice scope, struct slice key)
{
    const struct value *value = values_remembered(core, scope, key);
    return value && !value->deleted ? value : NULL;
}

/* ---- history ---- */

static struct slice history_key(struct core *core, struct slice name, uint64_t revision)
{
    uint8_t *key = arena_zalloc(&core->arena, name.len + 1 + REVISION_BYTES);
    memcpy(key, name.data, name.len);
    for (unsigned i = 0; i < REVISION_BYTES; i++)
        key[name.len + 1 + i] = (uint8_t)(revision >> (56 - 8 * i));
    return slice_make(key, name.len + 1 + REVISION_BYTES);
}

struct looking {
    struct core *core;
    struct slice name;
    int (*each)(void *arg, const struct value *value);
    void *arg;
    unsigned rows, kept; /* in all; the newest, that stay */
    size_t bytes;        /* of those that are there */
};

static bool is_of(struct slice key, struct slice name)
{
    return key.len == name.len + 1 + REVISION_BYTES && memcmp(key.data, name.data, name.len) == 0 &&
           key.data[name.len] == '\0';
}

static int show(void *arg, struct slice key, struct slice record)
{
    struct looking *looking = arg;
    if (!is_of(key, looking->name))
        return 1;
    const struct value *value = value_read(looking->core, looking->name, record);
    return value ? looking->each(looking->arg, value) : 0;
}

int values_history(struct core *core, struct slice scope, struct slice key,
                   int (*each)(void *arg, const struct value *value), void *arg)
{
    struct looking looking = {
        .core = core, .name = join(core, scope, key), .each = each, .arg = arg};
    int rc = core->io.scan_from(core->io.arg, VALUES_HISTORY_TABLE,
                                history_key(core, looking.name, 0), show, &looking);
    return rc > 0 ? 0 : rc;
}

static int count(void *arg, struct slice key, struct slice record)
{
    struct looking *looking = arg;
    if (!is_of(key, looking->name))
        return 1;
    looking->rows++;
    looking->bytes += record.len;
    return 0;
}

static bool is_enough(const struct looking *looking)
{
    bool few = looking->rows <= looking->kept && looking->bytes <= VALUE_HISTORY_BYTES;
    return few || (looking->rows == 1 && looking->kept > 0);
}

static int delete_oldest(void *arg, struct slice key, struct slice record)
{
    struct looking *looking = arg;
    if (!is_of(key, looking->name) || is_enough(looking))
        return 1;
    looking->core->io.remove(looking->core->io.arg, VALUES_HISTORY_TABLE, key);
    looking->rows--;
    looking->bytes -= record.len;
    return 0;
}

static void trim_history(struct core *core, struct slice name, unsigned kept)
{
    struct looking looking = {.core = core, .name = name, .kept = kept};
    struct slice first = history_key(core, name, 0);
    (void)core->io.scan_from(core->io.arg, VALUES_HISTORY_TABLE, first, count, &looking);
    (void)core->io.scan_from(core->io.arg, VALUES_HISTORY_TABLE, first, delete_oldest, &looking);
}

/* ---- changing ---- */

/* Deleted keys are remembered as long as there is room. */
static void forget_deleted(struct core *core, struct slice scope_name)
{
    struct value_scope *scope = map_get(&core->values.scopes, scope_name);
    struct list *node = scope ? scope->values.next : NULL;
    size_t left = scope ? scope->n : 0;
    while (left-- > 0) {
        struct value *value = LIST_ENTRY(node, struct value, by_scope);
        node = node->next;
        if (!value->deleted)
            continue;
        core->io.remove(core->io.arg, VALUES_TABLE, value->name);
        trim_history(core, value->name, 0);
        drop(&core->values, value);
    }
}

static bool has_room(struct core *core, const struct value_change *change,
                     const struct value *before)
{
    const struct value_scope *scope = map_get(&core->values.scopes, change->scope);
    if (!scope)
        return true;
    size_t n = scope->n + (before == NULL);
    size_t bytes = scope->bytes + change->contents.len - (before ? before->contents.len : 0);
    return n <= VALUES_OF_A_SCOPE && bytes <= VALUES_BYTES_OF_A_SCOPE;
}

static bool make_room(struct core *core, const struct value_change *change)
{
    if (has_room(core, change, values_remembered(core, change->scope, change->key)))
        return true;
    forget_deleted(core, change->scope);
    return has_room(core, change, values_remembered(core, change->scope, change->key));
}

/* The value last: a change that was refused is not there after a restart. */
static int give_books(struct core *core, const struct value *value, struct slice record)
{
    struct slice key = history_key(core, value->name, value->revision);
    int err = core->io.put(core->io.arg, VALUES_HISTORY_TABLE, key, record);
    if (err)
        return err;
    err = core->io.put(core->io.arg, VALUES_TABLE, value->name, record);
    if (err)
        core->io.remove(core->io.arg, VALUES_HISTORY_TABLE, key);
    return err;
}

/* Never one that there was, even if all that is known of it is forgotten. */
static uint64_t next_revision(const struct core *core)
{
    uint64_t next = core->values.revision + 1;
    return next > core->now.unix_ms ? next : core->now.unix_ms;
}

enum status values_change(struct core *core, const struct value_change *change,
                          const struct value **out, const char **why)
{
    struct buf record = {0};
    struct value value = {.name = join(core, change->scope, change->key),
                          .revision = next_revision(core),
                          .at_ms = core->now.unix_ms,
                          .secret = change->secret,
                          .deleted = change->deleted,
                          .by = change->by,
                          .contents = change->contents};
    if (!make_room(core, change))
        return refuse_with(why, STATUS_QUOTA_EXCEEDED,
                           "there are 1024 keys or 4 MiB of values already");
    put_record(&record, &value);
    int err = give_books(core, &value, buf_slice(&record));
    if (err == 0) {
        changes_add(core, &core->values.changes, value.name, buf_slice(&record));
        trim_history(core, value.name, VALUE_REVISIONS);
        *out = take(&core->values, &value);
    }
    buf_finish(&record);
    return err ? refuse_with(why, STATUS_UNAVAILABLE, "the store cannot keep it") : STATUS_OK;
}

/* ---- the journal ---- */

static void write_changes(struct core *core, struct buf *content)
{
    changes_write(core, &core->values.changes, content);
}

/* One that has been overtaken is history. */
static int give_again(struct core *core, struct slice name, struct slice record)
{
    struct value value = {0};
    const struct value *known = map_get(&core->values.by_name, name);
    if (!take_record(&value, name, record) || !known)
        return 0;
    struct slice past = history_key(core, name, value.revision);
    int err = known->revision == value.revision
                  ? give_books(core, &value, record)
                  : core->io.put(core->io.arg, VALUES_HISTORY_TABLE, past, record);
    if (err == 0)
        trim_history(core, name, VALUE_REVISIONS);
    return err;
}

/* In force at once: it was acknowledged, even if the books refuse it for now. */
static int read_change(struct core *core, struct slice name, struct slice record)
{
    struct value value = {0};
    if (!take_record(&value, name, record))
        return 0;
    const struct value *known = map_get(&core->values.by_name, name);
    if (!known || known->revision < value.revision)
        (void)take(&core->values, &value);
    changes_book(core, &core->values.owed, name, record, give_again);
    return 0;
}

static int read_changes(struct core *core, const struct journal_block *block, struct slice content)
{
    (void)block;
    return changes_read(core, content, read_change);
}

static bool save_owed(struct core *core)
{
    return changes_settle(core, &core->values.owed, give_again);
}

const struct journal_section values_section = {
    .tag = JOURNAL_VALUES,
    .write = write_changes,
    .save = save_owed,
    .read = read_changes,
};

/* ---- start and end ---- */

static int load(void *arg, struct slice name, struct slice record)
{
    struct core *core = arg;
    struct value value = {0};
    if (take_record(&value, name, record))
        (void)take(&core->values, &value);
    return 0;
}

int values_start(struct core *core)
{
    map_init(&core->values.by_name);
    map_init(&core->values.scopes);
    return core->io.scan(core->io.arg, VALUES_TABLE, load, core);
}

void values_finish(struct core *core)
{
    size_t cursor = 0;
    for (struct value *value; (value = map_next(&core->values.by_name, &cursor));)
        drop(&core->values, value);
    map_finish(&core->values.by_name);
    map_finish(&core->values.scopes);
    buf_finish(&core->values.changes);
    buf_finish(&core->values.owed);
}
