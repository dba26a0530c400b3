#include "manual.h"

#include "exits.h"
#include "help.h"

static const char head[] =
    ".TH FAREBOX 1 \"\" \"Farebox " FAREBOX_VERSION "\" \"Farebox\"\n"
    ".SH NAME\n"
    "farebox \\- look into a Farebox bus, and drive it\n"
    ".SH SYNOPSIS\n"
    ".B farebox\n"
    ".I COMMAND\n"
    ".RI [ OPTION ]...\n"
    ".SH DESCRIPTION\n"
    "Each command is one session with the broker, under the token it is given: it sees and does "
    "what "
    "that token may. Payloads are written and shown as JSON and cross the bus as MessagePack.\n"
    ".PP\n"
    "Tables are for people and use their units;\n"
    ".B \\-o json\n"
    "prints exact figures, one JSON value a line, and puts errors as JSON on standard error. "
    "A duration is written like 250ms, 30s or 1h30m; a bare number is seconds.\n";

static const char environment[] =
    ".SH ENVIRONMENT\n"
    ".TP\n"
    ".B FAREBOX_URL\n"
    "The broker, as with\n"
    ".BR \\-\\-url .\n"
    ".TP\n"
    ".B FAREBOX_TOKEN_FILE\n"
    "A file that holds the token: the way to pass one that shows in no list of processes.\n"
    ".TP\n"
    ".B FAREBOX_TOKEN\n"
    "The token itself. Options come before the environment, and a token before a file.\n"
    ".TP\n"
    ".B NO_COLOR\n"
    "If set and not empty, as with\n"
    ".BR \\-\\-no\\-color .\n";

static const char tail[] =
    ".SH EXAMPLES\n"
    ".EX\n"
    "farebox token mint \\-\\-secret\\-file secret \\-\\-tenant acme \\-\\-user ann \\-\\-tier pro "
    "\\e\n"
    "    \\-\\-perm \\(aqcall:echo.*\\(aq > ann.token\n"
    "export FAREBOX_URL=ipc:///run/farebox.sock FAREBOX_TOKEN_FILE=ann.token\n"
    "farebox call echo echo \\(aq{\"hello\": \"bus\"}\\(aq\n"
    "farebox sub \\(aqmarket.>\\(aq \\-\\-count 5 \\-o json\n"
    "farebox services \\-\\-watch\n"
    ".EE\n"
    ".SH SEE ALSO\n"
    ".BR fareboxd (8),\n"
    ".BR farebox\\-host (1),\n"
    ".BR farebox\\-bench (1)\n";

/* A plain '-' would be set as a hyphen, and a leading dot or quote taken for a request. */
static void print_text(struct buf *out, struct slice text)
{
    if (text.len && (text.data[0] == '.' || text.data[0] == '\''))
        buf_printf(out, "\\&");
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '-')
            buf_printf(out, "\\-");
        else if (text.data[i] == '\\')
            buf_printf(out, "\\e");
        else if (text.data[i] == '\'')
            buf_printf(out, "\\(aq");
        else
            buf_append(out, &text.data[i], 1);
    }
    buf_printf(out, "\n");
}

/* A term and what it means; uses up the label. */
static void print_item(struct buf *out, struct buf *label, const char *text)
{
    buf_printf(out, ".TP\n.B ");
    print_text(out, buf_slice(label));
    print_text(out, slice_of(text));
    label->len = 0;
}

static void print_options(struct buf *out, const struct opt *options)
{
    struct buf label = {0};
    for (; options && options->name; options++) {
        help_option(&label, options);
        print_item(out, &label, options->help);
    }
    buf_finish(&label);
}

static void print_command(struct buf *out, const struct command *command)
{
    struct buf label = {0};
    help_usage(&label, command);
    buf_printf(out, ".SS ");
    print_text(out, buf_slice(&label));
    buf_finish(&label);
    help_summary(out, command);
    if (command->about)
        print_text(out, slice_of(command->about));
    print_options(out, command->options);
}

/* "permission_denied, tenant_mismatch": the outcomes that end with this status. */
static void print_outcomes(struct buf *out, enum exit_code code)
{
    const char *before = "Outcomes: ";
    for (int status = 1; status < STATUS_COUNT; status++) {
        if (exits_of(status) == code) {
            buf_printf(out, "%s%s", before, status_text((enum status)status));
            before = ", ";
        }
    }
    if (*before == ',')
        buf_printf(out, ".\n");
}

static void print_exits(struct buf *out)
{
    enum exit_code code;
    struct buf label = {0};
    buf_printf(out, ".SH EXIT STATUS\n");
    for (size_t at = 0; exits_at(at, &code); at++) {
        buf_printf(&label, "%d", (int)code);
        print_item(out, &label, exits_meaning(code));
        print_outcomes(out, code);
    }
    buf_finish(&label);
}

void manual_print(struct buf *out, const struct command *const *table, const struct opt *globals)
{
    buf_printf(out, "%s.SH COMMANDS\n", head);
    for (; *table; table++)
        print_command(out, *table);
    buf_printf(out, ".SH OPTIONS\nThese may stand anywhere on the line.\n");
    print_options(out, globals);
    buf_printf(out, "%s", environment);
    print_exits(out);
    buf_printf(out, "%s", tail);
}
