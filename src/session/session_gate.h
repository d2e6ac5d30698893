/* session_gate: the limits on new client connections that all workers share: rows
 * TR-04 (connection_limit) and TR-05 (connection_rate_limit: a bucket of N, refilled
 * by one a second). Any thread. */
#ifndef XSHATHRA_SESSION_SESSION_GATE_H
#define XSHATHRA_SESSION_SESSION_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct session_gate {
    pthread_mutex_t lock_;
    uint32_t tokens_;
    uint64_t refilled_ms_;
    bool begun_;
};

void session_gate_init(struct session_gate *g);
void session_gate_deinit(struct session_gate *g);
/* True when one more connection may come now. rate_limit 0 = always. */
bool session_gate_pass(struct session_gate *g, uint32_t rate_limit, uint64_t now_ms);

#endif
