/* The text form: Prometheus exposition format 0.0.4. */
#include <stdlib.h>

#include "metrics/metrics.h"

#define PREFIX          "centrifugo_"
#define LABELS_MAX      3
#define NS_PER_SECOND_U 1000000000u

/* Which label a metric has; LABEL_NONE ends the list. */
enum label {
    LABEL_NONE,
#define LABEL_ENUM(kind, label, list) LABEL_##kind,
    METRIC_TEXT_LABEL_LIST(LABEL_ENUM) METRIC_CODE_LABEL_LIST(LABEL_ENUM)
};

#define TEXT_VALUE(kind, name, text)   text,
#define TEXT_VALUES(kind, label, list) static const char *const values_##kind[] = { list(TEXT_VALUE, kind) };
METRIC_TEXT_LABEL_LIST(TEXT_VALUES)
#define CODE_VALUE(number)             #number,
#define CODE_VALUES(kind, label, list) static const char *const values_##kind[] = { list(CODE_VALUE) "other" };
METRIC_CODE_LABEL_LIST(CODE_VALUES)

static const struct {
    const char *name;
    const char *const *values;
    unsigned value_count;
} labels[] = { [LABEL_NONE] = { "", NULL, 1 },
#define LABEL_ROW(kind, label, list) [LABEL_##kind] = { label, values_##kind, ARRAY_COUNT(values_##kind) },
               METRIC_TEXT_LABEL_LIST(LABEL_ROW) METRIC_CODE_LABEL_LIST(LABEL_ROW) };

enum type { TYPE_COUNTER, TYPE_GAUGE };
enum when { WHEN_ALWAYS, WHEN_TOUCHED };

static const struct {
    const char *name, *constant, *help;
    unsigned first_slot;
    enum type type;
    enum when when;
    enum label labels[LABELS_MAX];
} families[] = {
#define FAMILY_ROW(id, type, name, a, b, c, constant, when, help)                                                      \
    { PREFIX name, constant, help, METRIC_##id, TYPE_##type, WHEN_##when, { LABEL_##a, LABEL_##b, LABEL_##c } },
    METRIC_LIST(FAMILY_ROW)
};

enum form { FORM_PLAIN, FORM_WITH_SUMMARY };

#define BOUND_TEXT(number) #number,
#define BOUND_TEXTS(id, name, bounds, label, constant, form, help)                                                     \
    static const char *const bounds_##id[] = { bounds(BOUND_TEXT) };
METRIC_HISTOGRAM_LIST(BOUND_TEXTS)

static const struct histogram {
    const char *name, *constant, *help;
    const char *const *bounds;
    unsigned bound_count, first_cell;
    enum label label;
    enum form form;
} histograms[] = {
/* clang-format off */
#define HISTOGRAM_ROW(id, name, bounds, label, constant, form, help) \
    { PREFIX name, constant, help, bounds_##id, ARRAY_COUNT(bounds_##id), METRIC_CELL_##id, LABEL_##label, \
      FORM_##form },
    /* clang-format on */
    METRIC_HISTOGRAM_LIST(HISTOGRAM_ROW)
};

struct sets {
    const struct metrics *const *at;
    size_t count;
};

static void put(struct buf *out, const char *text)
{
    buf_append(out, slice_from_cstr(text));
}

static void put_head(struct buf *out, const char *name, const char *suffix, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix, type);
}

/* A label's value may hold anything: format section "text format details". */
static void put_escaped(struct buf *out, struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == '\n') {
            put(out, "\\n");
            continue;
        }
        if (c == '"' || c == '\\') buf_append_char(out, '\\');
        buf_append_char(out, c);
    }
}

/* Opens the label set with '{' or goes on with ','. */
static void put_label(struct buf *out, bool *open, const char *name, const char *value)
{
    buf_append_char(out, *open ? ',' : '{');
    *open = true;
    put(out, name);
    put(out, "=\"");
    put(out, value);
    buf_append_char(out, '"');
}

static void put_constant(struct buf *out, bool *open, const char *constant)
{
    if (*constant == '\0') return;
    buf_append_char(out, *open ? ',' : '{');
    *open = true;
    put(out, constant);
}

static void put_i64_line(struct buf *out, bool open, int64_t value)
{
    put(out, open ? "} " : " ");
    buf_append_i64(out, value);
    buf_append_char(out, '\n');
}

static unsigned series_count(const enum label *kinds)
{
    unsigned count = 1;
    for (size_t i = 0; i < LABELS_MAX; i++) count *= labels[kinds[i]].value_count;
    return count;
}

/* The last label varies fastest, as in METRIC_AT3. */
static void put_series_labels(struct buf *out, const enum label *kinds, unsigned series, bool *open)
{
    unsigned stride = series_count(kinds);
    for (size_t i = 0; i < LABELS_MAX && kinds[i] != LABEL_NONE; i++) {
        unsigned value_count = labels[kinds[i]].value_count;
        stride /= value_count;
        put_label(out, open, labels[kinds[i]].name, labels[kinds[i]].values[series / stride % value_count]);
    }
}

static void write_family(struct buf *out, const struct sets *sets, size_t index)
{
    static const char *const type_names[] = { [TYPE_COUNTER] = "counter", [TYPE_GAUGE] = "gauge" };
    bool headed = false;
    unsigned count = series_count(families[index].labels);
    for (unsigned series = 0; series < count; series++) {
        int64_t value = metrics_sum(sets->at, sets->count, families[index].first_slot + series);
        if (value == 0 && families[index].when == WHEN_TOUCHED) continue;
        if (!headed) put_head(out, families[index].name, "", type_names[families[index].type], families[index].help);
        headed = true;
        bool open = false;
        put(out, families[index].name);
        put_series_labels(out, families[index].labels, series, &open);
        put_constant(out, &open, families[index].constant);
        put_i64_line(out, open, value);
    }
}

static uint64_t sum_cell(const struct sets *sets, unsigned cell)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < sets->count; i++)
        sum += atomic_load_explicit(&sets->at[i]->cells_[cell], memory_order_relaxed);
    return sum;
}

static unsigned first_cell(const struct histogram *h, unsigned value)
{
    return h->first_cell + value * (h->bound_count + 2);
}

static uint64_t observation_count(const struct sets *sets, const struct histogram *h, unsigned value)
{
    uint64_t count = 0;
    for (unsigned i = 0; i <= h->bound_count; i++) count += sum_cell(sets, first_cell(h, value) + i);
    return count;
}

static bool open_labels(struct buf *out, const struct histogram *h, unsigned value)
{
    bool open = false;
    if (h->label != LABEL_NONE) put_label(out, &open, labels[h->label].name, labels[h->label].values[value]);
    put_constant(out, &open, h->constant);
    return open;
}

static void write_sum_and_count(struct buf *out, const struct sets *sets, const struct histogram *h, const char *suffix,
                                unsigned value, uint64_t count)
{
    uint64_t sum_ns = sum_cell(sets, first_cell(h, value) + h->bound_count + 1);
    buf_printf(out, "%s%s_sum", h->name, suffix);
    put(out, open_labels(out, h, value) ? "} " : " ");
    buf_printf(out, "%llu.%09llu\n", (unsigned long long)(sum_ns / NS_PER_SECOND_U),
               (unsigned long long)(sum_ns % NS_PER_SECOND_U));
    buf_printf(out, "%s%s_count", h->name, suffix);
    put_i64_line(out, open_labels(out, h, value), (int64_t)count);
}

/* The count is what the buckets were read as, so that it fits them though the owners go on. */
static uint64_t write_buckets(struct buf *out, const struct sets *sets, const struct histogram *h, const char *suffix,
                              unsigned value)
{
    uint64_t count = 0;
    for (unsigned i = 0; i <= h->bound_count; i++) {
        count += sum_cell(sets, first_cell(h, value) + i);
        buf_printf(out, "%s%s_bucket", h->name, suffix);
        bool open = open_labels(out, h, value);
        put_label(out, &open, "le", i < h->bound_count ? h->bounds[i] : "+Inf");
        put_i64_line(out, open, (int64_t)count);
    }
    return count;
}

/* Within its bucket the quantile is taken to lie as if the observations were spread
 * evenly; above all bounds it is the last bound. */
static double estimate_quantile(const struct sets *sets, const struct histogram *h, unsigned value, uint64_t count,
                                double quantile)
{
    const double rank = quantile * (double)count;
    double lower = 0;
    uint64_t below = 0;
    for (unsigned i = 0; i < h->bound_count; i++) {
        const uint64_t inside = sum_cell(sets, first_cell(h, value) + i);
        const double upper = strtod(h->bounds[i], NULL);
        if (inside > 0 && (double)(below + inside) >= rank)
            return lower + (upper - lower) * (rank - (double)below) / (double)inside;
        below += inside;
        lower = upper;
    }
    return lower;
}

static void write_quantiles(struct buf *out, const struct sets *sets, const struct histogram *h, unsigned value,
                            uint64_t count)
{
    static const char *const quantiles[] = { "0.5", "0.99", "0.999" };
    for (size_t i = 0; i < ARRAY_COUNT(quantiles); i++) {
        put(out, h->name);
        bool open = open_labels(out, h, value);
        put_label(out, &open, "quantile", quantiles[i]);
        buf_printf(out, "} %.6g\n", estimate_quantile(sets, h, value, count, strtod(quantiles[i], NULL)));
    }
}

static void write_summary(struct buf *out, const struct sets *sets, const struct histogram *h)
{
    bool headed = false;
    for (unsigned value = 0; value < labels[h->label].value_count; value++) {
        uint64_t count = observation_count(sets, h, value);
        if (count == 0) continue;
        if (!headed) put_head(out, h->name, "", "summary", h->help);
        headed = true;
        write_quantiles(out, sets, h, value, count);
        write_sum_and_count(out, sets, h, "", value, count);
    }
}

static void write_histogram(struct buf *out, const struct sets *sets, const struct histogram *h)
{
    const char *suffix = h->form == FORM_WITH_SUMMARY ? "_histogram" : "";
    bool headed = false;
    for (unsigned value = 0; value < labels[h->label].value_count; value++) {
        if (observation_count(sets, h, value) == 0) continue;
        if (!headed) put_head(out, h->name, suffix, "histogram", h->help);
        headed = true;
        uint64_t count = write_buckets(out, sets, h, suffix, value);
        write_sum_and_count(out, sets, h, suffix, value, count);
    }
}

bool metrics_is_gauge(unsigned slot)
{
    for (size_t i = 0; i < ARRAY_COUNT(families); i++) {
        const unsigned first = families[i].first_slot;
        if (slot >= first && slot - first < series_count(families[i].labels)) return families[i].type == TYPE_GAUGE;
    }
    return false;
}

static void write_build(struct buf *out, struct slice version)
{
    put_head(out, PREFIX "node_build", "", "gauge", "Node build info.");
    put(out, PREFIX "node_build{version=\"");
    put_escaped(out, version);
    put(out, "\"} 1\n");
}

void metrics_write(const struct metrics *const *at, size_t set_count, struct slice version, struct buf *out)
{
    const struct sets sets = { at, set_count };
    write_build(out, version);
    for (size_t i = 0; i < ARRAY_COUNT(families); i++) write_family(out, &sets, i);
    for (size_t i = 0; i < ARRAY_COUNT(histograms); i++) {
        if (histograms[i].form == FORM_WITH_SUMMARY) write_summary(out, &sets, &histograms[i]);
        write_histogram(out, &sets, &histograms[i]);
    }
}
