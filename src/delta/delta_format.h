/* delta_format: the parts of Fossil's delta format that writer and reader share: the
 * digits of its numbers and its checksum.
 * Source: https://fossil-scm.org/home/doc/tip/www/delta_format.wiki. Pure. */
#ifndef XSHATHRA_DELTA_DELTA_FORMAT_H
#define XSHATHRA_DELTA_DELTA_FORMAT_H

#include "base/slice.h"

/* A number is written with the highest digit first and no sign, six bits a digit. */
#define DELTA_DIGIT_BITS 6
extern const char delta_digits[64];

/* Digits that the number takes: at least 1. */
unsigned delta_digit_count(size_t value);

/* The sum of all big-endian 32-bit words, the last one filled up with zeros. */
uint32_t delta_checksum(struct slice bytes);

#endif
