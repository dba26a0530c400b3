#include "completion.h"

#include <ctype.h>
#include <string.h>

/* What a script walks over: the table of commands, then one list of options after another. */
struct source {
    const struct command *const *table;
    const struct opt *globals;
};

/* The options there are, by number: the global ones first, then each command's. NULL past the last.
 */
static const struct opt *option_at(const struct source *source, size_t number)
{
    for (const struct opt *opt = source->globals; opt->name; opt++)
        if (number-- == 0)
            return opt;
    for (const struct command *const *at = source->table; *at; at++)
        for (const struct opt *opt = (*at)->options; opt && opt->name; opt++)
            if (number-- == 0)
                return opt;
    return NULL;
}

/* Commands share names of options: the first stands for all. */
static bool first_of_name(const struct source *source, const struct opt *wanted)
{
    const struct opt *opt;
    size_t number = 0;
    while (strcmp((opt = option_at(source, number))->name, wanted->name) != 0)
        number++;
    return opt == wanted;
}

static void print_words(struct buf *out, const char *choices)
{
    for (; *choices; choices++)
        buf_append(out, *choices == '|' ? " " : choices, 1);
}

/* "bash|zsh|fish" rather than "SERVICE" or "[JSON|-]". */
static bool is_choices(const char *arguments)
{
    return islower((unsigned char)*arguments) && strchr(arguments, '|');
}

static bool first_of_noun(const struct source *source, const struct command *command)
{
    const struct command *const *at = source->table;
    while (strcmp((*at)->noun, command->noun) != 0)
        at++;
    return *at == command;
}

/* ---- bash and zsh: one function, two dialects ---- */

static bool takes_word(const struct opt *opt)
{
    return opt->kind != OPT_FLAG && !opt->value_may_lack;
}

static bool takes_file(const struct opt *opt)
{
    return opt->kind == OPT_FILE;
}

static bool takes_anything(const struct opt *opt)
{
    return takes_word(opt) && opt->kind != OPT_FILE && opt->kind != OPT_CHOICE;
}

static void print_pattern(struct buf *out, const struct opt *opt)
{
    if (opt->letter)
        buf_printf(out, "-%c | ", opt->letter);
    buf_printf(out, "--%s", opt->name);
}

/* "--this | --that) action ;;" for all options of a kind. */
static void print_branch(struct buf *out, const struct source *source,
                         bool (*of_kind)(const struct opt *opt), const char *action)
{
    const char *between = "    ";
    const struct opt *opt;
    for (size_t number = 0; (opt = option_at(source, number)) != NULL; number++) {
        if (!of_kind(opt) || !first_of_name(source, opt))
            continue;
        buf_printf(out, "%s", between);
        print_pattern(out, opt);
        between = " | ";
    }
    if (*between == ' ' && between[1] == '|')
        buf_printf(out, ") %s ;;\n", action);
}

static void print_choices(struct buf *out, const struct source *source)
{
    const struct opt *opt;
    for (size_t number = 0; (opt = option_at(source, number)) != NULL; number++) {
        if (opt->kind != OPT_CHOICE || !first_of_name(source, opt))
            continue;
        buf_printf(out, "    ");
        print_pattern(out, opt);
        buf_printf(out, ") _farebox_words '");
        print_words(out, opt->value);
        buf_printf(out, "'; return ;;\n");
    }
}

static void print_names(struct buf *out, const struct opt *options)
{
    for (; options && options->name; options++)
        buf_printf(out, " --%s", options->name);
}

static void print_verbs(struct buf *out, const struct source *source, const char *noun)
{
    for (const struct command *const *at = source->table; *at; at++)
        if (strcmp((*at)->noun, noun) == 0 && (*at)->verb)
            buf_printf(out, "%s ", (*at)->verb);
}

static void print_case(struct buf *out, const struct command *command)
{
    if (command->verb)
        buf_printf(out, "    '%s %s') offers='", command->noun, command->verb);
    else
        buf_printf(out, "    '%s '*) offers='", command->noun);
    if (is_choices(command->arguments))
        print_words(out, command->arguments);
    buf_printf(out, "' options='");
    print_names(out, command->options);
    buf_printf(out, "' ;;\n");
}

/* Until its verb is there, a noun offers its verbs and the options of what it means alone. */
static void print_noun_case(struct buf *out, const struct source *source, const char *noun)
{
    const struct opt *options = NULL;
    for (const struct command *const *at = source->table; *at; at++)
        if (strcmp((*at)->noun, noun) == 0 && (*at)->usual)
            options = (*at)->options;
    buf_printf(out, "    '%s '*) offers='", noun);
    print_verbs(out, source, noun);
    buf_printf(out, "' options='");
    print_names(out, options);
    buf_printf(out, "' ;;\n");
}

static void print_cases(struct buf *out, const struct source *source)
{
    buf_printf(out, "    case \"$noun $verb\" in\n    ' ') offers='");
    for (const struct command *const *at = source->table; *at; at++)
        if (first_of_noun(source, *at))
            buf_printf(out, "%s ", (*at)->noun);
    buf_printf(out, "' ;;\n");
    for (const struct command *const *at = source->table; *at; at++)
        print_case(out, *at);
    for (const struct command *const *at = source->table; *at; at++)
        if ((*at)->verb && first_of_noun(source, *at))
            print_noun_case(out, source, (*at)->noun);
    buf_printf(out, "    esac\n    options+='");
    print_names(out, source->globals);
    buf_printf(out, "'\n");
}

static void print_function(struct buf *out, const struct source *source)
{
    buf_printf(out, "    for word in \"${line[@]}\"; do\n"
                    "        previous=${word%%=}\n"
                    "        if [[ -n $skip ]]; then skip=''; continue; fi\n"
                    "        case $word in\n    ");
    print_branch(out, source, takes_word, "skip=1");
    buf_printf(out,
               "        -*) ;;\n"
               "        *) if [[ -z $noun ]]; then noun=$word; else verb=${verb:-$word}; fi ;;\n"
               "        esac\n"
               "    done\n"
               "    case $previous in\n");
    print_choices(out, source);
    print_branch(out, source, takes_file, "_farebox_files; return");
    print_branch(out, source, takes_anything, "return");
    buf_printf(out, "    esac\n");
    print_cases(out, source);
    buf_printf(out, "    if [[ $current == -* ]]; then offers=$options; fi\n"
                    "    _farebox_words \"$offers\"\n"
                    "}\n");
}

static const char bash_head[] =
    "# Completion of farebox for bash, written by `farebox completion bash`.\n"
    "_farebox_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$current\"); }\n"
    "_farebox_files() { compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "
    "\"$current\"); }\n"
    "_farebox() {\n"
    "    local word glue='' skip='' previous='' noun='' verb='' offers='' options=''\n"
    "    local current=${COMP_WORDS[COMP_CWORD]#=} line=()\n"
    "    COMPREPLY=()\n"
    "    # bash breaks words at ':' and '=', so that a URL is several\n"
    "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
    "        if [[ ${#line[@]} -gt 0 && ($word == [:=] || -n $glue) ]]; then\n"
    "            line[${#line[@]}-1]+=$word\n"
    "        else\n"
    "            line+=(\"$word\")\n"
    "        fi\n"
    "        if [[ $word == [:=] ]]; then glue=1; else glue=''; fi\n"
    "    done\n";
static const char bash_tail[] = "complete -F _farebox farebox\n";

static const char zsh_head[] =
    "#compdef farebox\n"
    "# Completion of farebox for zsh, written by `farebox completion zsh`.\n"
    "_farebox_words() { compadd -- ${=1} }\n"
    "_farebox_files() { _files }\n"
    "_farebox() {\n"
    "    local -a line=(\"${(@)words[2,CURRENT-1]}\")\n"
    "    local word skip='' previous='' noun='' verb='' offers='' options='' current=$PREFIX\n";
static const char zsh_tail[] =
    "if [[ ${funcstack[1]} == _farebox ]]; then _farebox; else compdef _farebox farebox; fi\n";

/* ---- fish: one line for each thing that can be typed ---- */

static void fish_text(struct buf *out, const char *text)
{
    buf_printf(out, " -d '");
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            buf_append(out, "\\", 1);
        buf_append(out, text, 1);
    }
    buf_printf(out, "'\n");
}

static void fish_option(struct buf *out, const struct opt *opt, const struct command *command)
{
    buf_printf(out, "complete -c farebox");
    if (command)
        buf_printf(out, " -n '__fish_seen_subcommand_from %s'",
                   command->verb && !command->usual ? command->verb : command->noun);
    if (opt->letter)
        buf_printf(out, " -s %c", opt->letter);
    buf_printf(out, " -l %s", opt->name);
    if (opt->kind == OPT_FILE)
        buf_printf(out, " -rF");
    else if (opt->kind != OPT_FLAG && !opt->value_may_lack)
        buf_printf(out, " -x");
    if (opt->kind == OPT_CHOICE) {
        buf_printf(out, " -a '");
        print_words(out, opt->value);
        buf_printf(out, "'");
    }
    fish_text(out, opt->help);
}

static void fish_command(struct buf *out, const struct source *source,
                         const struct command *command)
{
    if (first_of_noun(source, command)) {
        buf_printf(out, "complete -c farebox -n __fish_use_subcommand -a %s", command->noun);
        fish_text(out, command->summary);
    }
    if (command->verb) {
        buf_printf(out, "complete -c farebox -n '__fish_seen_subcommand_from %s", command->noun);
        buf_printf(out, "; and not __fish_seen_subcommand_from ");
        print_verbs(out, source, command->noun);
        buf_printf(out, "' -a %s", command->verb);
        fish_text(out, command->summary);
    }
    if (is_choices(command->arguments)) {
        buf_printf(out, "complete -c farebox -n '__fish_seen_subcommand_from %s' -a '",
                   command->noun);
        print_words(out, command->arguments);
        buf_printf(out, "'\n");
    }
    for (const struct opt *opt = command->options; opt && opt->name; opt++)
        fish_option(out, opt, command);
}

static void print_fish(struct buf *out, const struct source *source)
{
    buf_printf(out, "# Completion of farebox for fish, written by `farebox completion fish`.\n"
                    "complete -c farebox -f\n");
    for (const struct opt *opt = source->globals; opt->name; opt++)
        fish_option(out, opt, NULL);
    for (const struct command *const *at = source->table; *at; at++)
        fish_command(out, source, *at);
}

void completion_print(struct buf *out, const char *shell, const struct command *const *table,
                      const struct opt *globals)
{
    const struct source source = {table, globals};
    if (strcmp(shell, "fish") == 0) {
        print_fish(out, &source);
        return;
    }
    bool zsh = strcmp(shell, "zsh") == 0;
    buf_printf(out, "%s", zsh ? zsh_head : bash_head);
    print_function(out, &source);
    buf_printf(out, "%s", zsh ? zsh_tail : bash_tail);
}
