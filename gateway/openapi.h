/* openapi.h - GET /openapi.json: the gateway's paths as OpenAPI 3.1, from the routes in force; who
 * shows a token also finds the services that are there for him. */
#ifndef GATEWAY_OPENAPI_H
#define GATEWAY_OPENAPI_H

#include "route.h"

#include <jansson.h>

/* The loop thread's. */
void openapi_handle(struct exchange *exchange);
/* The document; `services` (borrowed) is an array of names, or NULL. Pure. */
json_t *openapi_document(const struct routes *routes, json_t *services);

#endif
