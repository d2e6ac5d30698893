#include "net/net_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/mem_part.h"
#include "net/net_conn_private.h"
#include "net/net_stall_private.h"
#include "net/net_loop.h"
#include "net/net_queue.h"
#include "net/net_tls_private.h"

struct net_tls {
    SSL *ssl;
    struct net_conn *conn; /* whose it is */
    char *pending;         /* plaintext that OpenSSL has begun to send; NULL = none */
    uint32_t pending_len, pending_sent;
    uint32_t read_left; /* ciphertext of this look */
    int error;          /* errno of the socket, 0 = none */
    bool begun;         /* the peer's first byte was seen */
    bool up;            /* the handshake was over once; OpenSSL forgets that with a failure */
    bool plain_http;    /* and it was no TLS */
    bool ended;         /* the socket has no more */
    bool starved;       /* read_left ended it: the kernel may have more */
    bool read_blocked;  /* reading cannot go on before something is written */
    bool write_waits;   /* writing cannot go on before something is read */
    bool broken;        /* OpenSSL must not be asked for anything more */
};

/* What Go's server says, whose clients know it. */
static const char PLAIN_HTTP_ANSWER[] = "HTTP/1.1 400 Bad Request\r\n"
                                        "Content-Type: text/plain; charset=utf-8\r\n"
                                        "Content-Length: 48\r\n"
                                        "Connection: close\r\n\r\n"
                                        "Client sent an HTTP request to an HTTPS server.\n";

/* ---- between OpenSSL and the socket ---- */

/* TLS begins with a record type, a small number; a request with its method in capitals. */
static bool looks_like_http(const char *bytes)
{
    return bytes[0] >= 'A' && bytes[0] <= 'Z';
}

static int socket_read(BIO *bio, char *into, int len)
{
    struct net_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (tls->plain_http) return -1;
    if (tls->read_left == 0) {
        tls->starved = true;
        BIO_set_retry_read(bio);
        return -1;
    }
    const size_t want = (uint32_t)len < tls->read_left ? (uint32_t)len : tls->read_left;
    ssize_t got;
    do got = recv(tls->conn->fd, into, want, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    tls->conn->loop->reads++;
    if (got > 0) {
        tls->read_left -= (uint32_t)got;
        tls->plain_http = !tls->begun && looks_like_http(into);
        tls->begun = true;
        return tls->plain_http ? -1 : (int)got;
    }
    if (got == 0)
        tls->ended = true;
    else if (errno == EAGAIN || errno == EWOULDBLOCK)
        BIO_set_retry_read(bio);
    else
        tls->error = errno;
    return (int)got;
}

static int socket_write(BIO *bio, const char *bytes, int len)
{
    struct net_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t sent;
    do sent = send(tls->conn->fd, bytes, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    tls->conn->loop->writes++;
    if (sent >= 0) {
        tls->conn->loop->bytes_out += (uint64_t)sent;
        net_conn_drop(tls->conn, NET_FLAG_STALLED);
        return (int)sent;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        net_stall_begin(tls->conn, false);
        BIO_set_retry_write(bio);
    } else {
        tls->error = errno;
    }
    return -1;
}

static long socket_control(BIO *bio, int command, long number, void *pointer)
{
    const struct net_tls *tls = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_EOF) return tls->ended;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *socket_method;

/* Once in a process, and kept until its end. */
static void make_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "net_conn");
    if (!method) return;
    if (BIO_meth_set_read(method, socket_read) == 1 && BIO_meth_set_write(method, socket_write) == 1 &&
        BIO_meth_set_ctrl(method, socket_control) == 1)
        socket_method = method;
    else
        BIO_meth_free(method);
}

static BIO *socket_new(struct net_tls *tls)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_method);
    BIO *bio = socket_method ? BIO_new(socket_method) : NULL;
    if (!bio) return NULL;
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    return bio;
}

/* ---- life ---- */

enum status net_tls_start(struct net_conn *conn, struct net_tls_context *context)
{
    net_loop_assert_thread(conn->loop);
    struct net_tls *tls = mem_part_alloc(MEM_TLS, sizeof *tls);
    if (!tls) return STATUS_NO_MEMORY;
    *tls = (struct net_tls){ .conn = conn, .read_left = NET_TLS_READ_BYTES_PER_TURN };
    tls->ssl = SSL_new((SSL_CTX *)context);
    BIO *bio = tls->ssl ? socket_new(tls) : NULL;
    if (!bio) {
        SSL_free(tls->ssl);
        mem_part_free(MEM_TLS, tls);
        ERR_clear_error();
        return STATUS_NO_MEMORY;
    }
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_accept_state(tls->ssl);
    conn->tls_ = tls;
    return STATUS_OK;
}

static void drop_pending(struct net_tls *tls)
{
    mem_part_free(MEM_TLS, tls->pending);
    tls->pending = NULL;
    tls->pending_len = tls->pending_sent = 0;
}

void net_tls_free(struct net_conn *conn)
{
    struct net_tls *tls = conn->tls_;
    if (!tls) return;
    conn->tls_ = NULL;
    drop_pending(tls);
    SSL_free(tls->ssl);
    mem_part_free(MEM_TLS, tls);
}

void net_tls_say_end(struct net_conn *conn)
{
    struct net_tls *tls = conn->tls_;
    if (tls->broken || tls->pending || net_conn_has(conn, NET_FLAG_FAILED)) return;
    if (!SSL_is_init_finished(tls->ssl) || SSL_get_shutdown(tls->ssl) & SSL_SENT_SHUTDOWN) return;
    ERR_clear_error();
    (void)SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

static int errno_of(const struct net_tls *tls)
{
    return tls->error ? tls->error : EPROTO;
}

/* ---- reading ---- */

/* A failure before there was anybody to talk to: an alert, if any, is sent already. */
static void refuse(struct net_conn *conn)
{
    struct blob *answer = NULL;
    if (conn->tls_->plain_http) answer = blob_new_raw(slice_of(PLAIN_HTTP_ANSWER, sizeof PLAIN_HTTP_ANSWER - 1));
    net_conn_refuse(conn, answer);
}

static ssize_t fail_reading(struct net_conn *conn)
{
    struct net_tls *tls = conn->tls_;
    tls->broken = true;
    ERR_clear_error();
    errno = errno_of(tls);
    if (tls->error != 0 || tls->up) return -1;
    refuse(conn);
    errno = EAGAIN;
    return -1;
}

ssize_t net_tls_recv(struct net_conn *conn, char *into, size_t len, bool *drained)
{
    struct net_tls *tls = conn->tls_;
    size_t got = 0, more;
    *drained = false;
    while (!tls->broken && got < len) {
        ERR_clear_error();
        if (SSL_read_ex(tls->ssl, into + got, len - got, &more) == 1) {
            got += more;
            tls->up = true;
            continue;
        }
        switch (SSL_get_error(tls->ssl, 0)) {
        case SSL_ERROR_WANT_WRITE: tls->read_blocked = true; /* fallthrough */
        case SSL_ERROR_WANT_READ:
            tls->up |= SSL_is_init_finished(tls->ssl) != 0;
            *drained = !tls->starved;
            errno = EAGAIN;
            return got > 0 ? (ssize_t)got : -1;
        case SSL_ERROR_ZERO_RETURN: return (ssize_t)got; /* when something came, the end comes next time */
        default: tls->broken = true; break;
        }
    }
    return got > 0 ? (ssize_t)got : fail_reading(conn);
}

static void read_again(struct net_conn *conn)
{
    net_conn_put(conn, NET_FLAG_MORE);
    if (!net_conn_has(conn, NET_FLAG_PAUSED) && !net_conn_has(conn, NET_FLAG_EOF)) net_conn_mark_readable(conn);
}

void net_tls_after_read(struct net_conn *conn)
{
    struct net_tls *tls = conn->tls_;
    const bool starved = tls->starved;
    tls->read_left = NET_TLS_READ_BYTES_PER_TURN;
    tls->starved = false;
    if (conn->state_ == NET_STATE_CLOSED) return;
    if (starved) read_again(conn);
    if (!tls->write_waits || !SSL_is_init_finished(tls->ssl)) return;
    tls->write_waits = false;
    net_conn_mark_dirty(conn, NET_FLUSH_DELIVERY);
}

/* ---- writing ---- */

/* One SSL_write. False: it could not, *wait tells whether for the socket only. */
static bool write_some(struct net_tls *tls, const char *bytes, size_t len, size_t *sent, bool *wait)
{
    ERR_clear_error();
    *wait = false;
    *sent = 0;
    if (SSL_write_ex(tls->ssl, bytes, len, sent) == 1) return true;
    switch (SSL_get_error(tls->ssl, 0)) {
    case SSL_ERROR_WANT_READ: tls->write_waits = true; /* fallthrough */
    case SSL_ERROR_WANT_WRITE: *wait = true; return false;
    default:
        tls->broken = true;
        ERR_clear_error();
        return false;
    }
}

static void fail_writing(struct net_conn *conn)
{
    struct net_tls *tls = conn->tls_;
    drop_pending(tls);
    net_conn_fail(conn, errno_of(tls));
}

/* OpenSSL has begun a record and wants to be asked again with the same bytes; the queue
 * may have others by then. */
static bool keep_pending(struct net_tls *tls, const char *bytes, size_t len)
{
    tls->pending = mem_part_alloc(MEM_TLS, len);
    if (!tls->pending) return false;
    memcpy(tls->pending, bytes, len);
    tls->pending_len = (uint32_t)len;
    tls->pending_sent = 0;
    return true;
}

static bool send_pending(struct net_conn *conn)
{
    struct net_tls *tls = conn->tls_;
    while (tls->pending_sent < tls->pending_len) {
        size_t sent;
        bool wait;
        if (write_some(tls, tls->pending + tls->pending_sent, tls->pending_len - tls->pending_sent, &sent, &wait)) {
            tls->pending_sent += (uint32_t)sent;
            continue;
        }
        if (!wait) fail_writing(conn);
        return false;
    }
    drop_pending(tls);
    return true;
}

bool net_tls_may_send(struct net_conn *conn)
{
    struct net_tls *tls = conn->tls_;
    if (tls->read_blocked) {
        tls->read_blocked = false;
        read_again(conn);
    }
    if (tls->pending && !send_pending(conn)) return false;
    if (SSL_is_init_finished(tls->ssl) || net_queue_empty(conn)) return true;
    tls->write_waits = true; /* the handshake goes on in the reader */
    return false;
}

size_t net_tls_send(struct net_conn *conn, const char *bytes, size_t len, bool *all)
{
    struct net_tls *tls = conn->tls_;
    size_t done = 0, sent;
    *all = false;
    while (done < len) {
        const size_t record = len - done < NET_TLS_RECORD_BYTES_MAX ? len - done : NET_TLS_RECORD_BYTES_MAX;
        bool wait;
        if (write_some(tls, bytes + done, record, &sent, &wait)) {
            done += sent;
            continue;
        }
        if (wait && keep_pending(tls, bytes + done, record)) return done + record;
        if (wait) tls->error = ENOMEM;
        fail_writing(conn);
        return done;
    }
    *all = true;
    return done;
}
