/* api_many: the commands of one request, run one after the other through the methods,
 * each answer after the last in the body. In slices, so that a long batch holds up
 * nobody; a command that waits for the broker or for other workers is waited for. So
 * the answers are in the order of the commands, and so is what they do.
 *
 * Use: struct api_commands list = { 0 };
 *      api_commands_add(call, &list, &command) for each, borrowing only the arena;
 *      return api_many_start(call, &form, &list);
 * For the batch and the legacy form. */
#ifndef XSHATHRA_API_API_MANY_H
#define XSHATHRA_API_API_MANY_H

#include "api/api_methods.h"

/* Commands in one request: bounds its work and the size of its answer. */
#define API_COMMANDS_MAX 100000u

struct api_command {
    const struct api_method *method; /* NULL: none that we have */
    const void *request;             /* in the arena */
    uint32_t id;                     /* repeated in the answer; 0 = none */
    uint32_t refusal;                /* the error's code when it cannot be run; else 0 */
};

struct api_commands {
    struct api_command *items; /* in the arena */
    uint32_t count;
};

/* How the answers stand together. */
struct api_many_form {
    struct slice open, between, close; /* around and between them */
    struct slice result_name;          /* of the result's member; empty = the method's name */
};

/* TOO_LARGE: API_COMMANDS_MAX are there already; NO_MEMORY. */
MUST_CHECK enum status api_commands_add(struct api_call *call, struct api_commands *list,
                                        const struct api_command *command);

/* form: static. */
enum api_outcome api_many_start(struct api_call *call, const struct api_many_form *form,
                                const struct api_commands *list);
/* Answer for api_commands_add() that was not OK. */
enum api_outcome api_many_refuse(struct api_call *call, enum status status);
/* The current command has answered: go on with the next. */
enum api_outcome api_many_next(struct api_call *call);

#endif
