#include "base/check.h"
#include "config/config.h"
#include "config/config_build.h"
#include "config/config_check.h"
#include "config/config_env.h"
#include "config/config_file.h"
#include "config/config_value.h"

/* Far more than a file and an environment of the greatest size become in memory. */
#define SCRATCH_BYTES_MAX ((size_t)512 * 1024 * 1024)

static void set_preset(struct config_settings *s, const struct config_preset *preset)
{
    const struct config_name *name = config_names_find(s->names, slice_from_cstr(preset->option));
    CHECK(name != NULL);
    const struct config_origin origin = { CONFIG_FROM_FLAG, preset->name, 0 };
    config_value_set_text(s, name, name->path, slice_from_cstr(preset->value), origin);
}

static void set_presets(struct config_settings *s, const struct config_preset *presets, size_t count)
{
    for (size_t i = 0; i < count; i++) set_preset(s, &presets[i]);
}

/* Only where nothing is set that counts as something. */
static void set_fallbacks(struct config_settings *s, const struct config_source *source)
{
    for (size_t i = 0; i < source->fallback_count; i++) {
        const struct config_setting *setting = config_find(s, source->fallbacks[i].option);
        if (!setting || setting->value.is_default) set_preset(s, &source->fallbacks[i]);
    }
}

/* The rules between options are looked at even when single values are wrong, so that one
 * run tells everything; a wrong value has then its default. */
static struct config *finish(struct config_settings *s, const struct config_source *source)
{
    config_env_read(s, source->environ, source->dotenv_file);
    set_presets(s, source->flags, source->flag_count);
    set_fallbacks(s, source);
    config_check(s);
    return s->report->error_count == 0 ? config_build(s) : NULL;
}

static struct config *load(const struct config_source *source, const char *name, const struct slice *text,
                           struct config_report *report)
{
    struct arena scratch;
    struct config_settings s;
    arena_init(&scratch, SCRATCH_BYTES_MAX);
    config_settings_init(&s, &scratch, report, source->strict);
    if (text)
        config_file_parse(&s, name, *text);
    else if (source->file)
        config_file_read(&s, source->file, source->file_required);
    struct config *c = finish(&s, source);
    config_settings_deinit(&s);
    arena_deinit(&scratch);
    return c;
}

struct config *config_load(const struct config_source *source, struct config_report *report)
{
    return load(source, NULL, NULL, report);
}

struct config *config_load_text(const struct config_source *source, const char *name, struct slice text,
                                struct config_report *report)
{
    return load(source, name, &text, report);
}
