/* ui.h - GET /ui: the dashboard's files, for browsers. Only those on a list, read anew for each
 * request, so that they may be replaced while the gateway runs. The loop thread's. */
#ifndef GATEWAY_UI_H
#define GATEWAY_UI_H

struct exchange;

/* /ui is the page itself, /ui/{file} what it consists of. */
void ui_handle(struct exchange *exchange);

#endif
