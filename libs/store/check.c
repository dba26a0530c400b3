#include "store/internal.h"

#include "base/mem.h"
#include "store/record.h"
#include "store/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define COPY_BYTES (4u * 1024u * 1024u) /* committed at a time */

/* A copy of what is sound under way. */
struct rebuild {
    struct books books;
    struct batch batch;
    uint64_t sound;
};

static int flush(struct rebuild *rebuild)
{
    int err = books_commit(&rebuild->books, &rebuild->batch, BOOKS_ALL);
    if (err)
        return err;
    books_publish(&rebuild->books);
    batch_clear(&rebuild->batch);
    return 0;
}

static void keep(struct rebuild *rebuild, struct slice table, struct slice key, struct slice raw)
{
    struct slice bytes;
    uint32_t schema = 0;
    bool sound = table.len > 0 && key.len > 0 && key.len <= STORE_KEY_MAX &&
                 record_open(raw, table, key, &bytes, &schema) && schema == rebuild->books.schema;
    rebuild->sound += sound;
    if (slice_is(table, BOOKS_OWN_TABLE))
        return; /* the new file has its own */
    if (sound) {
        batch_add(&rebuild->batch, WRITE_PUT, table, key, bytes);
    } else if (!slice_is(table, BOOKS_QUARANTINE)) {
        quarantine_add(&rebuild->batch, table, key, raw);
    }
}

static int copy(struct rebuild *rebuild, const char *path, enum walk_direction direction,
                bool *finished)
{
    struct walk *walk;
    struct walk_report report;
    struct slice table, key, raw;
    int err = walk_start(&walk, path, direction, true);
    if (err)
        return err;
    while (!err && walk_next(walk, &table, &key, &raw)) {
        keep(rebuild, table, key, raw);
        if (rebuild->batch.bytes >= COPY_BYTES)
            err = flush(rebuild);
    }
    walk_finish(walk, &report);
    *finished = report.finished;
    return err ? err : flush(rebuild);
}

/* Where reading forward ends at a damaged page, reading backward gets at what lies behind it. */
static int copy_sound(const char *from, const char *to, const struct store_options *options)
{
    struct rebuild rebuild = {0};
    bool finished = false;
    int err = books_open(&rebuild.books, to, options->map_bytes, options->schema);
    if (err)
        return err;
    err = copy(&rebuild, from, WALK_FORWARD, &finished);
    if (!err && !finished)
        err = copy(&rebuild, from, WALK_BACKWARD, &finished);
    if (!err && !rebuild.sound && !finished)
        err = -EUCLEAN;
    batch_clear(&rebuild.batch);
    books_close(&rebuild.books);
    return err;
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

static char *append(const char *path, const char *suffix)
{
    size_t size = strlen(path) + strlen(suffix) + 1;
    char *joined = mem_alloc(size);
    snprintf(joined, size, "%s%s", path, suffix);
    return joined;
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

static int rebuild_books(const char *path, const struct store_options *options)
{
    char *fresh = append(path, ".new");
    remove_books(fresh); /* of an attempt that was cut short */
    int err = copy_sound(path, fresh, options);
    if (!err)
        err = replace(path, fresh);
    remove_books(fresh);
    mem_free(fresh);
    return err;
}

static bool is_fresh(const char *path)
{
    struct stat stat_of;
    return stat(path, &stat_of) != 0 ? errno == ENOENT : stat_of.st_size == 0;
}

int check_books(const char *path, const struct store_options *options, bool *rebuilt, char *why)
{
    struct walk *walk;
    struct walk_report report;
    if (is_fresh(path))
        return 0;
    int err = walk_start(&walk, path, WALK_FORWARD, false);
    if (err)
        goto fail;
    walk_finish(walk, &report);
    if (report.has_schema && report.schema != options->schema) {
        store_explain(why, "%.96s: written under schema %u, not %u", path, report.schema,
                      options->schema);
        return -EPROTO;
    }
    if (report.finished && report.consistent)
        return 0;
    err = rebuild_books(path, options);
    if (err)
        goto fail;
    *rebuilt = true;
    return 0;
fail:
    store_explain(why, "%.96s: %s", path,
                  err == -EUCLEAN ? "damaged beyond reading" : strerror(-err));
    return err;
}
