#include "broker/publication_delta.h"

#include "base/mem_part.h"

#define VARIANT_COUNT (PUBLICATION_VARIANT_COUNT - 1) /* the plain one lies in the publication */

struct publication_delta {
    _Atomic(struct blob *) texts[DELTA_TEXT_COUNT]; /* of no bytes: there is no delta */
    _Atomic(struct blob *) wires[VARIANT_COUNT][PUBLICATION_FORM_COUNT];
};

static struct publication_delta *parts_of(const struct publication *shared)
{
    struct publication *p = (struct publication *)(uintptr_t)shared;
    /* acquire: pairs with the exchange below, the zeros are visible */
    struct publication_delta *parts = atomic_load_explicit(&p->delta_, memory_order_acquire);
    if (parts) return parts;
    struct publication_delta *made = mem_part_alloc_zero(MEM_OUTPUT_QUEUES, sizeof *made);
    if (!made) return NULL;
    if (atomic_compare_exchange_strong_explicit(&p->delta_, &parts, made, memory_order_acq_rel, memory_order_acquire))
        return made;
    mem_part_free(MEM_OUTPUT_QUEUES, made);
    return parts;
}

void publication_delta_free(struct publication_delta *parts)
{
    if (!parts) return;
    /* relaxed: publication_unref() has made everything visible */
    for (int text = 0; text < DELTA_TEXT_COUNT; text++)
        blob_unref(atomic_load_explicit(&parts->texts[text], memory_order_relaxed));
    for (int variant = 0; variant < VARIANT_COUNT; variant++)
        for (int form = 0; form < PUBLICATION_FORM_COUNT; form++)
            blob_unref(atomic_load_explicit(&parts->wires[variant][form], memory_order_relaxed));
    mem_part_free(MEM_OUTPUT_QUEUES, parts);
}

struct slice publication_delta(const struct publication *p, enum delta_text text)
{
    struct slice none = { 0 };
    struct publication_delta *parts = p->base_ ? parts_of(p) : NULL;
    if (!parts) return none;
    /* acquire: pairs with the exchange in publication_settle_blob(), the bytes are visible */
    struct blob *kept = atomic_load_explicit(&parts->texts[text], memory_order_acquire);
    if (!kept) {
        struct buf room;
        buf_init(&room, 0);
        kept = publication_settle_blob(
            &parts->texts[text], blob_new_raw(delta_choose(p->base_->content.data, p->content.data, text, &room)));
        buf_deinit(&room);
    }
    return kept ? slice_of(kept->bytes, kept->body_len) : none;
}

struct blob *publication_delta_wire(struct publication *p, enum publication_form form, enum publication_variant variant,
                                    publication_encoder *encode)
{
    struct publication_delta *parts = parts_of(p);
    if (!parts) return NULL;
    _Atomic(struct blob *) *place = &parts->wires[variant - 1][form];
    /* acquire: as above */
    struct blob *wire = atomic_load_explicit(place, memory_order_acquire);
    return wire ? wire : publication_settle_blob(place, encode(p, variant));
}
