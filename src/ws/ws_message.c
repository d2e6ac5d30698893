#include "ws/ws_message.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"

struct ws_assembler {
    struct buf bytes;
    bool is_text;
};

static struct ws_assembler *assembler_new(bool is_text, size_t message_len_max)
{
    struct ws_assembler *a = mem_alloc(sizeof(*a));
    if (!a) return NULL;
    buf_init(&a->bytes, message_len_max);
    a->is_text = is_text;
    return a;
}

enum status ws_assembler_add(struct ws_assembler **slot, const struct ws_event *fragment, size_t message_len_max)
{
    CHECK(fragment->is_first == (*slot == NULL));
    if (!*slot) *slot = assembler_new(fragment->is_text, message_len_max);
    if (!*slot) return STATUS_NO_MEMORY;

    if (fragment->payload.len) buf_append(&(*slot)->bytes, fragment->payload);
    const enum status status = (*slot)->bytes.failed;
    if (status != STATUS_OK) {
        ws_assembler_free(*slot);
        *slot = NULL;
    }
    return status;
}

struct slice ws_assembler_message(const struct ws_assembler *a)
{
    return buf_slice(&a->bytes);
}

bool ws_assembler_is_text(const struct ws_assembler *a)
{
    return a->is_text;
}

size_t ws_assembler_cost(const struct ws_assembler *a)
{
    return a ? sizeof(*a) + a->bytes.cap : 0;
}

void ws_assembler_free(struct ws_assembler *a)
{
    if (!a) return;
    buf_deinit(&a->bytes);
    mem_free(a);
}
