#include "engine/client_delta.h"

#include "broker/publication_delta.h"
#include "delta/delta_encoder.h"
#include "json/json_writer.h"

/* Of publications that have no delta ready one answer makes deltas for so many bytes, and sends the rest full:
 * a subscribe must not be long work. */
#define COMPUTED_BYTES_MAX (UINT32_C(1) << 20)

static enum delta_text text_of(const struct client *c)
{
    return c->port->encoding == PROTOCOL_JSON ? DELTA_UTF8 : DELTA_BYTES;
}

uint16_t client_delta_flag(const struct policy_channel_options *o, struct slice wanted)
{
    return o->allow_delta_fossil && slice_eq(wanted, SLICE("fossil")) ? SUB_DELTA : 0;
}

/* Of a map a subscriber has every key's value, so it has the base of each marked change, unless a filter has kept some
 * from it (row HI-43). */
static bool map_has_base(const struct subscription *sub, const struct publication *p)
{
    return (sub->flags & SUB_POSITIONED) && !sub->filter && !p->content.removed;
}

enum publication_variant client_delta_variant(const struct client *c, struct subscription *sub,
                                              const struct publication *p)
{
    if (p->content.kind != PUBLICATION_DATA) return PUBLICATION_PLAIN;
    /* Without a position nothing says that none was missed (row HI-36). */
    const uint16_t needed = SUB_DELTA_READY | SUB_POSITIONED;
    bool has_base = sub->flags & SUB_MAP ? map_has_base(sub, p) : (sub->flags & needed) == needed;
    /* What is not in history is nobody's base. */
    sub->flags = (uint16_t)(p->offset > 0 ? sub->flags | SUB_DELTA_READY : sub->flags & ~SUB_DELTA_READY);
    if (has_base && publication_delta(p, text_of(c)).len > 0) return PUBLICATION_DELTA;
    return c->port->encoding == PROTOCOL_JSON ? PUBLICATION_STRING : PUBLICATION_PLAIN;
}

/* ---- the answer to a subscribe ---- */

/* The delta from the publication before; the empty slice: it goes full. *room keeps the bytes, or the publication. */
static struct slice delta_in_chain(struct client_delta_chain *chain, const struct publication *p, enum delta_text text,
                                   struct buf *room)
{
    struct slice none = { 0 }, base;
    if (!chain->before) return none;
    if (p->base_ == chain->before) return publication_delta(p, text);
    base = chain->before->content.data;
    size_t len = base.len + p->content.data.len;
    if (len > COMPUTED_BYTES_MAX - chain->computed) return none;
    chain->computed += len;
    return delta_choose(base, p->content.data, text, room);
}

static bool copy_to_arena(struct client *c, const struct buf *b, struct slice *out)
{
    char *copy = buf_ok(b) ? arena_alloc(&c->engine->arena, b->len) : NULL;
    if (!copy) return false;
    if (b->len) memcpy(copy, b->ptr, b->len);
    *out = slice_of(copy, b->len);
    return true;
}

bool client_delta_recovered(struct client *c, struct client_delta_chain *chain, const struct publication *p,
                            struct publication_fields *fields)
{
    struct buf room, string;
    buf_init(&room, 0);
    buf_init(&string, BUF_NO_LIMIT);
    struct slice delta = delta_in_chain(chain, p, text_of(c), &room), data = { 0 };
    bool is_json = c->port->encoding == PROTOCOL_JSON, done = true;
    if (is_json) {
        json_append_string(&string, delta.len ? delta : p->content.data);
    } else {
        buf_append(&string, delta);
    }
    if (is_json || delta.len) done = copy_to_arena(c, &string, &data);
    if (data.len) client_delta_fields(fields, data, delta.len > 0);
    chain->before = p;
    buf_deinit(&room);
    buf_deinit(&string);
    return done;
}

void client_delta_recovered_all(struct subscription *sub, const struct client_delta_chain *chain, uint64_t top)
{
    /* With a filter the newest may be one that was left out. Where nothing was missed, nobody knows whether the
     * client has ever had the newest: what comes next is full. */
    if (chain->before && chain->before->offset == top) sub->flags |= SUB_DELTA_READY;
}
