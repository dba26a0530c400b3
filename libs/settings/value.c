#include "settings/value.h"

#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static void *field(const struct setting *setting, void *settings)
{
    return (char *)settings + setting->offset;
}

static const void *const_field(const struct setting *setting, const void *settings)
{
    return (const char *)settings + setting->offset;
}

void setting_env_name(const struct settings_program *program, const struct setting *setting,
                      char *name)
{
    snprintf(name, SETTING_ENV_BYTES, "%s%s", program->env_prefix, setting->key);
    for (char *c = name; *c; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
}

/* ---- from text ---- */

static const struct {
    const char *suffix;
    unsigned shift;
} byte_units[] = {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};

static bool read_digits(const char **text, uint64_t *out)
{
    uint64_t value = 0;
    if (!isdigit((unsigned char)**text))
        return false;
    for (; isdigit((unsigned char)**text); (*text)++) {
        unsigned digit = (unsigned)(**text - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

static bool read_unit(const char *text, bool bytes, uint64_t *value)
{
    size_t n = bytes ? sizeof byte_units / sizeof byte_units[0] : 1;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(text, byte_units[i].suffix) != 0)
            continue;
        if (*value > UINT64_MAX >> byte_units[i].shift)
            return false;
        *value <<= byte_units[i].shift;
        return true;
    }
    return false;
}

static int assign_number(const struct setting *setting, void *settings, const char *text, char *why,
                         size_t why_len)
{
    bool bytes = setting->kind == KIND_BYTES;
    const char *rest = text;
    uint64_t value = 0;
    if (!read_digits(&rest, &value) || !read_unit(rest, bytes, &value) || value < setting->min ||
        value > setting->max) {
        snprintf(why, why_len, "must be %" PRIu64 " to %" PRIu64 "%s, not \"%.64s\"", setting->min,
                 setting->max, bytes ? " bytes (KiB, MiB and GiB may follow)" : "", text);
        return -EINVAL;
    }
    if (bytes)
        *(size_t *)field(setting, settings) = (size_t)value;
    else
        *(uint32_t *)field(setting, settings) = (uint32_t)value;
    return 0;
}

static int assign_level(const struct setting *setting, void *settings, const char *text, char *why,
                        size_t why_len)
{
    int level = log_level_from_text(text);
    if (level < 0) {
        snprintf(why, why_len, "must be %s, not \"%.64s\"", setting->doc, text);
        return -EINVAL;
    }
    *(enum log_level *)field(setting, settings) = (enum log_level)level;
    return 0;
}

static int check_text(const char *text, uint64_t max, char *why, size_t why_len)
{
    if (strlen(text) > max) {
        snprintf(why, why_len, "is longer than %" PRIu64 " bytes", max);
        return -EINVAL;
    }
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            snprintf(why, why_len, "contains a control character");
            return -EINVAL;
        }
    }
    return 0;
}

static int assign_text(const struct setting *setting, void *settings, const char *text, char *why,
                       size_t why_len)
{
    int err = check_text(text, setting->max, why, why_len);
    if (err)
        return err;
    char **place = field(setting, settings);
    mem_free(*place);
    *place = mem_strdup(text);
    return 0;
}

#define LIST_ITEM_BYTES_MAX 4000u

static int append_item(const struct setting *setting, void *settings, const char *text, char *why,
                       size_t why_len)
{
    struct text_list *list = field(setting, settings);
    int err = check_text(text, LIST_ITEM_BYTES_MAX, why, why_len);
    if (!err && (!*text || list->n >= setting->max)) {
        snprintf(why, why_len, "takes 1 to %" PRIu64 " values, none of them empty", setting->max);
        err = -EINVAL;
    }
    if (err)
        return err;
    list->items = mem_realloc(list->items, (list->n + 1) * sizeof *list->items);
    list->items[list->n++] = mem_strdup(text);
    return 0;
}

int setting_assign(const struct setting *setting, void *settings, const char *text, char *why,
                   size_t why_len)
{
    switch (setting->kind) {
    case KIND_TEXT:
        return assign_text(setting, settings, text, why, why_len);
    case KIND_LIST:
        return append_item(setting, settings, text, why, why_len);
    case KIND_LEVEL:
        return assign_level(setting, settings, text, why, why_len);
    case KIND_NUMBER:
    case KIND_BYTES:
        break;
    }
    return assign_number(setting, settings, text, why, why_len);
}

/* ---- as a whole ---- */

static size_t field_size(const struct setting *setting)
{
    switch (setting->kind) {
    case KIND_TEXT:
        return sizeof(char *);
    case KIND_LIST:
        return sizeof(struct text_list);
    case KIND_LEVEL:
        return sizeof(enum log_level);
    case KIND_NUMBER:
        return sizeof(uint32_t);
    case KIND_BYTES:
        break;
    }
    return sizeof(size_t);
}

void setting_clear(const struct setting *setting, void *settings)
{
    void *place = field(setting, settings);
    if (setting->kind == KIND_TEXT) {
        mem_free(*(char **)place);
    } else if (setting->kind == KIND_LIST) {
        struct text_list *list = place;
        for (size_t i = 0; i < list->n; i++)
            mem_free(list->items[i]);
        mem_free(list->items);
    }
    memset(place, 0, field_size(setting));
}

void setting_swap(const struct setting *setting, void *a, void *b)
{
    uint8_t kept[sizeof(struct text_list)];
    size_t size = field_size(setting);
    memcpy(kept, field(setting, a), size);
    memcpy(field(setting, a), field(setting, b), size);
    memcpy(field(setting, b), kept, size);
}

static bool lists_equal(const struct text_list *a, const struct text_list *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    }
    return true;
}

bool setting_equal(const struct setting *setting, const void *a, const void *b)
{
    const void *left = const_field(setting, a);
    const void *right = const_field(setting, b);
    if (setting->kind == KIND_TEXT)
        return strcmp(*(char *const *)left, *(char *const *)right) == 0;
    if (setting->kind == KIND_LIST)
        return lists_equal(left, right);
    return memcmp(left, right, field_size(setting)) == 0;
}

/* ---- to text ---- */

static void write_quoted(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void write_items(const struct text_list *list, FILE *out)
{
    if (list->n == 0)
        fputs(" []", out);
    for (size_t i = 0; i < list->n; i++) {
        fputs("\n  - ", out);
        write_quoted(list->items[i], out);
    }
}

void setting_write(const struct setting *setting, const void *settings, FILE *out)
{
    const void *value = const_field(setting, settings);
    fprintf(out, "%s:", setting->key);
    switch (setting->kind) {
    case KIND_TEXT:
        fputc(' ', out);
        write_quoted(*(char *const *)value, out);
        break;
    case KIND_LIST:
        write_items(value, out);
        break;
    case KIND_LEVEL:
        fprintf(out, " %s", level_names[*(const enum log_level *)value]);
        break;
    case KIND_NUMBER:
        fprintf(out, " %" PRIu32, *(const uint32_t *)value);
        break;
    case KIND_BYTES:
        fprintf(out, " %zu", *(const size_t *)value);
        break;
    }
    fputc('\n', out);
}
