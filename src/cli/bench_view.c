#include "cli/bench_view.h"

#include "base/buf.h"
#include "base/check.h"
#include "json/json_writer.h"

/* Above it this program may be what was measured. */
#define BUSY_SHARE 0.9

static const struct quantile {
    const char *name;
    double q;
} quantiles[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99.9", 0.999 } };

static double per_second(uint64_t count, uint64_t ns)
{
    return ns ? (double)count / ((double)ns / 1e9) : 0;
}

static double ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

void bench_view_progress(FILE *out, const struct load_plan *plan, const struct load_totals *t)
{
    static const char *const phases[] = {
        [LOAD_RAMP] = "connecting", [LOAD_STEADY] = "running", [LOAD_DRAIN] = "waiting for the rest"
    };
    fprintf(out, "\r\033[K%s %.0f s: %u of %u connected", phases[t->phase], (double)t->elapsed_ns / 1e9, t->ready,
            plan->connections);
    if (t->failed + t->lost) fprintf(out, ", %u failed", t->failed + t->lost);
    if (t->phase != LOAD_RAMP && plan->publishes_per_s > 0)
        fprintf(out, ", %llu published, %llu delivered, p99 %.2f ms", (unsigned long long)t->published,
                (unsigned long long)t->deliveries, ms(load_histogram_quantile(&t->delivery_times, 0.99)));
    fflush(out);
}

void bench_view_clear(FILE *out)
{
    fputs("\r\033[K", out);
    fflush(out);
}

static void print_times(FILE *out, const char *label, const struct load_histogram *h)
{
    if (h->count == 0) return;
    fprintf(out, "%-22s", label);
    for (size_t i = 0; i < ARRAY_COUNT(quantiles); i++)
        fprintf(out, "%s %.3f ms, ", quantiles[i].name, ms(load_histogram_quantile(h, quantiles[i].q)));
    fprintf(out, "max %.3f ms\n", ms(h->max));
}

static void print_publishes(FILE *out, const struct load_totals *t)
{
    if (t->published == 0) return;
    fprintf(out, "%-22s%llu (%.0f a second), %llu acknowledged, %llu refused\n", "published",
            (unsigned long long)t->published, per_second(t->published, t->steady_ns),
            (unsigned long long)t->acknowledged, (unsigned long long)t->refused);
    fprintf(out, "%-22s%llu of %llu (%.0f a second)\n", "delivered", (unsigned long long)t->deliveries,
            (unsigned long long)t->deliveries_due, per_second(t->deliveries, t->steady_ns));
    print_times(out, "publish to delivery", &t->delivery_times);
}

void bench_view_summary(FILE *out, const struct load_plan *plan, const struct load_totals *t)
{
    fprintf(out, "%-22s%u of %u", "connected", t->ready + t->lost, plan->connections);
    if (t->ramp_ns) fprintf(out, " in %.2f s", (double)t->ramp_ns / 1e9);
    fprintf(out, ", %u failed, %u lost later\n", t->failed, t->lost);
    print_times(out, "connect and subscribe", &t->connect_times);
    print_publishes(out, t);
    fprintf(out, "%-22s%.1f MB received, %.1f MB sent\n", "bytes", (double)t->received_bytes / 1e6,
            (double)t->sent_bytes / 1e6);
    for (uint32_t i = 0; i < t->reason_count; i++)
        fprintf(out, "%-22s%llu times: %s\n", i ? "" : "what went wrong", (unsigned long long)t->reasons[i].count,
                t->reasons[i].text);
    if (t->stopped) fputs("The run was ended early.\n", out);
    if (t->cpu_share > BUSY_SHARE)
        fprintf(out,
                "This program used %.0f %% of a processor and may be what was measured: share the load among several "
                "of them.\n",
                t->cpu_share * 100);
}

static void append_times(struct buf *b, const char *name, const struct load_histogram *h)
{
    buf_printf(b, ",\"%s\":{\"count\":%llu", name, (unsigned long long)h->count);
    for (size_t i = 0; i < ARRAY_COUNT(quantiles); i++)
        buf_printf(b, ",\"%s\":%.4f", quantiles[i].name, ms(load_histogram_quantile(h, quantiles[i].q)));
    buf_printf(b, ",\"max\":%.4f}", ms(h->max));
}

static void append_reasons(struct buf *b, const struct load_totals *t)
{
    buf_append(b, SLICE(",\"errors\":["));
    for (uint32_t i = 0; i < t->reason_count; i++) {
        buf_append(b, i ? SLICE(",{\"text\":") : SLICE("{\"text\":"));
        json_append_string(b, slice_from_cstr(t->reasons[i].text));
        buf_printf(b, ",\"count\":%llu}", (unsigned long long)t->reasons[i].count);
    }
    buf_append_char(b, ']');
}

void bench_view_json(FILE *out, const struct load_plan *plan, const struct load_totals *t)
{
    struct buf b;
    buf_init(&b, BUF_NO_LIMIT);
    buf_printf(&b,
               "{\"connections\":%u,\"channels\":%u,\"subscriptions\":%u,\"rate\":%.6g,\"size\":%u,\"connected\":%u,"
               "\"failed\":%u,\"lost\":%u,\"ramp_s\":%.3f,\"steady_s\":%.3f",
               plan->connections, plan->channels, plan->subscriptions, plan->publishes_per_s, plan->payload_len,
               t->ready + t->lost, t->failed, t->lost, (double)t->ramp_ns / 1e9, (double)t->steady_ns / 1e9);
    buf_printf(&b,
               ",\"published\":%llu,\"acknowledged\":%llu,\"refused\":%llu,\"delivered\":%llu,\"deliveries_due\":%llu,"
               "\"received_bytes\":%llu,\"sent_bytes\":%llu",
               (unsigned long long)t->published, (unsigned long long)t->acknowledged, (unsigned long long)t->refused,
               (unsigned long long)t->deliveries, (unsigned long long)t->deliveries_due,
               (unsigned long long)t->received_bytes, (unsigned long long)t->sent_bytes);
    append_times(&b, "connect_ms", &t->connect_times);
    append_times(&b, "delivery_ms", &t->delivery_times);
    append_reasons(&b, t);
    buf_printf(&b, ",\"client_cpu\":%.3f,\"client_may_be_the_limit\":%s,\"ended_early\":%s}\n", t->cpu_share,
               t->cpu_share > BUSY_SHARE ? "true" : "false", t->stopped ? "true" : "false");
    fwrite(b.ptr, 1, b.len, out);
    buf_deinit(&b);
}
