/* notify.h - tells the service manager how we are (the sd_notify protocol). */
#ifndef BROKER_NOTIFY_H
#define BROKER_NOTIFY_H

/* `state`: "READY=1" and the like. Does nothing unless NOTIFY_SOCKET is set. */
void notify_manager(const char *state);

#endif
