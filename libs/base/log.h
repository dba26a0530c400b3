/* log.h - structured log lines on standard error: logfmt ("ts=… level=info
 * event=session.opened tenant=acme …"), one write(2) a line. Thread safe, never blocks longer
 * than the write. Programs log; libraries below the broker and the client return
 * errors instead. Values are quoted and escaped. Never pass a token, a
 * password or a payload. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level level);
/* Returns a level or -1. */
int log_level_from_text(const char *text);
/* Key/value pairs of strings after the event, ended by NULL. A NULL value is skipped. */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));

#endif
