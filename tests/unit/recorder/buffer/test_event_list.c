/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/decoder.h"
#include "capture/segment.h"
#include "recorder/buffer/event_list.h"
#include "tests/unit/support/unit_test.h"
#include "recorder/buffer/recorder_events.h"

struct taken_events {
	size_t count;
	uint64_t times[64];
	char note[64];
	uint64_t frame;
	char object[64];
	struct ft_task peer;
};

static int keep_segment(void *context, const void *segment, size_t segment_bytes)
{
	struct taken_events *seen = context;
	struct ft_decoder *decoder;
	struct ft_segment header;
	struct ft_event event;
	size_t used_bytes;

	assert_int_equal(ft_segment_decode(segment, segment_bytes, &header, &used_bytes), 0);
	assert_int_equal(ft_decoder_create(&decoder), 0);
	ft_decoder_begin(decoder, header.payload, header.payload_bytes, header.cpu,
			 header.first_ns);
	while (ft_decoder_next(decoder, &event) == 1) {
		seen->times[seen->count++] = event.time_ns;
		if (event.kind == FT_EVENT_SCHEDULING)
			snprintf(seen->note, sizeof(seen->note), "%s %s", event.scheduling.cpus,
				 event.scheduling.group);
		if (event.kind == FT_EVENT_NOTE)
			snprintf(seen->note, sizeof(seen->note), "%s", event.note.text);
		if (event.kind == FT_EVENT_OBJECT)
			snprintf(seen->object, sizeof(seen->object), "%s %s", event.object.name,
				 event.object.device);
		if (event.kind == FT_EVENT_PEER)
			seen->peer = *event.peer.task;
		if (event.stack)
			seen->frame = event.stack->frames[0];
	}
	ft_decoder_destroy(decoder);
	return 0;
}

static struct taken_events taken_from(struct recorder_events *ownlog)
{
	struct taken_events seen = { .count = 0 };
	assert_int_equal(recorder_events_take(ownlog, keep_segment, &seen), 0);
	return seen;
}

static void add_state(struct event_list *list, uint64_t time_ns)
{
	uint64_t frames[] = { 0xffffffff81000000 + time_ns };
	const struct ft_stack stack = { frames, 1, 0 };
	const struct ft_task task = { .tid = 41, .tgid = 40 };
	assert_int_equal(event_list_add(list, &(struct ft_event){ .kind = FT_EVENT_STATE,
								 .cpu = FT_NO_CPU,
								 .time_ns = time_ns,
								 .task = &task,
								 .stack = &stack }),
			 0);
	frames[0] = 0; /* the list has a copy */
}

static void events_are_copied_from_a_time_on(void **state)
{
	struct event_list *list;
	struct recorder_events *ownlog;
	(void)state;
	assert_int_equal(event_list_create(10, &list), 0);
	assert_int_equal(recorder_events_create(&ownlog), 0);
	for (uint64_t i = 1; i <= 4; i++)
		add_state(list, i);
	assert_int_equal(event_list_copy(list, 3, ownlog), 0);
	struct taken_events seen = taken_from(ownlog);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.times[0], 3);
	assert_int_equal(seen.frame, 0xffffffff81000004);
	recorder_events_destroy(ownlog);
	event_list_destroy(list);
}

static void oldest_makes_way(void **state)
{
	struct event_list *list;
	struct recorder_events *ownlog;
	(void)state;
	assert_int_equal(event_list_create(3, &list), 0);
	assert_int_equal(recorder_events_create(&ownlog), 0);
	for (uint64_t i = 1; i <= 5; i++)
		add_state(list, i);
	assert_int_equal(event_list_copy(list, 0, ownlog), 0);
	struct taken_events seen = taken_from(ownlog);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.times[0], 3);
	event_list_forget(list, 5);
	assert_int_equal(event_list_copy(list, 0, ownlog), 0);
	seen = taken_from(ownlog);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.times[0], 5);
	recorder_events_destroy(ownlog);
	event_list_destroy(list);
}

static void each_new_event_is_copied_once(void **state)
{
	struct event_list *list;
	struct recorder_events *ownlog;
	uint64_t copied = 0;
	(void)state;
	assert_int_equal(event_list_create(3, &list), 0);
	assert_int_equal(recorder_events_create(&ownlog), 0);
	add_state(list, 1);
	event_list_copy_new(list, &copied, ownlog);
	assert_int_equal(taken_from(ownlog).count, 1);
	event_list_copy_new(list, &copied, ownlog);
	assert_int_equal(taken_from(ownlog).count, 0);
	for (uint64_t i = 2; i <= 6; i++)
		add_state(list, i); /* 2 and 3 are pushed out unseen */
	event_list_copy_new(list, &copied, ownlog);
	struct taken_events seen = taken_from(ownlog);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.times[0], 4);
	event_list_forget(list, UINT64_MAX);
	add_state(list, 7);
	event_list_copy_new(list, &copied, ownlog);
	assert_int_equal(taken_from(ownlog).times[0], 7);
	recorder_events_destroy(ownlog);
	event_list_destroy(list);
}

static void all_texts_of_an_event_are_copied(void **state)
{
	static const struct ft_task task = { 5, 5, "x" };
	char cpus[] = "0-3", group[] = "/a";
	struct ft_event event = { .kind = FT_EVENT_SCHEDULING,
				  .cpu = FT_NO_CPU,
				  .task = &task,
				  .scheduling = { .cpus = cpus, .group = group } };
	struct event_list *list;
	struct recorder_events *ownlog;
	(void)state;
	assert_int_equal(event_list_create(3, &list), 0);
	assert_int_equal(recorder_events_create(&ownlog), 0);
	assert_int_equal(event_list_add(list, &event), 0);
	memset(cpus, 'x', sizeof(cpus) - 1);
	memset(group, 'x', sizeof(group) - 1);
	assert_int_equal(event_list_copy(list, 0, ownlog), 0);
	assert_string_equal(taken_from(ownlog).note, "0-3 /a");
	recorder_events_destroy(ownlog);
	event_list_destroy(list);
}

static void note_keeps_its_text_and_other_kinds_are_refused(void **state)
{
	static const struct ft_task NOBODY;
	struct event_list *list;
	struct recorder_events *ownlog;
	char text[] = "something happened";
	(void)state;
	struct ft_event event = { .kind = FT_EVENT_NOTE,
				  .cpu = FT_NO_CPU,
				  .time_ns = 1,
				  .task = &NOBODY,
				  .note.text = text };
	assert_int_equal(event_list_create(3, &list), 0);
	assert_int_equal(recorder_events_create(&ownlog), 0);
	assert_int_equal(event_list_add(list, &event), 0);
	memset(text, 'x', sizeof(text) - 1);
	event.kind = FT_EVENT_SAMPLE;
	assert_int_equal(event_list_add(list, &event), -EINVAL);
	assert_int_equal(event_list_copy(list, 0, ownlog), 0);
	assert_string_equal(taken_from(ownlog).note, "something happened");
	recorder_events_destroy(ownlog);
	event_list_destroy(list);
}

static void object_and_peer_are_copied_with_all_they_point_to(void **state)
{
	char name[] = "pipe:[1]", device[] = "/dev/sda1";
	struct ft_task task = { 7, 7, "waiter" }, peer = { 8, 8, "reader" };
	struct event_list *list;
	struct recorder_events *events;

	(void)state;
	assert_int_equal(event_list_create(4, &list), 0);
	assert_int_equal(recorder_events_create(&events), 0);
	assert_int_equal(event_list_add(list, &(struct ft_event){ .kind = FT_EVENT_OBJECT,
								  .cpu = FT_NO_CPU,
								  .time_ns = 1,
								  .task = &task,
								  .object = { .name = name,
									      .device = device } }),
			 0);
	assert_int_equal(event_list_add(list, &(struct ft_event){ .kind = FT_EVENT_PEER,
								  .cpu = FT_NO_CPU,
								  .time_ns = 1,
								  .task = &task,
								  .peer = { &peer, 0 } }),
			 0);
	memset(name, 0, sizeof(name));
	memset(device, 0, sizeof(device));
	memset(&peer, 0, sizeof(peer));
	assert_int_equal(event_list_copy(list, 0, events), 0);
	struct taken_events seen = taken_from(events);
	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.object, "pipe:[1] /dev/sda1");
	assert_int_equal(seen.peer.tid, 8);
	assert_string_equal(seen.peer.comm, "reader");
	recorder_events_destroy(events);
	event_list_destroy(list);
}

UNIT_TESTS(event_list)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(object_and_peer_are_copied_with_all_they_point_to),
		cmocka_unit_test(events_are_copied_from_a_time_on),
		cmocka_unit_test(oldest_makes_way),
		cmocka_unit_test(each_new_event_is_copied_once),
		cmocka_unit_test(all_texts_of_an_event_are_copied),
		cmocka_unit_test(note_keeps_its_text_and_other_kinds_are_refused),
	};
	return run_unit_tests(tests, NULL, NULL);
}
