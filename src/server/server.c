#include "server/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/delayed/delayed_broker.h"
#include "broker/delayed/delayed_map_broker.h"
#include "broker/memory/memory_map_broker.h"
#include "control/control.h"
#include "crypto/crypto_random.h"
#include "keys/key_fetcher.h"
#include "platform/platform_clock.h"
#include "platform/platform_cpu.h"
#include "platform/platform_limit.h"
#include "platform/platform_listen.h"
#include "server/log_sink.h"
#include "server/memory_report.h"
#include "server/server_tls.h"
#include "server/startup.h"
#include "server/worker.h"

#ifndef XSHATHRA_VERSION
#define XSHATHRA_VERSION "dev"
#endif

#define LISTEN_BACKLOG     4096
#define WORKERS_MAX        (POST_OFFICE_MAX - 1) /* one place is the control thread's */
#define NOFILE_COMFORTABLE 10000
#define TURNS_AT_END_MAX   100000 /* work that waits for memory may never end */

struct server {
    const struct server_options *options;
    struct config *config;
    struct control_secrets secrets;
    struct worker_shared shared;
    struct net_tls_context *tls[WORKER_LISTENER_COUNT]; /* of this moment; NULL = without */
    struct worker *workers;
    uint32_t worker_count;
    uint32_t initialised; /* workers that worker_deinit() is owed to */
    bool running;         /* their threads were started */
    struct control *control;
    struct key_fetcher *fetcher;
    struct control_first_run first_run;
    uint64_t descriptors;
};

/* ---- building ---- */

static void name_node(struct server *s)
{
    struct engine_node *node = &s->shared.engine.node;
    char host[200] = "localhost";
    crypto_uuid4(node->uid);
    if (gethostname(host, sizeof host) != 0) snprintf(host, sizeof host, "localhost");
    host[sizeof host - 1] = 0;
    if (s->config->node_name[0]) {
        snprintf(node->name, sizeof node->name, "%s", s->config->node_name);
    } else {
        snprintf(node->name, sizeof node->name, "%s_%u", host, s->config->http_port);
    }
    node->version = XSHATHRA_VERSION;
    node->started_ms = platform_clock_ms();
}

static void choose_worker_count(struct server *s)
{
    uint32_t count = s->options->workers ? s->options->workers : platform_cpu_count();
    s->worker_count = count > WORKERS_MAX ? WORKERS_MAX : count;
}

static bool build_office(struct server *s)
{
    s->workers = mem_must_alloc_zero(s->worker_count * sizeof *s->workers);
    for (uint32_t i = 0; i < s->worker_count; i++) {
        if (!mailbox_init(&s->workers[i].mailbox, &s->workers[i], MAILBOX_LIMITS_DEFAULT)) return false;
        s->shared.office.boxes[i] = &s->workers[i].mailbox;
    }
    s->shared.office.count = s->worker_count;
    return true;
}

/* 0 = answers are not made late; else of XSHATHRA_BROKER_DELAY_MS. */
static uint32_t broker_delay_ms(void)
{
    const char *delay = getenv("XSHATHRA_BROKER_DELAY_MS");
    uint64_t delay_ms = 0;
    bool delayed = delay && slice_to_u64(slice_from_cstr(delay), &delay_ms) && delay_ms > 0 && delay_ms <= 10000;
    return delayed ? (uint32_t)delay_ms : 0;
}

static void build_brokers(struct server *s)
{
    struct engine_shared *e = &s->shared.engine;
    struct broker_links links = { .office = &s->shared.office,
                                  .worker_count = s->worker_count,
                                  .deliver_publication = engine_deliver_publication,
                                  .deliver_completion = engine_deliver_completion,
                                  .deliver_gap = engine_deliver_gap };
    struct broker_links map_links = links;
    map_links.deliver_publication = engine_deliver_map_publication;
    map_links.deliver_gap = engine_deliver_map_gap;
    struct memory_broker_options options = { 0 };
    e->broker = memory_broker_new(&links, &options);
    e->map_broker = memory_map_broker_new(&map_links, &options);
    uint32_t delay_ms = broker_delay_ms();
    if (delay_ms == 0) return;
    LOG_WARN("every answer of the broker is made late, for tests", LOG_U64("delay_ms", delay_ms));
    e->broker = delayed_broker_new(e->broker, &links, delay_ms);
    e->map_broker = delayed_map_broker_new(e->map_broker, &map_links, delay_ms);
}

static void build_shared(struct server *s)
{
    struct engine_shared *e = &s->shared.engine;
    s->shared.config = s->config;
    s->shared.workers = s->workers;
    e->office = &s->shared.office;
    e->worker_count = s->worker_count;
    e->registry = registry_new();
    e->keys = key_store_new(&s->shared.office, engine_deliver_keys);
    s->fetcher = key_fetcher_new(e->keys);
    for (uint32_t i = 0; i < s->worker_count; i++) e->metrics[i] = metrics_new();
    s->shared.node_metrics = metrics_new();
    e->snapshot = metrics_snapshot_new(s->config->info_metrics_interval_ms, platform_clock_ms());
    pthread_mutex_init(&s->shared.node_metrics_lock, NULL);
    session_gate_init(&s->shared.gate);
    name_node(s);
    crypto_random(s->shared.console_secret, sizeof s->shared.console_secret);
    e->console_secret = s->shared.console_secret;
    build_brokers(s);
}

static bool start_control(struct server *s)
{
    char error[DATA_DIR_ERROR_MAX];
    struct control_options options = { .data_dir = s->options->data_dir,
                                       .deployment = s->config->deployment,
                                       .office = &s->shared.office,
                                       .worker_count = s->worker_count,
                                       .own_index = s->worker_count,
                                       .deliver_policy = worker_deliver_policy };
    if (control_start(&options, &s->control, &s->first_run, error) == STATUS_OK) {
        s->shared.control = s->control;
        return true;
    }
    fprintf(stderr, "xshathra: %s\n", error);
    return false;
}

/* One listener for each worker on the same port; -1 for all when port is 0. */
static bool listen_all(struct server *s, const char *address, uint16_t port, enum worker_listener which,
                       int (*fds)[WORKER_LISTENER_COUNT])
{
    char error[PLATFORM_ERROR_MAX];
    if (port == 0) return true;
    bool ok = true;
    for (uint32_t i = 0; ok && i < s->worker_count; i++)
        ok = platform_listen(address, port, LISTEN_BACKLOG, &fds[i][which], error) == STATUS_OK;
    if (!ok) fprintf(stderr, "xshathra: %s\n", error);
    return ok;
}

/* Only a deployment with a key set has a thread that fetches it. */
static bool start_fetcher(struct server *s, const struct policy_deployment *d)
{
    const bool is_needed = d->token.jwks_public_endpoint[0] ||
                           (d->subscription_token_enabled && d->subscription_token.jwks_public_endpoint[0]);
    return !is_needed || key_fetcher_start(s->fetcher);
}

static bool make_tls(struct server *s)
{
    char error[SERVER_TLS_ERROR_MAX];
    if (server_tls_make(s->config, s->tls, error) == STATUS_OK) return true;
    fprintf(stderr, "xshathra: %s; nothing was started\n", error);
    return false;
}

/* Before anything is made in the data folder: keys are shown at the first start only,
 * and a start that ends at a busy port must not have been it. */
static bool ports_are_free(const struct config *c)
{
    char error[PLATFORM_ERROR_MAX];
    if (platform_listen_check(c->http_address, c->http_port, error) == STATUS_OK &&
        (c->internal_port == 0 || platform_listen_check(c->internal_address, c->internal_port, error) == STATUS_OK))
        return true;
    fprintf(stderr, "xshathra: %s; another port is chosen by --port, http_server.port or CENTRIFUGO_HTTP_SERVER_PORT\n",
            error);
    return false;
}

static bool start_workers(struct server *s)
{
    int fds[POST_OFFICE_MAX][WORKER_LISTENER_COUNT];
    for (uint32_t i = 0; i < s->worker_count; i++)
        for (int l = 0; l < WORKER_LISTENER_COUNT; l++) fds[i][l] = -1;
    const struct config *c = s->config;
    if (!listen_all(s, c->http_address, c->http_port, WORKER_LISTENER_PUBLIC, fds) ||
        !listen_all(s, c->internal_address, c->internal_port, WORKER_LISTENER_INTERNAL, fds))
        return false;
    if (!start_fetcher(s, c->deployment)) {
        fprintf(stderr, "xshathra: the thread that fetches key sets cannot start\n");
        return false;
    }
    for (uint32_t i = 0; i < s->worker_count; i++) {
        enum status status = worker_init(&s->workers[i], &s->shared, i, control_policy(s->control), fds[i]);
        s->initialised = i + 1;
        if (status != STATUS_OK) {
            fprintf(stderr, "xshathra: worker %u cannot start: %s\n", i, status_text(status));
            return false;
        }
        worker_set_tls(&s->workers[i], s->tls);
    }
    s->running = true;
    for (uint32_t i = 0; i < s->worker_count; i++)
        if (!worker_start(&s->workers[i])) check_failed("pthread_create", __FILE__, __LINE__);
    return true;
}

/* ---- running ---- */

static void write_pid_file(const struct config *c)
{
    if (!c->pid_file[0]) return;
    FILE *f = fopen(c->pid_file, "we");
    if (f) {
        fprintf(f, "%ld\n", (long)getpid());
        fclose(f);
    } else {
        LOG_WARN("the pid file cannot be written", LOG_CSTR("file", c->pid_file), LOG_CSTR("error", strerror(errno)));
    }
}

/* The certificates of new connections; those that are open keep theirs. */
static bool reload_tls(struct server *s, const struct config *fresh)
{
    char error[SERVER_TLS_ERROR_MAX];
    struct net_tls_context *contexts[WORKER_LISTENER_COUNT];
    if (server_tls_make(fresh, contexts, error) != STATUS_OK) {
        LOG_ERROR("configuration", LOG_CSTR("problem", error));
        return false;
    }
    if (!server_tls_same(contexts, s->tls)) {
        LOG_WARN("TLS is switched on or off for a port: that needs a restart, and so do its certificates");
        server_tls_free(contexts);
        return true;
    }
    for (uint32_t i = 0; i < s->worker_count; i++) server_tls_post(&s->workers[i], contexts);
    server_tls_free(s->tls);
    memcpy(s->tls, contexts, sizeof contexts);
    return true;
}

static void reload(struct server *s)
{
    struct config *fresh = startup_reload_config(s->options, &s->secrets);
    if (!fresh || !start_fetcher(s, fresh->deployment) || !reload_tls(s, fresh)) {
        LOG_ERROR("reload refused: the configuration before stays in force");
        config_free(fresh);
        return;
    }
    log_set_level(fresh->log_level);
    control_reload(s->control, policy_deployment_ref(fresh->deployment));
    config_free(fresh);
    LOG_INFO("configuration reloaded: namespaces, token keys, origins, API key, limits, certificates, log level");
}

/* Blocks until the server is to stop. */
static void wait_for_signals(struct server *s, const sigset_t *signals)
{
    for (;;) {
        int signal = 0;
        if (sigwait(signals, &signal) != 0) continue;
        if (signal != SIGHUP) {
            LOG_INFO("stopping", LOG_CSTR("signal", signal == SIGINT ? "SIGINT" : "SIGTERM"),
                     LOG_U64("timeout_ms", s->config->shutdown_timeout_ms));
            return;
        }
        reload(s);
    }
}

/* True when everything ended by itself within the time-out. */
static bool stop_workers(struct server *s)
{
    bool clean = true;
    atomic_store_explicit(&s->shared.stopping, true, memory_order_relaxed);
    for (uint32_t i = 0; i < s->worker_count; i++) worker_stop(&s->workers[i]);
    for (uint32_t i = 0; i < s->worker_count; i++) {
        worker_join(&s->workers[i]);
        clean &= !atomic_load(&s->workers[i].forced);
    }
    return clean;
}

/* Mail between workers that nobody reads any more still owns memory, and so does long
 * work that was under way. */
static void drain_mail(struct server *s)
{
    for (uint32_t i = 0; i < s->worker_count; i++) {
        while (mailbox_drain(&s->workers[i].mailbox, 1024)) {
        }
        for (int turns = 0; turns < TURNS_AT_END_MAX && engine_turn(&s->workers[i].engine); turns++) {
        }
    }
}

/* Also after a start that got only part of the way. */
static void tear_down(struct server *s)
{
    struct broker *broker = s->shared.engine.broker;
    struct map_broker *maps = s->shared.engine.map_broker;
    control_stop(s->control);
    if (s->fetcher) key_fetcher_stop(s->fetcher);
    if (broker && broker->ops->stop) broker->ops->stop(broker);
    if (maps && maps->ops->stop) maps->ops->stop(maps);
    for (int round = 0; s->running && round < 2; round++) drain_mail(s); /* answers to what the first round did */
    for (uint32_t i = 0; i < s->initialised; i++) worker_deinit(&s->workers[i]);
    if (broker) broker->ops->free(broker);
    if (maps) maps->ops->free(maps);
    server_tls_free(s->tls);
    for (uint32_t i = 0; i < s->worker_count; i++) mailbox_deinit(&s->workers[i].mailbox);
    control_free(s->control);
    key_fetcher_free(s->fetcher);
    key_store_free(s->shared.engine.keys);
    registry_free(s->shared.engine.registry);
    for (uint32_t i = 0; i < s->worker_count; i++) metrics_free(s->shared.engine.metrics[i]);
    metrics_free(s->shared.node_metrics);
    metrics_snapshot_free(s->shared.engine.snapshot);
    pthread_mutex_destroy(&s->shared.node_metrics_lock);
    session_gate_deinit(&s->shared.gate);
    mem_free(s->workers);
}

static void log_start(const struct server *s)
{
    LOG_INFO("starting xshathra", LOG_CSTR("version", XSHATHRA_VERSION), LOG_U64("pid", getpid()),
             LOG_U64("workers", s->worker_count), LOG_CSTR("broker", "memory"),
             LOG_CSTR("address", s->config->http_address), LOG_U64("port", s->config->http_port),
             LOG_U64("internal_port", s->config->internal_port), LOG_CSTR("tls", s->config->tls.enabled ? "on" : "off"),
             LOG_U64("descriptors", s->descriptors));
    if (s->descriptors < NOFILE_COMFORTABLE)
        LOG_WARN("few file descriptors: each connection takes one; raise the hard limit (ulimit -Hn, LimitNOFILE=)",
                 LOG_U64("descriptors", s->descriptors));
    const struct policy_deployment *d = s->config->deployment;
    if (d->insecure) LOG_WARN("client.insecure is on: anyone may connect and do anything");
    if (d->insecure_skip_signature) LOG_WARN("token signatures are not checked");
    if (d->api_insecure) LOG_WARN("http_api.insecure is on: the server API asks for no key");
}

/* Before any thread, also the log's: all of them inherit it. One thread with a signal
 * unblocked is enough for that signal to end the process. */
static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int run(struct server *s, const sigset_t *signals)
{
    if (platform_raise_nofile(&s->descriptors) != STATUS_OK) s->descriptors = 0;
    log_start(s);
    if (!build_office(s)) {
        fprintf(stderr, "xshathra: no eventfd is to be had: %s\n", strerror(errno));
        return 1;
    }
    build_shared(s);
    if (!make_tls(s) || !ports_are_free(s->config) || !start_control(s) || !start_workers(s)) {
        tear_down(s);
        return 1;
    }
    write_pid_file(s->config);
    startup_greet(s->options, s->config, &s->first_run);
    control_first_run_wipe(&s->first_run);
    LOG_INFO("serving");

    wait_for_signals(s, signals);
    bool clean = stop_workers(s);
    if (!clean) LOG_WARN("connections were cut: shutdown.timeout has passed");
    if (s->config->pid_file[0]) (void)unlink(s->config->pid_file);
    tear_down(s);
    LOG_INFO("stopped");
    return clean ? 0 : 1;
}

int server_run(const struct server_options *options)
{
    struct server *s = mem_must_alloc_zero(sizeof *s);
    memory_report_start();
    uint8_t seed[16];
    crypto_random(seed, sizeof seed);
    hash_seed(seed);
    s->options = options;
    int status = 1;
    if (startup_make_data_dir(options->data_dir)) s->config = startup_load_config(options, &s->secrets);
    if (s->config) {
        const struct config *c = s->config;
        bool json = c->log_format == CONFIG_LOG_JSON || (c->log_format == CONFIG_LOG_AUTO && !isatty(STDERR_FILENO));
        log_set_level(c->log_level);
        choose_worker_count(s);
        sigset_t signals;
        block_signals(&signals);
        if (log_sink_start(c->log_file, json)) {
            status = run(s, &signals);
            log_sink_stop();
        } else {
            fprintf(stderr, "xshathra: the log file \"%s\" cannot be opened: %s\n", c->log_file, strerror(errno));
        }
    }
    config_free(s->config);
    control_secrets_wipe(&s->secrets);
    mem_free(s);
    return status;
}
