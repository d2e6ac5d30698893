#include "engine/sdk_names.h"

#include "base/check.h"
#include "base/mem.h"

struct sdk_name {
    uint32_t users; /* 0 = free */
    uint8_t name_len, version_len;
    char name[SDK_TEXT_MAX], version[SDK_TEXT_MAX];
};

void sdk_names_init(struct sdk_names *t)
{
    *t = (struct sdk_names){ 0 };
}

void sdk_names_deinit(struct sdk_names *t)
{
    mem_free(t->items_);
    *t = (struct sdk_names){ 0 };
}

static struct slice name_of(const struct sdk_name *item)
{
    return slice_of(item->name, item->name_len);
}

static struct slice version_of(const struct sdk_name *item)
{
    return slice_of(item->version, item->version_len);
}

/* The pair's own place, or a free one, or the next; NULL: all are in use. */
static struct sdk_name *place_for(struct sdk_names *t, struct slice name, struct slice version)
{
    struct sdk_name *spare = NULL;
    for (uint32_t i = 0; i < t->count_; i++) {
        struct sdk_name *item = &t->items_[i];
        if (item->users == 0)
            spare = item;
        else if (slice_eq(name_of(item), name) && slice_eq(version_of(item), version))
            return item;
    }
    if (spare || t->count_ == SDK_NAMES_MAX) return spare;
    return &t->items_[t->count_++];
}

uint8_t sdk_names_take(struct sdk_names *t, struct slice name, struct slice version)
{
    name = slice_head(name, SDK_TEXT_MAX);
    version = slice_head(version, SDK_TEXT_MAX);
    if (name.len == 0 && version.len == 0) return SDK_NONE;
    if (!t->items_) t->items_ = mem_alloc_zero(SDK_NAMES_MAX * sizeof *t->items_);
    struct sdk_name *item = t->items_ ? place_for(t, name, version) : NULL;
    if (!item || item->users == UINT32_MAX) return SDK_OTHER;
    if (item->users++ == 0) {
        item->name_len = (uint8_t)name.len;
        item->version_len = (uint8_t)version.len;
        if (name.len) memcpy(item->name, name.ptr, name.len);
        if (version.len) memcpy(item->version, version.ptr, version.len);
    }
    return (uint8_t)(item - t->items_ + 1);
}

void sdk_names_drop(struct sdk_names *t, uint8_t sdk)
{
    if (sdk == SDK_NONE || sdk == SDK_OTHER) return;
    CHECK(t->items_[sdk - 1].users > 0);
    t->items_[sdk - 1].users--;
}

struct slice sdk_names_name(const struct sdk_names *t, uint8_t sdk)
{
    if (sdk == SDK_OTHER) return SLICE("other");
    return sdk == SDK_NONE ? (struct slice){ 0 } : name_of(&t->items_[sdk - 1]);
}

struct slice sdk_names_version(const struct sdk_names *t, uint8_t sdk)
{
    return sdk == SDK_NONE || sdk == SDK_OTHER ? (struct slice){ 0 } : version_of(&t->items_[sdk - 1]);
}
