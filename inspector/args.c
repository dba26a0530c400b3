#include "args.h"

#include "duration.h"
#include "moment.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct args *args;
    const struct command *const *table;
    const struct opt *globals;
    char *const *argv;
    int argc, at;
};

static int wrong(struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int wrong(struct reading *reading, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(reading->args->error, sizeof reading->args->error, format, list);
    va_end(list);
    return -EINVAL;
}

void command_words(const struct command *command, unsigned *least, unsigned *most)
{
    *least = *most = 0;
    for (const char *at = command->arguments; *at;) {
        size_t len = strcspn(at, " ");
        *most += 1;
        *least += *at != '[';
        at += len + strspn(at + len, " ");
    }
}

/* ---- words ---- */

static const struct command *find_command(struct reading *reading, const char *noun,
                                          const char *verb)
{
    for (size_t i = 0; reading->table[i]; i++) {
        const struct command *command = reading->table[i];
        if (strcmp(command->noun, noun) != 0)
            continue;
        if (verb ? command->verb && strcmp(command->verb, verb) == 0
                 : command->usual || !command->verb)
            return command;
    }
    return NULL;
}

static bool knows_noun(struct reading *reading, const char *noun)
{
    for (size_t i = 0; reading->table[i]; i++)
        if (strcmp(reading->table[i]->noun, noun) == 0)
            return true;
    return false;
}

/* "list, show": what may follow the noun. */
static void list_verbs(struct reading *reading, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; reading->table[i]; i++) {
        const struct command *command = reading->table[i];
        if (strcmp(command->noun, reading->args->noun) == 0 && command->verb && len < size)
            len += (size_t)snprintf(out + len, size - len, "%s%s", len ? ", " : "", command->verb);
    }
}

static int take_word(struct reading *reading, const char *word)
{
    struct args *args = reading->args;
    if (!args->noun) {
        if (!knows_noun(reading, word))
            return wrong(reading, "unknown command '%.60s'", word);
        args->noun = word;
        args->command = find_command(reading, word, NULL);
        return 0;
    }
    bool may_be_verb = !args->verb_named && args->n_words == 0;
    const struct command *named = may_be_verb ? find_command(reading, args->noun, word) : NULL;
    if (named) {
        args->command = named;
        args->verb_named = true;
        return 0;
    }
    if (args->n_words == ARGS_WORDS_MAX)
        return wrong(reading, "too many arguments");
    args->words[args->n_words++] = word;
    return 0;
}

/* ---- options ---- */

const struct opt *args_find_opt(const struct opt *list, const char *name, size_t len)
{
    for (; list && list->name; list++) {
        if (strlen(list->name) == len && memcmp(list->name, name, len) == 0)
            return list;
        if (len == 1 && list->letter == name[0])
            return list;
    }
    return NULL;
}

/* The noun may still await its verb: any of its commands' options will do until it is known. */
static const struct opt *find_opt(struct reading *reading, const char *name, size_t len)
{
    const struct args *args = reading->args;
    const struct opt *opt = args_find_opt(reading->globals, name, len);
    if (!opt && args->command)
        opt = args_find_opt(args->command->options, name, len);
    for (size_t i = 0; !opt && args->noun && reading->table[i]; i++)
        if (strcmp(reading->table[i]->noun, args->noun) == 0)
            opt = args_find_opt(reading->table[i]->options, name, len);
    return opt;
}

bool args_is_choice(const char *choices, const char *text)
{
    size_t len = strlen(text);
    for (const char *at = choices; *at;) {
        size_t word = strcspn(at, "|");
        if (word == len && memcmp(at, text, len) == 0)
            return true;
        at += word + (at[word] == '|');
    }
    return false;
}

static bool read_count(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno || value == 0)
        return false;
    *out = value;
    return true;
}

static int check_value(struct reading *reading, struct given *given)
{
    const struct opt *opt = given->opt;
    const char *text = given->text;
    if (opt->kind == OPT_COUNT && !read_count(text, &given->number))
        return wrong(reading, "--%s wants a number from 1, not '%.40s'", opt->name, text);
    if (opt->kind == OPT_TIME && !duration_parse(text, &given->number))
        return wrong(reading, "--%s wants a duration like 30s or 1h30m, not '%.40s'", opt->name,
                     text);
    if (opt->kind == OPT_MOMENT && !moment_parse(text, &given->number))
        return wrong(reading, "--%s wants a date like 2026-12-31 or 2026-12-31T18:30Z, not '%.40s'",
                     opt->name, text);
    if (opt->kind == OPT_CHOICE && !args_is_choice(opt->value, text))
        return wrong(reading, "--%s is one of %s, not '%.40s'", opt->name, opt->value, text);
    return 0;
}

/* The value of an option that has none attached: the next argument. */
static const char *value_behind(struct reading *reading, const struct opt *opt)
{
    const char *next = reading->at < reading->argc ? reading->argv[reading->at] : NULL;
    uint64_t ignored;
    const char *digit = next && next[0] == '-' ? next + 1 : next;
    bool looks_like_one = next && isdigit((unsigned char)*digit);
    if (!next || (opt->value_may_lack && !looks_like_one && !duration_parse(next, &ignored)))
        return NULL;
    reading->at++;
    return next;
}

static int take_opt(struct reading *reading, const struct opt *opt, const char *attached)
{
    struct args *args = reading->args;
    struct given given = {.opt = opt, .text = attached};
    if (opt->kind == OPT_FLAG && attached)
        return wrong(reading, "--%s takes no value", opt->name);
    if (opt->kind != OPT_FLAG && !attached)
        given.text = value_behind(reading, opt);
    bool lacks = !given.text || (!*given.text && (opt->kind == OPT_TEXT || opt->kind == OPT_FILE));
    if (opt->kind != OPT_FLAG && lacks && !opt->value_may_lack)
        return wrong(reading, "--%s needs a value: %s", opt->name, opt->value);
    int rc = given.text ? check_value(reading, &given) : 0;
    if (rc)
        return rc;
    if (args->n_given == ARGS_GIVEN_MAX)
        return wrong(reading, "too many options");
    args->given[args->n_given++] = given;
    return 0;
}

static int take_long(struct reading *reading, const char *text)
{
    size_t len = strcspn(text, "=");
    const struct opt *opt = len > 1 ? find_opt(reading, text, len) : NULL;
    if (!opt)
        return wrong(reading, "unknown option '--%.*s'", len > 60 ? 60 : (int)len, text);
    return take_opt(reading, opt, text[len] ? text + len + 1 : NULL);
}

/* "-o json", "-ojson" and "-o=json". */
static int take_short(struct reading *reading, const char *text)
{
    const struct opt *opt = find_opt(reading, text, 1);
    if (!opt)
        return wrong(reading, "unknown option '-%c'", text[0]);
    const char *rest = text + 1;
    return take_opt(reading, opt, *rest ? rest + (*rest == '=') : NULL);
}

/* "-" is standard input and "-5" is JSON: neither is an option. */
static bool is_option(const char *text)
{
    return text[0] == '-' && text[1] && !isdigit((unsigned char)text[1]);
}

static bool is_help(const char *text)
{
    return strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0;
}

static int take_all(struct reading *reading)
{
    bool only_words = false;
    while (reading->at < reading->argc) {
        const char *text = reading->argv[reading->at++];
        int rc;
        if (!only_words && strcmp(text, "--") == 0) {
            only_words = true;
            continue;
        }
        if (only_words || !is_option(text))
            rc = take_word(reading, text);
        else if (text[1] == '-')
            rc = take_long(reading, text + 2);
        else
            rc = take_short(reading, text + 1);
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- what only the whole line can tell ---- */

static int check_words(struct reading *reading)
{
    const struct args *args = reading->args;
    unsigned least, most;
    char verbs[96];
    list_verbs(reading, verbs, sizeof verbs);
    if (!args->command && args->n_words)
        return wrong(reading, "%s has no '%.40s'; it has: %s", args->noun, args->words[0], verbs);
    if (!args->command)
        return wrong(reading, "%s needs one of: %s", args->noun, verbs);
    command_words(args->command, &least, &most);
    if (args->n_words > most && args->command->usual && most == 0)
        return wrong(reading, "%s has no '%.40s'; it has: %s", args->noun, args->words[0], verbs);
    if (args->n_words > most)
        return wrong(reading, "unexpected '%.60s'", args->words[most]);
    if (args->n_words < least)
        return wrong(reading, "missing argument: %s", args->command->arguments);
    return 0;
}

static int check_given(struct reading *reading)
{
    const struct args *args = reading->args;
    for (unsigned i = 0; i < args->n_given; i++) {
        const char *name = args->given[i].opt->name;
        size_t len = strlen(name);
        if (!args_find_opt(reading->globals, name, len) &&
            !args_find_opt(args->command->options, name, len))
            return wrong(reading, "--%s does not belong to %s%s%s", name, args->noun,
                         args->command->verb ? " " : "",
                         args->command->verb ? args->command->verb : "");
    }
    return 0;
}

/* Help must be reachable from any line, however wrong: what can be understood of the
 * words decides what it is about. */
static bool asks_for_help(struct reading *reading)
{
    bool asked = false;
    for (int i = 0; i < reading->argc && strcmp(reading->argv[i], "--") != 0; i++)
        asked = asked || is_help(reading->argv[i]);
    for (int i = 0; asked && i < reading->argc; i++)
        if (!is_option(reading->argv[i]))
            (void)take_word(reading, reading->argv[i]);
    return asked;
}

int args_parse(struct args *args, const struct command *const *table, const struct opt *globals,
               int argc, char *const *argv)
{
    struct reading reading = {args, table, globals, argv, argc, 0};
    *args = (struct args){0};
    args->help = asks_for_help(&reading);
    if (args->help)
        return 0;
    int rc = take_all(&reading);
    if (rc)
        return rc;
    if (!args->noun)
        return 0;
    rc = check_words(&reading);
    return rc ? rc : check_given(&reading);
}

/* ---- what commands ask ---- */

static const struct given *last_given(const struct args *args, const char *name)
{
    for (unsigned i = args->n_given; i-- > 0;)
        if (strcmp(args->given[i].opt->name, name) == 0)
            return &args->given[i];
    return NULL;
}

bool args_has(const struct args *args, const char *name)
{
    return last_given(args, name) != NULL;
}

const char *args_text(const struct args *args, const char *name, const char *otherwise)
{
    const struct given *given = last_given(args, name);
    return given && given->text ? given->text : otherwise;
}

uint64_t args_number(const struct args *args, const char *name, uint64_t otherwise)
{
    const struct given *given = last_given(args, name);
    return given && given->text ? given->number : otherwise;
}

const char *args_next(const struct args *args, const char *name, unsigned *cursor)
{
    while (*cursor < args->n_given) {
        const struct given *given = &args->given[(*cursor)++];
        if (strcmp(given->opt->name, name) == 0)
            return given->text;
    }
    return NULL;
}

const char *args_word(const struct args *args, unsigned at)
{
    return at < args->n_words ? args->words[at] : NULL;
}
