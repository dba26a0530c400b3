/* commands.h - the commands there are; each is one small file that ends with its own entry. */
#ifndef INSPECTOR_COMMANDS_H
#define INSPECTOR_COMMANDS_H

#include "command.h"

#define COMMAND(name) extern const struct command command_##name;
#include "commands.def"
#undef COMMAND

/* Both ended: by NULL, and by an option without a name. */
extern const struct command *const commands[];
extern const struct opt commands_options[];

#endif
