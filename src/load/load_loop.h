/* load_loop: the event loop of whatever loads a server: level-triggered epoll over sources.
 *
 * Use: if (load_loop_init(&loop) != STATUS_OK) -> errno says why;
 *      load_loop_add(&loop, &source, EPOLLIN);
 *      if (!load_loop_until(&loop, is_done, context, 5000)) -> timed out;
 * A source is embedded in its owner's object, and closed before that goes. One thread. */
#ifndef XSHATHRA_LOAD_LOAD_LOOP_H
#define XSHATHRA_LOAD_LOAD_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct load_source {
    int fd; /* -1 = closed */
    void (*on_ready)(struct load_source *source, uint32_t events);
};

/* What one read may bring, and so the longest frame. */
#define LOAD_READ_LEN (1024 * 1024)

struct load_loop {
    int epoll_fd_;
    char *read_buffer; /* LOAD_READ_LEN bytes, shared by all sources; owned */
};

/* STATUS_IO, STATUS_NO_MEMORY. */
MUST_CHECK enum status load_loop_init(struct load_loop *loop);
void load_loop_deinit(struct load_loop *loop);
/* STATUS_IO: the kernel does not watch it; errno says why. */
MUST_CHECK enum status load_loop_add(struct load_loop *loop, struct load_source *source, uint32_t events);
void load_loop_change(struct load_loop *loop, struct load_source *source, uint32_t events);
/* reset: without a good-bye, so that no port waits in TIME_WAIT. Nothing when it is closed already. */
void load_source_close(struct load_source *source, bool reset);
/* Serve what is ready; wait at most wait_ns for the first. */
void load_loop_turn(struct load_loop *loop, uint64_t wait_ns);
/* Turns until is_done() says so; false when it takes longer than timeout_ms. */
bool load_loop_until(struct load_loop *loop, bool (*is_done)(void *context), void *context, uint64_t timeout_ms);
/* Go on serving, asleep in between, until platform_clock_ns() is due_ns; at least one turn. */
void load_loop_sleep_until(struct load_loop *loop, uint64_t due_ns);

#endif
