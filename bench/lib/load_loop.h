/* load_loop: the load client's event loop: level-triggered epoll over sources.
 *
 * Use: load_loop_init(&loop); load_loop_add(&loop, &source, EPOLLIN);
 *      if (!load_loop_until(&loop, is_done, context, 5000)) -> timed out;
 * A source is embedded in its owner's object. One thread. A system call that fails
 * here ends the program: a measurement cannot go on without it. */
#ifndef XSHATHRA_BENCH_LOAD_LOOP_H
#define XSHATHRA_BENCH_LOAD_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load_source {
    int fd; /* -1 = closed */
    void (*on_ready)(struct load_source *source, uint32_t events);
};

#define LOAD_READ_LEN (256 * 1024)

struct load_loop {
    int epoll_fd_;
    char *read_buffer; /* LOAD_READ_LEN bytes, shared by all sources; owned */
};

void load_loop_init(struct load_loop *loop);
void load_loop_deinit(struct load_loop *loop);
void load_loop_add(struct load_loop *loop, struct load_source *source, uint32_t events);
void load_loop_change(struct load_loop *loop, struct load_source *source, uint32_t events);
/* Closes the descriptor with a reset, so that no port waits in TIME_WAIT. */
void load_source_close(struct load_source *source);
/* Serve what is ready; wait at most wait_ns for the first. */
void load_loop_turn(struct load_loop *loop, uint64_t wait_ns);
/* Turns until is_done() says so; false when it takes longer than timeout_ms. */
bool load_loop_until(struct load_loop *loop, bool (*is_done)(void *context), void *context, uint64_t timeout_ms);
/* Go on serving (pings, for example), asleep in between, until load_now_ns() is due_ns; at least one turn. */
void load_loop_sleep_until(struct load_loop *loop, uint64_t due_ns);

/* A nonblocking TCP socket on its way to 127.0.0.1:port, from source_address (host
 * order; 0 = any). Writable when it is connected. */
int load_connect(uint16_t port, uint32_t source_address);
uint64_t load_now_ns(void);
/* Prints "bench: ..." and ends the program with status 1; the server goes with it. */
void load_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
