/* server: builds all parts from the configuration, runs them, and stops them: the
 * one place that knows them all. */
#ifndef XSHATHRA_SERVER_SERVER_H
#define XSHATHRA_SERVER_SERVER_H

#include <stdint.h>

struct server_options {
    const char *config_file; /* NULL = none */
    const char *data_dir;
    const char *address; /* NULL = from the configuration */
    uint16_t port;       /* 0 = from the configuration */
    uint32_t workers;    /* 0 = as many as processors may be used */
};

/* Runs until SIGINT or SIGTERM; blocks. Returns the exit status of the program: 0
 * after a clean stop, 1 when it could not start (a sentence is on stderr) or did not
 * stop within shutdown.timeout. Once per process, on the main thread. */
int server_run(const struct server_options *options);

#endif
