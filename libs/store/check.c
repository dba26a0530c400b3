#include "store/internal.h"

#include "base/mem.h"
#include "store/record.h"
#include "store/survey.h"

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
    struct survey_verdict verdict;
};

static void read_note(struct judgement *judgement, struct slice table, struct slice bytes)
{
    if (slice_is(table, BOOKS_OWN_TABLE) && bytes.len == sizeof judgement->noted)
        memcpy(&judgement->noted, bytes.data, sizeof judgement->noted);
}

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
    read_note(judgement, table, bytes);
}

/* Of the state before only the note counts. */
static void judge_note(void *arg, struct slice table, struct slice key, struct slice raw)
{
    if (slice_is(table, BOOKS_OWN_TABLE))
        judge_record(arg, table, key, raw);
}

static struct judgement judge(const struct survey_file *file, enum survey_state state)
{
    struct judgement judgement = {.sound = true};
    judgement.verdict =
        survey_read(file, state, state == SURVEY_NEWEST ? judge_record : judge_note, &judgement);
    return judgement;
}

static bool is_what_it_says(const struct judgement *judgement)
{
    return judgement->verdict.readable && judgement->noted == judgement->verdict.transaction;
}

/* A root whose number is wrong makes an old state pass for the newest, without any other damage:
 * the numbers we noted ourselves tell. */
static bool is_whole(const struct judgement *newest, const struct judgement *previous)
{
    return newest->verdict.consistent && newest->sound && is_what_it_says(newest) &&
           is_what_it_says(previous);
}

/* ---- copying what is sound ---- */

struct rebuild {
    struct books books;
    struct batch batch;
    int err;
};

static void flush(struct rebuild *rebuild)
{
    while (!rebuild->err && rebuild->batch.writes.count > 0) {
        rebuild->err = books_commit(&rebuild->books, &rebuild->batch);
        if (rebuild->err)
            return;
        books_publish(&rebuild->books);
        struct batch rest = batch_rest(&rebuild->batch);
        batch_clear_taken(&rebuild->batch);
        rebuild->batch = rest;
    }
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

static int copy_sound(const struct survey_file *from, enum survey_state state, const char *to,
                      const struct store_options *options)
{
    struct rebuild rebuild = {0};
    int err = books_open(&rebuild.books, to, options->map_bytes, options->schema);
    if (err)
        return err;
    survey_read(from, state, keep, &rebuild);
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

static int rebuild(const struct survey_file *from, enum survey_state state, const char *path,
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

/* Our own note has a checksum: the higher one is the later state, whatever the roots say. */
static int choose_state(const struct judgement *newest, const struct judgement *previous,
                        enum survey_state *state)
{
    if (!newest->has_schema && !previous->has_schema)
        return -EUCLEAN;
    *state =
        newest->has_schema && newest->noted >= previous->noted ? SURVEY_NEWEST : SURVEY_PREVIOUS;
    return 0;
}

static int check_file(const struct survey_file *file, const char *path,
                      const struct store_options *options, bool *rebuilt, char *why)
{
    const struct judgement newest = judge(file, SURVEY_NEWEST);
    const struct judgement previous = judge(file, SURVEY_PREVIOUS);
    enum survey_state state;
    if (newest.has_schema && newest.schema != options->schema) {
        store_explain(why, "%.96s: written under schema %u, not %u", path, newest.schema,
                      options->schema);
        return -EPROTO;
    }
    if (is_whole(&newest, &previous))
        return 0;
    int err = choose_state(&newest, &previous, &state);
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
    struct survey_file file;
    if (is_fresh(path))
        return 0;
    int err = survey_open(&file, path);
    if (err) {
        store_explain(why, "%.96s: %s", path, strerror(-err));
        return err;
    }
    err = check_file(&file, path, options, rebuilt, why);
    survey_close(&file);
    return err;
}
