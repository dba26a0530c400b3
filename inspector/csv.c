#include "csv.h"

#include <string.h>

void csv_put_name(struct buf *out, const char *name)
{
    const char *quote = strpbrk(name, ",;\"\r\n\t") ? "\"" : "";
    buf_printf(out, "%s%s", quote, *name && strchr("=+-@'\t\r", *name) ? "'" : "");
    for (; *name; name++)
        buf_printf(out, *name == '"' ? "\"%c" : "%c", *name);
    buf_printf(out, "%s", quote);
}
