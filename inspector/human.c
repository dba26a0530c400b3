#include "human.h"

#include <time.h>

/* Below ten one decimal, from there on none: three significant characters either way. */
static void scaled(struct buf *out, double value, const char *suffix)
{
    buf_printf(out, value < 9.95 ? "%.1f%s" : "%.0f%s", value, suffix);
}

/* Divides by `base` while the rounded figure would need a fourth digit. */
static void with_suffix(struct buf *out, uint64_t number, double base, const char *const *suffixes,
                        size_t n_suffixes)
{
    double value = (double)number;
    size_t at = 0;
    while (at + 1 < n_suffixes && value >= base - 0.5) {
        value /= base;
        at++;
    }
    if (at == 0)
        buf_printf(out, "%.0f%s", value, suffixes[0]);
    else
        scaled(out, value, suffixes[at]);
}

void human_count(struct buf *out, uint64_t count)
{
    static const char *const suffixes[] = {"", "k", "M", "G", "T", "P", "E"};
    with_suffix(out, count, 1000, suffixes, 7);
}

void human_bytes(struct buf *out, uint64_t bytes)
{
    static const char *const suffixes[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
    with_suffix(out, bytes, 1024, suffixes, 7);
}

void human_micros(struct buf *out, uint64_t micros)
{
    static const char *const suffixes[] = {" us", " ms", " s"};
    with_suffix(out, micros, 1000, suffixes, 3);
}

void human_nanos(struct buf *out, uint64_t nanos)
{
    static const char *const suffixes[] = {" ns", " us", " ms", " s"};
    with_suffix(out, nanos, 1000, suffixes, 4);
}

void human_span(struct buf *out, uint64_t ms)
{
    unsigned long long s = ms / 1000, m = s / 60, h = m / 60, d = h / 24;
    if (ms < 1000)
        buf_printf(out, "%llums", (unsigned long long)ms);
    else if (m == 0)
        buf_printf(out, "%llus", s);
    else if (h == 0)
        buf_printf(out, "%llum%02llus", m, s % 60);
    else if (d == 0)
        buf_printf(out, "%lluh%02llum", h, m % 60);
    else
        buf_printf(out, "%llud%02lluh", d, h % 24);
}

static void moment(struct buf *out, int64_t unix_s, const char *format)
{
    char text[40];
    time_t seconds = (time_t)unix_s;
    struct tm utc;
    if (!gmtime_r(&seconds, &utc) || strftime(text, sizeof text, format, &utc) == 0)
        buf_printf(out, "%lld", (long long)unix_s);
    else
        buf_printf(out, "%s", text);
}

void human_date(struct buf *out, int64_t unix_s)
{
    moment(out, unix_s, "%Y-%m-%d %H:%M:%SZ");
}

void human_clock(struct buf *out, uint64_t unix_ms)
{
    moment(out, (int64_t)(unix_ms / 1000), "%H:%M:%S");
    buf_printf(out, ".%03u", (unsigned)(unix_ms % 1000));
}

/* U+0080 to U+009F, in UTF-8, are the terminal's eight-bit control codes. */
static bool is_c1(struct slice text, size_t at)
{
    return text.data[at] == 0xc2 && at + 1 < text.len && text.data[at + 1] >= 0x80 &&
           text.data[at + 1] < 0xa0;
}

void human_text(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_c1(text, i)) {
            buf_append(out, "?", 1);
            i++;
        } else {
            bool control = text.data[i] < 0x20 || text.data[i] == 0x7f;
            buf_append(out, control ? "?" : (const char *)&text.data[i], 1);
        }
    }
}
