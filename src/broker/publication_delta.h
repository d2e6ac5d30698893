/* publication_delta: what subscribers with delta compression get of a publication in
 * place of its plain forms. Made on first need by whichever worker needs it first,
 * outside any lock, and kept beside the publication; see publication_wire().
 * Source: rows HI-37 to HI-40 of docs/compatibility.md. Any thread.
 *
 * The broker says with publication_set_base() what subscribers of a marked publication
 * had before it. A delta may go only to whoever had exactly that last. */
#ifndef XSHATHRA_BROKER_PUBLICATION_DELTA_H
#define XSHATHRA_BROKER_PUBLICATION_DELTA_H

#include "broker/publication.h"
#include "delta/delta_encoder.h"

/* The delta from the base that was set, borrowed from the publication; the empty slice where there is none. */
struct slice publication_delta(const struct publication *p, enum delta_text text);

/* The blob of one form for a subscriber with delta compression, borrowed from the publication.
 * variant is not PUBLICATION_PLAIN. NULL when encode returned NULL, or memory is out. */
struct blob *publication_delta_wire(struct publication *p, enum publication_form form, enum publication_variant variant,
                                    publication_encoder *encode);

#endif
