#include "session/session_gate.h"

void session_gate_init(struct session_gate *g)
{
    *g = (struct session_gate){ 0 };
    pthread_mutex_init(&g->lock_, NULL);
}

void session_gate_deinit(struct session_gate *g)
{
    pthread_mutex_destroy(&g->lock_);
}

bool session_gate_pass(struct session_gate *g, uint32_t rate_limit, uint64_t now_ms)
{
    if (rate_limit == 0) return true;
    pthread_mutex_lock(&g->lock_);
    if (!g->begun_) {
        g->begun_ = true;
        g->tokens_ = rate_limit;
        g->refilled_ms_ = now_ms;
    }
    uint64_t seconds = (now_ms - g->refilled_ms_) / 1000;
    if (seconds > 0) {
        g->refilled_ms_ += seconds * 1000;
        g->tokens_ = seconds >= rate_limit - g->tokens_ ? rate_limit : g->tokens_ + (uint32_t)seconds;
    }
    if (g->tokens_ > rate_limit) g->tokens_ = rate_limit; /* the limit was lowered */
    bool pass = g->tokens_ > 0;
    if (pass) g->tokens_--;
    pthread_mutex_unlock(&g->lock_);
    return pass;
}
