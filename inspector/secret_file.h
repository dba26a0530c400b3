/* secret_file.h - files that only their owner may read. Both return the exit status, complained. */
#ifndef INSPECTOR_SECRET_FILE_H
#define INSPECTOR_SECRET_FILE_H

#include "cli.h"

/* It must not be there. Nothing is left of one that could not be written. */
int secret_file_create(const struct cli *cli, const char *path, const char *text);
/* At once: whoever reads it has the old contents or the new, whatever happens meanwhile. */
int secret_file_replace(const struct cli *cli, const char *path, const char *text);

#endif
