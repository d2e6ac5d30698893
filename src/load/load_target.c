#include "load/load_target.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>

#define PORTS_DEFAULT 28232 /* 32768 to 60999, as Linux has it */

static bool copy(char *out, size_t out_len, struct slice text)
{
    if (text.len >= out_len) return false;
    if (text.len) memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return true;
}

/* host, host:port or [address]:port */
static bool take_authority(struct load_target *t, struct slice authority, const char *default_port)
{
    struct slice host = authority, port = slice_from_cstr(default_port);
    bool bracketed = slice_starts_with(authority, SLICE("["));
    ptrdiff_t colon = bracketed ? slice_index(authority, ']') + 1 : slice_last_index(authority, ':');
    if (bracketed && colon == 0) return false;
    if (colon >= 0 && (size_t)colon < authority.len) {
        if (authority.ptr[colon] != ':') return false;
        host = slice_head(authority, (size_t)colon);
        port = slice_from(authority, (size_t)colon + 1);
    }
    if (bracketed) host = slice_of(authority.ptr + 1, (size_t)(slice_index(authority, ']') - 1));
    uint64_t number;
    if (!slice_to_u64(port, &number) || number == 0 || number > UINT16_MAX) return false;
    return host.len != 0 && copy(t->host, sizeof t->host, host) && copy(t->port, sizeof t->port, port);
}

static bool take_url(struct load_target *t, const char *url, bool *is_tls)
{
    struct slice rest = slice_from_cstr(url);
    *is_tls = slice_starts_with(rest, SLICE("wss://"));
    if (!*is_tls && !slice_starts_with(rest, SLICE("ws://"))) return false;
    rest = slice_from(rest, *is_tls ? 6 : 5);
    size_t authority_len = 0;
    while (authority_len < rest.len && !strchr("/?#", rest.ptr[authority_len])) authority_len++;
    struct slice path = slice_from(rest, authority_len);
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] <= ' ' || path.ptr[i] == '#' || path.ptr[i] == 0x7f) return false;
    if (slice_starts_with(path, SLICE("?")) || path.len == 0)
        snprintf(t->path, sizeof t->path, "/connection/websocket%.*s", SLICE_ARG(slice_head(path, 512)));
    else if (!copy(t->path, sizeof t->path, path))
        return false;
    return take_authority(t, slice_head(rest, authority_len), *is_tls ? "443" : "80");
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family != AF_INET) return false; /* IPv6 has one loopback address: nothing to spread over */
    return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
}

static enum status look_up(struct load_target *t, char error[static LOAD_TARGET_ERROR_MAX])
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
    int failed = getaddrinfo(t->host, t->port, &hints, &found);
    if (failed) {
        snprintf(error, LOAD_TARGET_ERROR_MAX, "\"%.200s\" is not known: %s", t->host, gai_strerror(failed));
        return STATUS_NOT_FOUND;
    }
    memcpy(&t->address, found->ai_addr, found->ai_addrlen);
    t->address_len = found->ai_addrlen;
    t->is_loopback = is_loopback(&t->address);
    freeaddrinfo(found);
    return STATUS_OK;
}

static SSL_CTX *make_tls(void)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (!tls) return NULL;
    SSL_CTX_set_mode(tls,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_default_verify_paths(tls);
    return tls;
}

enum status load_target_init(struct load_target *target, const char *url, char error[static LOAD_TARGET_ERROR_MAX])
{
    bool is_tls;
    *target = (struct load_target){ 0 };
    if (!take_url(target, url, &is_tls)) {
        snprintf(error, LOAD_TARGET_ERROR_MAX, "\"%.128s\" is no URL: ws://HOST:PORT/PATH or wss://HOST/PATH", url);
        return STATUS_MALFORMED;
    }
    enum status status = look_up(target, error);
    if (status != STATUS_OK || !is_tls) return status;
    target->tls = make_tls();
    if (target->tls) return STATUS_OK;
    snprintf(error, LOAD_TARGET_ERROR_MAX, "OpenSSL gives no context for TLS");
    return STATUS_NO_MEMORY;
}

void load_target_deinit(struct load_target *target)
{
    SSL_CTX_free(target->tls);
    target->tls = NULL;
}

void load_target_trust_any(struct load_target *target)
{
    if (target->tls) SSL_CTX_set_verify(target->tls, SSL_VERIFY_NONE, NULL);
}

bool load_target_add_source(struct load_target *target, const char *text)
{
    if (target->source_count == LOAD_SOURCES_MAX) return false;
    struct sockaddr_storage *source = &target->sources[target->source_count];
    void *into = target->address.ss_family == AF_INET ? (void *)&((struct sockaddr_in *)source)->sin_addr
                                                      : (void *)&((struct sockaddr_in6 *)source)->sin6_addr;
    if (inet_pton(target->address.ss_family, text, into) != 1) return false;
    source->ss_family = target->address.ss_family;
    target->source_count++;
    return true;
}

bool load_target_spread(struct load_target *target, uint32_t count, uint32_t connections_per_source)
{
    char text[INET_ADDRSTRLEN];
    target->connections_per_source = connections_per_source;
    while (target->source_count < count && target->is_loopback) {
        struct in_addr address = { htonl(INADDR_LOOPBACK + target->source_count) };
        if (!load_target_add_source(target, inet_ntop(AF_INET, &address, text, sizeof text))) return false;
    }
    return target->source_count >= count;
}

uint32_t load_target_ports_per_source(void)
{
    unsigned low, high;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    bool is_known = file && fscanf(file, "%u %u", &low, &high) == 2 && high >= low;
    if (file) fclose(file);
    return is_known ? high - low + 1 : PORTS_DEFAULT;
}
