/* log_writer.h - how lines of the log reach standard error. Internal to libs/base. */
#ifndef BASE_LOG_WRITER_H
#define BASE_LOG_WRITER_H

#include "base/log.h"

#include <stddef.h>

/* At most what a pipe takes in one piece, so that lines of several processes never mix; what does
 * not fit is cut. */
#define LOG_LINE_BYTES 4096u

/* `line` ends with its only newline. `event`: a literal; lines are counted by it. */
void log_emit(const char *event, const char *line, size_t len);

#endif
