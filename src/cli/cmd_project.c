#include <string.h>

#include "base/check.h"
#include "cli/cli.h"
#include "cli/cli_args.h"
#include "cli/cli_data.h"
#include "cli/project_view.h"
#include "config/config_duration.h"
#include "control/control_call.h"
#include "control/project_answer.h"
#include "control/project_run.h"
#include "control/project_service.h"
#include "json/json_writer.h"

#define COMMAND CLI_NAME " project"

static const char help[] =
    "Usage: " COMMAND " COMMAND [OPTION]...\n"
    "\n"
    "A project is a tenant: its channels and users never meet those of another one. It has a server key (secret,\n"
    "for backends) and a client key (may be in pages and apps). Keys are shown once, when they are made.\n"
    "\n"
    "Commands:\n"
    "  create NAME           make a project and show its keys\n"
    "  list                  all projects\n"
    "  show ID               one project and the ids of its keys\n"
    "  rotate ID --which server|client [--grace 24h]\n"
    "                        a new key; the old one goes on for the grace, 0 revokes it at once\n"
    "  revoke ID KEY_ID      refuse one key from now on\n"
    "  archive ID            refuse everything of a project; its history of names and spaces is kept\n"
    "\n"
    "Options of all of them:\n"
    "      --data DIR        the server's data folder; else $" CLI_DATA_VARIABLE ", else \"data\"\n"
    "      --json            print the result as one line of JSON\n"
    "  -h, --help            this text; after a command, more about it\n"
    "\n"
    "When a server runs on the folder, a change is effective in it when the command returns.\n"
    "\n"
    "Examples:\n"
    "  " COMMAND " create \"Shop, staging\"\n"
    "  " COMMAND " rotate proj_abc --which server --grace 2h\n"
    "  " COMMAND " create Shop --json | jq -r .server_api_key\n";

/* Everything that may be said; each command takes a part. */
struct words {
    const char *data, *which, *grace;
    bool json;
};

static const struct sub {
    enum project_command command;
    const char *usage;
    size_t operands;
    const char *names[2]; /* of the operands */
    const char *more;
} subs[] = {
    { PROJECT_CREATE,
      "Usage: " COMMAND " create NAME [--data DIR] [--json]",
      1,
      { "NAME" },
      "NAME is 1 to 100 bytes of UTF-8 and only for people; the id that comes out is what programs use.\n"
      "--json: {\"id\",\"name\",\"server_api_key\",\"server_key_id\",\"client_api_key\",\"client_key_id\"}\n"
      "\nExample:\n  " COMMAND " create \"Shop, staging\"\n" },
    { PROJECT_LIST,
      "Usage: " COMMAND " list [--data DIR] [--json]",
      0,
      { NULL },
      "All projects in the order in which they were made, archived ones too.\n"
      "--json: {\"projects\":[{\"id\",\"name\",\"space\",\"created_at\",\"archived_at\",\"allowed_origins\"}]}\n" },
    { PROJECT_SHOW,
      "Usage: " COMMAND " show ID [--data DIR] [--json]",
      1,
      { "ID" },
      "One project with the ids and states of its keys; the keys themselves are not kept anywhere.\n"
      "--json: as in list, and "
      "\"keys\":[{\"key_id\",\"kind\",\"state\",\"created_at\",\"valid_until\",\"revoked_at\"}]\n"
      "\nExample:\n  " COMMAND " show proj_abc\n" },
    { PROJECT_ROTATE,
      "Usage: " COMMAND " rotate ID --which server|client [--grace 24h] [--data DIR] [--json]",
      1,
      { "ID" },
      "Makes a new key and lets the old ones of that kind end after the grace: 0 (at once) to 2160h (90 days).\n"
      "Tokens that were made with an old key stay valid until they expire.\n"
      "--json: as create, without the members of the other kind.\n"
      "\nExamples:\n  " COMMAND " rotate proj_abc --which server\n"
      "  " COMMAND " rotate proj_abc --which client --grace 0\n" },
    { PROJECT_REVOKE,
      "Usage: " COMMAND " revoke ID KEY_ID [--data DIR] [--json]",
      2,
      { "ID", "KEY_ID" },
      "KEY_ID is the public id (k...), as \"show\" lists it: never give a whole key as an argument.\n"
      "Connections made with a revoked client key are closed.\n"
      "\nExample:\n  " COMMAND " revoke proj_abc kdef\n" },
    { PROJECT_ARCHIVE,
      "Usage: " COMMAND " archive ID [--data DIR] [--json]",
      1,
      { "ID" },
      "Its keys and tokens are refused and its connections closed. The project Default cannot be archived.\n"
      "\nExample:\n  " COMMAND " archive proj_abc\n" },
};

static void print_failure(struct slice code, struct slice message, bool json, FILE *err)
{
    struct buf line;
    if (!json) {
        fprintf(err, CLI_NAME ": %.*s\n", SLICE_ARG(message));
        return;
    }
    buf_init(&line, BUF_NO_LIMIT);
    buf_append(&line, SLICE("{\"error\":{\"code\":"));
    json_append_string(&line, code);
    buf_append(&line, SLICE(",\"message\":"));
    json_append_string(&line, message);
    fprintf(err, "%.*s}}\n", SLICE_ARG(buf_slice(&line)));
    buf_deinit(&line);
}

/* A result is printed also beside a failure: a change that is stored but not yet
 * effective everywhere may hold keys that nobody can see again. */
static int print_answer(const struct project_request *request, struct slice line, bool json, const struct cli_io *io)
{
    struct arena arena;
    struct project_answer answer;
    arena_init(&arena, 2 * PROJECT_RESULT_BYTES_MAX);
    bool good = project_answer_read(line, &arena, &answer);
    if (good && answer.result.len) {
        if (json)
            fprintf(io->out, "%.*s\n", SLICE_ARG(answer.result));
        else
            good = project_view_print(request, answer.result, io->out);
    }
    if (!good)
        print_failure(SLICE("bad_answer"), SLICE("the server's answer is not understood"), json, io->err);
    else if (!answer.ok)
        print_failure(answer.error_code, answer.message, json, io->err);
    int status = good && answer.ok ? CLI_OK : CLI_FAILED;
    arena_deinit(&arena);
    return status;
}

static int call(const struct project_request *request, const struct words *w, const struct cli_io *io)
{
    char error[DATA_DIR_ERROR_MAX] = "";
    struct buf answer;
    int status = CLI_FAILED;
    buf_init(&answer, 2 * PROJECT_RESULT_BYTES_MAX);
    if (control_call(cli_data_dir(w->data), request, &answer, error) == STATUS_OK)
        status = print_answer(request, buf_slice(&answer), w->json, io);
    else
        print_failure(SLICE("unavailable"), slice_from_cstr(error), w->json, io->err);
    project_result_wipe(&answer);
    return status;
}

static bool take_which(const char *command, const struct words *w, struct project_request *request, FILE *err)
{
    if (!w->which) {
        cli_complain(err, command, "the option \"--which\" is missing: server or client is allowed");
        return false;
    }
    request->which = strcmp(w->which, "server") == 0 ? STORE_KEY_SERVER : STORE_KEY_CLIENT;
    if (strcmp(w->which, store_key_kind_name(request->which)) == 0) return true;
    cli_complain(err, command, "the option \"--which\" is \"%s\": server or client is allowed", w->which);
    return false;
}

static bool take_grace(const char *command, const struct words *w, struct project_request *request, FILE *err)
{
    int64_t ns;
    request->grace_s = PROJECT_GRACE_DEFAULT_S;
    if (!w->grace) return true;
    if (config_duration_parse(slice_from_cstr(w->grace), &ns) && ns >= 0 && ns % CONFIG_SECOND_NS == 0 &&
        ns / CONFIG_SECOND_NS <= PROJECT_GRACE_MAX_S) {
        request->grace_s = (uint64_t)(ns / CONFIG_SECOND_NS);
        return true;
    }
    cli_complain(err, command,
                 "the option \"--grace\" is \"%s\": whole seconds such as \"90s\", \"30m\" or \"24h\" from 0 to 2160h "
                 "(90 days) are allowed",
                 w->grace);
    return false;
}

/* Fill the request from what was typed; false: err has a sentence. */
static bool to_request(const struct sub *sub, const char *command, const struct cli_args *args, const struct words *w,
                       struct project_request *out, FILE *err)
{
    *out = (struct project_request){ .command = sub->command };
    if (!cli_want_operands(command, args, sub->operands, sub->names, sub->usage, err)) return false;
    struct slice first = slice_from_cstr(args->operands[0]), second = slice_from_cstr(args->operands[1]);
    if (sub->command == PROJECT_CREATE)
        out->name = first;
    else
        out->id = first;
    out->key_id = second;
    if (sub->command != PROJECT_ROTATE) return true;
    return take_which(command, w, out, err) && take_grace(command, w, out, err);
}

static int run_sub(const struct sub *sub, int argc, char **argv, const struct cli_io *io)
{
    char command[64];
    struct words w = { 0 };
    struct cli_args args;
    struct project_request request;
    const struct cli_option options[] = {
        /* the last two only for rotate */
        { 0, "data", .value = &w.data },
        { 0, "json", .flag = &w.json },
        { 0, "which", .value = &w.which },
        { 0, "grace", .value = &w.grace },
    };
    size_t option_count = sub->command == PROJECT_ROTATE ? 4 : 2;
    snprintf(command, sizeof command, COMMAND " %s", project_command_name(sub->command));
    if (!cli_parse(command, argc, argv, options, option_count, &args, io->err)) return CLI_USAGE;
    if (args.help) {
        fprintf(io->out, "%s\n\n%s", sub->usage, sub->more);
        return CLI_OK;
    }
    if (!to_request(sub, command, &args, &w, &request, io->err)) return CLI_USAGE;
    return call(&request, &w, io);
}

static int unknown_sub(const char *word, const struct cli_io *io)
{
    const char *names[ARRAY_COUNT(subs)];
    for (size_t i = 0; i < ARRAY_COUNT(subs); i++) names[i] = project_command_name(subs[i].command);
    cli_unknown(io->err, word[0] == '-' ? "option" : "command", word, names, ARRAY_COUNT(names), COMMAND);
    return CLI_USAGE;
}

int cmd_project(int argc, char **argv, const struct cli_io *io)
{
    if (argc < 2) {
        fputs(help, io->err);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        fputs(help, io->out);
        return CLI_OK;
    }
    for (size_t i = 0; i < ARRAY_COUNT(subs); i++)
        if (strcmp(argv[1], project_command_name(subs[i].command)) == 0)
            return run_sub(&subs[i], argc - 1, argv + 1, io);
    return unknown_sub(argv[1], io);
}
