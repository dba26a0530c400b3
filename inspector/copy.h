/* copy.h - a value that was read, written again: to pass it on, or to show it as JSON. */
#ifndef INSPECTOR_COPY_H
#define INSPECTOR_COPY_H

#include "base/buf.h"

#include <farebox.h>

void copy_value(fbx_writer *w, const fbx_value *value);
/* Appends it as one line of JSON. */
void copy_json(struct buf *out, const fbx_value *value);

#endif
