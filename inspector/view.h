/* view.h - what the broker says about itself, as tables: each command lists its columns. */
#ifndef INSPECTOR_VIEW_H
#define INSPECTOR_VIEW_H

#include "cli.h"

enum unit {
    UNIT_TEXT, /* texts, numbers and truth values as they are */
    UNIT_LIST, /* an array of texts */
    UNIT_JSON, /* whatever it is */
    UNIT_STATE,
    UNIT_COUNT,
    UNIT_LIMIT, /* a count of which 0 means that there is none */
    UNIT_BYTES,
    UNIT_MICROS,
    UNIT_NANOS,
    UNIT_SPAN,   /* milliseconds */
    UNIT_WAIT,   /* the same; 0: none */
    UNIT_SINCE,  /* Unix milliseconds, shown as the time passed since */
    UNIT_DATE,   /* Unix seconds */
    UNIT_MOMENT, /* Unix milliseconds; 0 is never */
};

struct column {
    const char *title; /* NULL ends a list */
    const char *key;   /* in the map, or "outer.inner" */
    enum unit unit;
};

/* Appends one row for each map in the array, in the array's order or by the first column, or
 * "no <things>". */
void view_list(struct buf *out, const struct cli *cli, const fbx_value *array,
               const struct column *columns, const char *things);
void view_sorted(struct buf *out, const struct cli *cli, const fbx_value *array,
                 const struct column *columns, const char *things);
/* Appends one line for each column: its title and its value. */
void view_item(struct buf *out, const struct cli *cli, const fbx_value *map,
               const struct column *columns);
/* Appends one line of all columns: "title value, title value". */
void view_line(struct buf *out, const fbx_value *map, const struct column *columns);
/* Appends how to ask for the page behind the answer, if there is one. */
void view_next(struct buf *out, const fbx_value *answer);
/* Appends a reply as one line of JSON. */
void view_json(struct buf *out, const fbx_reply *reply);

#endif
