#include "store/internal.h"

#include "base/mem.h"
#include "store/audit.h"
#include "store/record.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define COPY_BYTES (4u * 1024u * 1024u) /* committed at a time */

/* ---- judging ---- */

struct judgement {
    bool sound; /* every record is */
    bool has_schema;
    uint32_t schema; /* of the first sound record */
    uint64_t noted;  /* number of the last transaction, as we noted it */
    struct audit_verdict verdict;
};

static void judge_record(void *arg, struct slice table, struct slice key, struct slice raw)
{
    struct judgement *judgement = arg;
    struct slice bytes;
    uint32_t schema;
    if (!record_open(raw, table, key, &bytes, &schema)) {
        judgement->sound = false;
        return;
    }
    if (!judgement->has_schema)
        judgement->schema = schema;
    judgement->has_schema = true;
    if (slice_is(table, BOOKS_OWN_TABLE) && bytes.len == sizeof judgement->noted)
        memcpy(&judgement->noted, bytes.data, sizeof judgement->noted);
}

static struct judgement judge(const struct audit_file *file, enum audit_state state)
{
    struct judgement judgement = {.sound = true};
    judgement.verdict = audit_read(file, state, judge_record, &judgement);
    return judgement;
}

/* An old root that passes for the newest shows an old state without any other damage. */
static bool is_current(const struct judgement *judgement)
{
    return judgement->verdict.readable && judgement->noted == judgement->verdict.transaction;
}

static bool is_whole(const struct judgement *judgement)
{
    return judgement->verdict.consistent && judgement->sound && is_current(judgement);
}

/* ---- copying what is sound ---- */

struct rebuild {
    struct books books;
    struct batch batch;
    int err;
};

static void flush(struct rebuild *rebuild)
{
    rebuild->err = books_commit(&rebuild->books, &rebuild->batch, BOOKS_ALL);
    if (!rebuild->err)
        books_publish(&rebuild->books);
    batch_clear(&rebuild->batch);
}

static void keep(void *arg, struct slice table, struct slice key, struct slice raw)
{
    struct rebuild *rebuild = arg;
    struct slice bytes;
    uint32_t schema = 0;
    if (rebuild->err || slice_is(table, BOOKS_OWN_TABLE))
        return; /* the new file has its own notes */
    if (table.len <= BATCH_TABLE_MAX && key.len <= STORE_KEY_MAX &&
        record_open(raw, table, key, &bytes, &schema) && schema == rebuild->books.schema)
        batch_add(&rebuild->batch, WRITE_PUT, table, key, bytes);
    else if (!slice_is(table, BOOKS_QUARANTINE))
        quarantine_add(&rebuild->batch, table, key, raw);
    if (rebuild->batch.bytes >= COPY_BYTES)
        flush(rebuild);
}

static int copy_sound(const struct audit_file *from, enum audit_state state, const char *to,
                      const struct store_options *options)
{
    struct rebuild rebuild = {0};
    int err = books_open(&rebuild.books, to, options->map_bytes, options->schema);
    if (err)
        return err;
    audit_read(from, state, keep, &rebuild);
    if (!rebuild.err)
        flush(&rebuild);
    batch_clear(&rebuild.batch);
    books_close(&rebuild.books);
    return rebuild.err;
}

/* ---- files ---- */

static char *append(const char *path, const char *suffix)
{
    size_t size = strlen(path) + strlen(suffix) + 1;
    char *joined = mem_alloc(size);
    snprintf(joined, size, "%s%s", path, suffix);
    return joined;
}

static int sync_folder_of(const char *path)
{
    char *copied = mem_strdup(path);
    int fd = open(dirname(copied), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = fd < 0 || fsync(fd) != 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    mem_free(copied);
    return err;
}

/* There is a complete file under `path` at every moment. */
static int replace(const char *path, const char *fresh)
{
    char suffix[48];
    snprintf(suffix, sizeof suffix, ".damaged-%lld", (long long)time(NULL));
    char *aside = append(path, suffix);
    int err = (link(path, aside) != 0 && errno != EEXIST) || rename(fresh, path) != 0 ? -errno : 0;
    mem_free(aside);
    return err ? err : sync_folder_of(path);
}

static void remove_books(const char *path)
{
    char *lock = append(path, "-lock");
    unlink(path);
    unlink(lock);
    mem_free(lock);
}

static int rebuild(const struct audit_file *from, enum audit_state state, const char *path,
                   const struct store_options *options)
{
    char *fresh = append(path, ".new");
    remove_books(fresh); /* of an attempt that was cut short */
    int err = copy_sound(from, state, fresh, options);
    if (!err)
        err = replace(path, fresh);
    remove_books(fresh);
    mem_free(fresh);
    return err;
}

static bool is_fresh(const char *path)
{
    struct stat info;
    return stat(path, &info) != 0 ? errno == ENOENT : info.st_size == 0;
}

/* ---- deciding ---- */

/* The newest state, damaged or not, is the better one, unless it is not what it says. */
static int choose_state(const struct audit_file *file, const struct judgement *newest,
                        enum audit_state *state)
{
    if (is_current(newest)) {
        *state = AUDIT_NEWEST;
        return 0;
    }
    const struct judgement previous = judge(file, AUDIT_PREVIOUS);
    if (!newest->has_schema && !previous.has_schema)
        return -EUCLEAN;
    *state = is_current(&previous) || !newest->has_schema ? AUDIT_PREVIOUS : AUDIT_NEWEST;
    return 0;
}

static int check_file(const struct audit_file *file, const char *path,
                      const struct store_options *options, bool *rebuilt, char *why)
{
    const struct judgement newest = judge(file, AUDIT_NEWEST);
    enum audit_state state;
    if (newest.has_schema && newest.schema != options->schema) {
        store_explain(why, "%.96s: written under schema %u, not %u", path, newest.schema,
                      options->schema);
        return -EPROTO;
    }
    if (is_whole(&newest))
        return 0;
    int err = choose_state(file, &newest, &state);
    if (!err)
        err = rebuild(file, state, path, options);
    if (err)
        store_explain(why, "%.96s: %s", path,
                      err == -EUCLEAN ? "damaged beyond reading" : strerror(-err));
    else
        *rebuilt = true;
    return err;
}

int check_books(const char *path, const struct store_options *options, bool *rebuilt, char *why)
{
    struct audit_file file;
    if (is_fresh(path))
        return 0;
    int err = audit_open(&file, path);
    if (err) {
        store_explain(why, "%.96s: %s", path, strerror(-err));
        return err;
    }
    err = check_file(&file, path, options, rebuilt, why);
    audit_close(&file);
    return err;
}
