#include "cli/memory_view.h"

#include <inttypes.h>
#include <stdlib.h>

#define METRIC "xshathra_memory_"
/* The allocator's slack is worth a word from this share of the resident memory on, and this size. */
#define SLACK_SHARE_MIN 0.2
#define SLACK_BYTES_MIN (UINT64_C(32) << 20)
#define SLACK_NAME      SLICE("allocator_slack")

static struct slice next_line(struct slice *text)
{
    ptrdiff_t end = slice_index(*text, '\n');
    struct slice line = end < 0 ? *text : slice_head(*text, (size_t)end);
    *text = slice_from(*text, end < 0 ? text->len : (size_t)end + 1);
    return line;
}

/* What answered may be anything, and names go to a terminal: only small letters and underlines are one. */
static bool is_name(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != '_' && (s.ptr[i] < 'a' || s.ptr[i] > 'z')) return false;
    return s.len > 0;
}

/* `metric{part="NAME"} VALUE` */
static bool read_part(struct slice line, struct slice metric, struct slice *name, uint64_t *value)
{
    static const struct slice label = SLICE("{part=\""), close = SLICE("\"} ");
    if (!slice_starts_with(line, metric)) return false;
    line = slice_from(line, metric.len);
    if (!slice_starts_with(line, label)) return false;
    line = slice_from(line, label.len);
    ptrdiff_t end = slice_index(line, '"');
    if (end < 0) return false;
    *name = slice_head(line, (size_t)end);
    line = slice_from(line, (size_t)end);
    return is_name(*name) && slice_starts_with(line, close) && slice_to_u64(slice_from(line, close.len), value);
}

static struct memory_view_part *part_named(struct memory_view *view, struct slice name)
{
    for (uint32_t i = 0; i < view->count; i++)
        if (slice_eq(view->parts[i].name, name)) return &view->parts[i];
    return NULL;
}

static void read_line(struct slice line, struct memory_view *view)
{
    static const struct slice resident = SLICE(METRIC "resident_bytes ");
    struct slice name;
    uint64_t value;
    if (slice_starts_with(line, resident)) {
        (void)slice_to_u64(slice_from(line, resident.len), &view->resident);
    } else if (read_part(line, SLICE(METRIC "bytes"), &name, &value) && view->count < MEMORY_VIEW_PARTS_MAX) {
        view->parts[view->count++] = (struct memory_view_part){ .name = name, .bytes = value };
        view->sum += value;
    } else if (read_part(line, SLICE(METRIC "objects"), &name, &value)) {
        struct memory_view_part *part = part_named(view, name); /* bytes come first */
        if (!part) return;
        part->objects = value;
        part->has_objects = true;
    }
}

static int larger_first(const void *a, const void *b)
{
    uint64_t x = ((const struct memory_view_part *)a)->bytes, y = ((const struct memory_view_part *)b)->bytes;
    return (x < y) - (x > y);
}

bool memory_view_read(struct slice metrics, struct memory_view *view)
{
    *view = (struct memory_view){ 0 };
    while (metrics.len > 0) read_line(next_line(&metrics), view);
    qsort(view->parts, view->count, sizeof view->parts[0], larger_first);
    return view->count > 0 && view->resident > 0;
}

static double share(const struct memory_view *view, uint64_t bytes)
{
    return (double)bytes / (double)view->resident;
}

static void print_row(const struct memory_view *view, const struct memory_view_part *part, FILE *out)
{
    fprintf(out, "%-16.*s %12.1f KB %6.1f %%", SLICE_ARG(part->name), (double)part->bytes / 1024,
            share(view, part->bytes) * 100);
    if (part->has_objects && part->objects > 0)
        fprintf(out, " %12" PRIu64 " %10.0f B", part->objects, (double)part->bytes / (double)part->objects);
    fputc('\n', out);
}

static void print_advice(const struct memory_view *view, FILE *out)
{
    for (uint32_t i = 0; i < view->count; i++) {
        const struct memory_view_part *part = &view->parts[i];
        if (!slice_eq(part->name, SLACK_NAME) || part->bytes < SLACK_BYTES_MIN ||
            share(view, part->bytes) < SLACK_SHARE_MIN)
            continue;
        fputs(
            "\nMuch of the memory was used and given back, and the C library keeps it for the next peak. That is no\n"
            "leak: it is used again before more is asked of the kernel. Where the machine needs it back, restart in a\n"
            "quiet hour, or start the server with MALLOC_ARENA_MAX=2 and MALLOC_TRIM_THRESHOLD_=131072 in its\n"
            "environment: then it is given back sooner, for a little more CPU.\n",
            out);
    }
}

void memory_view_print(const struct memory_view *view, FILE *out)
{
    fprintf(out, "%-16s %15s %8s %12s %12s\n", "part", "memory", "share", "count", "each");
    for (uint32_t i = 0; i < view->count; i++)
        if (view->parts[i].bytes > 0) print_row(view, &view->parts[i], out);
    fprintf(out, "%-16s %12.1f KB %6.1f %%\n", "together", (double)view->sum / 1024, share(view, view->sum) * 100);
    fprintf(out, "%-16s %12.1f KB\n", "resident (RSS)", (double)view->resident / 1024);
    print_advice(view, out);
}

void memory_view_print_json(const struct memory_view *view, FILE *out)
{
    fprintf(out, "{\"resident\":%" PRIu64 ",\"sum\":%" PRIu64 ",\"parts\":[", view->resident, view->sum);
    for (uint32_t i = 0; i < view->count; i++) {
        const struct memory_view_part *part = &view->parts[i];
        fprintf(out, "%s{\"part\":\"%.*s\",\"bytes\":%" PRIu64 ",\"share\":%.4f", i ? "," : "", SLICE_ARG(part->name),
                part->bytes, share(view, part->bytes));
        if (part->has_objects) fprintf(out, ",\"objects\":%" PRIu64, part->objects);
        if (part->has_objects && part->objects > 0)
            fprintf(out, ",\"bytes_each\":%.1f", (double)part->bytes / (double)part->objects);
        fputc('}', out);
    }
    fputs("]}\n", out);
}
