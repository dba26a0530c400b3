/* settings.h - what the gateway is told by whoever runs it. */
#ifndef GATEWAY_SETTINGS_H
#define GATEWAY_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#define GATEWAY_WHY_BYTES 512u

struct gateway_settings {
    const char *listen_host, *url, *token_file;
    uint16_t listen_port;
    size_t max_body_bytes, max_header_bytes;
    uint32_t max_connections, idle_timeout_ms, default_timeout_ms, drain_ms;
};

#endif
