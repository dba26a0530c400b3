#include "prices.h"

#include "base/mem.h"
#include "common/date.h"

#include <errno.h>

#define TRADING_DAYS_A_YEAR 252
#define MONTHS_A_YEAR 12

static bool find_column(const fbx_value *fields, const char *name, uint32_t *out)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        char text[16];
        fbx_value field = fbx_at(fields, i);
        if (fbx_as_text(&field, text, sizeof text) && strcmp(text, name) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool read_bar(struct history *history, const fbx_value *row, uint32_t date, uint32_t close)
{
    size_t i = history->prices.count;
    fbx_value day = fbx_at(row, date), price = fbx_at(row, close);
    if (day.type != FBX_TEXT ||
        !date_parse(slice_make(day.as.bytes.data, day.as.bytes.len), &history->days[i]))
        return false;
    history->closes[i] = fbx_as_double(&price, 0);
    history->prices.count++;
    return history->closes[i] > 0 && (i == 0 || history->days[i] > history->days[i - 1]);
}

static bool read_bars(struct history *history, const fbx_value *fields, const fbx_value *bars)
{
    uint32_t date, close;
    fbx_value row;
    const unsigned char *cursor = NULL;
    if (!find_column(fields, "date", &date) || !find_column(fields, "close", &close))
        return false;
    history->days = mem_alloc(bars->count * sizeof *history->days + 1);
    history->closes = mem_alloc(bars->count * sizeof *history->closes + 1);
    while (fbx_next(bars, &cursor, &row))
        if (!read_bar(history, &row, date, close))
            return false;
    history->prices.days = history->days;
    history->prices.closes = history->closes;
    return true;
}

static bool read_interval(struct history *history, const fbx_value *map)
{
    fbx_value interval = fbx_map_get(map, "interval");
    if (!fbx_as_text(&interval, history->interval, sizeof history->interval))
        return false;
    bool daily = strcmp(history->interval, "daily") == 0;
    history->prices.periods_a_year = daily ? TRADING_DAYS_A_YEAR : MONTHS_A_YEAR;
    return daily || strcmp(history->interval, "monthly") == 0;
}

int history_read(struct history *history, fbx_bytes payload)
{
    fbx_value map;
    *history = (struct history){0};
    if (!fbx_read(payload, &map))
        return -EBADMSG;
    fbx_value symbol = fbx_map_get(&map, "symbol");
    fbx_value fields = fbx_map_get(&map, "fields"), bars = fbx_map_get(&map, "bars");
    bool good = fbx_as_text(&symbol, history->symbol, sizeof history->symbol) &&
                fields.type == FBX_ARRAY && bars.type == FBX_ARRAY &&
                read_interval(history, &map) && read_bars(history, &fields, &bars);
    return good ? 0 : -EBADMSG;
}

void history_finish(struct history *history)
{
    mem_free(history->days);
    mem_free(history->closes);
}
