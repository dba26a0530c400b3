/* bus_io.h - the world as the core sees it: struct io over the model. */
#ifndef SIM_BUS_IO_H
#define SIM_BUS_IO_H

#include "core/io.h"

struct world;

struct io bus_io(struct world *world);
/* Opens a feed of everything in each tenant: what the broker publishes, in its own order. */
void bus_open_witnesses(struct world *world);

#endif
