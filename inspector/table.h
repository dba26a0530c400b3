/* table.h - aligned columns for people. Pure. Cells are filled row by row; text from strangers
 * is made harmless for the terminal. */
#ifndef INSPECTOR_TABLE_H
#define INSPECTOR_TABLE_H

#include "base/buf.h"

#define TABLE_COLUMNS_MAX 16u

enum tone { TONE_PLAIN, TONE_GOOD, TONE_WARNING, TONE_BAD };

struct table_head {
    const char *title;
    bool right; /* numbers align on the right */
};

struct table_cell;

struct table {
    const struct table_head *heads; /* borrowed */
    unsigned n_columns;             /* from 1 to TABLE_COLUMNS_MAX */
    struct buf text;                /* of all cells */
    struct table_cell *cells;
    size_t n_cells, cells_cap;
};

void table_init(struct table *table, const struct table_head *heads, unsigned n_columns);
void table_finish(struct table *table);
/* The next cell, left to right. Empty text shows as "-". */
void table_add(struct table *table, struct slice text, enum tone tone);
/* Orders the rows by the text of their first cell. */
void table_sort(struct table *table);
size_t table_rows(const struct table *table);
/* Only whole rows. Appends the titles (unless all are NULL) and the rows, two spaces between
 * columns, none at the end of a line. */
void table_print(const struct table *table, bool colour, struct buf *out);

#endif
