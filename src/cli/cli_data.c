#include "cli/cli_data.h"

#include <stdlib.h>

const char *cli_data_dir(const char *option)
{
    if (option) return option;
    const char *from_environment = getenv(CLI_DATA_VARIABLE);
    return from_environment && from_environment[0] ? from_environment : "data";
}
