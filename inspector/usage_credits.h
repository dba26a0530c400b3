/* usage_credits.h - the credits that bus.usage lists page by page, put together. */
#ifndef INSPECTOR_USAGE_CREDITS_H
#define INSPECTOR_USAGE_CREDITS_H

#include "cli.h"

/* Writes an array of them, to be freed in any case, of what the options of usage_asking.h ask for.
 * EXIT_OK, or the exit status, complained. */
int usage_credits_ask(fbx_writer *out, const struct cli *cli, const struct args *args);

#endif
