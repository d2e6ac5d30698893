/* delta_encoder: what has to be told to somebody who has `base` so that he has
 * `target`, as text in Fossil's delta format with its checksum. No I/O, no clock.
 *
 * Use: struct buf room; buf_init(&room, 0);
 *      struct slice delta = delta_choose(base, target, DELTA_BYTES, &room);
 *      if (delta.len > 0) … else the target goes as it is; buf_deinit(&room);
 * Any thread.
 *
 * Source: delta_format.wiki and delta_encoder_algorithm.wiki of fossil-scm.org. What
 * is found, and so the bytes, is what the encoder of Centrifugo finds, but for
 * DELTA_UTF8 where a copy would begin or end inside a character, and for inputs made
 * to be slow. Time and memory grow with the lengths and no faster: see DELTA_WORK_… */
#ifndef XSHATHRA_DELTA_DELTA_ENCODER_H
#define XSHATHRA_DELTA_DELTA_ENCODER_H

#include "base/buf.h"

enum delta_text {
    DELTA_BYTES, /* the target's bytes are cut anywhere */
    DELTA_UTF8,  /* only between characters: for a valid UTF-8 target the delta is valid UTF-8, to go into a string */
    DELTA_TEXT_COUNT,
};

/* Longer inputs get no delta. */
#define DELTA_INPUT_LEN_MAX (UINT32_C(1) << 30)

/* Steps of the search, each a candidate or eight compared bytes. Inputs that are not made to be slow take less.
 * When these are used up, the rest of the target is searched for less thoroughly: with few candidates a place. */
#define DELTA_WORK_FIXED    (UINT32_C(1) << 18)
#define DELTA_WORK_PER_BYTE 2

/* The delta, or the empty slice when the target shall go as it is: the delta would not be shorter, or memory
 * is out. It lies in *room, a buffer of the caller that is emptied before and gets a limit: a delta that would
 * pass it is given up as soon as that is known. */
struct slice delta_choose(struct slice base, struct slice target, enum delta_text text, struct buf *room);

/* Append the delta to out, which is empty. STATUS_TOO_LARGE: it passes the limit of out, or an
 * input is too long. STATUS_NO_MEMORY. On failure out holds a part, to be cleared. */
MUST_CHECK enum status delta_encode(struct slice base, struct slice target, enum delta_text text, struct buf *out);

#endif
