#include "trace.h"

#include "base/mem.h"
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void trace_init(struct trace *trace, enum trace_mode mode)
{
    *trace = (struct trace){.mode = mode, .hash = UINT64_C(0xcbf29ce484222325)};
    if (mode == TRACE_KEEP)
        trace->lines = mem_zalloc(TRACE_LINES * sizeof *trace->lines);
}

void trace_finish(struct trace *trace)
{
    mem_free(trace->lines);
}

void trace_number(struct trace *trace, uint64_t number)
{
    uint64_t mixed = (trace->hash ^ number) * UINT64_C(0x9e3779b97f4a7c15);
    trace->hash = mixed ^ (mixed >> 29);
}

void trace_bytes(struct trace *trace, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    trace_number(trace, len);
    for (; len >= 8; len -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        trace_number(trace, word);
    }
    uint64_t rest = 0;
    if (len > 0)
        memcpy(&rest, at, len);
    trace_number(trace, rest);
}

void trace_line(struct world *world, const char *format, ...)
{
    struct trace *trace = &world->trace;
    char line[TRACE_LINE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (trace->mode == TRACE_PRINT)
        printf("%11.6f  %s\n", (double)world->now / 1e9, line);
    else
        snprintf(trace->lines[trace->n_lines++ % TRACE_LINES], TRACE_LINE_BYTES, "%11.6f  %.180s",
                 (double)world->now / 1e9, line);
}

void trace_show_last(const struct trace *trace)
{
    size_t first = trace->n_lines > TRACE_LINES ? trace->n_lines - TRACE_LINES : 0;
    for (size_t i = first; i < trace->n_lines; i++)
        printf("  %s\n", trace->lines[i % TRACE_LINES]);
}
