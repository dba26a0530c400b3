/* exits.h - exit statuses, after sysexits(3). */
#ifndef HOST_EXITS_H
#define HOST_EXITS_H

enum host_exit {
    HOST_OK = 0,
    HOST_USAGE = 64,      /* the command line is wrong */
    HOST_BAD_MODULE = 65, /* a file is no module, or modules do not fit together */
    HOST_NO_INPUT = 66,   /* a file cannot be read */
    HOST_NO_BROKER = 69,  /* nothing listens, or it does not answer */
    HOST_INTERNAL = 70,
    HOST_NOT_ALLOWED = 77, /* the broker refused the token or a service; an unsafe module file */
    HOST_BAD_SETUP = 78,   /* a module could not start */
};

#endif
