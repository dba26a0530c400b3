#include "tls.h"

#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1024 * 1024)
#define CHAIN_MAX 16u

static struct pair {
    struct buf chain, key; /* PEM, terminated */
} shown;

/* Neither waits for whoever writes into a pipe, nor leaves a copy in a buffer of stdio's. */
static int read_file(struct buf *out, const char *path, char why[TLS_WHY_BYTES])
{
    struct stat about;
    int fd = file_open_regular(path, FILE_BYTES_MAX, &about);
    int rc = fd < 0 ? fd : file_read_fd(out, fd, FILE_BYTES_MAX);
    if (fd >= 0)
        (void)close(fd);
    if (rc == 0)
        buf_append(out, "", 1);
    else
        (void)snprintf(why, TLS_WHY_BYTES, "%.180s: %s", path, strerror(-rc));
    return rc;
}

static gnutls_datum_t datum(const struct buf *text)
{
    return (gnutls_datum_t){text->data, (unsigned)text->len - 1};
}

/* A secret does not stay in memory that is free. */
static void forget(struct buf *text)
{
    if (text->data)
        gnutls_memset(text->data, 0, text->len);
    buf_finish(text);
}

static int pair_check(const struct pair *pair, const char *path, char why[TLS_WHY_BYTES])
{
    gnutls_certificate_credentials_t credentials;
    gnutls_datum_t certificate = datum(&pair->chain), secret = datum(&pair->key);
    if (gnutls_certificate_allocate_credentials(&credentials) < 0)
        return -ENOMEM;
    int rc = gnutls_certificate_set_x509_key_mem(credentials, &certificate, &secret,
                                                 GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(credentials);
    if (rc < 0)
        (void)snprintf(why, TLS_WHY_BYTES, "%.180s: %s", path, gnutls_strerror(rc));
    return rc < 0 ? -EINVAL : 0;
}

static void pair_finish(struct pair *pair)
{
    buf_finish(&pair->chain);
    forget(&pair->key);
}

static int pair_read(struct pair *pair, const char *certificate_file, const char *key_file,
                     char why[TLS_WHY_BYTES])
{
    *pair = (struct pair){0};
    int rc = read_file(&pair->chain, certificate_file, why);
    if (rc == 0)
        rc = read_file(&pair->key, *key_file ? key_file : certificate_file, why);
    if (rc == 0)
        rc = pair_check(pair, certificate_file, why);
    if (rc < 0)
        pair_finish(pair);
    return rc;
}

int tls_check(const char *certificate_file, const char *key_file, char why[TLS_WHY_BYTES])
{
    struct pair pair;
    int rc = pair_read(&pair, certificate_file, key_file, why);
    if (rc == 0)
        pair_finish(&pair);
    return rc;
}

int tls_load(const char *certificate_file, const char *key_file, char why[TLS_WHY_BYTES])
{
    struct pair pair;
    int rc = pair_read(&pair, certificate_file, key_file, why);
    if (rc < 0)
        return rc;
    bool is_other = !slice_equal(buf_slice(&shown.chain), buf_slice(&pair.chain));
    tls_unload();
    shown = pair;
    return is_other;
}

void tls_unload(void)
{
    pair_finish(&shown);
}

static int copy_key(gnutls_privkey_t *key)
{
    gnutls_datum_t secret = datum(&shown.key);
    int rc = gnutls_privkey_init(key);
    if (rc < 0)
        return rc;
    rc = gnutls_privkey_import_x509_raw(*key, &secret, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (rc < 0)
        gnutls_privkey_deinit(*key);
    return rc;
}

static int copy_chain(gnutls_pcert_st **certificates, unsigned *count)
{
    gnutls_datum_t chain = datum(&shown.chain);
    /* GnuTLS frees it, with the gnutls_free() that goes with its own allocator. */
    gnutls_pcert_st *list = gnutls_calloc(CHAIN_MAX, sizeof *list);
    *count = CHAIN_MAX;
    int rc = list ? gnutls_pcert_list_import_x509_raw(list, count, &chain, GNUTLS_X509_FMT_PEM, 0)
                  : GNUTLS_E_MEMORY_ERROR;
    if (rc < 0)
        gnutls_free(list);
    else
        *certificates = list;
    return rc;
}

int tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                 gnutls_pcert_st **certificates, unsigned *count, gnutls_ocsp_data_st **ocsp,
                 unsigned *ocsp_count, gnutls_privkey_t *key, unsigned *flags)
{
    (void)session;
    (void)info;
    *ocsp = NULL;
    *ocsp_count = 0;
    *flags = GNUTLS_CERT_RETR_DEINIT_ALL;
    if (copy_key(key) < 0)
        return -1;
    if (copy_chain(certificates, count) == 0)
        return 0;
    gnutls_privkey_deinit(*key);
    return -1;
}
