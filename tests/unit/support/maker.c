/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/support/maker.h"
#include "tests/unit/support/unit_test.h"

int maker_set_up(void **state)
{
	struct maker *maker = calloc(1, sizeof(*maker));

	assert_non_null(maker);
	maker->fd = memfd_create("capture", MFD_CLOEXEC);
	assert_true(maker->fd >= 0);
	snprintf(maker->path, sizeof(maker->path), "/proc/self/fd/%d", maker->fd);
	assert_int_equal(ft_encoder_create(&maker->encoder), 0);
	assert_int_equal(ft_writer_create(maker->fd, &maker->writer), 0);
	*state = maker;
	return 0;
}

int maker_tear_down(void **state)
{
	struct maker *maker = *state;

	ft_writer_destroy(maker->writer);
	ft_encoder_destroy(maker->encoder);
	close(maker->fd);
	free(maker);
	return 0;
}

void maker_begin(struct maker *maker, uint32_t cpu, uint64_t sequence)
{
	ft_encoder_begin(maker->encoder, maker->buf, sizeof(maker->buf), cpu, sequence);
}

void maker_add(struct maker *maker, struct ft_event event)
{
	assert_int_equal(ft_encoder_add(maker->encoder, &event), 0);
}

void maker_add_switch(struct maker *maker, uint32_t cpu, uint64_t time_ns,
		      const struct ft_task *prev, enum ft_task_state state,
		      const struct ft_task *next)
{
	maker_add(maker, (struct ft_event){ .kind = FT_EVENT_SWITCH, .cpu = cpu, .time_ns = time_ns,
					    .task = prev,
					    .switch_ = { .next = next, .prev_state = state } });
}

void maker_add_waking(struct maker *maker, uint32_t cpu, uint64_t time_ns,
		      const struct ft_task *waker, const struct ft_task *wakee)
{
	maker_add(maker, (struct ft_event){ .kind = FT_EVENT_WAKING, .cpu = cpu, .time_ns = time_ns,
					    .task = waker, .waking = { .wakee = wakee } });
}

void maker_add_simple(struct maker *maker, enum ft_event_kind kind, uint32_t cpu,
		      uint64_t time_ns, const struct ft_task *task)
{
	maker_add(maker, (struct ft_event){ .kind = kind, .cpu = cpu, .time_ns = time_ns,
					    .task = task });
}

void maker_seal(struct maker *maker)
{
	size_t bytes = ft_encoder_seal(maker->encoder);

	assert_int_equal(ft_writer_segment(maker->writer, maker->buf, bytes), 0);
}

void maker_add_facts(struct maker *maker, int64_t start_ns, int64_t end_ns)
{
	struct ft_facts *facts;
	const void *payload;
	size_t bytes;

	assert_int_equal(ft_facts_create(&facts), 0);
	assert_int_equal(ft_facts_set_number(facts, FT_FACT_START_NS, start_ns), 0);
	assert_int_equal(ft_facts_set_number(facts, FT_FACT_END_NS, end_ns), 0);
	payload = ft_facts_payload(facts, &bytes);
	assert_int_equal(ft_writer_payload(maker->writer, FT_SEGMENT_FACTS, payload, bytes), 0);
	ft_facts_destroy(facts);
}

void maker_end(struct maker *maker)
{
	assert_int_equal(ft_writer_end(maker->writer), 0);
}

struct source *maker_open(struct maker *maker)
{
	struct source *source;
	char *message = NULL;
	int error = source_open(maker->path, &source, &message);

	if (error)
		fail_msg("%d: %s", error, message);
	return source;
}

int maker_next(struct source *source, struct event *ret_event)
{
	const struct event *event;
	int result = source_next(source, &event);

	*ret_event = result > 0 ? *event : (struct event){ .stack_id = STACK_NONE };
	return result;
}

void maker_expect(struct source *source, const struct expected *expected, size_t count)
{
	struct event event;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(maker_next(source, &event), 1);
		assert_int_equal(event.raw.kind, expected[i].kind);
		assert_int_equal(event.raw.cpu, expected[i].cpu);
		assert_int_equal(event.raw.time_ns, expected[i].time_ns);
	}
	assert_int_equal(maker_next(source, &event), 0);
	assert_int_equal(maker_next(source, &event), 0);
}

void maker_read_damaged(const char *path, size_t whole_count)
{
	struct source *source;
	struct event event;
	uint64_t last_ns = 0;
	size_t count = 0;
	char *text = NULL;
	int result;

	if (source_open(path, &source, &text) != 0) {
		assert_non_null(text);
		free(text);
		return;
	}
	while ((result = maker_next(source, &event)) > 0) {
		if (event.raw.kind == FT_EVENT_LOST)
			continue;
		assert_true(event.raw.time_ns >= last_ns);
		last_ns = event.raw.time_ns;
		count++;
	}
	assert_int_equal(result, 0);
	text = source_damage_text(source);
	if (!text)
		assert_int_equal(count, whole_count);
	free(text);
	source_close(source);
}

void maker_refused(const char *path, int expected_error, const char *says)
{
	struct source *source = NULL;
	char *message = NULL;

	assert_int_equal(source_open(path, &source, &message), expected_error);
	assert_non_null(strstr(message, says));
	free(message);
}
