/* files.h - the market data as they lie in a folder. */
#ifndef DATA_BRIDGE_FILES_H
#define DATA_BRIDGE_FILES_H

#include "bars.h"

/* Reads sp500-2000.csv and stocks.csv. 0 or a negative errno code, with a reason
 * naming the file; finish the market in either case. */
int market_load(struct market *market, const char *folder, struct bars_error *why);

#endif
