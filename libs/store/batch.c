#include "store/batch.h"

#include "base/mem.h"

void batch_init(struct batch *batch)
{
    map_init(&batch->writes);
    batch->bytes = 0;
}

static size_t weight(const struct write *write)
{
    return sizeof *write + write->name.len + write->record.len;
}

static struct write *write_create(enum write_kind kind, struct slice table, struct slice key,
                                  struct slice record)
{
    size_t name_len = table.len + 1 + key.len;
    struct write *write = mem_alloc(sizeof *write + name_len + record.len);
    uint8_t *text = (uint8_t *)(write + 1);
    memcpy(text, table.data, table.len);
    text[table.len] = '\0';
    memcpy(text + table.len + 1, key.data, key.len);
    if (record.len)
        memcpy(text + name_len, record.data, record.len);
    *write = (struct write){.kind = kind,
                            .table = slice_make(text, table.len),
                            .key = slice_make(text + table.len + 1, key.len),
                            .record = slice_make(text + name_len, record.len),
                            .name = slice_make(text, name_len)};
    return write;
}

static void insert(struct batch *batch, struct write *write)
{
    struct write *old = map_put(&batch->writes, write->name, write);
    if (old)
        batch->bytes -= weight(old);
    mem_free(old);
    batch->bytes += weight(write);
}

void batch_clear(struct batch *batch)
{
    size_t cursor = 0;
    void *write;
    while ((write = map_next(&batch->writes, &cursor)))
        mem_free(write);
    map_finish(&batch->writes);
    batch_init(batch);
}

void batch_add(struct batch *batch, enum write_kind kind, struct slice table, struct slice key,
               struct slice record)
{
    insert(batch, write_create(kind, table, key, record));
}

const struct write *batch_find(const struct batch *batch, struct slice table, struct slice key)
{
    uint8_t name[BATCH_TABLE_MAX + 1 + BATCH_KEY_MAX];
    memcpy(name, table.data, table.len);
    name[table.len] = '\0';
    memcpy(name + table.len + 1, key.data, key.len);
    return map_get(&batch->writes, slice_make(name, table.len + 1 + key.len));
}

struct write *batch_next(const struct batch *batch, size_t *cursor)
{
    return map_next(&batch->writes, cursor);
}

void batch_merge(struct batch *newer, struct batch *older)
{
    size_t cursor = 0;
    struct write *write;
    while ((write = map_next(&older->writes, &cursor))) {
        if (map_get(&newer->writes, write->name))
            mem_free(write);
        else
            insert(newer, write);
    }
    map_finish(&older->writes);
    batch_init(older);
}

struct batch batch_rest(const struct batch *batch)
{
    struct batch rest = {0};
    size_t cursor = 0;
    struct write *write;
    while ((write = map_next(&batch->writes, &cursor))) {
        if (!write->taken)
            insert(&rest, write);
    }
    return rest;
}

void batch_clear_taken(struct batch *batch)
{
    size_t cursor = 0;
    struct write *write;
    while ((write = map_next(&batch->writes, &cursor))) {
        if (write->taken)
            mem_free(write);
    }
    map_finish(&batch->writes);
    batch_init(batch);
}
