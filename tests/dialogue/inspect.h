/* inspect.h - the inspector in a test's hands: a broker, a service that does what it is told,
 * and shell lines whose exit status and words are checked. One place for a program. */
#ifndef DIALOGUE_INSPECT_H
#define DIALOGUE_INSPECT_H

#include "../testing.h"

#include "harness.h"

#include <semaphore.h>
#include <signal.h>
#include <string.h>

extern struct place *place;
extern char output[1 << 20]; /* of the last line run, errors included */
/* Of the service `puppet`: its method `stall` has begun, and was cancelled. */
extern sem_t started, cancelled;

/* For cmocka. The broker runs; $FAREBOX_URL and $FAREBOX_TOKEN_FILE (acme's ann, who may call
 * puppet and deal with all events) are set, and $NOBODY and $OPERATOR are files of tokens that may
 * nothing and everything; $SECRET is the broker's secret, $DIR a folder to write in. */
int inspect_set_up(void **state);
int inspect_tear_down(void **state);

/* Runs a line of shell, which must end with this exit status. */
void ends(int wanted, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* `output` has these words in it. */
void says(const char *wanted);
/* Starts a program and waits until it says `ready`, unless that is NULL. */
#define START(ready, ...) place_start(place, ready, (const char *const[]){__VA_ARGS__, NULL})
/* The next line that has this text in it; false: it ended without. */
bool line_with(struct process *process, const char *text);

#endif
