#include "cli/cli.h"
#include "crypto/crypto_memory.h"

int main(int argc, char **argv)
{
    crypto_memory_count();
    return cli_run(argc, argv, &(struct cli_io){ stdout, stderr });
}
