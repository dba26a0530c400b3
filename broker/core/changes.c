#include "core/changes.h"

#include "core/journal.h"

/* A change: the lengths of key (2 bytes) and record (4), then both. */
#define HEAD_BYTES 6u

static void append(struct buf *out, struct slice bytes)
{
    if (bytes.len > 0)
        buf_append(out, bytes.data, bytes.len);
}

void changes_add(struct core *core, struct buf *changes, struct slice key, struct slice record)
{
    journal_put(changes, key.len, 2);
    journal_put(changes, record.len, 4);
    append(changes, key);
    append(changes, record);
    journal_touch(core);
}

void changes_write(struct buf *changes, struct buf *content)
{
    append(content, buf_slice(changes));
    changes->len = 0;
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
