/* audit.h - reading a whole file of the store without LMDB, which trusts what it
 * finds: every page has to be where it is said to be, in one place only, every key in its order,
 * every count right. What is damaged is skipped and noticed, the rest is read. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "store/page.h"

struct audit_file {
    struct page_file file; /* mapped: must not shrink meanwhile */
};

/* Negative errno of opening or mapping. */
int audit_open(struct audit_file *file, const char *path);
void audit_close(struct audit_file *file);

/* LMDB keeps the state before the last transaction too. */
enum audit_state { AUDIT_NEWEST, AUDIT_PREVIOUS };

struct audit_verdict {
    bool readable;      /* the state exists */
    bool consistent;    /* LMDB may be trusted with it */
    size_t transaction; /* its number, as LMDB notes it */
};

/* Hands over each record as it stands on disk, whether its bytes are right or not. The slices
 * borrow from the file. */
typedef void audit_fn(void *arg, struct slice table, struct slice key, struct slice raw);
struct audit_verdict audit_read(const struct audit_file *file, enum audit_state state,
                                audit_fn *each, void *arg);

#endif
