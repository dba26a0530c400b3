/* copy.h - a value that was read, shown as JSON. */
#ifndef INSPECTOR_COPY_H
#define INSPECTOR_COPY_H

#include "base/buf.h"

#include <farebox.h>

/* Appends it as one line of JSON. */
void copy_json(struct buf *out, const fbx_value *value);

#endif
