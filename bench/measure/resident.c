#include "resident.h"

#include "fail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned resident_kib(pid_t pid)
{
    char path[64], line[256];
    unsigned kib = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        fail_with("%s: %s", path, strerror(errno));
    while (kib == 0 && fgets(line, sizeof line, file))
        if (strncmp(line, "Rss:", 4) == 0)
            kib = (unsigned)strtoul(line + 4, NULL, 10);
    fclose(file);
    return kib;
}
