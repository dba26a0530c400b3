#include "core/credits.h"

#include "core/changes.h"
#include "core/state.h"

#include <errno.h>

/* A record: FORMAT, calls (8), at_ms (8), the lengths of `by` and `reason` (2 each), then both. */
#define FORMAT 1u
#define RECORD_BYTES 21u

/* ---- keys and records ---- */

static struct slice row_key(struct core *core, const struct usage_key *of)
{
    const struct slice parts[] = {of->time, of->tenant, of->user, of->service, of->method};
    return arena_join(&core->arena, parts, sizeof parts / sizeof *parts);
}

static struct slice credit_key(struct core *core, const struct credit *credit)
{
    const struct slice parts[] = {row_key(core, &credit->of), credit->id};
    return arena_join(&core->arena, parts, 2);
}

static struct slice id_key(struct core *core, const struct credit *credit)
{
    const struct slice parts[] = {credit->of.tenant, credit->id};
    return arena_join(&core->arena, parts, 2);
}

static bool read_key(struct credit *out, struct slice key)
{
    size_t row = key.len;
    while (row > 0 && key.data[row - 1] != '\0')
        row--;
    if (row == 0)
        return false;
    out->id = slice_make(key.data + row, key.len - row);
    return usage_read_key(&out->of, slice_make(key.data, row - 1));
}

static void put_record(struct buf *out, const struct credit *credit)
{
    journal_put(out, FORMAT, 1);
    journal_put(out, credit->calls, 8);
    journal_put(out, credit->at_ms, 8);
    journal_put(out, credit->by.len, 2);
    journal_put(out, credit->reason.len, 2);
    buf_append(out, credit->by.data, credit->by.len);
    if (credit->reason.len > 0)
        buf_append(out, credit->reason.data, credit->reason.len);
}

bool credit_read(struct credit *out, struct slice key, struct slice record)
{
    if (!read_key(out, key) || record.len < RECORD_BYTES || journal_take(&record, 1) != FORMAT)
        return false;
    out->calls = journal_take(&record, 8);
    out->at_ms = journal_take(&record, 8);
    size_t by = journal_take(&record, 2), reason = journal_take(&record, 2);
    if (record.len != by + reason)
        return false;
    out->by = slice_make(record.data, by);
    out->reason = slice_make(record.data + by, reason);
    return true;
}

/* ---- what there is ---- */

/* In the arena. 1: it is there; 0: it is not, or damaged; a negative errno. */
static int get(struct core *core, const char *table, struct slice key, struct slice *out)
{
    struct buf record = {0};
    int err = core->io.get(core->io.arg, table, key, &record);
    *out = arena_copy(&core->arena, buf_slice(&record));
    buf_finish(&record);
    return err == 0 ? 1 : err == -ENOENT || err == -EILSEQ ? 0 : err;
}

/* The id counts for the whole tenant. What a failing system left of a credit, the id or the entry,
 * is good enough to know it again. */
static enum credit_outcome look_up(struct core *core, struct credit *credit)
{
    struct slice key = credit_key(core, credit), named, record;
    int has_id = get(core, CREDIT_IDS_TABLE, id_key(core, credit), &named);
    int has_record = get(core, CREDITS_TABLE, key, &record);
    struct credit known;
    if (has_id < 0 || has_record < 0)
        return CREDIT_NO_BOOKS;
    if (has_id && !slice_equal(named, key))
        return CREDIT_CONFLICT;
    if (!has_record || !credit_read(&known, key, record))
        return CREDIT_GIVEN;
    if (known.calls != credit->calls || !slice_equal(known.reason, credit->reason))
        return CREDIT_CONFLICT;
    *credit = known;
    return CREDIT_KNOWN;
}

struct sum {
    struct slice row;
    uint64_t calls, credits;
};

static int add(void *arg, struct slice key, struct slice record)
{
    struct sum *sum = arg;
    struct credit credit;
    if (key.len <= sum->row.len || key.data[sum->row.len] != '\0' ||
        memcmp(key.data, sum->row.data, sum->row.len) != 0)
        return 1;
    if (credit_read(&credit, key, record)) {
        sum->calls += credit.calls;
        sum->credits++;
    }
    return 0;
}

/* There is room for it in its row. */
static enum credit_outcome check_row(struct core *core, const struct credit *credit)
{
    struct sum sum = {.row = row_key(core, &credit->of)};
    struct slice row;
    struct usage_hour hour;
    if (!journal_save(core)) /* what has just been counted is in it */
        return CREDIT_NO_BOOKS;
    int has_row = get(core, USAGE_TABLE, sum.row, &row);
    int rc = core->io.scan_from(core->io.arg, CREDITS_TABLE, sum.row, add, &sum);
    if (has_row < 0 || rc < 0)
        return CREDIT_NO_BOOKS;
    if (!has_row || !usage_read_hour(&hour, row))
        return CREDIT_NO_ROW;
    if (sum.credits >= CREDITS_OF_A_ROW)
        return CREDIT_TOO_MANY;
    bool fits = sum.calls <= hour.usage.calls && credit->calls <= hour.usage.calls - sum.calls;
    return fits ? CREDIT_GIVEN : CREDIT_TOO_MUCH;
}

/* ---- giving ---- */

/* The id last: a credit that was refused is none. */
static int give_books(struct core *core, const struct credit *credit, struct slice record)
{
    struct slice key = credit_key(core, credit);
    int err = core->io.put(core->io.arg, CREDITS_TABLE, key, record);
    if (err)
        return err;
    err = core->io.put(core->io.arg, CREDIT_IDS_TABLE, id_key(core, credit), key);
    if (err)
        core->io.remove(core->io.arg, CREDITS_TABLE, key);
    return err;
}

static enum credit_outcome keep(struct core *core, const struct credit *credit)
{
    struct buf record = {0};
    put_record(&record, credit);
    int err = give_books(core, credit, buf_slice(&record));
    if (!err)
        changes_add(core, &core->credits.changes, credit_key(core, credit), buf_slice(&record));
    buf_finish(&record);
    return err ? CREDIT_NO_BOOKS : CREDIT_GIVEN;
}

enum credit_outcome credits_give(struct core *core, struct credit *credit)
{
    enum credit_outcome outcome = look_up(core, credit);
    if (outcome == CREDIT_GIVEN)
        outcome = check_row(core, credit);
    if (outcome == CREDIT_GIVEN)
        outcome = keep(core, credit);
    return outcome;
}

void credits_remove(struct core *core, struct slice key)
{
    struct credit credit;
    core->io.remove(core->io.arg, CREDITS_TABLE, key);
    if (read_key(&credit, key))
        core->io.remove(core->io.arg, CREDIT_IDS_TABLE, id_key(core, &credit));
}

void credits_finish(struct credits *credits)
{
    buf_finish(&credits->changes);
}

/* ---- the journal ---- */

static void write_changes(struct core *core, struct buf *content)
{
    changes_write(core, &core->credits.changes, content);
}

static int read_change(struct core *core, struct slice key, struct slice record)
{
    struct credit credit;
    return credit_read(&credit, key, record) ? give_books(core, &credit, record) : 0;
}

static int read_changes(struct core *core, const struct journal_block *block, struct slice content)
{
    (void)block;
    return changes_read(core, content, read_change);
}

const struct journal_section credits_section = {
    .tag = JOURNAL_CREDITS,
    .write = write_changes,
    .read = read_changes,
};
