#include "api/api_info_metrics.h"

/* Take up to the byte c off the front of *rest, without it; all when there is none. */
static struct slice take_until(struct slice *rest, char c)
{
    ptrdiff_t at = slice_index(*rest, c);
    struct slice taken = slice_head(*rest, at < 0 ? rest->len : (size_t)at);
    *rest = slice_from(*rest, at < 0 ? rest->len : (size_t)at + 1);
    return taken;
}

static bool ends_with(struct slice s, struct slice end)
{
    return s.len >= end.len && slice_eq(slice_from(s, s.len - end.len), end);
}

/* The first two underscores part namespace, subsystem and name. */
static void append_name(struct buf *out, struct slice name)
{
    for (unsigned i = 0; i < 2 && slice_index(name, '_') >= 0; i++) {
        buf_append(out, take_until(&name, '_'));
        buf_append_char(out, '.');
    }
    buf_append(out, name);
}

/* More than any metric has. */
#define LABELS_MAX 8

struct label {
    struct slice name, value;
};

/* Insert it so that the names are in order, as the Prometheus library gives them. */
static void insert_label(struct label *labels, size_t *count, struct label label)
{
    size_t at = *count;
    if (at == LABELS_MAX) return;
    for (; at > 0 && slice_compare(label.name, labels[at - 1].name) < 0; at--) labels[at] = labels[at - 1];
    labels[at] = label;
    *count += 1;
}

/* text: name="value",… without the braces. Our values hold no quotes. */
static void append_labels(struct buf *out, struct slice text)
{
    struct label labels[LABELS_MAX];
    size_t count = 0;
    while (text.len > 0) {
        struct label label = { .name = take_until(&text, '=') };
        (void)take_until(&text, '"');
        label.value = take_until(&text, '"');
        (void)take_until(&text, ',');
        if (label.value.len > 0) insert_label(labels, &count, label);
    }
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(labels[i].name, SLICE("quantile"))) continue; /* it stands behind the name already */
        buf_append_char(out, '.');
        buf_append(out, labels[i].name);
        buf_append_char(out, '.');
        buf_append(out, labels[i].value);
    }
}

/* quantile="0.5" among the labels: 50, 0.999: 999. */
static void append_quantile(struct buf *out, struct slice labels)
{
    static const struct slice before = { "quantile=\"0.", 12 };
    while (labels.len > 0 && !slice_starts_with(labels, before)) labels = slice_from(labels, 1);
    labels = slice_from(labels, labels.len ? before.len : 0);
    const struct slice digits =
        slice_head(labels, labels.len && slice_index(labels, '"') > 0 ? (size_t)slice_index(labels, '"') : 0);
    buf_append(out, SLICE(".quantile."));
    buf_append(out, digits);
    if (digits.len == 1) buf_append_char(out, '0');
}

/* A summary's numbers carry their kind behind the name. */
static void append_summary_name(struct buf *out, struct slice name, struct slice labels)
{
    static const struct slice ends[] = { { "_sum", 4 }, { "_count", 6 } };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (!ends_with(name, ends[i])) continue;
        append_name(out, slice_head(name, name.len - ends[i].len));
        buf_append_char(out, '.');
        buf_append(out, slice_from(ends[i], 1));
        return;
    }
    append_name(out, name);
    append_quantile(out, labels);
}

static void write_line(struct slice line, bool is_summary, struct buf *name, struct json_writer *w)
{
    ptrdiff_t space = slice_last_index(line, ' ');
    if (space < 0) return;
    struct slice value = slice_from(line, (size_t)space + 1);
    struct slice series = slice_head(line, (size_t)space);
    struct slice family = take_until(&series, '{');
    buf_clear(name);
    if (is_summary)
        append_summary_name(name, family, series);
    else
        append_name(name, family);
    append_labels(name, slice_head(series, series.len ? series.len - 1 : 0));
    json_write_key(w, buf_slice(name));
    json_write_raw(w, value);
}

void api_info_metrics_write(struct slice text, struct buf *name, struct json_writer *w)
{
    bool is_shown = false, is_summary = false;
    while (text.len > 0) {
        struct slice line = take_until(&text, '\n');
        if (slice_starts_with(line, SLICE("# TYPE "))) {
            is_summary = ends_with(line, SLICE(" summary"));
            is_shown = !ends_with(line, SLICE(" histogram"));
        } else if (is_shown && line.len > 0 && line.ptr[0] != '#') {
            write_line(line, is_summary, name, w);
        }
    }
}
