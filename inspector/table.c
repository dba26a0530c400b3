#include "table.h"

#include "base/mem.h"
#include "human.h"

#include <stdlib.h>

struct table_cell {
    size_t start, len; /* in table->text */
    unsigned width;    /* characters */
    enum tone tone;
};

static const char *const tone_codes[] = {"", "\033[32m", "\033[33m", "\033[31m"};

void table_init(struct table *table, const struct table_head *heads, unsigned n_columns)
{
    *table = (struct table){.heads = heads, .n_columns = n_columns};
}

void table_finish(struct table *table)
{
    buf_finish(&table->text);
    mem_free(table->cells);
    table->cells = NULL;
    table->n_cells = table->cells_cap = 0;
}

/* UTF-8: every byte that does not continue a character starts one. */
static unsigned width_of(struct slice text)
{
    unsigned width = 0;
    for (size_t i = 0; i < text.len; i++)
        width += (text.data[i] & 0xc0) != 0x80;
    return width;
}

void table_add(struct table *table, struct slice text, enum tone tone)
{
    if (table->n_cells == table->cells_cap) {
        table->cells_cap = table->cells_cap ? 2 * table->cells_cap : 64;
        table->cells = mem_realloc(table->cells, table->cells_cap * sizeof *table->cells);
    }
    struct table_cell *cell = &table->cells[table->n_cells++];
    cell->start = table->text.len;
    human_text(&table->text, text.len ? text : slice_of("-"));
    cell->len = table->text.len - cell->start;
    cell->width = width_of(slice_make(table->text.data + cell->start, cell->len));
    cell->tone = tone;
}

size_t table_rows(const struct table *table)
{
    return table->n_cells / table->n_columns;
}

static int by_first_cell(const void *a, const void *b, void *text)
{
    const struct table_cell *left = a, *right = b;
    const uint8_t *base = ((const struct buf *)text)->data;
    size_t len = left->len < right->len ? left->len : right->len;
    int order = memcmp(base + left->start, base + right->start, len);
    return order ? order : (left->len > right->len) - (left->len < right->len);
}

void table_sort(struct table *table)
{
    if (table->n_cells)
        qsort_r(table->cells, table_rows(table), table->n_columns * sizeof *table->cells,
                by_first_cell, &table->text);
}

static void pad(struct buf *out, unsigned width)
{
    buf_printf(out, "%*s", (int)width, "");
}

static void print_cell(struct buf *out, struct slice text, unsigned padding,
                       const struct table_head *head, bool last, const char *code)
{
    if (head->right)
        pad(out, padding);
    buf_printf(out, "%s%.*s%s", code, SLICE_FMT(text), *code ? "\033[0m" : "");
    if (!last)
        pad(out, (head->right ? 0 : padding) + 2);
}

static bool has_titles(const struct table *table)
{
    for (unsigned c = 0; c < table->n_columns; c++)
        if (table->heads[c].title)
            return true;
    return false;
}

static void measure(const struct table *table, unsigned widths[TABLE_COLUMNS_MAX])
{
    for (unsigned c = 0; c < table->n_columns; c++)
        widths[c] = width_of(slice_of(table->heads[c].title));
    for (size_t at = 0; at < table->n_cells; at += table->n_columns) {
        const struct table_cell *row = &table->cells[at];
        for (unsigned c = 0; c < table->n_columns; c++)
            widths[c] = row[c].width > widths[c] ? row[c].width : widths[c];
    }
}

static void print_titles(const struct table *table, const unsigned widths[TABLE_COLUMNS_MAX],
                         bool colour, struct buf *out)
{
    for (unsigned c = 0; c < table->n_columns; c++) {
        struct slice title = slice_of(table->heads[c].title);
        print_cell(out, title, widths[c] - width_of(title), &table->heads[c],
                   c + 1 == table->n_columns, colour ? "\033[1m" : "");
    }
    buf_append(out, "\n", 1);
}

static void print_row(const struct table *table, const struct table_cell *row,
                      const unsigned widths[TABLE_COLUMNS_MAX], bool colour, struct buf *out)
{
    for (unsigned c = 0; c < table->n_columns; c++)
        print_cell(out, slice_make(table->text.data + row[c].start, row[c].len),
                   widths[c] - row[c].width, &table->heads[c], c + 1 == table->n_columns,
                   colour ? tone_codes[row[c].tone] : "");
    buf_append(out, "\n", 1);
}

void table_print(const struct table *table, bool colour, struct buf *out)
{
    unsigned widths[TABLE_COLUMNS_MAX];
    measure(table, widths);
    if (has_titles(table))
        print_titles(table, widths, colour, out);
    for (size_t at = 0; at < table->n_cells; at += table->n_columns)
        print_row(table, &table->cells[at], widths, colour, out);
}
