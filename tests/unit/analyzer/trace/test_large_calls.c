/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "analyzer/trace/large_calls.h"
#include "tests/unit/support/unit_test.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

static struct thread resizer = { .index = 0, .tid = 10, .tgid = 1, .comm = "resizer" };
static struct thread other = { .index = 1, .tid = 11, .tgid = 1, .comm = "other" };

static struct large_calls *create_calls(void)
{
	struct large_calls *calls = NULL;

	assert_int_equal(large_calls_create(&calls), 0);
	return calls;
}

static void add_call(struct large_calls *calls, struct thread *thread, uint64_t time_ns, enum ft_call call,
		     uint64_t bytes)
{
	struct event event = {
		.raw = { .kind = FT_EVENT_CALL, .time_ns = time_ns },
		.thread = thread,
		.stack_id = 7,
	};

	event.raw.call.call = call;
	event.raw.call.args[1] = bytes;
	event.raw.call.args[2] = bytes;
	assert_int_equal(large_calls_event(calls, &event), 0);
}

static char *describe_growth(struct large_calls *calls, const struct large_call *call)
{
	char *text = NULL;
	bool seen;

	assert_non_null(call);
	assert_int_equal(large_calls_growth(calls, call, &text, &seen), 0);
	assert_int_equal(seen, text && !strstr(text, "If it is one"));
	return text;
}

static bool is_unasked(enum ft_call call, uint64_t flags)
{
	struct large_calls *calls = create_calls();
	struct event event = { .raw = { .kind = FT_EVENT_CALL, .time_ns = 1 }, .thread = &resizer };
	bool unasked;

	event.raw.call.call = call;
	event.raw.call.args[3] = flags;
	assert_int_equal(large_calls_event(calls, &event), 0);
	unasked = large_calls_behind(calls, &resizer, 0, 2)->unasked;
	large_calls_destroy(calls);
	return unasked;
}

static void calls_know_whether_they_ask_for_their_memory_to_be_populated(void **state)
{
	(void)state;
	assert_true(is_unasked(FT_CALL_MMAP, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE));
	assert_false(is_unasked(FT_CALL_MMAP, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE));
	assert_false(is_unasked(FT_CALL_MMAP, MAP_SHARED | MAP_ANONYMOUS | MAP_LOCKED));
	assert_true(is_unasked(FT_CALL_MREMAP, MREMAP_MAYMOVE));
	assert_false(is_unasked(FT_CALL_MUNMAP, 0));
}

static void calls_behind_is_the_threads_own_last_call_in_the_span(void **state)
{
	struct large_calls *calls = create_calls();

	(void)state;
	add_call(calls, &resizer, 100, FT_CALL_MMAP, 100 * MIB);
	add_call(calls, &resizer, 200, FT_CALL_MMAP, 200 * MIB);
	add_call(calls, &other, 250, FT_CALL_MUNMAP, 300 * MIB);
	add_call(calls, &resizer, 400, FT_CALL_MUNMAP, 400 * MIB);
	assert_int_equal(large_calls_behind(calls, &resizer, 0, 300)->bytes, 200 * MIB);
	assert_null(large_calls_behind(calls, &resizer, 250, 300));
	assert_null(large_calls_behind(calls, &resizer, 0, 99));
	large_calls_destroy(calls);
}

static void calls_unwound_stack_replaces_that_of_its_call(void **state)
{
	struct large_calls *calls = create_calls();
	struct event unwound = {
		.raw = { .kind = FT_EVENT_UNWOUND, .time_ns = 100 },
		.thread = &resizer,
		.stack_id = 9,
	};

	(void)state;
	add_call(calls, &other, 100, FT_CALL_MMAP, 100 * MIB);
	add_call(calls, &resizer, 100, FT_CALL_MMAP, 100 * MIB);
	assert_int_equal(large_calls_event(calls, &unwound), 0);
	assert_int_equal(large_calls_behind(calls, &resizer, 0, 100)->stack_id, 9);
	assert_int_equal(large_calls_behind(calls, &other, 0, 100)->stack_id, 7);
	large_calls_destroy(calls);
}

static void calls_growth_lists_the_steps_of_a_table_that_doubles(void **state)
{
	struct large_calls *calls = create_calls();
	char *text;

	(void)state;
	add_call(calls, &resizer, 100, FT_CALL_MMAP, 896 * MIB);
	add_call(calls, &resizer, 200, FT_CALL_MMAP, 1792 * MIB + 4096);
	add_call(calls, &resizer, 300, FT_CALL_MMAP, 3584 * MIB + 4096);
	text = describe_growth(calls, large_calls_behind(calls, &resizer, 0, 300));
	assert_non_null(strstr(text, "896 MiB, 1.75 GiB, 3.5 GiB"));
	assert_non_null(strstr(text, "Next: 7 GiB"));
	free(text);
	large_calls_destroy(calls);
}

static void calls_growth_sees_half_the_size_given_back(void **state)
{
	struct large_calls *calls = create_calls();
	char *text;

	(void)state;
	add_call(calls, &resizer, 300, FT_CALL_MMAP, 3 * 1000 * 1000 * 1000ull);
	add_call(calls, &resizer, 400, FT_CALL_MUNMAP, 3 * 500 * 1000 * 1000ull);
	text = describe_growth(calls, large_calls_behind(calls, &resizer, 0, 300));
	assert_non_null(text);
	assert_non_null(strstr(text, "given back"));
	free(text);
	large_calls_destroy(calls);
}

static void calls_growth_is_not_seen_in_unrelated_sizes(void **state)
{
	struct large_calls *calls = create_calls();

	(void)state;
	add_call(calls, &resizer, 100, FT_CALL_MMAP, 1234567890);
	add_call(calls, &resizer, 200, FT_CALL_MMAP, 1534567890);
	assert_null(describe_growth(calls, large_calls_behind(calls, &resizer, 0, 200)));
	large_calls_destroy(calls);
}

static void calls_growth_of_a_lone_table_size_is_only_a_guess(void **state)
{
	struct large_calls *calls = create_calls();
	char *text;

	(void)state;
	add_call(calls, &resizer, 100, FT_CALL_MMAP, 7 * GIB / 2);
	text = describe_growth(calls, large_calls_behind(calls, &resizer, 0, 100));
	assert_non_null(text);
	assert_non_null(strstr(text, "If it is one"));
	free(text);
	large_calls_destroy(calls);
}

static void calls_growth_is_not_guessed_from_a_size_that_people_use(void **state)
{
	struct large_calls *calls = create_calls();

	(void)state;
	add_call(calls, &resizer, 100, FT_CALL_MMAP, 3 * GIB);
	assert_null(describe_growth(calls, large_calls_behind(calls, &resizer, 0, 100)));
	large_calls_destroy(calls);
}

static void calls_growth_is_never_seen_in_a_munmap(void **state)
{
	struct large_calls *calls = create_calls();

	(void)state;
	add_call(calls, &resizer, 100, FT_CALL_MUNMAP, GIB);
	assert_null(describe_growth(calls, large_calls_behind(calls, &resizer, 0, 100)));
	large_calls_destroy(calls);
}

UNIT_TESTS(large_calls)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_know_whether_they_ask_for_their_memory_to_be_populated),
		cmocka_unit_test(calls_behind_is_the_threads_own_last_call_in_the_span),
		cmocka_unit_test(calls_unwound_stack_replaces_that_of_its_call),
		cmocka_unit_test(calls_growth_lists_the_steps_of_a_table_that_doubles),
		cmocka_unit_test(calls_growth_sees_half_the_size_given_back),
		cmocka_unit_test(calls_growth_is_not_seen_in_unrelated_sizes),
		cmocka_unit_test(calls_growth_of_a_lone_table_size_is_only_a_guess),
		cmocka_unit_test(calls_growth_is_not_guessed_from_a_size_that_people_use),
		cmocka_unit_test(calls_growth_is_never_seen_in_a_munmap),
	};

	return run_unit_tests(tests, NULL, NULL);
}
