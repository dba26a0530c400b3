/* notify.h - sd_notify(3) without its library. */
#ifndef HOST_NOTIFY_H
#define HOST_NOTIFY_H

/* Tells the service manager, if there is one: "READY=1", "STOPPING=1". */
void host_notify(const char *state);

#endif
