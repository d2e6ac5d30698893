#include "server/memory_report.h"

#include "base/mem_part.h"
#include "platform/platform_clock.h"
#include "platform/platform_memory.h"
#include "server/log_sink.h"
#include "store/store_memory.h"

/* The allocator may be asked for one part in this many of the time. */
#define HEAP_TIME_SHARE 1000

static struct {
    uint64_t program_data;
    struct platform_heap heap;
    uint64_t heap_due_ns; /* not before */
} state;

void memory_report_start(void)
{
    state.program_data = platform_memory_program_data();
}

static const struct platform_heap *heap_now(void)
{
    uint64_t begun = platform_clock_ns();
    if (begun < state.heap_due_ns) return &state.heap;
    state.heap = platform_heap();
    uint64_t ended = platform_clock_ns();
    state.heap_due_ns = ended + (ended - begun) * HEAP_TIME_SHARE;
    return &state.heap;
}

static void put_line(struct buf *out, const char *name, const char *part, uint64_t value)
{
    buf_printf(out, "xshathra_memory_%s{part=\"%s\"} ", name, part);
    buf_append_u64(out, value);
    buf_append_char(out, '\n');
}

static void put_head(struct buf *out, const char *name, const char *help)
{
    buf_printf(out, "# HELP xshathra_memory_%s %s\n# TYPE xshathra_memory_%s gauge\n", name, help, name);
}

/* What is counted but lies in a block that the kernel has not backed wholly is not in the heap's other blocks. */
static uint64_t other_bytes(uint64_t used, uint64_t counted)
{
    return used > counted ? used - counted : 0;
}

static void put_bytes(const struct mem_part_sum *sums, struct buf *out)
{
    uint64_t database = store_memory_bytes(), counted = database + log_sink_taken_bytes();
    put_head(out, "bytes", "Memory by part; together they are about the resident memory.");
    for (unsigned part = 0; part < MEM_PART_COUNT; part++) {
        counted += sums[part].bytes;
        put_line(out, "bytes", mem_part_label(part), sums[part].bytes);
    }
    const struct platform_heap *heap = heap_now();
    put_line(out, "bytes", "database", database);
    put_line(out, "bytes", "log", log_sink_touched_bytes());
    put_line(out, "bytes", "other", other_bytes(heap->used_bytes, counted));
    put_line(out, "bytes", "allocator_slack", heap->free_bytes);
    put_line(out, "bytes", "program", platform_memory().file_bytes + state.program_data);
}

static void put_counts(struct mem_part_sum *sums, const struct memory_report_counts *counts, struct buf *out)
{
    sums[MEM_CONNECTIONS].blocks = counts->connections;
    sums[MEM_SUBSCRIPTIONS].blocks = counts->subscriptions;
    sums[MEM_CHANNELS].blocks = counts->channels;
    sums[MEM_USERS].blocks = counts->users;
    put_head(out, "objects",
             "How many things the part holds: connections, subscriptions, channels, users; else blocks.");
    for (unsigned part = 0; part < MEM_PART_COUNT; part++)
        put_line(out, "objects", mem_part_label(part), sums[part].blocks);
}

void memory_report_write(const struct memory_report_counts *counts, struct buf *out)
{
    struct mem_part_sum sums[MEM_PART_COUNT];
    mem_part_sums(sums);
    put_bytes(sums, out);
    put_counts(sums, counts, out);
    put_head(out, "resident_bytes", "Resident memory of the process as the kernel counts it.");
    buf_append(out, SLICE("xshathra_memory_resident_bytes "));
    buf_append_u64(out, platform_memory().resident_bytes);
    buf_append_char(out, '\n');
}
