#include "store/walk.h"

#include "base/buf.h"
#include "base/mem.h"
#include "store/books.h"
#include "store/internal.h"
#include "store/record.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_CPU_S 600 /* a damaged tree may lead in circles */

struct walk {
    pid_t child;
    FILE *records; /* NULL: none are wanted */
    struct walk_report *report;
    struct buf record; /* the one handed out last */
};

/* Before each record in the pipe. */
struct frame {
    uint32_t table_len, key_len, raw_len;
};

/* ---- the child ---- */

struct reader {
    const char *path;
    enum walk_direction direction;
    FILE *out;
    struct walk_report *report;
    MDB_env *env;
    MDB_txn *txn;
};

static void send_record(FILE *out, struct slice table, struct slice key, struct slice raw)
{
    const struct frame frame = {(uint32_t)table.len, (uint32_t)key.len, (uint32_t)raw.len};
    fwrite(&frame, sizeof frame, 1, out);
    fwrite(table.data, 1, table.len, out);
    fwrite(key.data, 1, key.len, out);
    fwrite(raw.data, 1, raw.len, out);
}

/* An old root would show an old state without any damage: the number tells. */
static bool is_current(const struct reader *reader, struct slice bytes)
{
    MDB_envinfo info;
    uint64_t number;
    if (bytes.len != sizeof number || mdb_env_info(reader->env, &info) != 0)
        return false;
    memcpy(&number, bytes.data, sizeof number);
    return number == info.me_last_txnid;
}

static void judge(const struct reader *reader, struct slice table, struct slice key,
                  struct slice raw)
{
    struct walk_report *report = reader->report;
    struct slice bytes;
    uint32_t schema;
    if (raw.len > STORE_RAW_MAX || !record_open(raw, table, key, &bytes, &schema)) {
        report->damaged++;
        report->consistent = false;
        return;
    }
    report->sound++;
    if (!report->has_schema) {
        report->schema = schema;
        report->has_schema = true;
    }
    if (slice_is(table, BOOKS_OWN_TABLE) && !is_current(reader, bytes))
        report->consistent = false;
}

static void read_record(const struct reader *reader, struct slice table, MDB_val key, MDB_val value)
{
    struct slice name = books_slice(key), raw = books_slice(value);
    judge(reader, table, name, raw);
    if (reader->out)
        send_record(reader->out, table, name,
                    raw.len > STORE_RAW_MAX ? slice_make(raw.data, 0) : raw);
}

/* Reads one database in the chosen direction, as far as that goes. Returns how many entries it
 * has, or -1 if there may be more. */
static int64_t each_entry(const struct reader *reader, MDB_dbi dbi, struct slice table,
                          void (*use)(const struct reader *, struct slice, MDB_val, MDB_val))
{
    bool forward = reader->direction == WALK_FORWARD;
    MDB_cursor_op op = forward ? MDB_FIRST : MDB_LAST;
    MDB_cursor *cursor;
    MDB_val key, value;
    int64_t n = 0;
    int rc = mdb_cursor_open(reader->txn, dbi, &cursor);
    if (rc)
        return -1;
    while ((rc = mdb_cursor_get(cursor, &key, &value, op)) == 0) {
        use(reader, table, key, value);
        op = forward ? MDB_NEXT : MDB_PREV;
        n++;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? n : -1;
}

/* What cannot be read in one table does not keep the others from being read. */
static void read_table(const struct reader *reader, struct slice none, MDB_val name, MDB_val value)
{
    char text[BATCH_TABLE_MAX + 1];
    MDB_dbi dbi;
    MDB_stat stat;
    int64_t n = -1;
    (void)none;
    (void)value;
    if (name.mv_size <= BATCH_TABLE_MAX) {
        memcpy(text, name.mv_data, name.mv_size);
        text[name.mv_size] = '\0';
        if (mdb_dbi_open(reader->txn, text, 0, &dbi) == 0 && mdb_stat(reader->txn, dbi, &stat) == 0)
            n = each_entry(reader, dbi, slice_of(text), read_record);
    }
    if (n < 0)
        reader->report->finished = false;
    else if ((uint64_t)n != stat.ms_entries)
        reader->report->consistent = false;
}

/* Instead of LMDB's abort(), which prints; the parent sees that the report was never closed. */
static void leave(MDB_env *env, const char *text)
{
    (void)env;
    (void)text;
    _exit(1);
}

static bool open_damaged(struct reader *reader)
{
    return mdb_env_create(&reader->env) == 0 && mdb_env_set_assert(reader->env, leave) == 0 &&
           mdb_env_set_maxdbs(reader->env, BOOKS_TABLES_MAX) == 0 &&
           mdb_env_open(reader->env, reader->path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK, 0) ==
               0 &&
           mdb_txn_begin(reader->env, NULL, MDB_RDONLY, &reader->txn) == 0;
}

static void read_everything(struct reader *reader)
{
    MDB_dbi names;
    struct walk_report *report = reader->report;
    if (!open_damaged(reader) || mdb_dbi_open(reader->txn, NULL, 0, &names) != 0)
        return;
    report->finished = report->consistent = true;
    if (each_entry(reader, names, slice_of(""), read_table) < 0 ||
        (reader->out && fflush(reader->out) != 0))
        report->finished = false;
    report->survived = true;
}

/* Crashing is expected here: it should be quiet, and end with the parent at the latest. */
static void prepare_to_crash(void)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTERM, SIGINT};
    const struct rlimit no_core = {0, 0}, cpu = {CHILD_CPU_S, CHILD_CPU_S};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
        signal(deadly[i], SIG_DFL);
    setrlimit(RLIMIT_CORE, &no_core);
    setrlimit(RLIMIT_CPU, &cpu);
}

/* ---- the parent ---- */

static struct walk_report *share_report(void)
{
    void *shared = mmap(NULL, sizeof(struct walk_report), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED ? NULL : shared;
}

static void run_child(const char *path, enum walk_direction direction, const int *pipe_ends,
                      struct walk_report *report)
{
    struct reader reader = {.path = path, .direction = direction, .report = report};
    prepare_to_crash();
    if (pipe_ends[1] >= 0) {
        close(pipe_ends[0]); /* or a parent that reads no more would never be noticed */
        reader.out = fdopen(pipe_ends[1], "w");
    }
    read_everything(&reader);
    _exit(0);
}

int walk_start(struct walk **out, const char *path, enum walk_direction direction,
               bool with_records)
{
    int ends[2] = {-1, -1};
    struct walk *walk = mem_zalloc(sizeof *walk);
    walk->report = share_report();
    if (!walk->report || (with_records && pipe(ends) != 0))
        goto fail;
    walk->child = fork();
    if (walk->child == 0)
        run_child(path, direction, ends, walk->report);
    if (walk->child < 0)
        goto fail;
    if (with_records) {
        close(ends[1]);
        walk->records = fdopen(ends[0], "r");
    }
    *out = walk;
    return 0;
fail:;
    int err = -errno;
    if (ends[0] >= 0) {
        close(ends[0]);
        close(ends[1]);
    }
    if (walk->report)
        munmap(walk->report, sizeof *walk->report);
    mem_free(walk);
    return err;
}

bool walk_next(struct walk *walk, struct slice *table, struct slice *key, struct slice *raw)
{
    struct frame frame;
    if (fread(&frame, sizeof frame, 1, walk->records) != 1 || frame.table_len > BATCH_TABLE_MAX ||
        frame.key_len > UINT16_MAX || frame.raw_len > STORE_RAW_MAX)
        return false;
    size_t len = (size_t)frame.table_len + frame.key_len + frame.raw_len;
    walk->record.len = 0;
    uint8_t *at = buf_reserve(&walk->record, len);
    if (fread(at, 1, len, walk->records) != len)
        return false;
    *table = slice_make(at, frame.table_len);
    *key = slice_make(at + frame.table_len, frame.key_len);
    *raw = slice_make(at + frame.table_len + frame.key_len, frame.raw_len);
    return true;
}

void walk_finish(struct walk *walk, struct walk_report *report)
{
    if (walk->records)
        fclose(walk->records);
    while (waitpid(walk->child, NULL, 0) < 0 && errno == EINTR)
        ;
    *report = *walk->report;
    report->finished = report->finished && report->survived;
    munmap(walk->report, sizeof *walk->report);
    buf_finish(&walk->record);
    mem_free(walk);
}
