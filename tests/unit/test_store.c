#include "store_place.h"

#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- everyday use ---- */

static void records_come_back(void **state)
{
    (void)state;
    struct place place;
    place_make(&place);
    struct store *store = open_store(&place);
    assert_int_equal(put(store, "services", "orders", "one"), 0);
    assert_int_equal(put(store, "services", "empty", ""), 0);
    assert_int_equal(put(store, "tenants", "orders", "two"), 0);
    assert_int_equal(put(store, "services", "orders", "three"), 0);
    assert_record(store, "services", "orders", "three");
    assert_int_equal(store_sync(store), 0);
    assert_record(store, "services", "orders", "three");
    assert_missing(store, "services", "order", -ENOENT);
    assert_missing(store, "nothing", "orders", -ENOENT);
    assert_int_equal(put(store, "services", "late", "closed over"), 0);
    store_close(store);

    store = open_store(&place);
    assert_record(store, "services", "orders", "three");
    assert_record(store, "services", "empty", "");
    assert_record(store, "tenants", "orders", "two");
    assert_record(store, "services", "late", "closed over");
    assert_false(status_of(store).rebuilt);
    assert_int_equal(store_delete(store, "services", slice_of("orders")), 0);
    assert_missing(store, "services", "orders", -ENOENT);
    assert_int_equal(store_sync(store), 0);
    assert_missing(store, "services", "orders", -ENOENT);
    assert_record(store, "tenants", "orders", "two");
    store_close(store);
    store_close(NULL);
    place_remove(&place);
}

static void limits_are_kept(void **state)
{
    (void)state;
    struct place place;
    place_make(&place);
    struct store *store = open_store(&place);
    uint8_t *large = mem_zalloc(STORE_RECORD_MAX + 1);
    struct slice key = slice_make(large, STORE_KEY_MAX), one = slice_of("x");
    assert_int_equal(store_put(store, "t", key, slice_make(large, STORE_RECORD_MAX)), 0);
    assert_int_equal(store_put(store, "t", slice_make(large, STORE_KEY_MAX + 1), one), -EINVAL);
    assert_int_equal(store_put(store, "t", slice_make(large, 0), one), -EINVAL);
    assert_int_equal(store_put(store, "t", one, slice_make(large, STORE_RECORD_MAX + 1)), -EINVAL);
    assert_int_equal(put(store, "", "k", "v"), -EINVAL);
    assert_int_equal(put(store, "a-name-of-more-than-32-characters", "k", "v"), -EINVAL);
    assert_int_equal(put(store, "quarantine", "k", "v"), -EINVAL);
    assert_int_equal(put(store, "store", "commit", "v"), -EINVAL);
    assert_int_equal(store_sync(store), 0);
    struct buf out = {0};
    assert_int_equal(store_get(store, "t", key, &out), 0);
    assert_int_equal(out.len, STORE_RECORD_MAX);
    buf_finish(&out);
    store_close(store);
    mem_free(large);
    place_remove(&place);
}

static void a_table_too_many_harms_nobody(void **state)
{
    (void)state;
    struct place place;
    char table[16];
    place_make(&place);
    struct store *store = open_store(&place);
    for (int i = 0; i < 62; i++) {
        snprintf(table, sizeof table, "table-%d", i);
        assert_int_equal(put(store, table, "k", "v"), 0);
    }
    assert_int_equal(put(store, "one-more", "k", "v"), -EINVAL);
    assert_int_equal(store_sync(store), 0);
    store_close(store);
    store = open_store(&place);
    assert_int_equal(put(store, "one-more", "k", "v"), -EINVAL);
    assert_int_equal(put(store, "table-61", "k", "w"), 0);
    assert_int_equal(store_sync(store), 0);
    assert_record(store, "table-61", "k", "w");
    store_close(store);
    place_remove(&place);
}

static int stop_at_b(void *arg, struct slice key, struct slice record)
{
    (void)record;
    ++*(int *)arg;
    return slice_is(key, "b") ? 42 : 0;
}

static void scans_lay_the_queue_over_the_disk(void **state)
{
    (void)state;
    struct place place;
    place_make(&place);
    struct store *store = open_patient_store(&place);
    int seen = 0;
    assert_table(store, "t", "");
    put(store, "t", "a", "1");
    put(store, "t", "c", "3");
    put(store, "t", "e", "5");
    put(store, "u", "b", "other");
    assert_table(store, "t", "a=1 c=3 e=5 ");
    assert_int_equal(store_sync(store), 0);
    put(store, "t", "b", "2");
    put(store, "t", "f", "6");
    put(store, "t", "cc", "33");
    store_delete(store, "t", slice_of("e"));
    store_delete(store, "t", slice_of("nothing"));
    put(store, "t", "a", "one");
    assert_int_equal(status_of(store).queued, 6);
    assert_table(store, "t", "a=one b=2 c=3 cc=33 f=6 ");
    assert_int_equal(store_scan(store, "t", stop_at_b, &seen), 42);
    assert_int_equal(seen, 2);
    assert_int_equal(store_sync(store), 0);
    assert_int_equal(status_of(store).queued, 0);
    assert_table(store, "t", "a=one b=2 c=3 cc=33 f=6 ");
    store_close(store);
    place_remove(&place);
}

/* A call of store_scan may write, and sees the table as it was when it began. */
static int replace_each(void *arg, struct slice key, struct slice record)
{
    (void)record;
    char next[16];
    snprintf(next, sizeof next, "%.*sx", SLICE_FMT(key));
    assert_int_equal(store_delete(arg, "t", key), 0);
    return put(arg, "t", next, "new");
}

static void scans_may_write(void **state)
{
    (void)state;
    struct place place;
    place_make(&place);
    struct store *store = open_store(&place);
    put(store, "t", "a", "old");
    put(store, "t", "b", "old");
    assert_int_equal(store_sync(store), 0);
    put(store, "t", "c", "old");
    assert_int_equal(store_scan(store, "t", replace_each, store), 0);
    assert_table(store, "t", "ax=new bx=new cx=new ");
    store_close(store);
    place_remove(&place);
}

/* ---- against a model ---- */

#define MODEL_KEYS 64
#define MODEL_BYTES 9000

struct model {
    int values[MODEL_KEYS]; /* -1: none */
};

/* From a few bytes to some pages, so that records move between LMDB's kinds of page. */
static void value_text(int value, char *text)
{
    snprintf(text, MODEL_BYTES, "%0*d", value % 4 ? value % 60 : value % (MODEL_BYTES - 1), value);
}

static void model_text(const struct model *model, struct buf *out)
{
    char text[MODEL_BYTES];
    for (int i = 0; i < MODEL_KEYS; i++) {
        if (model->values[i] < 0)
            continue;
        value_text(model->values[i], text);
        buf_printf(out, "k%02d=%s ", i, text);
    }
    buf_append(out, "", 1);
}

static void model_step(struct model *model, struct store *store, struct rng *rng)
{
    int i = (int)rng_below(rng, MODEL_KEYS), value = (int)rng_below(rng, 1000000);
    char key[8], text[MODEL_BYTES];
    snprintf(key, sizeof key, "k%02d", i);
    value_text(value, text);
    if (rng_below(rng, 3) == 0) {
        assert_int_equal(store_delete(store, "model", slice_of(key)), 0);
        model->values[i] = -1;
    } else {
        assert_int_equal(put(store, "model", key, text), 0);
        model->values[i] = value;
    }
}

static void model_compare(const struct model *model, struct store *store)
{
    struct buf expected = {0};
    model_text(model, &expected);
    assert_table(store, "model", (const char *)expected.data);
    buf_finish(&expected);
    for (int i = 0; i < MODEL_KEYS; i++) {
        char key[8], text[MODEL_BYTES];
        snprintf(key, sizeof key, "k%02d", i);
        value_text(model->values[i], text);
        if (model->values[i] >= 0)
            assert_record(store, "model", key, text);
        else
            assert_missing(store, "model", key, -ENOENT);
    }
}

static void random_work_agrees_with_a_model(void **state)
{
    (void)state;
    struct place place;
    struct rng rng = {7};
    struct model model;
    place_make(&place);
    memset(model.values, 0xff, sizeof model.values);
    struct store *store = open_store(&place);
    for (int round = 0; round < 120; round++) {
        for (uint64_t n = rng_below(&rng, 40); n > 0; n--)
            model_step(&model, store, &rng);
        if (rng_below(&rng, 3) == 0)
            assert_int_equal(store_sync(store), 0);
        if (rng_below(&rng, 10) == 0) {
            store_close(store);
            store = open_store(&place);
            assert_false(status_of(store).rebuilt);
        }
        model_compare(&model, store);
    }
    store_close(store);
    place_remove(&place);
}

/* ---- threads ---- */

static void *write_many(void *arg)
{
    struct store *store = arg;
    char key[32];
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof key, "%lu-%d", (unsigned long)pthread_self(), i);
        put(store, "many", key, key);
        assert_record(store, "many", key, key);
        if (i % 100 == 0)
            store_sync(store);
    }
    return NULL;
}

static void threads_share_it(void **state)
{
    (void)state;
    struct place place;
    pthread_t threads[4];
    int seen = 0;
    place_make(&place);
    struct store *store = open_store(&place);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, store), 0);
    while (seen < 100) {
        seen = 0;
        assert_int_equal(store_scan(store, "many", count_one, &seen), 0);
    }
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    seen = 0;
    assert_int_equal(store_scan(store, "many", count_one, &seen), 0);
    assert_int_equal(seen, 2000);
    store_close(store);
    place_remove(&place);
}

/* ---- who may open it ---- */

static void one_broker_at_a_time(void **state)
{
    (void)state;
    struct place place;
    struct store *second = NULL;
    char why[WHY_BYTES] = "";
    place_make(&place);
    struct store *store = open_store(&place);
    assert_int_equal(try_open(&place, 0, &second, why), -EBUSY);
    assert_non_null(strstr(why, "in use by another broker"));
    assert_null(second);
    pid_t child = fork();
    if (child == 0)
        _exit(try_open(&place, 0, &second, NULL) == -EBUSY ? 0 : 1);
    int status = 1;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    store_close(store);
    store_close(open_store(&place));
    place_remove(&place);
}

static void the_folder_is_private(void **state)
{
    (void)state;
    struct place parent, place;
    struct stat info;
    char why[WHY_BYTES] = "";
    struct store *store = NULL;
    place_make(&parent);
    snprintf(place.dir, sizeof place.dir, "%.40s/data", parent.dir);
    snprintf(place.books, sizeof place.books, "%s/books.mdb", place.dir);
    store_close(open_store(&place));
    assert_int_equal(stat(place.dir, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(stat(place.books, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    snprintf(place.dir, sizeof place.dir, "%.40s/no/such", parent.dir);
    assert_int_equal(try_open(&place, 0, &store, why), -ENOENT);
    assert_non_null(strstr(why, "No such file"));
    place_remove(&parent);
}

static void another_schema_is_refused(void **state)
{
    (void)state;
    struct place place;
    struct store *store = NULL;
    char why[WHY_BYTES] = "";
    place_make(&place);
    store = open_store(&place);
    put(store, "t", "k", "v");
    store_close(store);
    for (uint32_t schema = STORE_SCHEMA - 1; schema <= STORE_SCHEMA + 1; schema += 2) {
        const struct store_options options = {.dir = place.dir, .schema = schema};
        assert_int_equal(store_open(&store, &options, why), -EPROTO);
        assert_non_null(strstr(why, "schema 3"));
    }
    store = open_store(&place);
    assert_record(store, "t", "k", "v");
    store_close(store);
    place_remove(&place);
}

/* ---- kill -9 ---- */

/* Writes numbered records, syncs after every tenth and says so through the pipe. */
static void write_until_killed(const struct place *place, int out)
{
    struct store *store = open_store(place);
    for (uint32_t i = 1;; i++) {
        char key[16], record[600];
        snprintf(key, sizeof key, "%08u", i);
        memset(record, 'a' + (int)(i % 26), sizeof record);
        store_put(store, "log", slice_of(key), slice_make(record, i % sizeof record));
        if (i % 10 == 0 && (store_sync(store) != 0 || write(out, &i, sizeof i) != sizeof i))
            _exit(1);
    }
}

struct log_check {
    uint32_t next;
    bool sound;
};

static int check_logged(void *arg, struct slice key, struct slice record)
{
    struct log_check *check = arg;
    char expected[16];
    snprintf(expected, sizeof expected, "%08u", check->next);
    check->sound = check->sound && slice_is(key, expected) && record.len == check->next % 600;
    for (size_t i = 0; i < record.len; i++)
        check->sound = check->sound && record.data[i] == 'a' + check->next % 26;
    check->next++;
    return 0;
}

static void synced_records_survive_kill(void **state)
{
    (void)state;
    struct place place;
    struct rng rng = {11};
    place_make(&place);
    for (int round = 0; round < 12; round++) {
        int ends[2];
        uint32_t synced = 0, last = 0;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0)
            write_until_killed(&place, ends[1]);
        close(ends[1]);
        for (uint64_t n = rng_below(&rng, 30) + 1; n > 0; n--)
            assert_int_equal(read(ends[0], &last, sizeof last), sizeof last);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(ends[0], &synced, sizeof synced) == (ssize_t)sizeof synced)
            last = synced;
        close(ends[0]);

        struct log_check check = {1, true};
        struct store *store = open_store(&place);
        assert_int_equal(store_scan(store, "log", check_logged, &check), 0);
        assert_true(check.sound);
        assert_true(check.next > last);
        assert_false(status_of(store).rebuilt);
        store_close(store);
    }
    place_remove(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(a_table_too_many_harms_nobody),
        cmocka_unit_test(scans_lay_the_queue_over_the_disk),
        cmocka_unit_test(scans_may_write),
        cmocka_unit_test(random_work_agrees_with_a_model),
        cmocka_unit_test(threads_share_it),
        cmocka_unit_test(one_broker_at_a_time),
        cmocka_unit_test(the_folder_is_private),
        cmocka_unit_test(another_schema_is_refused),
        cmocka_unit_test(synced_records_survive_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
