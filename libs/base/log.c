#include "base/clock.h"
#include "base/log_writer.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char *const level_text[] = {"debug", "info", "warn", "error"};
static atomic_int lowest = LOG_INFO;

struct line {
    char text[LOG_LINE_BYTES];
    size_t len;
    bool full; /* something was cut: nothing follows it */
};

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&lowest, (int)level, memory_order_relaxed);
}

int log_level_from_text(const char *text)
{
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++)
        if (strcmp(text, level_text[i]) == 0)
            return i;
    return -1;
}

/* All or nothing, so that an escape is never cut in half. The last two bytes are
 * kept for a closing quote and the newline. */
static void put(struct line *line, const char *text, size_t len)
{
    if (line->full || line->len + len > sizeof(line->text) - 2) {
        line->full = true;
        return;
    }
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

static void put_time(struct line *line)
{
    char text[CLOCK_TEXT_BYTES];
    clock_text(text, clock_now().unix_ms);
    put_text(line, "ts=");
    put_text(line, text);
}

static bool plain(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
}

static bool all_plain(const char *value)
{
    if (*value == '\0')
        return false;
    for (; *value != '\0'; value++)
        if (!plain((unsigned char)*value))
            return false;
    return true;
}

/* Values may come from strangers: nothing in them ends a line or steers a
 * terminal. */
static void put_escaped(struct line *line, unsigned char c)
{
    char text[8];
    if (c == '\n')
        put_text(line, "\\n");
    else if (c == '"' || c == '\\')
        put(line, (char[]){'\\', (char)c}, 2);
    else if (c >= ' ' && c < 0x7f)
        put(line, (char[]){(char)c}, 1);
    else {
        (void)snprintf(text, sizeof(text), "\\x%02x", c);
        put_text(line, text);
    }
}

static void put_value(struct line *line, const char *value)
{
    bool quoted = !all_plain(value);
    if (quoted)
        put_text(line, "\"");
    quoted = quoted && !line->full;
    for (; *value != '\0'; value++)
        put_escaped(line, (unsigned char)*value);
    if (quoted)
        line->text[line->len++] = '"';
}

static void put_pair(struct line *line, const char *key, const char *value)
{
    put_text(line, " ");
    put_text(line, key);
    put_text(line, "=");
    put_value(line, value);
}

void log_event(enum log_level level, const char *event, ...)
{
    struct line line;
    line.len = 0;
    line.full = false;
    const char *key;
    va_list args;
    if ((int)level < atomic_load_explicit(&lowest, memory_order_relaxed))
        return;
    put_time(&line);
    put_pair(&line, "level", level_text[level]);
    put_pair(&line, "event", event);
    va_start(args, event);
    while ((key = va_arg(args, const char *)) != NULL) {
        const char *value = va_arg(args, const char *);
        if (value != NULL)
            put_pair(&line, key, value);
    }
    va_end(args);
    line.text[line.len++] = '\n';
    log_emit(event, line.text, line.len);
}
