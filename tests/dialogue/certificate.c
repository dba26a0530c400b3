#include "certificate.h"

#include "../testing.h"

#include <arpa/inet.h>
#include <stdio.h>

void certificate_make(struct place *place, const char *name, const char *host)
{
    char command[512], out[4096], ip[64] = "";
    struct in_addr address;
    /* Mbed TLS, behind nng, looks for addresses among the names. */
    if (inet_pton(AF_INET, host, &address) == 1)
        snprintf(ip, sizeof ip, ",IP:%s", host);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=%s"
             " -addext subjectAltName=DNS:%s%s -keyout %s/%s.key -out %s/%s.pem",
             host, host, ip, place->dir, name, place->dir, name);
    const char *argv[] = {"/bin/sh", "-c", command, NULL};
    assert_int_equal(place_run(place, out, sizeof out, argv), 0);
}
