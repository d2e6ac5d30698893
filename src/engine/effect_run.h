/* effect_run: one effect of the server API being carried out on one worker. Private
 * to the engine; see effects.h. */
#ifndef XSHATHRA_ENGINE_EFFECT_RUN_H
#define XSHATHRA_ENGINE_EFFECT_RUN_H

#include <stdbool.h>

struct effect_run;

/* One client's part, which had to wait for the broker, is complete. */
void effect_run_step_done(struct effect_run *run, bool affected);

#endif
