/* pretty.h - JSON laid out for people. Pure. */
#ifndef INSPECTOR_PRETTY_H
#define INSPECTOR_PRETTY_H

#include "base/buf.h"

/* Appends `json`, which is compact and well formed, indented by two spaces; what fits on a
 * line stays on it. Control characters a terminal would obey are escaped, so that it is still the
 * same JSON. */
void pretty_json(struct buf *out, struct slice json);

#endif
