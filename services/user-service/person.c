#include "person.h"

#include "common/fields.h"
#include "farebox.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>

#define TABLE "persons"
#define KEY_SIZE (TENANT_SIZE + USER_SIZE)

void person_init(struct person *person, const char *tenant, const char *user)
{
    *person = (struct person){0};
    (void)snprintf(person->tenant, sizeof person->tenant, "%s", tenant);
    (void)snprintf(person->user, sizeof person->user, "%s", user);
    preferences_init(&person->preferences);
}

/* ---- records ---- */

void person_write(const struct person *person, struct buf *out)
{
    fbx_writer w = {0};
    fbx_write_map(&w, 7);
    field_put_text(&w, "name", person->profile.name);
    field_put_text(&w, "email", person->profile.email);
    field_put_text(&w, "locale", person->profile.locale);
    field_put_text(&w, "timezone", person->profile.timezone);
    fbx_write_text(&w, "changed");
    fbx_write_uint(&w, person->changed_ms);
    preferences_write(&person->preferences, &w);
    buf_append(out, w.data, w.len);
    fbx_writer_free(&w);
}

bool person_read(struct person *person, struct slice record)
{
    struct arguments said = {0};
    struct profile *profile = &person->profile;
    if (!fbx_read((fbx_bytes){record.data, record.len}, &said.map))
        return false;
    fbx_value changed = fbx_map_get(&said.map, "changed");
    person->changed_ms = (uint64_t)fbx_as_int(&changed, 0);
    preferences_read(&person->preferences, &said);
    return said.wrong[0] == '\0' &&
           field_get_text(&said.map, "name", profile->name, sizeof profile->name) &&
           field_get_text(&said.map, "email", profile->email, sizeof profile->email) &&
           field_get_text(&said.map, "locale", profile->locale, sizeof profile->locale) &&
           field_get_text(&said.map, "timezone", profile->timezone, sizeof profile->timezone);
}

/* ---- the store ---- */

static struct slice key_of(char out[KEY_SIZE], const char *tenant, const char *user)
{
    (void)snprintf(out, KEY_SIZE, "%s/%s", tenant, user);
    return slice_of(out);
}

int person_load(struct store *store, const char *tenant, const char *user, struct person *out)
{
    char key[KEY_SIZE];
    struct buf record = {0};
    person_init(out, tenant, user);
    int rc = store_get(store, TABLE, key_of(key, tenant, user), &record);
    if (rc == 0 && !person_read(out, buf_slice(&record)))
        rc = -EILSEQ;
    buf_finish(&record);
    return rc;
}

int person_save(struct store *store, const struct person *person)
{
    char key[KEY_SIZE];
    struct buf record = {0};
    person_write(person, &record);
    int rc = store_put(store, TABLE, key_of(key, person->tenant, person->user), buf_slice(&record));
    buf_finish(&record);
    return rc;
}

int person_delete(struct store *store, const char *tenant, const char *user)
{
    char key[KEY_SIZE];
    return store_delete(store, TABLE, key_of(key, tenant, user));
}

struct walk {
    struct store *store;
    struct slice prefix;
    int n; /* or an error */
};

/* Stops behind the tenant's last. */
static int delete_one(void *arg, struct slice key, struct slice record)
{
    struct walk *walk = arg;
    (void)record;
    if (key.len < walk->prefix.len || memcmp(key.data, walk->prefix.data, walk->prefix.len) != 0)
        return 1;
    int rc = store_delete(walk->store, TABLE, key);
    walk->n = rc == 0 ? walk->n + 1 : rc;
    return rc;
}

int person_delete_all(struct store *store, const char *tenant)
{
    char prefix[KEY_SIZE];
    struct walk walk = {.store = store, .prefix = key_of(prefix, tenant, "")};
    int rc = store_scan_from(store, TABLE, walk.prefix, delete_one, &walk);
    return rc < 0 ? rc : walk.n;
}
