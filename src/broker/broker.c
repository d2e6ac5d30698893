#include "broker/broker.h"

#include "base/mem.h"

static void publications_deinit(struct broker_publications *publications)
{
    for (uint32_t i = 0; i < publications->count; i++) publication_unref(publications->items[i]);
    mem_free(publications->items);
    *publications = (struct broker_publications){ 0 };
}

void broker_result_deinit(struct broker_result *r)
{
    switch (r->owns_) {
    case BROKER_RESULT_PLAIN: break;
    case BROKER_RESULT_SUBSCRIBE: publications_deinit(&r->subscribe.missed); break;
    case BROKER_RESULT_HISTORY: publications_deinit(&r->history.publications); break;
    case BROKER_RESULT_PRESENCE: mem_free(r->presence.entries); break;
    case BROKER_RESULT_MAP_STATE:
        publications_deinit(&r->map_state.publications);
        mem_free((void *)(uintptr_t)r->map_state.cursor.ptr);
        break;
    }
    r->owns_ = BROKER_RESULT_PLAIN;
}

void broker_completion_free(struct broker_completion *c)
{
    if (!c) return;
    broker_result_deinit(&c->result);
    mem_free(c);
}

struct slice map_suppress_name(enum map_suppress suppress)
{
    switch (suppress) {
    case MAP_SUPPRESS_NONE:
    case MAP_SUPPRESS_COUNT: break;
    case MAP_SUPPRESS_IDEMPOTENCY: return SLICE("idempotency");
    case MAP_SUPPRESS_VERSION: return SLICE("version");
    case MAP_SUPPRESS_KEY_EXISTS: return SLICE("key_exists");
    case MAP_SUPPRESS_KEY_NOT_FOUND: return SLICE("key_not_found");
    case MAP_SUPPRESS_POSITION_MISMATCH: return SLICE("position_mismatch");
    }
    return SLICE("");
}
