#include "core/journal.h"

#include "base/log.h"
#include "core/state.h"

#define SAVE_NS (200 * NS_PER_MS)
#define SAVE_BYTES ((size_t)2 << 20) /* of blocks: a busy broker saves before it is time */

/* A block: FORMAT (1 byte), the time (8), then for each section its tag (1), its length (4) and its
 * content. */
#define FORMAT 1u
#define HEAD_BYTES 9u
#define SECTION_BYTES 5u

/* Saved in this order, and none if one before it could not be: what a failing system leaves of the
 * later ones, it has left of the earlier ones, too. */
static const struct journal_section *const sections[] = {
    &meter_section,  &accounts_section, &rates_section,       &months_section,  &answers_section,
    &values_section, &credits_section,  &months_told_section, &revoked_section,
};
#define SECTIONS (sizeof sections / sizeof *sections)
#define ALL_SECTIONS ((1u << SECTIONS) - 1)

/* ---- numbers ---- */

void journal_put(struct buf *out, uint64_t value, unsigned bytes)
{
    uint8_t *at = buf_reserve(out, bytes);
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
    out->len += bytes;
}

uint64_t journal_take(struct slice *from, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)from->data[i] << (8 * i);
    *from = slice_make(from->data + bytes, from->len - bytes);
    return value;
}

bool journal_take_bytes(struct slice *from, size_t len, struct slice *out)
{
    if (from->len < len)
        return false;
    *out = slice_make(from->data, len);
    *from = slice_make(from->data + len, from->len - len);
    return true;
}

/* ---- writing ---- */

static void arm(struct core *core)
{
    struct journal *journal = &core->journal;
    if (journal->timer.due == 0)
        wheel_arm(&core->wheel, &journal->timer, core->now.mono_ns + SAVE_NS);
}

void journal_touch(struct core *core)
{
    core->journal.touched = core->journal.unsaved = true;
    arm(core);
}

uint64_t journal_turn(const struct core *core)
{
    return core->journal.turns + core->journal.touched;
}

uint64_t journal_await(struct core *core)
{
    journal_touch(core);
    core->journal.awaited = core->journal.turns + 1;
    return core->journal.awaited;
}

static void write_section(struct core *core, const struct journal_section *section)
{
    struct buf *block = &core->journal.block;
    size_t head = block->len;
    journal_put(block, section->tag, 1);
    journal_put(block, 0, 4);
    section->write(core, block);
    size_t len = block->len - head - SECTION_BYTES;
    for (unsigned i = 0; i < 4; i++)
        block->data[head + 1 + i] = (uint8_t)(len >> (8 * i));
    if (len == 0)
        block->len = head;
}

/* The books get it all the same, unless we are killed before: said once, not for each turn. */
static void tell_of_ledger(struct journal *journal, int err)
{
    if (err < 0 && journal->ledger_error == 0)
        log_event(LOG_WARN, "journal.ledger_fails", "why", strerror(-err), NULL);
    else if (err == 0 && journal->ledger_error < 0)
        log_event(LOG_INFO, "journal.ledger_works", NULL);
    journal->ledger_error = err;
}

static void append(struct core *core)
{
    struct journal *journal = &core->journal;
    int err = core->io.ledger_append(core->io.arg, buf_slice(&journal->block), &journal->sequence);
    tell_of_ledger(journal, err);
    journal->bytes += journal->block.len;
}

/* What begins at `from` becomes the next block's, since this one would be too long with it. */
static void cut(struct core *core, size_t from)
{
    struct buf *block = &core->journal.block;
    size_t rest = block->len - from;
    block->len = from;
    append(core);
    memmove(block->data + HEAD_BYTES, block->data + from, rest);
    block->len = HEAD_BYTES + rest;
}

static void write_block(struct core *core)
{
    struct buf *block = &core->journal.block;
    block->len = 0;
    journal_put(block, FORMAT, 1);
    journal_put(block, core->now.unix_ms, 8);
    for (unsigned i = 0; i < SECTIONS; i++) {
        size_t from = block->len;
        write_section(core, sections[i]);
        if (block->len > JOURNAL_BLOCK_MAX && from > HEAD_BYTES)
            cut(core, from);
    }
    if (block->len > HEAD_BYTES)
        append(core);
}

void journal_write(struct core *core)
{
    struct journal *journal = &core->journal;
    if (!journal->touched)
        return;
    journal->turns++;
    while (journal->touched) {
        journal->touched = false;
        write_block(core);
    }
    if (journal->bytes > SAVE_BYTES)
        journal_save(core);
}

/* ---- saving ---- */

static void tell_of_books(struct journal *journal, bool saved)
{
    if (!saved && !journal->books_fail)
        log_event(LOG_WARN, "journal.books_refuse", NULL);
    else if (saved && journal->books_fail)
        log_event(LOG_INFO, "journal.books_accept", NULL);
    journal->books_fail = !saved;
}

/* The ledger is asked about once at a time: what comes meanwhile is, afterwards. */
static void ask(struct core *core)
{
    struct journal *journal = &core->journal;
    bool trims = !journal->asked && journal->trimmed != journal->sequence;
    bool holds = core->hold.count > 0 && journal->told < journal->turns;
    bool awaited = journal->told < journal->awaited;
    if (trims) {
        journal->asked = journal->turns;
        journal->asked_sequence = journal->sequence;
    }
    if (trims || holds || awaited) {
        journal->told = journal->turns;
        core->io.tell_when_kept(core->io.arg, journal->told);
    }
}

bool journal_save(struct core *core)
{
    struct journal *journal = &core->journal;
    journal_write(core); /* what is saved says which blocks it has */
    bool saved = journal->unread == 0;
    for (unsigned i = 0; saved && i < SECTIONS; i++)
        saved = !sections[i]->save || sections[i]->save(core);
    tell_of_books(journal, saved);
    journal->bytes = 0;
    if (saved) {
        journal->unsaved = false;
        ask(core);
    }
    return saved;
}

void journal_kept(struct core *core, uint64_t turn)
{
    struct journal *journal = &core->journal;
    journal->kept = turn;
    hold_kept(core, turn);
    if (!journal->asked || turn < journal->asked)
        return;
    journal->asked = 0;
    if (core->io.ledger_trim(core->io.arg, journal->asked_sequence) == 0)
        journal->trimmed = journal->asked_sequence;
    if (journal->trimmed != journal->sequence)
        arm(core);
}

static void read_back(struct core *core);

static void on_timer(struct timer *timer, void *arg)
{
    struct core *core = arg;
    struct journal *journal = &core->journal;
    (void)timer;
    if (journal->unread)
        read_back(core);
    if (!journal_save(core))
        arm(core);
}

/* ---- reading back ---- */

struct reading {
    struct core *core;
    unsigned wanted; /* sections still to be read, a bit each */
};

static void read_section(struct reading *reading, const struct journal_block *block, uint8_t tag,
                         struct slice content)
{
    for (unsigned i = 0; i < SECTIONS; i++) {
        unsigned bit = reading->wanted & 1u << i;
        if (bit && sections[i]->tag == tag && sections[i]->read(reading->core, block, content) < 0)
            reading->wanted &= ~bit;
    }
}

static int read_block(void *arg, uint64_t sequence, struct slice bytes)
{
    struct reading *reading = arg;
    struct journal *journal = &reading->core->journal;
    if (sequence > journal->found)
        return 0;
    if (sequence > journal->sequence)
        journal->sequence = sequence;
    if (bytes.len < HEAD_BYTES || journal_take(&bytes, 1) != FORMAT)
        return 0;
    const struct journal_block block = {.sequence = sequence, .unix_ms = journal_take(&bytes, 8)};
    while (bytes.len >= SECTION_BYTES) {
        uint8_t tag = (uint8_t)journal_take(&bytes, 1);
        size_t len = journal_take(&bytes, 4);
        if (len > bytes.len)
            break;
        read_section(reading, &block, tag, slice_make(bytes.data, len));
        bytes = slice_make(bytes.data + len, bytes.len - len);
    }
    return 0;
}

static void read_back(struct core *core)
{
    struct journal *journal = &core->journal;
    struct reading reading = {.core = core, .wanted = journal->unread};
    if (core->io.ledger_scan(core->io.arg, read_block, &reading) == 0)
        journal->unread &= ~reading.wanted;
}

int journal_start(struct core *core)
{
    struct journal *journal = &core->journal;
    struct reading reading = {.core = core, .wanted = ALL_SECTIONS};
    timer_init(&journal->timer, on_timer);
    journal->ledger = core->io.ledger_id(core->io.arg);
    journal->found = UINT64_MAX;
    journal->turns = 1; /* what was found is of a turn, too: there is something to ask about */
    int err = core->io.ledger_scan(core->io.arg, read_block, &reading);
    journal->unread = ALL_SECTIONS & ~reading.wanted;
    journal->found = journal->sequence;
    journal->unsaved |= journal->sequence > 0;
    if (journal->unsaved)
        arm(core);
    return err;
}

void journal_stop(struct core *core)
{
    buf_finish(&core->journal.block);
}
