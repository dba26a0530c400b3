#include "listen.h"

#include "base/file.h"
#include "base/mem.h"
#include "wire/wire.h"

#include <errno.h>
#include <nng/supplemental/tls/tls.h>
#include <nng/transport/tls/tls.h>
#include <sodium.h>
#include <string.h>

#define PEM_MAX (1024u * 1024u)

static int fail(char *why, const char *url, const char *reason)
{
    snprintf(why, SETTINGS_WHY_BYTES, "cannot listen on %s: %s", url, reason);
    return -EADDRNOTAVAIL;
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* nng would listen on anything, websockets with known holes included. */
static bool allowed(const char *url)
{
    static const char *const schemes[] = {"ipc://",     "tcp://",      "tcp4://",    "tcp6://",
                                          "tls+tcp://", "tls+tcp4://", "tls+tcp6://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (starts_with(url, schemes[i]))
            return true;
    }
    return false;
}

/* NULL when it cannot be read; free with mem_free. */
static char *read_text(const char *path)
{
    struct buf text = {0};
    if (file_read(&text, path, PEM_MAX) < 0) {
        buf_finish(&text);
        return NULL;
    }
    buf_append(&text, "", 1);
    return (char *)text.data;
}

static int set_pair(nng_tls_config *tls, const struct settings *settings)
{
    const char *key_file =
        settings->tls_key_file[0] ? settings->tls_key_file : settings->tls_cert_file;
    char *cert = read_text(settings->tls_cert_file), *key = read_text(key_file);
    int rc = cert && key ? nng_tls_config_own_cert(tls, cert, key, NULL) : NNG_ENOENT;
    mem_free(cert);
    if (key)
        sodium_memzero(key, strlen(key));
    mem_free(key);
    return rc;
}

static int set_tls(nng_listener listener, const struct settings *settings)
{
    nng_tls_config *tls = NULL;
    int rc = nng_tls_config_alloc(&tls, NNG_TLS_MODE_SERVER);
    if (rc != 0)
        return rc;
    rc = set_pair(tls, settings);
    if (rc == 0)
        rc = nng_listener_set_ptr(listener, NNG_OPT_TLS_CONFIG, tls);
    nng_tls_config_free(tls);
    return rc;
}

static int configure(nng_listener listener, const char *url, const struct settings *settings)
{
    /* Unset, one announced length reserves as much memory as it says. */
    int rc = nng_listener_set_size(listener, NNG_OPT_RECVMAXSZ, WIRE_FRAME_MAX);
    if (rc != 0 || starts_with(url, "ipc:"))
        return rc;
    nng_listener_set_bool(listener, NNG_OPT_TCP_NODELAY, true);
    nng_listener_set_bool(listener, NNG_OPT_TCP_KEEPALIVE, true);
    return starts_with(url, "tls") ? set_tls(listener, settings) : 0;
}

int listen_on(nng_socket socket, const char *url, const struct settings *settings, char *why)
{
    nng_listener listener;
    if (!allowed(url))
        return fail(why, url, "not an ipc, tcp or tls+tcp URL");
    int rc = nng_listener_create(&listener, socket, url);
    if (rc == 0)
        rc = configure(listener, url, settings);
    if (rc == 0)
        rc = nng_listener_start(listener, 0);
    return rc == 0 ? 0 : fail(why, url, nng_strerror(rc));
}

int listen_check_tls(const struct settings *settings, char *why)
{
    nng_tls_config *tls = NULL;
    if (!settings->tls_cert_file[0])
        return 0;
    int rc = nng_tls_config_alloc(&tls, NNG_TLS_MODE_SERVER);
    if (rc == 0)
        rc = set_pair(tls, settings);
    nng_tls_config_free(tls);
    if (rc == 0)
        return 0;
    const char *key = settings->tls_key_file[0] ? settings->tls_key_file : settings->tls_cert_file;
    snprintf(why, SETTINGS_WHY_BYTES, "%s and %s are not a certificate and its key: %s",
             settings->tls_cert_file, key, nng_strerror(rc));
    return -EINVAL;
}
