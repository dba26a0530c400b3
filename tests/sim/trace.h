/* trace.h - what happened: a hash of everything always, lines for people on demand.
 * The same seed must give the same hash. */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;

enum trace_mode {
    TRACE_HASH,  /* nothing but the hash */
    TRACE_KEEP,  /* remember the last lines */
    TRACE_PRINT, /* print every line */
};

#define TRACE_LINES 60u
#define TRACE_LINE_BYTES 200u

struct trace {
    enum trace_mode mode;
    uint64_t hash;
    char (*lines)[TRACE_LINE_BYTES];
    size_t n_lines;
};

void trace_init(struct trace *trace, enum trace_mode mode);
void trace_finish(struct trace *trace);
void trace_number(struct trace *trace, uint64_t number);
void trace_bytes(struct trace *trace, const void *bytes, size_t len);
void trace_show_last(const struct trace *trace);

void trace_line(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Arguments are evaluated only when somebody reads the line. */
#define TRACE(world, ...)                      \
    do {                                       \
        if ((world)->trace.mode != TRACE_HASH) \
            trace_line((world), __VA_ARGS__);  \
    } while (0)

#endif
