/* What is kept of users besides their accounts. */
#include "store_place.h"

#include "base/mem.h"
#include "user-service/person.h"
#include "wire/json.h"

#include <errno.h>
#include <string.h>

static struct buf message, written;

/* What is wrong with it; "": nothing. */
static const char *change(struct preferences *preferences, const char *json)
{
    static struct arguments arguments;
    struct json_error why;
    arguments = (struct arguments){0};
    message.len = 0;
    assert_int_equal(msgpack_from_json(&message, slice_of(json), &why), 0);
    assert_true(fbx_read((fbx_bytes){message.data, message.len}, &arguments.map));
    preferences_read(preferences, &arguments);
    return arguments.wrong;
}

static void are(const struct preferences *preferences, const char *json)
{
    fbx_writer w = {0};
    fbx_write_map(&w, 2);
    preferences_write(preferences, &w);
    written.len = 0;
    assert_int_equal(json_from_msgpack(&written, slice_make(w.data, w.len), NULL), 0);
    buf_append(&written, "", 1);
    assert_string_equal((const char *)written.data, json);
    fbx_writer_free(&w);
}

static void what_is_not_said_stays(void **state)
{
    struct preferences p;
    (void)state;
    preferences_init(&p);
    are(&p, "{\"channels\":{\"in_app\":true,\"email\":true,\"webhook\":true},\"kinds\":{}}");
    assert_string_equal(change(&p, "{\"channels\":{\"email\":false}}"), "");
    assert_string_equal(change(&p, "{\"kinds\":{\"quota\":{\"email\":true},"
                                   "\"billing.invoice\":{\"webhook\":false,\"in_app\":true}}}"),
                        "");
    are(&p, "{\"channels\":{\"in_app\":true,\"email\":false,\"webhook\":true},\"kinds\":{"
            "\"billing.invoice\":{\"in_app\":true,\"webhook\":false},\"quota\":{\"email\":true}}}");
    assert_string_equal(change(&p, "{\"kinds\":{\"billing.invoice\":{\"in_app\":null}}}"), "");
    assert_string_equal(change(&p, "{\"kinds\":{\"quota\":null,\"other\":null}}"), "");
    assert_string_equal(change(&p, "{\"channels\":null,\"kinds\":null}"), "");
    are(&p, "{\"channels\":{\"in_app\":true,\"email\":false,\"webhook\":true},\"kinds\":{"
            "\"billing.invoice\":{\"webhook\":false}}}");
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *json, *says;
    } rows[] = {
        {"{\"channels\":[]}", "channels: "},
        {"{\"channels\":{\"sms\":true}}", "channels: "},
        {"{\"channels\":{\"email\":1}}", "channels: email"},
        {"{\"channels\":{\"email\":null}}", "channels: email"},
        {"{\"kinds\":true}", "kinds: "},
        {"{\"kinds\":{\"quota\":true}}", "kinds: "},
        {"{\"kinds\":{\"quota\":{\"sms\":true}}}", "kinds: "},
        {"{\"kinds\":{\"quota\":{\"email\":\"yes\"}}}", "kinds: email"},
        {"{\"kinds\":{\"Quota\":{\"email\":true}}}", "kinds: each"},
        {"{\"kinds\":{\"quota.*\":{\"email\":true}}}", "kinds: each"},
        {"{\"kinds\":{\"\":{\"email\":true}}}", "kinds: each"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct preferences p;
        preferences_init(&p);
        const char *wrong = change(&p, rows[i].json);
        if (strncmp(wrong, rows[i].says, strlen(rows[i].says)) != 0)
            fail_msg("%s: \"%s\"", rows[i].json, wrong);
    }
}

static void kinds_are_bounded(void **state)
{
    struct preferences p;
    char json[64];
    (void)state;
    preferences_init(&p);
    for (unsigned i = 0; i <= PREFERENCES_KINDS_MAX; i++) {
        snprintf(json, sizeof json, "{\"kinds\":{\"k%u\":{\"email\":false}}}", i * 7 % 64);
        bool fits = i < PREFERENCES_KINDS_MAX;
        assert_int_equal(change(&p, json)[0] == '\0', fits);
    }
    assert_int_equal(p.n_kinds, PREFERENCES_KINDS_MAX);
    assert_string_equal(change(&p, "{\"kinds\":{\"k7\":{\"email\":true}}}"), "");
    assert_string_equal(change(&p, "{\"kinds\":{\"k7\":null,\"new\":{\"email\":true}}}"), "");
}

static void somebody(struct person *person, const char *tenant, const char *user)
{
    person_init(person, tenant, user);
    snprintf(person->profile.name, PROFILE_NAME_SIZE, "%s of %s", user, tenant);
    person->changed_ms = 7;
    assert_string_equal(change(&person->preferences, "{\"channels\":{\"email\":false},\"kinds\":{"
                                                     "\"quota\":{\"email\":true}}}"),
                        "");
}

static void a_person_is_read_as_written(void **state)
{
    struct person person, read;
    struct buf record = {0};
    (void)state;
    somebody(&person, "acme", "ann");
    memset(person.profile.email, 'e', PROFILE_EMAIL_SIZE - 1);
    memset(person.profile.timezone, 't', PROFILE_TIMEZONE_SIZE - 1);
    person_write(&person, &record);
    person_init(&read, "acme", "ann");
    assert_true(person_read(&read, buf_slice(&record)));
    assert_memory_equal(&read.profile, &person.profile, sizeof person.profile);
    assert_memory_equal(&read.preferences, &person.preferences, sizeof person.preferences);
    assert_int_equal(read.changed_ms, 7);
    for (size_t len = 0; len < record.len; len++)
        assert_false(person_read(&read, slice_make(record.data, len)));
    buf_finish(&record);
}

static void a_tenant_is_forgotten_whole(void **state)
{
    static const char *const names[][2] = {{"acme", "ann"}, {"acme", "bob"}, {"acme-2", "ann"},
                                           {"acm", "ann"},  {"bolt", "eve"}, {"acme", "zoe"}};
    struct place place;
    struct store *store;
    struct person person;
    char why[WHY_BYTES];
    (void)state;
    place_make(&place);
    assert_int_equal(try_open(&place, 0, &store, why), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        somebody(&person, names[i][0], names[i][1]);
        assert_int_equal(person_save(store, &person), 0);
    }
    assert_int_equal(store_sync(store), 0);
    assert_int_equal(person_delete_all(store, "acme"), 3);
    assert_int_equal(person_delete_all(store, "ghost"), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int rc = person_load(store, names[i][0], names[i][1], &person);
        assert_int_equal(rc, strcmp(names[i][0], "acme") == 0 ? -ENOENT : 0);
        assert_string_equal(person.user, names[i][1]);
    }
    store_close(store);
    place_remove(&place);
}

static int free_buffers(void **state)
{
    (void)state;
    buf_finish(&message);
    buf_finish(&written);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_said_stays),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(kinds_are_bounded),
        cmocka_unit_test(a_person_is_read_as_written),
        cmocka_unit_test(a_tenant_is_forgotten_whole),
    };
    return cmocka_run_group_tests(tests, NULL, free_buffers);
}
