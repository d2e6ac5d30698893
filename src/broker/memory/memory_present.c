/* The presence calls. */
#include "base/mem.h"
#include "broker/memory/memory_calls.h"

static enum status add_in_hold(struct memory_hold *h, struct memory_presence_client *client)
{
    enum status status = memory_hold_need_entry(h);
    if (status != STATUS_OK) return status;
    struct memory_entry *e = h->entry;
    if (!e->presence) e->presence = memory_presence_new();
    if (!e->presence) return STATUS_NO_MEMORY;
    return memory_presence_add(e->presence, client, &h->garbage);
}

static void drop_if_empty(struct memory_hold *h)
{
    struct memory_entry *e = h->entry;
    if (!e || !e->presence || e->presence->clients.count) return;
    memory_garbage_presence(&h->garbage, e->presence);
    e->presence = NULL;
}

enum status memory_present_add(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel,
                               const struct publication_info *info)
{
    struct memory_presence_client *client = memory_presence_client_new(info);
    if (!client) return STATUS_NO_MEMORY;
    struct memory_hold h;
    memory_hold_begin(&h, &memory_broker_of(b)->table, space, channel, c->now_ms);
    enum status status = add_in_hold(&h, client);
    drop_if_empty(&h);
    memory_hold_end(&h);
    if (status != STATUS_OK) memory_presence_client_unref(client);
    return status;
}

void memory_present_remove(struct broker *b, const struct broker_context *c, uint32_t space, struct slice channel,
                           struct slice client)
{
    struct memory_hold h;
    memory_hold_begin(&h, &memory_broker_of(b)->table, space, channel, c->now_ms);
    if (h.entry && h.entry->presence) memory_presence_remove(h.entry->presence, client, &h.garbage);
    drop_if_empty(&h);
    memory_hold_end(&h);
}

/* One hold's worth of clients, or only the numbers. */
static bool read_some(struct memory_table *t, const struct broker_context *c, uint32_t space, struct slice channel,
                      struct memory_presence_reader *reader, struct broker_presence_result *result)
{
    struct memory_hold h;
    memory_hold_begin(&h, t, space, channel, c->now_ms);
    struct memory_presence *presence = h.entry ? h.entry->presence : NULL;
    result->client_count = presence ? (uint32_t)presence->clients.count : 0;
    result->user_count = presence ? (uint32_t)presence->users.count : 0;
    bool more = reader && memory_presence_read(presence, reader);
    memory_hold_end(&h);
    return more;
}

enum broker_answer memory_present(struct broker *b, const struct broker_context *c, uint32_t space,
                                  struct slice channel, bool stats_only, struct broker_ticket ticket,
                                  struct broker_result *result)
{
    struct memory_table *t = &memory_broker_of(b)->table;
    struct memory_presence_reader reader = { 0 };
    *result = (struct broker_result){ .status = STATUS_OK, .owns_ = BROKER_RESULT_PRESENCE };
    while (read_some(t, c, space, channel, stats_only ? NULL : &reader, &result->presence)) continue;
    if (!stats_only) result->status = memory_presence_copy(&reader, &result->presence);
    memory_presence_reader_deinit(&reader);
    return BROKER_DONE;
}
