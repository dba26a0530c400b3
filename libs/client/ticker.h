/* ticker.h - one thread a process that gives every bus its time. Thread safe. */
#ifndef CLIENT_TICKER_H
#define CLIENT_TICKER_H

#include "client/farebox.h"

void ticker_add(fbx_bus *bus);
/* The bus is not being ticked any more when it returns. Not from a callback. */
void ticker_remove(fbx_bus *bus);
/* There is something new to time: tick often again. Cheap when it does already. */
void ticker_notice(void);
/* Ticks at once. */
void ticker_kick(void);

/* Of the bus: lets time pass. Returns whether it is to be ticked often. */
bool bus_tick(fbx_bus *bus);

#endif
