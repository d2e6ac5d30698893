#include "config/support/config_try.h"

static void write_report(struct config_try *t)
{
    buf_init(&t->text, BUF_NO_LIMIT);
    config_report_write(&t->report, &t->text, false);
    buf_append_char(&t->text, '\0');
}

void config_try_load(struct config_try *t, const char *json, char *const *variables)
{
    const struct config_source source = { .environ = variables };
    config_report_init(&t->report);
    t->config = config_load_text(&source, "c.json", slice_from_cstr(json), &t->report);
    write_report(t);
}

void config_try_source(struct config_try *t, const struct config_source *source)
{
    config_report_init(&t->report);
    t->config = config_load(source, &t->report);
    write_report(t);
}

void config_try_end(struct config_try *t)
{
    config_free(t->config);
    config_report_deinit(&t->report);
    buf_deinit(&t->text);
}

bool config_try_says(const struct config_try *t, const char *sentence)
{
    return strstr(t->text.ptr, sentence) != NULL;
}
