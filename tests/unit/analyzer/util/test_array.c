/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/util/array.h"
#include "tests/unit/support/unit_test.h"

static void array_keeps_its_elements_when_it_grows(void **state)
{
	size_t count = 0, capacity = 0;
	int *numbers = NULL;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(array_grow(numbers, count, capacity), 0);
		assert_true(capacity > count);
		numbers[count++] = i;
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(numbers[i], i);
	free(numbers);
}

static void array_that_cannot_grow_stays_as_it_is(void **state)
{
	uint32_t count = UINT32_MAX / 2 + 1, capacity = count;
	char byte, *bytes = &byte;

	(void)state;
	assert_int_equal(array_grow(bytes, count, capacity), -ENOMEM); /* twice as much is 0 */
	assert_ptr_equal(bytes, &byte);
	assert_int_equal(capacity, count);
}

UNIT_TESTS(array)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(array_keeps_its_elements_when_it_grows),
		cmocka_unit_test(array_that_cannot_grow_stays_as_it_is),
	};

	return run_unit_tests(tests, NULL, NULL);
}
