/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "tests/unit/support/kstack.h"
#include "tests/unit/support/unit_test.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct kstack *kstack_of(const char *names)
{
	static struct kstack stack;
	char *rest;

	stack.count = 0;
	assert_true(strlen(names) < sizeof(stack.text));
	strcpy(stack.text, names);
	for (char *name = strtok_r(stack.text, " ", &rest); name != NULL;
	     name = strtok_r(NULL, " ", &rest)) {
		assert_true(stack.count < ARRAY_SIZE(stack.frames));
		stack.frames[stack.count++] = (struct frame){
			.address = 0xffffffff81000000 + stack.count, .kernel = true, .symbol = name,
		};
	}
	return &stack;
}

struct wait_reason kstack_reason(const char *names, enum ft_task_state state)
{
	const struct kstack *stack = kstack_of(names);

	return wait_reason_of(stack->frames, stack->count, state);
}

enum wait_class kstack_class(const char *names, enum ft_task_state state)
{
	return kstack_reason(names, state).class;
}

void kstack_assert_detail(const char *names, const char *detail, const char *expected)
{
	if (expected == NULL ? detail == NULL : detail != NULL && strcmp(detail, expected) == 0)
		return;
	fail_msg("detail is %s, expected %s: %s", detail, expected, names);
}
