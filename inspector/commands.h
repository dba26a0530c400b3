/* commands.h - the commands there are; each is one small file that ends with its own entry. */
#ifndef INSPECTOR_COMMANDS_H
#define INSPECTOR_COMMANDS_H

#include "command.h"

extern const struct command command_call, command_pub, command_sub;
extern const struct command command_services_list, command_services_show;
extern const struct command command_sessions, command_stats, command_tap;
extern const struct command command_token_mint, command_token_show;
extern const struct command command_ping, command_feed_open;
extern const struct command command_completion, command_manual, command_version;

/* Both ended: by NULL, and by an option without a name. */
extern const struct command *const commands[];
extern const struct opt commands_options[];

#endif
