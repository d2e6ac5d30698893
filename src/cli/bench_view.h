/* bench_view: how a load by `xshathra bench` is shown: a line that moves on a terminal, a summary for people, and one
 * line of JSON. Pure but for out. */
#ifndef XSHATHRA_CLI_BENCH_VIEW_H
#define XSHATHRA_CLI_BENCH_VIEW_H

#include <stdio.h>

#include "load/load_run.h"

/* Over itself: begins with a carriage return, ends without a newline. */
void bench_view_progress(FILE *out, const struct load_plan *plan, const struct load_totals *t);
void bench_view_clear(FILE *out);
void bench_view_summary(FILE *out, const struct load_plan *plan, const struct load_totals *t);
void bench_view_json(FILE *out, const struct load_plan *plan, const struct load_totals *t);

#endif
