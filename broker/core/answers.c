#include "core/answers.h"

#include "base/mem.h"
#include "core/answer_record.h"
#include "core/call.h"
#include "core/state.h"

#include <errno.h>
#include <stdlib.h>

#define BLOCK_BYTES (512u * 1024u) /* of one turn in the journal, about */

/* A section: for each record the key's length (2 bytes), the key, the record's length (4) and the
 * record. */

struct answer_share {
    struct list answers; /* answer.of_share, the oldest first */
    size_t n, bytes;
    struct slice tenant;
    uint8_t name[];
};

/* ---- one answer ---- */

static struct slice tenant_of(struct slice key)
{
    const uint8_t *end = memchr(key.data, '\0', key.len);
    return slice_make(key.data, end ? (size_t)(end - key.data) : key.len);
}

static struct answer *answer_create(struct answers *answers, struct slice key)
{
    struct answer *answer = mem_zalloc(sizeof *answer + key.len);
    memcpy(answer->name, key.data, key.len);
    answer->key = slice_make(answer->name, key.len);
    list_init(&answer->waiting);
    list_init(&answer->by_age);
    list_init(&answer->of_share);
    list_init(&answer->to_save);
    map_put(&answers->by_key, answer->key, answer);
    return answer;
}

static void give_back_share(struct answers *answers, struct answer *answer)
{
    struct answer_share *share = answer->share;
    if (!share)
        return;
    list_remove(&answer->of_share);
    list_remove(&answer->by_age);
    answers->n--;
    answers->bytes -= answer->bytes;
    share->bytes -= answer->bytes;
    answer->share = NULL;
    if (--share->n > 0)
        return;
    map_remove(&answers->shares, share->tenant);
    mem_free(share);
}

static void answer_destroy(struct answers *answers, struct answer *answer)
{
    give_back_share(answers, answer);
    map_remove(&answers->by_key, answer->key);
    list_remove(&answer->to_save);
    buf_finish(&answer->unsaved);
    mem_free(answer);
}

static struct answer_share *share_of(struct answers *answers, struct slice tenant)
{
    struct answer_share *share = map_get(&answers->shares, tenant);
    if (share)
        return share;
    share = mem_zalloc(sizeof *share + tenant.len);
    memcpy(share->name, tenant.data, tenant.len);
    share->tenant = slice_make(share->name, tenant.len);
    list_init(&share->answers);
    map_put(&answers->shares, share->tenant, share);
    return share;
}

static void take_share(struct answers *answers, struct answer *answer, size_t bytes)
{
    answer->share = share_of(answers, tenant_of(answer->key));
    answer->bytes = bytes;
    answer->share->n++;
    answer->share->bytes += bytes;
    answers->n++;
    answers->bytes += bytes;
    list_push(&answer->share->answers, &answer->of_share);
    list_push(&answers->by_age, &answer->by_age);
}

/* ---- bounds ---- */

static void forget(struct core *core, struct answer *answer)
{
    core->io.remove(core->io.arg, ANSWERS_TABLE, answer->key);
    answer_destroy(&core->answers, answer);
}

static void forget_expired(struct core *core)
{
    for (struct list *node; (node = list_first(&core->answers.by_age));) {
        struct answer *oldest = LIST_ENTRY(node, struct answer, by_age);
        if (oldest->expires_ms > core->now.unix_ms)
            return;
        forget(core, oldest);
    }
}

/* A tenant beyond its share loses its own; beyond the whole the oldest go. */
static void keep_bounds(struct core *core, const struct answer *newest)
{
    struct answers *answers = &core->answers;
    size_t most = core->limits.max_answers, bytes = core->limits.answers_bytes;
    struct answer_share *share = newest->share;
    while (share->n > 1 &&
           (share->n > most / ANSWERS_SHARE || share->bytes > bytes / ANSWERS_SHARE))
        forget(core, LIST_ENTRY(list_first(&share->answers), struct answer, of_share));
    while (answers->n > 1 && (answers->n > most || answers->bytes > bytes))
        forget(core, LIST_ENTRY(list_first(&answers->by_age), struct answer, by_age));
}

/* ---- to the books ---- */

static void save_later(struct answers *answers, struct answer *answer, struct slice record)
{
    answer->unsaved.len = 0;
    buf_append(&answer->unsaved, record.data, record.len);
    list_remove(&answer->to_save);
    list_push(&answers->unsaved, &answer->to_save);
}

/* The books get it when they get the usage that counts it, and after that: an answer that is known
 * to be metered must not be all that is left after a failure of the system. */
static void write_down(struct core *core, struct answer *answer, struct slice record)
{
    struct buf *changes = &core->answers.changes;
    if (changes->len > 0 && changes->len + record.len > BLOCK_BYTES)
        journal_write(core);
    journal_put(changes, answer->key.len, 2);
    buf_append(changes, answer->key.data, answer->key.len);
    journal_put(changes, record.len, 4);
    buf_append(changes, record.data, record.len);
    journal_touch(core);
    save_later(&core->answers, answer, record);
}

/* ---- answering ---- */

struct answer *answers_find(struct core *core, struct slice key)
{
    forget_expired(core);
    struct answer *answer = map_get(&core->answers.by_key, key);
    /* How long answers are kept may have changed since an older one was. */
    if (!answer || answer->leader || answer->expires_ms > core->now.unix_ms)
        return answer;
    forget(core, answer);
    return NULL;
}

struct answer *answers_begin(struct core *core, struct slice key, const uint8_t *hash,
                             struct call *call)
{
    struct answer *answer = answer_create(&core->answers, key);
    memcpy(answer->hash, hash, ANSWER_HASH_BYTES);
    answer->leader = call;
    call->answer = answer;
    return answer;
}

void answers_wait(struct answer *answer, struct call *call)
{
    call_keep_request(call);
    call_move(call, CALL_ATTACHED);
    list_push(&answer->waiting, &call->by_place);
}

/* Whoever has it first pays, if the one it was for was gone when it came. */
static void end_with(struct core *core, struct call *call, const struct wire_reply *reply,
                     bool pays)
{
    call->replayed = true;
    call->owes = pays;
    call_end(core, call, reply);
}

static void give_all(struct core *core, struct answer *answer, const struct wire_reply *reply,
                     bool paid)
{
    for (struct list *node; (node = list_first(&answer->waiting));) {
        struct call *call = LIST_ENTRY(node, struct call, by_place);
        list_remove(node);
        end_with(core, call, reply, !paid);
        paid = true;
    }
}

void answers_drop(struct core *core, struct answer *answer)
{
    struct list waiting;
    list_init(&waiting);
    for (struct list *node; (node = list_first(&answer->waiting));) {
        list_remove(node);
        list_push(&waiting, node);
    }
    answer_destroy(&core->answers, answer);
    for (struct list *node; (node = list_first(&waiting));) {
        list_remove(node);
        chain_resume(core, LIST_ENTRY(node, struct call, by_place));
    }
}

bool answer_is_final(const struct wire_reply *reply)
{
    return !reply->retryable && !status_retryable(reply->status) &&
           reply->status != STATUS_CANCELLED;
}

void answers_keep(struct core *core, struct answer *answer, const struct wire_reply *reply,
                  bool metered)
{
    struct buf record = {0};
    answer->leader = NULL;
    answer->expires_ms = core->now.unix_ms + core->limits.answer_ttl_ms;
    answer->metered = metered || !list_empty(&answer->waiting);
    answer_record_write(&record, answer, reply);
    bool kept = record.len <= ANSWER_BYTES_MAX;
    if (kept)
        write_down(core, answer, buf_slice(&record));
    give_all(core, answer, reply, metered);
    if (kept) {
        take_share(&core->answers, answer, record.len + answer->key.len);
        keep_bounds(core, answer);
    } else {
        answer_destroy(&core->answers, answer);
    }
    buf_finish(&record);
}

/* From now on it is paid for. */
static void note_payment(struct core *core, struct answer *answer, struct buf *record)
{
    answer->metered = true;
    answer_record_pay(record);
    write_down(core, answer, buf_slice(record));
}

static int read_back(struct core *core, const struct answer *answer, struct buf *out)
{
    if (answer->unsaved.len == 0)
        return core->io.get(core->io.arg, ANSWERS_TABLE, answer->key, out);
    buf_append(out, answer->unsaved.data, answer->unsaved.len);
    return 0;
}

/* The reply is a view into the record, to be freed in any case, and the turn's arena. */
static enum answer_giving read_reply(struct core *core, const struct answer *answer,
                                     struct buf *record, struct wire_reply *reply)
{
    struct answer head;
    int err = read_back(core, answer, record);
    struct slice rest = buf_slice(record);
    if (err && err != -ENOENT && err != -EILSEQ)
        return ANSWER_UNREADABLE;
    return !err && answer_record_head(&rest, &head) && answer_record_reply(core, &rest, reply)
               ? ANSWER_GIVEN
               : ANSWER_LOST;
}

enum answer_giving answers_give(struct core *core, struct answer *answer, struct call *call)
{
    struct buf record = {0};
    struct wire_reply reply;
    enum answer_giving given = read_reply(core, answer, &record, &reply);
    bool pays = !answer->metered;
    if (given == ANSWER_GIVEN && pays)
        note_payment(core, answer, &record);
    if (given == ANSWER_GIVEN)
        end_with(core, call, &reply, pays);
    else if (given == ANSWER_LOST)
        forget(core, answer);
    buf_finish(&record);
    return given;
}

/* ---- looking ---- */

const struct answer *answers_peek(const struct core *core, struct slice key)
{
    const struct answer *answer = map_get(&core->answers.by_key, key);
    bool over = answer && !answer->leader && answer->expires_ms <= core->now.unix_ms;
    return over ? NULL : answer;
}

enum answer_giving answers_look(struct core *core, const struct answer *answer, enum status *status)
{
    struct buf record = {0};
    struct wire_reply reply = {.status = *status};
    enum answer_giving found = read_reply(core, answer, &record, &reply);
    if (found == ANSWER_GIVEN)
        *status = reply.status;
    buf_finish(&record);
    return found;
}

/* ---- the journal ---- */

static void write_changes(struct core *core, struct buf *content)
{
    struct buf *changes = &core->answers.changes;
    buf_append(content, changes->data, changes->len);
    changes->len = 0;
}

static bool save(struct core *core)
{
    for (struct list *node; (node = list_first(&core->answers.unsaved));) {
        struct answer *answer = LIST_ENTRY(node, struct answer, to_save);
        struct slice record = buf_slice(&answer->unsaved);
        if (core->io.put(core->io.arg, ANSWERS_TABLE, answer->key, record) < 0)
            return false;
        list_remove(&answer->to_save);
        buf_finish(&answer->unsaved);
    }
    return true;
}

/* NULL: it is out of date. */
static struct answer *index_record(struct core *core, struct slice key, struct slice record)
{
    struct answers *answers = &core->answers;
    struct answer head = {0};
    size_t bytes = key.len + record.len;
    if (!answer_record_head(&record, &head) || head.expires_ms <= core->now.unix_ms)
        return NULL;
    struct answer *answer = map_get(&answers->by_key, key);
    if (answer && answer->leader)
        return NULL;
    if (answer)
        give_back_share(answers, answer);
    else
        answer = answer_create(answers, key);
    memcpy(answer->hash, head.hash, sizeof answer->hash);
    answer->metered = head.metered;
    answer->expires_ms = head.expires_ms;
    take_share(answers, answer, bytes);
    return answer;
}

/* Known at once, whatever the books are able to take. */
static int read_changes(struct core *core, const struct journal_block *block, struct slice content)
{
    (void)block;
    while (content.len >= 2) {
        struct slice key, record;
        size_t key_len = journal_take(&content, 2);
        if (!journal_take_bytes(&content, key_len, &key) || content.len < 4)
            break;
        size_t len = journal_take(&content, 4);
        if (!journal_take_bytes(&content, len, &record))
            break;
        struct answer *answer = index_record(core, key, record);
        if (answer)
            save_later(&core->answers, answer, record);
    }
    return 0;
}

const struct journal_section answers_section = {
    .tag = JOURNAL_ANSWERS,
    .write = write_changes,
    .save = save,
    .read = read_changes,
};

/* ---- start and end ---- */

static int read_record(void *arg, struct slice key, struct slice record)
{
    struct core *core = arg;
    struct answer head = {0};
    struct slice rest = record;
    if (answer_record_head(&rest, &head) && head.expires_ms > core->now.unix_ms)
        (void)index_record(core, key, record);
    else
        core->io.remove(core->io.arg, ANSWERS_TABLE, key);
    return 0;
}

static int compare_ages(const void *a, const void *b)
{
    const struct answer *const *one = a, *const *other = b;
    uint64_t left = (*one)->expires_ms, right = (*other)->expires_ms;
    return left < right ? -1 : left > right;
}

/* The books tell them in the order of their keys. */
static void sort_by_age(struct answers *answers)
{
    struct answer **all = mem_alloc((answers->n + 1) * sizeof *all);
    size_t n = 0;
    for (struct list *node; (node = list_first(&answers->by_age)); list_remove(node))
        all[n++] = LIST_ENTRY(node, struct answer, by_age);
    qsort(all, n, sizeof *all, compare_ages);
    for (size_t i = 0; i < n; i++) {
        list_push(&answers->by_age, &all[i]->by_age);
        list_remove(&all[i]->of_share);
        list_push(&all[i]->share->answers, &all[i]->of_share);
    }
    mem_free(all);
}

int answers_start(struct core *core)
{
    struct answers *answers = &core->answers;
    map_init(&answers->by_key);
    map_init(&answers->shares);
    list_init(&answers->by_age);
    list_init(&answers->unsaved);
    int err = core->io.scan(core->io.arg, ANSWERS_TABLE, read_record, core);
    sort_by_age(answers);
    return err;
}

void answers_finish(struct core *core)
{
    struct answers *answers = &core->answers;
    size_t cursor = 0;
    if (!answers->by_age.next)
        return;
    for (struct answer *answer; (answer = map_next(&answers->by_key, &cursor));)
        answer_destroy(answers, answer);
    map_finish(&answers->by_key);
    map_finish(&answers->shares);
    buf_finish(&answers->changes);
}
