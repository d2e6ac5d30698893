/* control_secrets: the two secrets that a deployment needs besides its projects' keys:
 * the key under which tokens are signed, and the key of the engine's server API.
 *
 * Use: status = control_secrets_load("data", { from config, from config }, &secrets, error);
 *      … control_secrets_wipe(&secrets);
 * What the configuration or environment gives wins and is stored nowhere. The rest is
 * read from DIR/secrets.json (0600), or made there at first start. Never logged.
 * At start-up; blocks on the disk. */
#ifndef XSHATHRA_CONTROL_CONTROL_SECRETS_H
#define XSHATHRA_CONTROL_CONTROL_SECRETS_H

#include "control/data_dir.h"

#define CONTROL_SECRET_MAX     4096 /* with NUL; one given by the configuration may be long */
#define CONTROL_SECRETS_FILE   "secrets.json"
#define CONTROL_FIRST_RUN_FILE "first-run.txt"

struct control_secrets {
    char token_hmac_secret_key[CONTROL_SECRET_MAX];
    char api_key[CONTROL_SECRET_MAX];
    bool generated; /* at least one was made by this call */
};

/* NULL or "" = not given. The folder must be there. A folder whose files cannot be
 * read or understood is an error: silently made new secrets would lock everyone out.
 * MALFORMED, TOO_LARGE, DENIED, IO: error is a sentence without the secrets. */
MUST_CHECK enum status control_secrets_load(const char *dir, const char *token_hmac_secret_key, const char *api_key,
                                            struct control_secrets *out, char error[static DATA_DIR_ERROR_MAX]);
void control_secrets_wipe(struct control_secrets *s);

/* The keys of the first start, for a server without a terminal: the text is the caller's. */
MUST_CHECK enum status control_first_run_write(const char *dir, struct slice text,
                                               char error[static DATA_DIR_ERROR_MAX]);

#endif
