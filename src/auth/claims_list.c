#include "auth/claims_list.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/hash.h"

static void read_option(struct member_reader *m, void *target);

#define OPTION(field) #field, read_option, offsetof(struct claims_override, field)

static const struct member override_members[] = {
    { OPTION(presence), "presence in override is not an object with a boolean value" },
    { OPTION(join_leave), "join_leave in override is not an object with a boolean value" },
    { OPTION(force_push_join_leave), "force_push_join_leave in override is not an object with a boolean value" },
    { OPTION(force_positioning), "force_positioning in override is not an object with a boolean value" },
    { OPTION(force_recovery), "force_recovery in override is not an object with a boolean value" },
};

static const struct member attached_members[] = {
    { "info", member_read_raw, offsetof(struct claims_attached, info), "" },
    { "b64info", member_read_text, offsetof(struct claims_attached, b64info), "b64info in subs is not a string" },
    { "data", member_read_raw, offsetof(struct claims_attached, data), "" },
    { "b64data", member_read_text, offsetof(struct claims_attached, b64data), "b64data in subs is not a string" },
    { "override", claims_override_read, offsetof(struct claims_attached, override),
      "override in subs is not an object" },
};

static void read_flag(struct member_reader *m, void *target)
{
    bool value = false;
    if (json_take_null(&m->json)) return;
    if (member_reader_expect(m, JSON_BOOL) && json_bool(&m->json, &value))
        *(enum claims_option *)target = value ? CLAIMS_TRUE : CLAIMS_FALSE;
}

/* An object without `value` says false, as in Centrifugo. */
static void read_option(struct member_reader *m, void *target)
{
    const struct member flag[] = { { "value", read_flag, 0, m->complaint } };
    enum claims_option option = CLAIMS_FALSE;
    if (json_take_null(&m->json))
        option = CLAIMS_UNSET;
    else
        member_reader_object(m, flag, ARRAY_COUNT(flag), &option);
    *(enum claims_option *)target = option;
}

void claims_override_read(struct member_reader *m, void *target)
{
    struct claims_override override = { 0 };
    if (!json_take_null(&m->json)) member_reader_object(m, override_members, ARRAY_COUNT(override_members), &override);
    *(struct claims_override *)target = override;
}

/* --- lists are walked twice, so that the arena is asked once for the whole --- */

/* The length of the array or object that comes next, which stays unread. */
static size_t count_entries(struct member_reader *m, enum json_type type)
{
    struct json_reader ahead = m->json;
    struct json_string key;
    size_t count = 0;
    if (type == JSON_ARRAY ? json_array_begin(&ahead) : json_object_begin(&ahead))
        while (type == JSON_ARRAY ? json_array_next(&ahead) : json_object_next(&ahead, &key)) {
            json_skip(&ahead);
            count++;
        }
    if (!json_ok(&ahead)) {
        m->json = ahead; /* broken text: let the error stick */
        return 0;
    }
    if (count > CLAIMS_ENTRIES_MAX) {
        member_reader_fail(m, STATUS_TOO_LARGE, "channels, subs or aud has more than 4096 entries");
        return 0;
    }
    return count;
}

struct slice *claims_list_read_texts(struct member_reader *m, enum claims_null null, size_t *count)
{
    *count = 0;
    size_t expected = member_reader_expect(m, JSON_ARRAY) ? count_entries(m, JSON_ARRAY) : 0;
    /* one more, so that an empty array asks for something too */
    struct slice *texts = json_ok(&m->json) ? member_reader_alloc(m, (expected + 1) * sizeof *texts) : NULL;
    if (!texts || !json_array_begin(&m->json)) return NULL;
    while (json_array_next(&m->json)) {
        texts[*count] = (struct slice){ 0 };
        if (null == CLAIMS_NULL_IS_EMPTY || member_reader_expect(m, JSON_STRING)) member_read_text(m, &texts[*count]);
        (*count)++;
    }
    return texts;
}

/* --- one entry per channel: an open-addressing index over the list --- */

struct channel_index {
    struct claims_list *list;
    uint32_t *slots; /* position in the list + 1; 0 = free */
    size_t mask;
};

/* Room for count entries. False and the failure is remembered. */
static bool index_init(struct channel_index *index, struct member_reader *m, struct claims_list *list, size_t count)
{
    size_t slot_count = 2;
    while (slot_count < 2 * count) slot_count *= 2;
    *list = (struct claims_list){ 0 };
    *index = (struct channel_index){ .list = list, .mask = slot_count - 1 };
    struct claims_sub *subs = member_reader_alloc(m, (count + 1) * sizeof *subs);
    index->slots = subs ? member_reader_alloc(m, slot_count * sizeof *index->slots) : NULL;
    if (!index->slots) return false;
    memset(index->slots, 0, slot_count * sizeof *index->slots);
    list->subs = subs;
    return true;
}

/* The entry of this channel, an old one or the next, emptied. */
static struct claims_sub *index_entry(struct channel_index *index, struct slice channel)
{
    struct claims_list *list = index->list;
    size_t slot = hash_bytes(channel, 0) & index->mask;
    while (index->slots[slot] != 0 && !slice_eq(list->subs[index->slots[slot] - 1].channel, channel))
        slot = (slot + 1) & index->mask;
    if (index->slots[slot] == 0) index->slots[slot] = (uint32_t)++list->count;
    struct claims_sub *sub = &list->subs[index->slots[slot] - 1];
    *sub = (struct claims_sub){ .channel = channel };
    return sub;
}

void claims_list_read_channels(struct member_reader *m, void *target)
{
    struct claims_list *list = target;
    struct channel_index index;
    size_t count;
    if (json_take_null(&m->json)) {
        *list = (struct claims_list){ 0 };
        return;
    }
    struct slice *channels = claims_list_read_texts(m, CLAIMS_NULL_IS_EMPTY, &count);
    if (!channels || !json_ok(&m->json) || !index_init(&index, m, list, count)) return;
    for (size_t i = 0; i < count; i++) index_entry(&index, channels[i]);
}

/* Go's decoder, and so Centrifugo, skips line ends in base64, which some encoders write. */
static bool without_line_ends(struct member_reader *m, struct slice text, struct slice *out)
{
    if (slice_index(text, '\n') < 0 && slice_index(text, '\r') < 0) {
        *out = text;
        return true;
    }
    char *copy = member_reader_alloc(m, text.len);
    if (!copy) return false;
    *out = slice_of(copy, 0);
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '\n' && text.ptr[i] != '\r') copy[out->len++] = text.ptr[i];
    return true;
}

bool claims_choose_bytes(struct member_reader *m, struct slice json, struct slice base64, struct slice *out)
{
    struct slice text;
    if (base64.len == 0) {
        *out = json;
        return true;
    }
    uint8_t *bytes = member_reader_alloc(m, BASE64_DECODED_MAX(base64.len));
    if (!bytes || !without_line_ends(m, base64, &text)) return true;
    ptrdiff_t len = base64_decode(text, bytes);
    if (len < 0) return false;
    *out = slice_of(bytes, (size_t)len);
    return true;
}

static void read_sub(struct member_reader *m, struct claims_sub *sub)
{
    struct claims_attached attached = { 0 };
    if (!json_take_null(&m->json)) member_reader_object(m, attached_members, ARRAY_COUNT(attached_members), &attached);
    if (!json_ok(&m->json)) return;
    sub->override = attached.override;
    if (!claims_choose_bytes(m, attached.info, attached.b64info, &sub->info) ||
        !claims_choose_bytes(m, attached.data, attached.b64data, &sub->data))
        member_reader_fail(m, STATUS_MALFORMED, "b64info or b64data in subs is not base64");
}

void claims_list_read_subs(struct member_reader *m, void *target)
{
    struct claims_list *list = target;
    struct channel_index index;
    struct json_string key;
    const char *complaint = m->complaint;
    if (json_take_null(&m->json)) {
        *list = (struct claims_list){ 0 };
        return;
    }
    size_t count = member_reader_expect(m, JSON_OBJECT) ? count_entries(m, JSON_OBJECT) : 0;
    if (!json_ok(&m->json) || !index_init(&index, m, list, count) || !json_object_begin(&m->json)) return;
    while (json_object_next(&m->json, &key)) {
        struct slice channel;
        if (json_string_decode(key, m->arena, &channel) != STATUS_OK) {
            member_reader_fail(m, STATUS_NO_MEMORY, "memory was out for the token's claims");
            return;
        }
        m->complaint = complaint; /* reading an entry has changed it */
        read_sub(m, index_entry(&index, channel));
    }
}
