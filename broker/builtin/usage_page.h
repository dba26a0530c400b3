/* usage_page.h - a stretch of the meter's rows, and then of the credits, added up into groups. */
#ifndef BUILTIN_USAGE_PAGE_H
#define BUILTIN_USAGE_PAGE_H

#include "builtin/packing.h"
#include "core/meter.h"

struct core;

#define USAGE_PAGE_ROWS 4096u
/* For who does not see all tenants: an answer holds everybody up. */
#define USAGE_PAGE_ROWS_OF_TENANTS 256u
#define USAGE_PAGE_GROUPS 1024u /* of the longest names they fit a frame */

enum usage_part { USAGE_TIME, USAGE_TENANT, USAGE_USER, USAGE_SERVICE, USAGE_METHOD, USAGE_PARTS };

struct usage_question {
    struct slice from, to;            /* beginnings of hours, both included; empty: any */
    struct slice wanted[USAGE_PARTS]; /* empty: any; not for USAGE_TIME */
    bool by[USAGE_PARTS];
    size_t time_len;     /* by[USAGE_TIME]: so much of the hour's text */
    struct slice cursor; /* of the page before; empty: begin with `from` */
    uint64_t rows;       /* to look at, wanted or not; at most USAGE_PAGE_ROWS */
    bool bills;          /* whoever asks may know whom tenants are billed as */
};

struct usage_group {
    struct slice parts[USAGE_PARTS]; /* those it is grouped by; the others are empty */
    struct usage usage;
    uint64_t voided; /* calls that were credited */
};

/* All of it lives until the turn ends. */
struct usage_page {
    struct usage_group **groups; /* in the order of their parts */
    size_t n_groups;
    struct slice next; /* cursor of the next page; empty: this was the last */
};

/* Is the time behind the end that is asked for; is it of the row that is? */
bool usage_is_past(struct slice time, struct slice end);
bool usage_is_wanted(const struct usage_question *question, const struct usage_key *of);

/* Negative errno of the books. */
int usage_page_read(struct core *core, const struct usage_question *question,
                    struct usage_page *out);

#endif
