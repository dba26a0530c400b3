#include "account.h"

#include "base/mem.h"
#include "common/fields.h"
#include "farebox.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>

#define TABLE "accounts"

/* ---- in memory ---- */

static void drop_permissions(struct account *account)
{
    for (size_t i = 0; i < account->n_permissions; i++)
        mem_free(account->permissions[i]);
    mem_free(account->permissions);
    account->permissions = NULL;
    account->n_permissions = 0;
}

void account_finish(struct account *account)
{
    drop_permissions(account);
    *account = (struct account){0};
}

void account_set_permissions(struct account *account, const char *const *texts, size_t n)
{
    drop_permissions(account);
    account->permissions = mem_zalloc((n + 1) * sizeof *account->permissions);
    for (size_t i = 0; i < n; i++)
        account->permissions[account->n_permissions++] = mem_strdup(texts[i]);
}

const char *account_key(char out[ACCOUNT_KEY_SIZE], const char *tenant, const char *user)
{
    (void)snprintf(out, ACCOUNT_KEY_SIZE, "%s/%s", tenant, user);
    return out;
}

/* ---- writing ---- */

static void put_bytes(fbx_writer *w, const char *key, const uint8_t *bytes, size_t len)
{
    fbx_write_text(w, key);
    fbx_write_bin(w, (fbx_bytes){bytes, len});
}

static void put_family(fbx_writer *w, const struct family *family)
{
    fbx_write_map(w, 6);
    put_bytes(w, "id", family->id, sizeof family->id);
    put_bytes(w, "digest", family->digest, sizeof family->digest);
    field_put_text(w, "token", family->token_id);
    field_put_uint(w, "token_ends", (uint64_t)family->token_ends_s);
    field_put_uint(w, "until", (uint64_t)family->until_s);
    field_put_uint(w, "used", (uint64_t)family->used_s);
}

void account_write(const struct account *account, struct buf *out)
{
    fbx_writer w = {0};
    fbx_write_map(&w, 8);
    field_put_text(&w, "hash", account->hash);
    fbx_write_text(&w, "permissions");
    fbx_write_array(&w, (uint32_t)account->n_permissions);
    for (size_t i = 0; i < account->n_permissions; i++)
        fbx_write_text(&w, account->permissions[i]);
    fbx_write_text(&w, "disabled");
    fbx_write_bool(&w, account->disabled);
    field_put_uint(&w, "valid_from", (uint64_t)account->valid_from_s);
    field_put_uint(&w, "created", account->created_ms);
    field_put_uint(&w, "changed", account->changed_ms);
    field_put_uint(&w, "login", account->login_ms);
    fbx_write_text(&w, "families");
    fbx_write_array(&w, account->families.n);
    for (unsigned i = 0; i < account->families.n; i++)
        put_family(&w, &account->families.list[i]);
    buf_append(out, w.data, w.len);
    fbx_writer_free(&w);
}

/* ---- reading ---- */

static int64_t get_number(const fbx_value *map, const char *key)
{
    fbx_value value = fbx_map_get(map, key);
    return fbx_as_int(&value, 0);
}

static bool get_bytes(const fbx_value *map, const char *key, uint8_t *out, size_t len)
{
    fbx_value value = fbx_map_get(map, key);
    if (value.type != FBX_BIN || value.as.bytes.len != len)
        return false;
    memcpy(out, value.as.bytes.data, len);
    return true;
}

static bool read_family(struct family *out, const fbx_value *map)
{
    out->token_ends_s = get_number(map, "token_ends");
    out->until_s = get_number(map, "until");
    out->used_s = get_number(map, "used");
    return get_bytes(map, "id", out->id, sizeof out->id) &&
           get_bytes(map, "digest", out->digest, sizeof out->digest) &&
           field_get_text(map, "token", out->token_id, sizeof out->token_id);
}

static bool read_families(struct families *out, const fbx_value *array)
{
    for (uint32_t i = 0; i < array->count; i++) {
        fbx_value map = fbx_at(array, i);
        if (out->n == FAMILIES_MAX || !read_family(&out->list[out->n++], &map))
            return false;
    }
    return true;
}

static bool read_permissions(struct account *account, const fbx_value *array)
{
    account->permissions = mem_zalloc((array->count + 1) * sizeof *account->permissions);
    for (uint32_t i = 0; i < array->count; i++) {
        char text[ACCOUNT_PERMISSIONS_BYTES + 1];
        fbx_value value = fbx_at(array, i);
        if (!fbx_as_text(&value, text, sizeof text))
            return false;
        account->permissions[account->n_permissions++] = mem_strdup(text);
    }
    return true;
}

static bool read_key(struct account *account, struct slice key)
{
    const uint8_t *stroke = memchr(key.data, '/', key.len);
    if (!stroke || key.len >= ACCOUNT_KEY_SIZE)
        return false;
    int before = (int)(stroke - key.data), behind = (int)key.len - before - 1;
    (void)snprintf(account->tenant, TENANT_SIZE, "%.*s", before, (const char *)key.data);
    (void)snprintf(account->user, USER_SIZE, "%.*s", behind, (const char *)stroke + 1);
    return true;
}

bool account_read(struct account *account, struct slice key, struct slice record)
{
    fbx_value map;
    struct account read = {0};
    if (!fbx_read((fbx_bytes){record.data, record.len}, &map))
        return false;
    fbx_value permissions = fbx_map_get(&map, "permissions");
    fbx_value families = fbx_map_get(&map, "families"), disabled = fbx_map_get(&map, "disabled");
    read.disabled = fbx_as_bool(&disabled, true);
    read.valid_from_s = get_number(&map, "valid_from");
    read.created_ms = (uint64_t)get_number(&map, "created");
    read.changed_ms = (uint64_t)get_number(&map, "changed");
    read.login_ms = (uint64_t)get_number(&map, "login");
    if (read_key(&read, key) && field_get_text(&map, "hash", read.hash, sizeof read.hash) &&
        permissions.type == FBX_ARRAY && read_permissions(&read, &permissions) &&
        families.type == FBX_ARRAY && read_families(&read.families, &families)) {
        *account = read;
        return true;
    }
    account_finish(&read);
    return false;
}

/* ---- in the store ---- */

int account_load(struct store *store, const char *tenant, const char *user, struct account *out)
{
    char key[ACCOUNT_KEY_SIZE];
    struct buf record = {0};
    struct slice name = slice_of(account_key(key, tenant, user));
    int rc = store_get(store, TABLE, name, &record);
    if (rc == 0 && !account_read(out, name, buf_slice(&record)))
        rc = -EILSEQ;
    buf_finish(&record);
    return rc;
}

int account_save(struct store *store, const struct account *account)
{
    char key[ACCOUNT_KEY_SIZE];
    struct buf record = {0};
    account_write(account, &record);
    int rc = store_put(store, TABLE, slice_of(account_key(key, account->tenant, account->user)),
                       buf_slice(&record));
    buf_finish(&record);
    return rc;
}

int account_delete(struct store *store, const struct account *account)
{
    char key[ACCOUNT_KEY_SIZE];
    return store_delete(store, TABLE, slice_of(account_key(key, account->tenant, account->user)));
}

struct walk {
    struct slice prefix, after;
    int (*each)(void *arg, const struct account *account);
    void *arg;
};

/* Stops behind the tenant's last. */
static int visit(void *arg, struct slice key, struct slice record)
{
    const struct walk *walk = arg;
    struct account account;
    if (key.len < walk->prefix.len || memcmp(key.data, walk->prefix.data, walk->prefix.len) != 0)
        return 1;
    if (slice_equal(key, walk->after) || !account_read(&account, key, record))
        return 0;
    int rc = walk->each(walk->arg, &account);
    account_finish(&account);
    return rc;
}

int account_each(struct store *store, const char *tenant, const char *after,
                 int (*each)(void *arg, const struct account *account), void *arg)
{
    char prefix[ACCOUNT_KEY_SIZE], from[ACCOUNT_KEY_SIZE];
    const struct walk walk = {.prefix = slice_of(account_key(prefix, tenant, "")),
                              .after = slice_of(account_key(from, tenant, after)),
                              .each = each,
                              .arg = arg};
    return store_scan_from(store, TABLE, walk.after, visit, (void *)(uintptr_t)&walk);
}
