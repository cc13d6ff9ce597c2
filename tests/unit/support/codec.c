/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>

#include "tests/unit/support/codec.h"
#include "tests/unit/support/sample_events.h"
#include "tests/unit/support/unit_test.h"

int codec_set_up(void **state)
{
	struct codec *codec = calloc(1, sizeof(*codec));

	assert_non_null(codec);
	assert_int_equal(ft_encoder_create(&codec->encoder), 0);
	assert_int_equal(ft_decoder_create(&codec->decoder), 0);
	*state = codec;
	return 0;
}

int codec_tear_down(void **state)
{
	struct codec *codec = *state;

	ft_encoder_destroy(codec->encoder);
	ft_decoder_destroy(codec->decoder);
	free(codec);
	return 0;
}

struct ft_segment codec_seal(struct codec *codec)
{
	size_t bytes = ft_encoder_bytes(codec->encoder), used;
	struct ft_segment segment;

	assert_int_equal(ft_encoder_seal(codec->encoder), bytes);
	assert_int_equal(ft_segment_decode(codec->buf, bytes, &segment, &used), 0);
	assert_int_equal(used, bytes);
	assert_int_equal(segment.events, ft_encoder_events(codec->encoder));
	ft_decoder_begin(codec->decoder, segment.payload, segment.payload_bytes, segment.cpu,
			 segment.first_ns);
	return segment;
}

void codec_add_samples(struct codec *codec)
{
	ft_encoder_begin(codec->encoder, codec->buf, CODEC_BYTES, SAMPLE_CPU, 9);
	for (size_t i = 0; i < sample_events_count; i++)
		assert_int_equal(ft_encoder_add(codec->encoder, &sample_events[i]), 0);
}
