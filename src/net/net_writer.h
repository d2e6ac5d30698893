/* net_writer: sends a connection's queue, one system call at a time.
 *
 * Several messages that follow each other become one frame: a header built on the
 * stack, then body + separator of each, the last without its separator. What the
 * kernel does not take stays in the queue, and a net_partial remembers the frame
 * that was begun: its header has already told the peer how long it is. */
#ifndef XSHATHRA_NET_NET_WRITER_H
#define XSHATHRA_NET_NET_WRITER_H

#include "net/net_conn.h"

/* Pieces in one system call, and bytes after which no further frame is added. */
#define NET_PIECES_MAX      128
#define NET_WRITE_BYTES_MAX 262144

/* A frame on its way: `count` messages from the front of the queue. */
struct net_partial {
    size_t offset;      /* bytes of the first of these messages that are sent */
    uint32_t count;     /* messages not wholly sent */
    bool merged;        /* header, then bodies; else one message as its blob_frame() */
    uint8_t header_len; /* 0 unless merged */
    uint8_t header_sent;
    uint8_t header[NET_FRAME_HEADER_MAX];
};

/* One system call for what is queued. True: the kernel took all of it and there is
 * more. May call on_eof (a failure), and moves a closing connection on. */
bool net_writer_flush(struct net_conn *conn);

#endif
