#include "certificate.h"

#include "../testing.h"

#include <arpa/inet.h>
#include <stdio.h>

void certificate_make(struct place *place, const char *name, const char *host)
{
    char command[512], out[4096];
    struct in_addr address;
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=%s"
             " -addext subjectAltName=%s:%s -keyout %s/%s.key -out %s/%s.pem",
             host, inet_pton(AF_INET, host, &address) == 1 ? "IP" : "DNS", host, place->dir, name,
             place->dir, name);
    const char *argv[] = {"/bin/sh", "-c", command, NULL};
    assert_int_equal(place_run(place, out, sizeof out, argv), 0);
}
