/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decoder.h"
#include "capture/segment.h"
#include "recorder/buffer/recorder_events.h"
#include "tests/unit/support/unit_test.h"

struct seen {
	uint64_t next_sequence;
	uint64_t events;
	int fail_after; /* segments; then -EIO */
};

static int count_events(void *context, const void *segment, size_t segment_bytes)
{
	struct seen *seen = context;
	struct ft_segment header;
	struct ft_decoder *decoder;
	struct ft_event event;
	size_t used_bytes;
	if (!seen->fail_after--)
		return -EIO;
	assert_int_equal(ft_segment_decode(segment, segment_bytes, &header, &used_bytes), 0);
	assert_int_equal(used_bytes, segment_bytes);
	assert_int_equal(header.cpu, FT_NO_CPU);
	assert_int_equal(header.sequence, seen->next_sequence++);
	assert_int_equal(ft_decoder_create(&decoder), 0);
	ft_decoder_begin(decoder, header.payload, header.payload_bytes, header.cpu,
			 header.first_ns);
	int result;
	while ((result = ft_decoder_next(decoder, &event)) == 1) {
		assert_int_equal(event.kind, FT_EVENT_NOTE);
		seen->events++;
	}
	assert_int_equal(result, 0);
	ft_decoder_destroy(decoder);
	return 0;
}

static void notes_survive_in_as_many_segments_as_it_takes(void **state)
{
	enum { NOTES = 5000 }; /* more than one segment holds */
	struct recorder_events *ownlog;
	struct seen seen = { .fail_after = -1 };
	(void)state;
	assert_int_equal(recorder_events_create(&ownlog), 0);
	for (int i = 0; i < NOTES; i++)
		recorder_events_note(ownlog, "note %d: %0200d", i, i);
	assert_int_equal(recorder_events_count(ownlog), NOTES);
	assert_int_equal(recorder_events_each(ownlog, count_events, &seen), 0);
	assert_int_equal(seen.events, NOTES);
	assert_true(seen.next_sequence > 1);
	/* Seen, not taken. */
	seen = (struct seen){ .fail_after = -1 };
	assert_int_equal(recorder_events_take(ownlog, count_events, &seen), 0);
	assert_int_equal(seen.events, NOTES);
	/* Taken; what comes later has the next number. */
	recorder_events_note(ownlog, "one more");
	assert_int_equal(recorder_events_take(ownlog, count_events, &seen), 0);
	assert_int_equal(seen.events, NOTES + 1);
	recorder_events_destroy(ownlog);
}

static void what_could_not_be_taken_is_still_there(void **state)
{
	struct recorder_events *ownlog;
	struct seen seen = { .fail_after = 1 };
	(void)state;
	assert_int_equal(recorder_events_create(&ownlog), 0);
	for (int i = 0; i < 5000; i++)
		recorder_events_note(ownlog, "note %d: %0200d", i, i);
	assert_int_equal(recorder_events_take(ownlog, count_events, &seen), -EIO);
	assert_true(seen.events > 0 && seen.events < 5000);
	seen.fail_after = -1;
	assert_int_equal(recorder_events_take(ownlog, count_events, &seen), 0);
	assert_int_equal(seen.events, 5000);
	recorder_events_destroy(ownlog);
}

UNIT_TESTS(recorder_events)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notes_survive_in_as_many_segments_as_it_takes),
		cmocka_unit_test(what_could_not_be_taken_is_still_there),
	};
	return run_unit_tests(tests, NULL, NULL);
}
