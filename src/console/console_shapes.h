/* console_shapes: what several families of calls write. Inside src/console only. */
#ifndef XSHATHRA_CONSOLE_CONSOLE_SHAPES_H
#define XSHATHRA_CONSOLE_CONSOLE_SHAPES_H

#include "console/console_call.h"

/* The member "account". */
void console_write_account(struct json_writer *w, const struct store_account *account);
/* Members of a project's object. */
void console_write_project(struct json_writer *w, const struct store_project *project, enum store_role role);
/* The member "projects" of call->json: an object, filled by write, for each that who asks takes
 * part in. False: *error says why. */
MUST_CHECK bool console_write_projects(struct console_call *call,
                                       void (*write)(struct json_writer *w, const struct store_project *project,
                                                     enum store_role role),
                                       struct account_error *error);
/* Keys in clear, shown once: server_api_key, server_key_id, client_api_key, client_key_id. */
void console_write_new_keys(struct json_writer *w, const struct project_new_keys *keys);
/* work() of a job: fields.password to password_hash; password_fits tells whether it went well. */
void console_hash_password(struct control_job *job);

#endif
