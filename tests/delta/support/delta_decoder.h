/* delta_decoder: what a client does with a delta. The product only writes them: this
 * is for tests and fuzz targets, and so takes hostile bytes. */
#ifndef XSHATHRA_TESTS_DELTA_DECODER_H
#define XSHATHRA_TESTS_DELTA_DECODER_H

#include "base/buf.h"

/* Append the target to out. STATUS_MALFORMED: no delta, not one for this base, or its checksum is
 * another. The other failures are those of out. */
MUST_CHECK enum status delta_decode(struct slice base, struct slice delta, struct buf *out);

#endif
