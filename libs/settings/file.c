#include "settings/file.h"

#include "base/file.h"
#include "base/mem.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <string.h>

#define FILE_BYTES_MAX (1024u * 1024u)

/* ---- the lines of a flat file ---- */

/* libcyaml reports the place before an unknown or repeated key. All keys are at the top level,
 * so their lines are easily found here. */
struct key_line {
    struct slice text, key;
    unsigned number;
    size_t next; /* offset of the following line */
};

static struct slice key_of(struct slice line)
{
    size_t start = 0, end = 0;
    if (line.len && (line.data[0] == '"' || line.data[0] == '\''))
        start = end = 1;
    while (end < line.len && line.data[end] != ':' && line.data[end] != '"' &&
           line.data[end] != '\'' && line.data[end] > ' ')
        end++;
    bool is_key = end > start && line.data[start] != '#' && line.data[start] != '-' &&
                  memchr(line.data + end, ':', line.len - end);
    return is_key ? slice_make(line.data + start, end - start) : slice_make(line.data, 0);
}

static bool next_line(struct slice text, struct key_line *at)
{
    if (at->next >= text.len)
        return false;
    const uint8_t *start = text.data + at->next;
    size_t left = text.len - at->next;
    const uint8_t *end = memchr(start, '\n', left);
    size_t len = end ? (size_t)(end - start) : left;
    at->next += len + 1;
    at->number++;
    at->text = slice_make(start, len);
    at->key = key_of(at->text);
    return true;
}

static bool next_key(struct slice text, struct key_line *at)
{
    bool more = next_line(text, at);
    while (more && at->key.len == 0)
        more = next_line(text, at);
    return more;
}

/* "  - an item" */
static bool begins_item(struct slice line)
{
    size_t dash = 0;
    while (dash < line.len && line.data[dash] == ' ')
        dash++;
    return dash < line.len && line.data[dash] == '-' &&
           (dash + 1 == line.len || line.data[dash + 1] <= ' ');
}

/* The lines of a list's items, behind that of its key. NULL: they are not an item a line. */
static unsigned *find_items(struct slice text, struct key_line at, uint32_t n)
{
    unsigned *lines = mem_zalloc((n + 1) * sizeof *lines);
    uint32_t found = 0;
    while (next_line(text, &at) && at.key.len == 0) {
        if (!begins_item(at.text))
            continue;
        if (found < n)
            lines[found] = at.number;
        found++;
    }
    if (found == n)
        return lines;
    mem_free(lines);
    return NULL;
}

static size_t index_of(const struct settings_program *program, struct slice key)
{
    size_t i = 0;
    while (i < program->n && !slice_is(key, program->table[i].key))
        i++;
    return i;
}

static void find_lines(const struct settings_program *program, struct slice text,
                       struct settings_file *file)
{
    struct key_line at = {0};
    while (next_key(text, &at)) {
        size_t i = index_of(program, at.key);
        if (i == program->n)
            continue;
        file->lines[i] = at.number;
        if (file->values[i].n_items > 0 && !file->item_lines[i])
            file->item_lines[i] = find_items(text, at, file->values[i].n_items);
    }
}

static bool find_bad_key(const struct settings_program *program, struct slice text,
                         const char *path, char *why, size_t why_len)
{
    unsigned seen[SETTINGS_MAX] = {0};
    struct key_line at = {0};
    while (next_key(text, &at)) {
        size_t i = index_of(program, at.key);
        int len = at.key.len > 64 ? 64 : (int)at.key.len;
        if (i == program->n) {
            snprintf(why, why_len, "%s:%u: unknown setting \"%.*s\"", path, at.number, len,
                     (const char *)at.key.data);
            return true;
        }
        if (seen[i]) {
            snprintf(why, why_len, "%s:%u: %s was set in line %u already", path, at.number,
                     program->table[i].key, seen[i]);
            return true;
        }
        seen[i] = at.number;
    }
    return false;
}

/* ---- libcyaml ---- */

struct complaint {
    char text[160];
    unsigned line;
};

__attribute__((format(printf, 3, 0))) static void note(cyaml_log_t level, void *arg,
                                                       const char *format, va_list args)
{
    struct complaint *complaint = arg;
    char text[sizeof complaint->text];
    (void)level;
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    const char *line = strstr(text, "line: ");
    if (line && !complaint->line)
        sscanf(line, "line: %u", &complaint->line);
    if (!complaint->text[0])
        snprintf(complaint->text, sizeof complaint->text, "%s",
                 strncmp(text, "Load: ", 6) == 0 ? text + 6 : text);
}

static const cyaml_schema_value_t item_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};

static cyaml_schema_field_t schema_field(const struct settings_program *program, size_t i)
{
    uint32_t offset = (uint32_t)(i * sizeof(struct settings_file_value));
    cyaml_schema_field_t field = {.key = program->table[i].key};
    field.value.flags = CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER;
    if (program->table[i].kind == KIND_LIST) {
        field.data_offset = offset + (uint32_t)offsetof(struct settings_file_value, items);
        field.count_offset = offset + (uint32_t)offsetof(struct settings_file_value, n_items);
        field.count_size = sizeof(uint32_t);
        field.value.type = CYAML_SEQUENCE;
        field.value.data_size = sizeof(char *);
        field.value.sequence.entry = &item_schema;
        field.value.sequence.max = CYAML_UNLIMITED;
    } else {
        field.data_offset = offset + (uint32_t)offsetof(struct settings_file_value, text);
        field.value.type = CYAML_STRING;
        field.value.data_size = sizeof(char);
        field.value.string.max = CYAML_UNLIMITED;
    }
    return field;
}

struct schema {
    cyaml_schema_field_t fields[SETTINGS_MAX + 1]; /* the last one stays empty */
    cyaml_schema_value_t top;
};

static void schema_init(const struct settings_program *program, struct schema *schema)
{
    memset(schema, 0, sizeof *schema);
    for (size_t i = 0; i < program->n; i++)
        schema->fields[i] = schema_field(program, i);
    schema->top.type = CYAML_MAPPING;
    schema->top.flags = CYAML_FLAG_POINTER;
    schema->top.data_size = sizeof(struct settings_file_value[SETTINGS_MAX]);
    schema->top.mapping.fields = schema->fields;
}

static cyaml_config_t cyaml_options(struct complaint *complaint)
{
    return (cyaml_config_t){.log_fn = note,
                            .log_ctx = complaint,
                            .mem_fn = cyaml_mem,
                            .log_level = CYAML_LOG_WARNING,
                            .flags = CYAML_CFG_NO_ALIAS};
}

static void explain(const struct complaint *complaint, cyaml_err_t err, const char *path, char *why,
                    size_t why_len)
{
    const char *text = complaint->text[0] ? complaint->text : cyaml_strerror(err);
    if (complaint->line)
        snprintf(why, why_len, "%s:%u: %s", path, complaint->line, text);
    else
        snprintf(why, why_len, "%s: %s", path, text);
}

static int parse(const struct settings_program *program, struct settings_file *file,
                 struct slice text, const char *path, char *why, size_t why_len)
{
    struct complaint complaint = {0};
    struct schema schema;
    cyaml_config_t options = cyaml_options(&complaint);
    cyaml_data_t *loaded = NULL;
    schema_init(program, &schema);
    cyaml_err_t err = cyaml_load_data(text.data, text.len, &options, &schema.top, &loaded, NULL);
    if (err != CYAML_OK || complaint.text[0]) {
        if (!find_bad_key(program, text, path, why, why_len))
            explain(&complaint, err, path, why, why_len);
        cyaml_free(&options, &schema.top, loaded, 0);
        return -EINVAL;
    }
    file->loaded = loaded;
    if (loaded) /* an empty document is an empty mapping */
        memcpy(file->values, loaded, sizeof file->values);
    return 0;
}

/* ---- the file ---- */

int settings_file_read(const struct settings_program *program, struct settings_file *file,
                       const char *path, char *why, size_t why_len)
{
    struct buf text = {0};
    memset(file, 0, sizeof *file);
    int err = file_read(&text, path, FILE_BYTES_MAX);
    if (err)
        snprintf(why, why_len, "%s: %s", path, strerror(-err));
    else
        err = parse(program, file, buf_slice(&text), path, why, why_len);
    if (!err)
        find_lines(program, buf_slice(&text), file);
    buf_finish(&text);
    return err;
}

void settings_file_finish(const struct settings_program *program, struct settings_file *file)
{
    struct complaint complaint = {0};
    struct schema schema;
    cyaml_config_t options = cyaml_options(&complaint);
    schema_init(program, &schema);
    cyaml_free(&options, &schema.top, file->loaded, 0);
    for (size_t i = 0; i < program->n; i++)
        mem_free(file->item_lines[i]);
    memset(file, 0, sizeof *file);
}
