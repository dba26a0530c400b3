/* notify.h - tells the service manager how we are: sd_notify(3) without its library. */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

/* `state`: "READY=1" and the like. Does nothing unless NOTIFY_SOCKET is set. */
void notify_manager(const char *state);
/* What was asked for by a signal begins; READY=1 ends it, however it went. */
void notify_manager_reloading(void);

#endif
