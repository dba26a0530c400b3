#include "commands.h"

const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "commands.def"
#undef COMMAND
    NULL,
};

const struct opt commands_options[] = {
    {.name = "url",
     .kind = OPT_TEXT,
     .value = "URL",
     .help = "the broker: ipc:///path, tcp://host:port, tls+tcp://host:port ($FAREBOX_URL)"},
    {.name = "token-file",
     .kind = OPT_FILE,
     .value = "FILE",
     .help = "a file that holds the token ($FAREBOX_TOKEN_FILE)"},
    {.name = "token",
     .kind = OPT_TEXT,
     .value = "TOKEN",
     .help = "the token itself, which others can see in the list of processes ($FAREBOX_TOKEN)"},
    {.name = "tls-ca",
     .kind = OPT_FILE,
     .value = "FILE",
     .help = "the certificates to trust with tls+tcp"},
    {.name = "tls-server-name",
     .kind = OPT_TEXT,
     .value = "NAME",
     .help = "whom the broker's certificate must name, if not the URL's host"},
    {.name = "timeout",
     .kind = OPT_TIME,
     .value = "TIME",
     .help = "wait no longer than this for an answer; 10 s, for that of a call 30 s"},
    {.name = "output",
     .letter = 'o',
     .kind = OPT_CHOICE,
     .value = "table|json",
     .help = "for people, or for programs"},
    {.name = "no-color", .kind = OPT_FLAG, .help = "no colours on a terminal ($NO_COLOR)"},
    {.name = "help", .letter = 'h', .kind = OPT_FLAG, .help = "say more"},
    {.name = "version", .kind = OPT_FLAG, .help = "print the version"},
    {0},
};
