#include "auth/member_reader.h"

void member_reader_init(struct member_reader *m, struct slice text, uint32_t depth_max, struct arena *arena)
{
    *m = (struct member_reader){ .arena = arena, .status = STATUS_OK };
    json_reader_init(&m->json, text, depth_max);
}

void member_reader_fail(struct member_reader *m, enum status status, const char *why)
{
    if (m->status == STATUS_OK) {
        m->status = status;
        m->why = why;
    }
    json_fail(&m->json, why);
}

bool member_reader_expect(struct member_reader *m, enum json_type type)
{
    enum json_type next = json_peek(&m->json);
    if (next == type) return true;
    if (next == JSON_BROKEN)
        json_skip(&m->json); /* nothing to skip: the reader says what is wrong, the end of the text included */
    else
        member_reader_fail(m, STATUS_MALFORMED, m->complaint);
    return false;
}

void *member_reader_alloc(struct member_reader *m, size_t len)
{
    void *room = arena_alloc(m->arena, len);
    if (!room) member_reader_fail(m, STATUS_NO_MEMORY, "memory was out for the token's claims");
    return room;
}

static bool is_named(const struct member *member, struct json_string key)
{
    struct slice name = slice_from_cstr(member->name);
    return member->exact ? json_string_eq(key, name) : json_string_eq_nocase(key, name);
}

static const struct member *find(const struct member_reader *m, const struct member *table, size_t count,
                                 struct json_string key)
{
    for (const struct member *member = table; member < table + count; member++)
        if ((member->groups == 0 || (member->groups & m->groups)) && is_named(member, key)) return member;
    return NULL;
}

void member_reader_object(struct member_reader *m, const struct member *table, size_t count, void *base)
{
    struct json_string key;
    if (!member_reader_expect(m, JSON_OBJECT) || !json_object_begin(&m->json)) return;
    while (json_object_next(&m->json, &key)) {
        const struct member *member = find(m, table, count, key);
        if (!member) {
            json_skip(&m->json);
            continue;
        }
        m->complaint = member->complaint;
        member->read(m, (char *)base + member->offset);
    }
}

enum status member_reader_finish(struct member_reader *m, const char *not_json, const char **why)
{
    if (m->status == STATUS_OK && !(json_ok(&m->json) && json_at_end(&m->json)))
        member_reader_fail(m, STATUS_MALFORMED, not_json);
    if (m->status != STATUS_OK) *why = m->why;
    return m->status;
}

void member_read_text(struct member_reader *m, void *target)
{
    struct json_string text;
    if (json_take_null(&m->json) || !member_reader_expect(m, JSON_STRING) || !json_string(&m->json, &text)) return;
    if (json_string_decode(text, m->arena, target) != STATUS_OK)
        member_reader_fail(m, STATUS_NO_MEMORY, "memory was out for the token's claims");
}

void member_read_raw(struct member_reader *m, void *target)
{
    json_raw(&m->json, target);
}
