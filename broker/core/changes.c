#include "core/changes.h"

#include "core/journal.h"

/* A change: the lengths of key (2 bytes) and record (4), then both. */
#define HEAD_BYTES 6u

static void append(struct buf *out, struct slice bytes)
{
    if (bytes.len > 0)
        buf_append(out, bytes.data, bytes.len);
}

static void put(struct buf *changes, struct slice key, struct slice record)
{
    journal_put(changes, key.len, 2);
    journal_put(changes, record.len, 4);
    append(changes, key);
    append(changes, record);
}

void changes_add(struct core *core, struct buf *changes, struct slice key, struct slice record)
{
    put(changes, key, record);
    journal_touch(core);
}

/* Of whole changes as many bytes as a section takes; of one at least. */
static size_t portion(struct slice changes)
{
    size_t len = 0;
    while (len < changes.len && len < JOURNAL_SECTION_MAX) {
        struct slice rest = slice_make(changes.data + len, changes.len - len);
        size_t key = journal_take(&rest, 2), record = journal_take(&rest, 4);
        len += HEAD_BYTES + key + record;
    }
    return len;
}

void changes_write(struct core *core, struct buf *changes, struct buf *content)
{
    size_t len = portion(buf_slice(changes));
    append(content, slice_make(changes->data, len));
    if (len < changes->len) {
        memmove(changes->data, changes->data + len, changes->len - len);
        journal_touch(core);
    }
    changes->len -= len;
}

int changes_read(struct core *core, struct slice content,
                 int (*take)(struct core *core, struct slice key, struct slice record))
{
    int err = 0;
    while (!err && content.len >= HEAD_BYTES) {
        size_t key = journal_take(&content, 2), record = journal_take(&content, 4);
        if (key == 0 || key + record > content.len)
            return 0;
        err = take(core, slice_make(content.data, key), slice_make(content.data + key, record));
        content = slice_make(content.data + key + record, content.len - key - record);
    }
    return err;
}

void changes_book(struct core *core, struct buf *owed, struct slice key, struct slice record,
                  int (*give)(struct core *core, struct slice key, struct slice record))
{
    if (owed->len > 0 || give(core, key, record) < 0)
        put(owed, key, record);
}

bool changes_settle(struct core *core, struct buf *owed,
                    int (*give)(struct core *core, struct slice key, struct slice record))
{
    bool settled = changes_read(core, buf_slice(owed), give) == 0;
    if (settled)
        owed->len = 0;
    return settled;
}
