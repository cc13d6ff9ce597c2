/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An encoder, and a decoder for what it has written. Every failure ends the test.
 */
#ifndef TESTS_UNIT_SUPPORT_CODEC_H
#define TESTS_UNIT_SUPPORT_CODEC_H

#include <stdint.h>

#include "capture/decoder.h"
#include "capture/encoder.h"
#include "capture/segment.h"

#define CODEC_BYTES (256u << 10)

struct codec {
	struct ft_encoder *encoder;
	struct ft_decoder *decoder;
	uint8_t buf[CODEC_BYTES];
};

/* Of each test. */
int codec_set_up(void **state);
int codec_tear_down(void **state);

/* Begin a segment of all of sample_events. */
void codec_add_samples(struct codec *codec);

/* Seal, and begin to decode. */
struct ft_segment codec_seal(struct codec *codec);

#endif
