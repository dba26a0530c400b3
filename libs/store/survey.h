/* survey.h - reading a whole file of the store without LMDB, which trusts what it
 * finds: every page has to be where it is said to be, in one place only, every key in its order,
 * every count right. What is damaged is skipped and noticed, the rest is read. */
#ifndef STORE_SURVEY_H
#define STORE_SURVEY_H

#include "store/page.h"

struct survey_file {
    struct page_file file; /* mapped: must not shrink meanwhile */
};

/* Negative errno of opening or mapping. */
int survey_open(struct survey_file *file, const char *path);
void survey_close(struct survey_file *file);

/* LMDB keeps the state before the last transaction too. */
enum survey_state { SURVEY_NEWEST, SURVEY_PREVIOUS };

struct survey_verdict {
    bool readable;      /* the state exists */
    bool consistent;    /* LMDB may be trusted with it */
    size_t transaction; /* its number, as LMDB notes it */
};

/* Hands over each record as it stands on disk, whether its bytes are right or not. The slices
 * borrow from the file. */
typedef void survey_fn(void *arg, struct slice table, struct slice key, struct slice raw);
struct survey_verdict survey_read(const struct survey_file *file, enum survey_state state,
                                  survey_fn *each, void *arg);

#endif
