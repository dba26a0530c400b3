#include "peer.h"

#include "../../measure/fail.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

void peer_options(struct bench_options *options, int argc, char **argv, unsigned window,
                  const char *usage)
{
    options_init(options);
    options->window = window;
    options_parse(options, argc, argv, OPTIONS_LOAD | OPTIONS_FANOUT | OPTIONS_PEER, usage);
}

int peer_port(const char *url)
{
    const char *colon = url ? strrchr(url, ':') : NULL;
    long port = colon ? strtol(colon + 1, NULL, 10) : 0;
    if (port < 1 || port > 65535)
        fail_with("--url needs a port");
    return (int)port;
}

int peer_connect(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to))
        fail_with("port %d: %s", port, strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

void peer_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}
