/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "recorder/base/clock.h"
#include "recorder/trigger/trigger_queue.h"
#include "tests/unit/support/unit_test.h"

#define WAITING_MOST 64
#define POSTERS	     4
#define POSTS	     20000
#define PATIENCE_MS  20000

static struct trigger_queue *make_queue(void)
{
	struct trigger_queue *triggers = NULL;

	assert_int_equal(trigger_queue_create(&triggers), 0);
	return triggers;
}

static bool is_readable(const struct trigger_queue *triggers)
{
	struct pollfd pollfd = { .fd = trigger_queue_fd(triggers), .events = POLLIN };
	return poll(&pollfd, 1, 0) == 1;
}

static void take_gives_what_was_posted_in_order(void **state)
{
	struct trigger_queue *triggers = make_queue();
	struct trigger trigger;
	uint64_t before_ns = clock_now_ns();

	(void)state;
	assert_false(is_readable(triggers));
	assert_false(trigger_queue_take(triggers, &trigger));
	assert_int_equal(trigger_queue_post(triggers, "socket", 42, "%s %d", "because", 7), 1);
	assert_int_equal(trigger_queue_post(triggers, "signal", 0, "SIGUSR2"), 2);
	assert_true(is_readable(triggers));

	assert_true(trigger_queue_take(triggers, &trigger));
	assert_string_equal(trigger.source, "socket");
	assert_string_equal(trigger.reason, "because 7");
	assert_int_equal(trigger.time_ns, 42);
	assert_int_equal(trigger.number, 1);
	assert_true(is_readable(triggers));

	assert_true(trigger_queue_take(triggers, &trigger));
	assert_string_equal(trigger.source, "signal");
	assert_int_equal(trigger.number, 2);
	assert_in_range(trigger.time_ns, before_ns, clock_now_ns());
	assert_false(is_readable(triggers));
	assert_false(trigger_queue_take(triggers, &trigger));
	trigger_queue_destroy(triggers);
}

static void post_forgets_and_counts_what_there_is_no_room_for(void **state)
{
	struct trigger_queue *triggers = make_queue();
	struct trigger trigger;

	(void)state;
	for (uint64_t i = 1; i <= WAITING_MOST; i++)
		assert_int_equal(trigger_queue_post(triggers, "a", 1, "b"), i);
	assert_int_equal(trigger_queue_post(triggers, "a", 1, "b"), 0);
	assert_int_equal(trigger_queue_post(triggers, "a", 1, "b"), 0);
	assert_int_equal(trigger_queue_forgotten(triggers), 2);
	assert_true(trigger_queue_take(triggers, &trigger));
	assert_int_equal(trigger_queue_post(triggers, "a", 1, "b"), WAITING_MOST + 1);
	for (uint64_t i = 2; i <= WAITING_MOST + 1; i++) {
		assert_true(trigger_queue_take(triggers, &trigger));
		assert_int_equal(trigger.number, i);
	}
	assert_false(trigger_queue_take(triggers, &trigger));
	trigger_queue_destroy(triggers);
}

static void reason_is_one_line_of_whole_characters(void **state)
{
	struct trigger_queue *triggers = make_queue();
	struct trigger trigger;
	char text[TRIGGER_REASON_BYTES + 10];

	(void)state;
	trigger_queue_post(triggers, "socket", 1, "one\ntwo\033[31m\177three \xc3\xa9");
	assert_true(trigger_queue_take(triggers, &trigger));
	assert_string_equal(trigger.reason, "one two [31m three \xc3\xa9");

	/* The last byte that fits is the first of two. */
	memset(text, 'x', sizeof(text));
	memcpy(text + TRIGGER_REASON_BYTES - 2, "\xc3\xa9", 2);
	text[sizeof(text) - 1] = '\0';
	trigger_queue_post(triggers, "a source whose name is far too long to be kept", 1, "%s", text);
	assert_true(trigger_queue_take(triggers, &trigger));
	assert_int_equal(strlen(trigger.reason), TRIGGER_REASON_BYTES - 2);
	assert_int_equal(trigger.reason[TRIGGER_REASON_BYTES - 3], 'x');
	assert_int_equal(strlen(trigger.source), TRIGGER_SOURCE_BYTES - 1);
	trigger_queue_destroy(triggers);
}

struct poster {
	struct trigger_queue *triggers;
	int id;
	pthread_t thread;
	_Atomic int posted, refused;
};

static void *post_many(void *context)
{
	struct poster *poster = context;

	for (int i = 0; i < POSTS; i++) {
		if (trigger_queue_post(poster->triggers, "thread", 1, "%d %d", poster->id, i))
			poster->posted++;
		else
			poster->refused++;
	}
	return NULL;
}

static int count_finished(const struct poster *posters)
{
	int finished = 0;
	for (int i = 0; i < POSTERS; i++)
		finished += posters[i].posted + posters[i].refused == POSTS;
	return finished;
}

/* Waits by the descriptor only: a wake-up that is lost makes it fail. */
static void threads_post_at_once_and_none_is_lost_torn_or_taken_twice(void **state)
{
	struct trigger_queue *triggers = make_queue();
	struct poster posters[POSTERS] = { 0 };
	int last[POSTERS], taken = 0, posted = 0, refused = 0;
	struct trigger trigger;

	(void)state;
	for (int i = 0; i < POSTERS; i++) {
		posters[i].triggers = triggers;
		posters[i].id = i;
		last[i] = -1;
		assert_int_equal(pthread_create(&posters[i].thread, NULL, post_many, &posters[i]),
				 0);
	}
	for (;;) {
		bool finished = count_finished(posters) == POSTERS;
		struct pollfd pollfd = { .fd = trigger_queue_fd(triggers), .events = POLLIN };
		if (poll(&pollfd, 1, finished ? 0 : PATIENCE_MS) == 0) {
			/* They may have ended with posts refused while it waited. */
			assert_true(count_finished(posters) == POSTERS);
			if (finished)
				break;
		}
		while (trigger_queue_take(triggers, &trigger)) {
			int id, number;
			assert_int_equal(sscanf(trigger.reason, "%d %d", &id, &number), 2);
			assert_in_range(id, 0, POSTERS - 1);
			assert_true(number > last[id]);
			last[id] = number;
			assert_int_equal(trigger.number, ++taken);
		}
	}
	for (int i = 0; i < POSTERS; i++) {
		pthread_join(posters[i].thread, NULL);
		posted += posters[i].posted;
		refused += posters[i].refused;
	}
	assert_int_equal(taken, posted);
	assert_int_equal(refused, trigger_queue_forgotten(triggers));
	assert_int_equal(posted + refused, POSTERS * POSTS);
	trigger_queue_destroy(triggers);
}

UNIT_TESTS(trigger_queue)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(take_gives_what_was_posted_in_order),
		cmocka_unit_test(post_forgets_and_counts_what_there_is_no_room_for),
		cmocka_unit_test(reason_is_one_line_of_whole_characters),
		cmocka_unit_test(threads_post_at_once_and_none_is_lost_torn_or_taken_twice),
	};
	return run_unit_tests(tests, NULL, NULL);
}
