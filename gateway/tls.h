/* tls.h - the certificate the gateway shows. One of the process: libmicrohttpd passes nothing of
 * ours on. The loop thread's. */
#ifndef GATEWAY_TLS_H
#define GATEWAY_TLS_H

#include <gnutls/abstract.h>

#define TLS_WHY_BYTES 256u
/* TLS 1.2 and later, with forward secrecy. */
#define TLS_PRIORITIES "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1:-RSA:%SERVER_PRECEDENCE"

/* Whether tls_load() would succeed. */
int tls_check(const char *certificate_file, const char *key_file, char why[TLS_WHY_BYTES]);
/* The certificate chain and the key (PEM) are shown from the next handshake on; `key_file` "": it
 * is in the certificate's file. Negative errno with `why` when they cannot be read, are none, or do
 * not belong together: what was shown before still is. 1: another chain than before. */
int tls_load(const char *certificate_file, const char *key_file, char why[TLS_WHY_BYTES]);
void tls_unload(void);
/* For libmicrohttpd. Each handshake owns what it gets, so that a reload in its middle does no harm.
 */
int tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                 gnutls_pcert_st **certificates, unsigned *count, gnutls_ocsp_data_st **ocsp,
                 unsigned *ocsp_count, gnutls_privkey_t *key, unsigned *flags);

#endif
