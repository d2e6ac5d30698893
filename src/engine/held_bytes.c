#include "engine/held_bytes.h"

#include "base/mem_part.h"
#include "broker/publication.h"
#include "json/json_reader.h"

struct held_bytes *held_bytes_copy(struct slice s)
{
    if (s.len == 0 || s.len > UINT32_MAX) return NULL;
    struct held_bytes *h = mem_part_alloc(MEM_CONNECTIONS, sizeof *h + s.len);
    if (!h) return NULL;
    h->len = (uint32_t)s.len;
    h->is_json = json_valid(s, PUBLICATION_JSON_DEPTH_MAX);
    memcpy(h->bytes, s.ptr, s.len);
    return h;
}

void held_bytes_free(struct held_bytes *h)
{
    mem_part_free(MEM_CONNECTIONS, h);
}
