/* log.h - structured log lines on standard error: logfmt ("ts=… level=info
 * event=session.opened tenant=acme …"), one write(2) a line. Thread safe. Programs log; libraries
 * below the broker and the client return errors instead. Values are quoted and escaped. Never pass
 * a token, a password or a payload.
 *
 * A call takes as long as the write, unless a writer was started: then it never waits for one. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level level);
/* Returns a level or -1. */
int log_level_from_text(const char *text);

#define LOG_EVENT_PER_SECOND 200u /* with a writer; of one event, told apart by its address */

/* From now on lines are written by a thread of their own, out of a buffer of 256 KiB. What does not
 * fit there, because nobody reads them, is lost, and so are lines of one event beyond so many a
 * second; how many is logged (log.lines_lost). Once at a time; negative errno. */
int log_start_writer(void);
/* Waits, for a second at most, until all is written; lines are then written as before. Does nothing
 * if there is no writer. When standard error is still blocked the thread is left to itself. */
void log_stop_writer(void);

/* Key/value pairs of strings after the event, ended by NULL. A NULL value is skipped. */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));

#endif
