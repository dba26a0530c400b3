/* password.h - a password from a person or a pipe, never from the command line, where others could
 * see it. */
#ifndef INSPECTOR_PASSWORD_H
#define INSPECTOR_PASSWORD_H

#include "cli.h"

#define PASSWORD_INPUT_SIZE 1026u /* more than a service takes, which says so */

/* On a terminal asks without showing what is typed, and if `twice` a second time; otherwise
 * standard input is read, without its last newline. Returns the exit status, complained. Blocks. */
int password_read(const struct cli *cli, const char *prompt, bool twice,
                  char out[PASSWORD_INPUT_SIZE]);

#endif
