#include "help.h"

#include <ctype.h>

#define COLUMNS 80u
#define MEANING 34u /* the column where meanings start */

void help_usage(struct buf *out, const struct command *command)
{
    buf_printf(out, "%s", command->noun);
    if (command->verb)
        buf_printf(out, command->usual ? " [%s]" : " %s", command->verb);
    if (*command->arguments)
        buf_printf(out, " %s", command->arguments);
}

void help_option(struct buf *out, const struct opt *opt)
{
    if (opt->letter)
        buf_printf(out, "-%c, ", opt->letter);
    buf_printf(out, "--%s", opt->name);
    if (opt->kind != OPT_FLAG)
        buf_printf(out, opt->value_may_lack ? " [%s]" : " %s", opt->value);
}

void help_where(struct buf *out, const struct args *args)
{
    const struct command *command = args->command;
    if (args->noun)
        buf_printf(out, "%s ", args->noun);
    if (command && command->verb && !command->usual)
        buf_printf(out, "%s ", command->verb);
    buf_printf(out, "--help");
}

/* Appends the words, broken before COLUMNS, every further line indented. */
static void print_wrapped(struct buf *out, const char *text, size_t indent)
{
    size_t column = indent;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column > indent && column + 1 + word > COLUMNS) {
            buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        }
        buf_printf(out, "%s%.*s", column > indent ? " " : "", (int)word, text);
        column += word + (column > indent);
        text += word + strspn(text + word, " ");
    }
    buf_printf(out, "\n");
}

/* A term and what it means, the latter in a column of its own; uses up the label. */
static void print_entry(struct buf *out, struct buf *label, const char *text)
{
    if (label->len + 4 > MEANING)
        buf_printf(out, "  %.*s\n%*s", SLICE_FMT(buf_slice(label)), (int)MEANING, "");
    else
        buf_printf(out, "  %-*.*s", (int)MEANING - 2, SLICE_FMT(buf_slice(label)));
    print_wrapped(out, text, MEANING);
    label->len = 0;
}

/* Without those that the command means otherwise. */
static void print_options(struct buf *out, const char *title, const struct opt *options,
                          const struct opt *hidden)
{
    struct buf label = {0};
    if (!options || !options->name)
        return;
    buf_printf(out, "\n%s:\n", title);
    for (; options->name; options++) {
        if (args_find_opt(hidden, options->name, strlen(options->name)))
            continue;
        help_option(&label, options);
        print_entry(out, &label, options->help);
    }
    buf_finish(&label);
}

/* Every command, or those of one noun. */
static void print_commands(struct buf *out, const struct command *const *table, const char *noun)
{
    struct buf label = {0};
    buf_printf(out, "\nCommands:\n");
    for (; *table; table++) {
        if (noun && strcmp(noun, (*table)->noun) != 0)
            continue;
        help_usage(&label, *table);
        print_entry(out, &label, (*table)->summary);
    }
    buf_finish(&label);
}

void help_summary(struct buf *out, const struct command *command)
{
    buf_printf(out, "%c%s.\n", toupper((unsigned char)command->summary[0]), command->summary + 1);
}

static void print_command(struct buf *out, const struct command *command, const struct opt *globals)
{
    buf_printf(out, "Usage: farebox ");
    help_usage(out, command);
    buf_printf(out, " [OPTION]...\n\n");
    help_summary(out, command);
    if (command->about) {
        buf_printf(out, "\n");
        print_wrapped(out, command->about, 0);
    }
    print_options(out, "Options", command->options, NULL);
    print_options(out, "Options of every command", globals, command->options);
}

static void print_noun(struct buf *out, const char *noun, const struct command *const *table,
                       const struct opt *globals)
{
    buf_printf(out, "Usage: farebox %s COMMAND [OPTION]...\n", noun);
    print_commands(out, table, noun);
    print_options(out, "Options of every command", globals, NULL);
}

static void print_everything(struct buf *out, const struct command *const *table,
                             const struct opt *globals)
{
    buf_printf(out, "farebox - look into a Farebox bus, and drive it\n\n"
                    "Usage: farebox COMMAND [OPTION]...\n");
    print_commands(out, table, NULL);
    print_options(out, "Options of every command", globals, NULL);
    buf_printf(out,
               "\n\"farebox COMMAND --help\" says more; farebox(1) lists the exit statuses.\n");
}

static unsigned commands_of(const struct command *const *table, const char *noun)
{
    unsigned count = 0;
    for (; *table; table++)
        count += strcmp((*table)->noun, noun) == 0;
    return count;
}

void help_print(struct buf *out, const struct args *args, const struct command *const *table,
                const struct opt *globals)
{
    bool about_noun = args->command && args->command->usual && !args->verb_named &&
                      commands_of(table, args->noun) > 1;
    if (!args->noun)
        print_everything(out, table, globals);
    else if (!args->command || about_noun)
        print_noun(out, args->noun, table, globals);
    else
        print_command(out, args->command, globals);
}
