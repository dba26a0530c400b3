#include "packing.h"

#include "base/mem.h"
#include "common/date.h"

const char *packing_interval(enum bars_interval interval)
{
    return interval == BARS_DAILY ? "daily" : "monthly";
}

void packing_write_day(fbx_writer *w, int32_t day)
{
    char text[DATE_TEXT_SIZE];
    date_print(day, text);
    fbx_write_text(w, text);
}

static const char *const daily_fields[] = {"date", "open", "high", "low", "close", "volume"};
static const char *const monthly_fields[] = {"date", "close"};

uint32_t packing_fields(const struct series *series)
{
    return series->interval == BARS_DAILY ? 6 : 2;
}

static const char *field_name(const struct series *series, uint32_t index)
{
    return series->interval == BARS_DAILY ? daily_fields[index] : monthly_fields[index];
}

static void write_field(fbx_writer *w, const struct series *series, const struct bar *bar,
                        uint32_t index)
{
    const double prices[] = {bar->open, bar->high, bar->low, bar->close};
    if (index == 0)
        packing_write_day(w, bar->day);
    else if (series->interval == BARS_MONTHLY)
        fbx_write_double(w, bar->close);
    else if (index <= 4)
        fbx_write_double(w, prices[index - 1]);
    else
        fbx_write_uint(w, bar->volume);
}

void packing_write_fields(fbx_writer *w, const struct series *series)
{
    fbx_write_array(w, packing_fields(series));
    for (uint32_t i = 0; i < packing_fields(series); i++)
        fbx_write_text(w, field_name(series, i));
}

void packing_write_pairs(fbx_writer *w, const struct series *series, const struct bar *bar)
{
    for (uint32_t i = 0; i < packing_fields(series); i++) {
        fbx_write_text(w, field_name(series, i));
        write_field(w, series, bar, i);
    }
}

static void write_row(fbx_writer *w, const struct series *series, const struct bar *bar)
{
    fbx_write_array(w, packing_fields(series));
    for (uint32_t i = 0; i < packing_fields(series); i++)
        write_field(w, series, bar, i);
}

void packed_rows_init(struct packed_rows *packed, const struct series *series)
{
    *packed = (struct packed_rows){0};
    packed->offsets = mem_alloc((series->count + 1) * sizeof *packed->offsets);
    for (size_t i = 0; i < series->count; i++) {
        packed->offsets[i] = packed->rows.len;
        write_row(&packed->rows, series, &series->bars[i]);
    }
    packed->offsets[series->count] = packed->rows.len;
}

void packed_rows_finish(struct packed_rows *packed)
{
    fbx_writer_free(&packed->rows);
    mem_free(packed->offsets);
    packed->offsets = NULL;
}

struct slice packed_rows_in(const struct packed_rows *packed, struct bars_range range)
{
    size_t from = packed->offsets[range.first];
    size_t to = packed->offsets[range.first + range.count];
    return slice_make(packed->rows.data + from, to - from);
}
