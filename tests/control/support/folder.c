#include "control/support/folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "control/data_dir.h"

int folder_set_up(void **state)
{
    struct folder *f = mem_must_alloc_zero(sizeof *f);
    strcpy(f->dir, "/tmp/xsh_control_XXXXXX");
    *state = f;
    return mkdtemp(f->dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *about, int flag, struct FTW *walk)
{
    return remove(path);
}

int folder_tear_down(void **state)
{
    struct folder *f = *state;
    nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    mem_free(f);
    return 0;
}

const char *folder_file(const struct folder *f, const char *name)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    return path;
}

struct store *folder_store(const struct folder *f)
{
    struct store *s = NULL;
    char error[STORE_ERROR_MAX] = "";
    if (store_open(folder_file(f, DATA_DIR_DATABASE), &s, error) != STATUS_OK) fail_msg("%s", error);
    return s;
}
