/* cli_data: what the commands share about the data folder. */
#ifndef XSHATHRA_CLI_CLI_DATA_H
#define XSHATHRA_CLI_CLI_DATA_H

#define CLI_DATA_VARIABLE "XSHATHRA_DATA"

/* What --data gave, else the environment's, else "data". Borrows. */
const char *cli_data_dir(const char *option);

#endif
