/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/facts.h"
#include "capture/segment.h"
#include "tests/unit/support/guard.h"
#include "tests/unit/support/unit_test.h"

static int set_up(void **state)
{
	return ft_facts_create((struct ft_facts **)state);
}

static int tear_down(void **state)
{
	ft_facts_destroy(*state);
	return 0;
}

static void facts_give_back_the_last_value(void **state)
{
	struct ft_facts *facts = *state;

	assert_null(ft_facts_get(facts, FT_FACT_HOST));
	assert_int_equal(ft_facts_set(facts, FT_FACT_HOST, "web-17"), 0);
	assert_int_equal(ft_facts_set(facts, FT_FACT_TIER, ""), 0);
	assert_int_equal(ft_facts_set(facts, "hos", "other"), 0);
	assert_string_equal(ft_facts_get(facts, FT_FACT_HOST), "web-17");
	assert_string_equal(ft_facts_get(facts, FT_FACT_TIER), "");
	assert_int_equal(ft_facts_set(facts, FT_FACT_HOST, "web-18"), 0);
	assert_string_equal(ft_facts_get(facts, FT_FACT_HOST), "web-18");
	assert_string_equal(ft_facts_get(facts, "hos"), "other");
	assert_null(ft_facts_get(facts, "web-17")); /* a value is no name */
}

static void facts_replaced_over_and_over_take_no_more_room(void **state)
{
	struct ft_facts *facts = *state;
	size_t bytes, first_bytes;

	assert_int_equal(ft_facts_set_number(facts, FT_FACT_END_NS, 1000000), 0);
	ft_facts_payload(facts, &first_bytes);
	for (int64_t i = 1000000; i < 1010000; i++)
		assert_int_equal(ft_facts_set_number(facts, FT_FACT_END_NS, i), 0);
	ft_facts_payload(facts, &bytes);
	assert_int_equal(bytes, first_bytes);
}

static void facts_numbers_are_whole_decimal_numbers(void **state)
{
	static const char *const no_numbers[] = { "", "-", "x", "1x", " 1", "+1", "0x10", "1 ",
						  "9223372036854775808", "-9223372036854775809" };
	struct ft_facts *facts = *state;

	assert_int_equal(ft_facts_set_number(facts, "a", INT64_MIN), 0);
	assert_int_equal(ft_facts_number(facts, "a", 7), INT64_MIN);
	assert_int_equal(ft_facts_set_number(facts, "a", INT64_MAX), 0);
	assert_int_equal(ft_facts_number(facts, "a", 7), INT64_MAX);
	assert_int_equal(ft_facts_number(facts, "b", 7), 7);
	for (size_t i = 0; i < sizeof(no_numbers) / sizeof(*no_numbers); i++) {
		assert_int_equal(ft_facts_set(facts, "a", no_numbers[i]), 0);
		assert_int_equal(ft_facts_number(facts, "a", 7), 7);
	}
}

static void facts_read_gives_back_what_was_written(void **state)
{
	struct ft_facts *facts = *state, *copy;
	const void *payload;
	char name[16];
	size_t bytes;

	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "name-%d", i);
		assert_int_equal(ft_facts_set_number(facts, name, i), 0);
	}
	payload = ft_facts_payload(facts, &bytes);
	assert_int_equal(ft_facts_create(&copy), 0);
	assert_int_equal(ft_facts_set(copy, "name-7", "old"), 0);
	assert_int_equal(ft_facts_read(copy, payload, bytes), 0);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "name-%d", i);
		assert_int_equal(ft_facts_number(copy, name, -1), i);
	}
	ft_facts_destroy(copy);
}

static void facts_read_keeps_what_comes_before_the_damage(void **state)
{
	static const char payload[] = "a\0one\0b\0\0c\0three";
	const size_t ends[] = { 0, 6, 9, sizeof(payload) };
	size_t whole = 0;

	(void)state;
	for (size_t length = 0; length <= sizeof(payload); length++) {
		struct guard guard = guard_copy(payload, length);
		struct ft_facts *facts;

		if (length == ends[whole + 1])
			whole++;
		assert_int_equal(ft_facts_create(&facts), 0);
		assert_int_equal(ft_facts_read(facts, guard.bytes, length),
				 length == ends[whole] ? 0 : -EBADMSG);
		assert_int_equal(ft_facts_get(facts, "a") != NULL, whole >= 1);
		assert_int_equal(ft_facts_get(facts, "b") != NULL, whole >= 2);
		assert_int_equal(ft_facts_get(facts, "c") != NULL, whole >= 3);
		ft_facts_destroy(facts);
		guard_free(&guard);
	}
	assert_int_equal(whole, 3);
}

static void facts_read_refuses_a_name_without_letters(void **state)
{
	assert_int_equal(ft_facts_read(*state, "a\0b\0\0c", 7), -EBADMSG);
	assert_string_equal(ft_facts_get(*state, "a"), "b");
}

static void facts_stay_within_one_payload(void **state)
{
	const size_t bytes = 10u << 20;
	char *payload = malloc(bytes);
	size_t now;

	assert_non_null(payload);
	memset(payload, 'x', bytes);
	payload[1] = payload[bytes - 1] = '\0';
	assert_int_equal(ft_facts_read(*state, payload, bytes), 0);
	assert_int_equal(ft_facts_read(*state, payload, bytes), -EBADMSG);
	assert_int_equal(ft_facts_set(*state, "y", payload + 2), -ENOMEM);
	ft_facts_payload(*state, &now);
	assert_int_equal(now, bytes);
	free(payload);
}

UNIT_TESTS(facts)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(facts_give_back_the_last_value),
		TEST(facts_replaced_over_and_over_take_no_more_room),
		TEST(facts_numbers_are_whole_decimal_numbers),
		TEST(facts_read_gives_back_what_was_written),
		TEST(facts_read_keeps_what_comes_before_the_damage),
		TEST(facts_read_refuses_a_name_without_letters),
		TEST(facts_stay_within_one_payload),
	};

	return run_unit_tests(tests, NULL, NULL);
}
