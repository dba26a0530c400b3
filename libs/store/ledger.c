#include "store/ledger.h"

#include "base/mem.h"
#include "store/books.h"
#include "store/record.h"
#include "store/survey.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_BYTES_DEFAULT ((size_t)32 << 20)
#define BLOCK_MAX ((size_t)1 << 20)
#define SYSTEM_FILE "/proc/sys/kernel/random/boot_id"
#define SYSTEM_BYTES 64u /* of what it says */
#define SCHEMA 1u
#define ABOUT "about" /* one record, keyed by its table's name */

/* Blocks go to one of two tables. Emptying a table costs next to nothing, deleting its records one
 * by one would hold up everybody: so a table is dropped when nothing in it is needed, and is the
 * next one to be written to. */
#define HALVES 2u
static const char *const half_names[HALVES] = {"even", "odd"};

struct half {
    MDB_dbi dbi;
    uint64_t first, last; /* 0: empty */
};

struct about {
    uint64_t id;
    uint64_t passed; /* all sequences up to it were given */
};

struct ledger {
    MDB_env *env; /* NULL: there was no room to start over */
    MDB_dbi dbi;  /* of `about` */
    struct half halves[HALVES];
    unsigned writing; /* the half */
    bool full;        /* a block found no room */
    struct about about;
    uint64_t last, damaged;
    size_t map_bytes;
    char *path, *mark; /* of the file, and of the one that says when it was written */
    struct buf sealed;
};

/* ---- keys: big endian, so that their order is that of the numbers ---- */

#define KEY_BYTES 8u

static void write_key(uint8_t *key, uint64_t sequence)
{
    for (unsigned i = 0; i < KEY_BYTES; i++)
        key[i] = (uint8_t)(sequence >> (56 - 8 * i));
}

static uint64_t read_key(MDB_val key)
{
    const uint8_t *bytes = key.mv_data;
    uint64_t sequence = 0;
    for (unsigned i = 0; i < KEY_BYTES && key.mv_size == KEY_BYTES; i++)
        sequence = sequence << 8 | bytes[i];
    return sequence;
}

/* ---- the files ---- */

static char *path_of(const char *dir, const char *name)
{
    size_t size = strlen(dir) + strlen(name) + 2;
    char *path = mem_alloc(size);
    snprintf(path, size, "%s/%s", dir, name);
    return path;
}

static int read_text(const char *path, char *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, text, SYSTEM_BYTES - 1);
    int err = n < 0 ? -errno : 0;
    close(fd);
    if (!err)
        text[n] = '\0';
    return err;
}

static int write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, text, strlen(text));
    int err = n < 0 ? -errno : (size_t)n == strlen(text) ? 0 : -EIO;
    close(fd);
    return err;
}

static void set_aside(const char *path)
{
    size_t size = strlen(path) + sizeof ".damaged";
    char *aside = mem_alloc(size);
    snprintf(aside, size, "%s.damaged", path);
    if (rename(path, aside) != 0)
        unlink(path);
    mem_free(aside);
}

static void ignore(void *arg, struct slice table, struct slice key, struct slice raw)
{
    (void)arg;
    (void)table;
    (void)key;
    (void)raw;
}

/* LMDB crashes over damaged pages. */
static bool is_consistent(const char *path)
{
    struct survey_file file;
    if (survey_open(&file, path) < 0)
        return false;
    struct survey_verdict verdict = survey_read(&file, SURVEY_NEWEST, ignore, NULL);
    survey_close(&file);
    return verdict.readable && verdict.consistent;
}

/* What was not synced before the system went down may be anything: not even looked at. */
static enum ledger_origin judge(const struct ledger *self, const char *system)
{
    struct stat info;
    char then[SYSTEM_BYTES];
    if (stat(self->path, &info) != 0 || info.st_size == 0)
        return LEDGER_NEW;
    if (read_text(self->mark, then) < 0 || strcmp(then, system) != 0)
        return LEDGER_EXPIRED;
    return is_consistent(self->path) ? LEDGER_KEPT : LEDGER_DAMAGED;
}

/* The mark is written when there is nothing that an older one could vouch for wrongly. */
static int prepare(const struct ledger *self, const char *system, enum ledger_origin origin)
{
    if (origin == LEDGER_KEPT)
        return 0;
    if (origin == LEDGER_DAMAGED)
        set_aside(self->path);
    else
        unlink(self->path);
    return write_text(self->mark, system);
}

/* ---- writing ---- */

static int put(struct ledger *self, MDB_txn *txn, MDB_dbi dbi, const char *table, struct slice key,
               struct slice bytes, unsigned flags)
{
    self->sealed.len = 0;
    record_seal(&self->sealed, slice_of(table), key, SCHEMA, bytes);
    MDB_val at = books_value(key), value = books_value(buf_slice(&self->sealed));
    return mdb_put(txn, dbi, &at, &value, flags);
}

static int put_about(struct ledger *self, MDB_txn *txn, const struct about *about)
{
    return put(self, txn, self->dbi, ABOUT, slice_of(ABOUT), slice_make(about, sizeof *about), 0);
}

int ledger_append(struct ledger *self, struct slice block, uint64_t *sequence)
{
    struct half *half = &self->halves[self->writing];
    uint64_t next = self->last + 1;
    uint8_t key[KEY_BYTES];
    MDB_txn *txn;
    if (block.len > BLOCK_MAX)
        return -EINVAL;
    if (!self->env)
        return -ENOSPC;
    write_key(key, next);
    int rc = mdb_txn_begin(self->env, NULL, 0, &txn);
    if (rc)
        return books_error(rc);
    rc = put(self, txn, half->dbi, half_names[self->writing], slice_make(key, sizeof key), block,
             MDB_APPEND);
    if (rc)
        mdb_txn_abort(txn);
    else
        rc = mdb_txn_commit(txn);
    int err = books_error(rc);
    self->full |= err == -ENOSPC;
    if (err)
        return err;
    self->last = half->last = next;
    if (!half->first)
        half->first = next;
    *sequence = next;
    return 0;
}

static int empty(struct ledger *self, unsigned which)
{
    struct about about = {.id = self->about.id, .passed = self->last};
    MDB_txn *txn;
    int rc = mdb_txn_begin(self->env, NULL, 0, &txn);
    if (rc)
        return books_error(rc);
    rc = mdb_drop(txn, self->halves[which].dbi, 0);
    if (!rc)
        rc = put_about(self, txn, &about); /* an empty ledger still knows where it was */
    if (rc)
        mdb_txn_abort(txn);
    else
        rc = mdb_txn_commit(txn);
    if (rc)
        return books_error(rc);
    self->about = about;
    self->halves[which].first = self->halves[which].last = 0;
    return 0;
}

static int open_env(struct ledger *self);

static void close_env(struct ledger *self)
{
    if (self->env)
        mdb_env_close(self->env);
    self->env = NULL;
}

/* The same ledger, empty, in a new file. Should we be ended before it is there: what was in the old
 * one is not needed. */
static int start_over(struct ledger *self)
{
    close_env(self);
    unlink(self->path);
    self->about.passed = self->last;
    self->full = false;
    memset(self->halves, 0, sizeof self->halves);
    return open_env(self);
}

int ledger_trim(struct ledger *self, uint64_t sequence)
{
    int err = 0;
    /* Emptying takes pages, and of a full file there may be none. */
    if (!self->env || (self->full && self->last <= sequence))
        return start_over(self);
    for (unsigned i = 0; i < HALVES && !err; i++) {
        if (self->halves[i].last && self->halves[i].last <= sequence)
            err = empty(self, i);
    }
    unsigned other = !self->writing;
    if (!err && self->halves[other].last == 0)
        self->writing = other;
    return err;
}

/* ---- reading ---- */

struct reading {
    struct ledger *ledger;
    MDB_txn *txn;
    int (*each)(void *arg, uint64_t sequence, struct slice block);
    void *arg;
};

static int show(const struct reading *reading, unsigned which, MDB_val key, MDB_val value)
{
    struct slice block;
    if (record_open(books_slice(value), slice_of(half_names[which]), books_slice(key), &block,
                    NULL))
        return reading->each(reading->arg, read_key(key), block);
    reading->ledger->damaged++;
    return 0;
}

static int scan_half(const struct reading *reading, unsigned which)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    int rc = mdb_cursor_open(reading->txn, reading->ledger->halves[which].dbi, &cursor), stop = 0;
    if (rc)
        return books_error(rc);
    while (!stop && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
        stop = show(reading, which, key, value);
    mdb_cursor_close(cursor);
    return stop || rc == MDB_NOTFOUND ? stop : books_error(rc);
}

int ledger_scan(struct ledger *self, int (*each)(void *arg, uint64_t sequence, struct slice block),
                void *arg)
{
    struct reading reading = {.ledger = self, .each = each, .arg = arg};
    unsigned older = self->halves[1].first < self->halves[0].first;
    self->damaged = 0;
    if (!self->env)
        return 0;
    int rc = mdb_txn_begin(self->env, NULL, MDB_RDONLY, &reading.txn);
    if (rc)
        return books_error(rc);
    int stop = scan_half(&reading, older);
    if (!stop)
        stop = scan_half(&reading, !older);
    mdb_txn_abort(reading.txn);
    return stop;
}

uint64_t ledger_id(const struct ledger *self)
{
    return self->about.id;
}

void ledger_status(const struct ledger *self, struct ledger_status *out)
{
    uint64_t first = self->halves[!self->writing].first;
    *out = (struct ledger_status){.first = first ? first : self->halves[self->writing].first,
                                  .last = self->last,
                                  .damaged = self->damaged};
}

/* ---- opening ---- */

static int find_ends(MDB_txn *txn, struct half *half)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    int rc = mdb_cursor_open(txn, half->dbi, &cursor);
    if (rc)
        return rc;
    if ((rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST)) == 0) {
        half->first = read_key(key);
        rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
        half->last = rc ? 0 : read_key(key);
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int read_about(struct ledger *self, MDB_txn *txn)
{
    MDB_val key = books_value(slice_of(ABOUT)), value;
    struct slice bytes;
    int rc = mdb_get(txn, self->dbi, &key, &value);
    if (rc)
        return rc;
    if (!record_open(books_slice(value), slice_of(ABOUT), slice_of(ABOUT), &bytes, NULL) ||
        bytes.len != sizeof self->about)
        return MDB_CORRUPTED;
    memcpy(&self->about, bytes.data, sizeof self->about);
    return 0;
}

static int read_tables(struct ledger *self, MDB_txn *txn)
{
    int rc = mdb_dbi_open(txn, ABOUT, MDB_CREATE, &self->dbi);
    for (unsigned i = 0; i < HALVES && !rc; i++) {
        rc = mdb_dbi_open(txn, half_names[i], MDB_CREATE, &self->halves[i].dbi);
        if (!rc)
            rc = find_ends(txn, &self->halves[i]);
    }
    if (!rc)
        rc = read_about(self, txn);
    if (rc != MDB_NOTFOUND)
        return rc;
    if (self->about.id == 0)
        randombytes_buf(&self->about.id, sizeof self->about.id);
    return put_about(self, txn, &self->about);
}

static void find_place(struct ledger *self)
{
    const struct half *even = &self->halves[0], *odd = &self->halves[1];
    self->writing = odd->last > even->last;
    self->last = self->about.passed;
    for (unsigned i = 0; i < HALVES; i++) {
        if (self->halves[i].last > self->last)
            self->last = self->halves[i].last;
    }
}

static int read_all(struct ledger *self)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(self->env, NULL, 0, &txn);
    if (rc)
        return rc;
    rc = read_tables(self, txn);
    if (rc) {
        mdb_txn_abort(txn);
        return rc;
    }
    find_place(self);
    return mdb_txn_commit(txn);
}

/* Written through the map, which costs a fifth of writing to the file. The pages have to be there
 * beforehand: where the disk has none left for one, the process would be ended. */
static int allocate(const struct ledger *self, size_t map_bytes)
{
    mdb_filehandle_t fd;
    mdb_env_get_fd(self->env, &fd);
    return posix_fallocate(fd, 0, (off_t)map_bytes);
}

static int try_env(struct ledger *self)
{
    /* One process, one thread: nothing to lock. */
    const unsigned flags = MDB_NOSUBDIR | MDB_NOSYNC | MDB_WRITEMAP | MDB_NOLOCK;
    int rc = mdb_env_create(&self->env);
    if (rc)
        return rc;
    mdb_env_set_mapsize(self->env, self->map_bytes);
    mdb_env_set_maxdbs(self->env, HALVES + 1);
    rc = mdb_env_open(self->env, self->path, flags, 0600);
    if (!rc)
        rc = allocate(self, self->map_bytes);
    return rc ? rc : read_all(self);
}

static int open_env(struct ledger *self)
{
    int rc = try_env(self);
    if (rc)
        close_env(self);
    return rc > 0 ? -rc : books_error(rc);
}

static void release(struct ledger *self)
{
    close_env(self);
    buf_finish(&self->sealed);
    mem_free(self->path);
    mem_free(self->mark);
    mem_free(self);
}

int ledger_open(struct ledger **out, const struct ledger_options *options,
                enum ledger_origin *origin)
{
    char system[SYSTEM_BYTES];
    int err = sodium_init() < 0 ? -EIO : 0;
    if (!err)
        err = read_text(options->system ? options->system : SYSTEM_FILE, system);
    if (err)
        return err;
    struct ledger *self = mem_zalloc(sizeof *self);
    self->path = path_of(options->dir, "ledger.mdb");
    self->mark = path_of(options->dir, "ledger.system");
    enum ledger_origin judged = judge(self, system);
    err = prepare(self, system, judged);
    self->map_bytes = options->map_bytes ? options->map_bytes : MAP_BYTES_DEFAULT;
    if (!err)
        err = open_env(self);
    if (err) {
        release(self);
        return err;
    }
    *origin = judged;
    *out = self;
    return 0;
}

void ledger_close(struct ledger *self)
{
    if (!self)
        return;
    if (self->halves[0].last == 0 && self->halves[1].last == 0) {
        unlink(self->path);
        unlink(self->mark);
    }
    release(self);
}
