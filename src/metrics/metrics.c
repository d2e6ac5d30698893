#include "metrics/metrics.h"

#include "base/mem.h"
#include "base/mem_part.h"

#define NS_PER_SECOND 1e9
#define SECONDS_MAX   1e9 /* a longer observation is a clock gone wrong; the sum must not overflow */

struct metrics *metrics_new(void)
{
    struct metrics *m = mem_must_alloc_zero(sizeof(struct metrics));
    mem_part_add(MEM_WORKERS, m);
    return m;
}

void metrics_free(struct metrics *m)
{
    mem_part_free(MEM_WORKERS, m);
}

static unsigned code_index(const uint32_t *codes, unsigned count, uint32_t code)
{
    unsigned i = 0;
    while (i < count && codes[i] != code) i++;
    return i; /* count itself is "other" */
}

#define CODE(number) number,

unsigned metrics_error_code(uint32_t code)
{
    static const uint32_t codes[] = { METRIC_ERROR_CODE_LIST(CODE) };
    return code_index(codes, ARRAY_COUNT(codes), code);
}

unsigned metrics_disconnect_code(uint32_t code)
{
    static const uint32_t codes[] = { METRIC_DISCONNECT_CODE_LIST(CODE) };
    return code_index(codes, ARRAY_COUNT(codes), code);
}

unsigned metrics_unsubscribe_code(uint32_t code)
{
    static const uint32_t codes[] = { METRIC_UNSUBSCRIBE_CODE_LIST(CODE) };
    return code_index(codes, ARRAY_COUNT(codes), code);
}

unsigned metrics_close_code(uint32_t code)
{
    static const uint32_t codes[] = { METRIC_CLOSE_CODE_LIST(CODE) };
    return code_index(codes, ARRAY_COUNT(codes), code);
}

#define BOUND(number)                                         number,
#define BOUNDS(id, name, bounds, label, constant, form, help) static const double bounds_##id[] = { bounds(BOUND) };
METRIC_HISTOGRAM_LIST(BOUNDS)

static const struct {
    const double *bounds;
    unsigned bound_count, first_cell, label_count;
} shapes[METRIC_HISTOGRAM_COUNT] = {
#define SHAPE(id, name, bounds, label, constant, form, help)                                                           \
    { bounds_##id, ARRAY_COUNT(bounds_##id), METRIC_CELL_##id, METRIC_COUNT_##label },
    METRIC_HISTOGRAM_LIST(SHAPE)
};

static void add_to_cell(_Atomic uint64_t *cell, uint64_t n)
{
    atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + n, memory_order_relaxed);
}

void metrics_observe(struct metrics *m, enum metric_histogram histogram, unsigned label_value, double seconds)
{
    CHECK(histogram < METRIC_HISTOGRAM_COUNT && label_value < shapes[histogram].label_count);
    if (!(seconds > 0)) seconds = 0;
    if (seconds > SECONDS_MAX) seconds = SECONDS_MAX;
    const double *bounds = shapes[histogram].bounds;
    unsigned bound_count = shapes[histogram].bound_count;
    unsigned i = 0;
    while (i < bound_count && seconds > bounds[i]) i++;
    _Atomic uint64_t *cells = &m->cells_[shapes[histogram].first_cell + label_value * (bound_count + 2)];
    add_to_cell(&cells[i], 1);
    add_to_cell(&cells[bound_count + 1], (uint64_t)(seconds * NS_PER_SECOND + 0.5));
}

int64_t metrics_sum(const struct metrics *const *sets, size_t set_count, unsigned slot)
{
    CHECK(slot < METRIC_SLOT_COUNT);
    uint64_t sum = 0;
    for (size_t i = 0; i < set_count; i++) sum += atomic_load_explicit(&sets[i]->slots_[slot], memory_order_relaxed);
    return (int64_t)sum;
}
