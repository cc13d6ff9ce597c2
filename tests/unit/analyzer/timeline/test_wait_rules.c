/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table: every row is reached by each of its names, and by nothing that lacks its condition.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/timeline/wait_rules.h"
#include "tests/unit/support/kstack.h"
#include "tests/unit/support/unit_test.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* "sys_brk" as a kernel spells it, "drm_*" as some member of that family. */
static const char *spell_name(const char *name, unsigned int variant, char *buffer, size_t bytes)
{
	static const char *const prefixes[] = { "__x64_sys_", "__ia32_sys_", "__arm64_sys_",
						"__se_sys_", "__do_sys_", "ksys_", "SyS_", "sys_" };
	const size_t length = strlen(name);

	if (strncmp(name, "sys_", 4) == 0)
		snprintf(buffer, bytes, "%s%s", prefixes[variant % ARRAY_SIZE(prefixes)], name + 4);
	else if (name[length - 1] == '*')
		snprintf(buffer, bytes, "%.*sx", (int)length - 1, name);
	else
		snprintf(buffer, bytes, "%s", name);
	return buffer;
}

static size_t row_of(const char *names, enum ft_task_state state)
{
	const struct kstack *stack = kstack_of(names);
	const struct wait_rule *rule = wait_rule_of(stack->frames, stack->count, state);

	return rule == NULL ? wait_rules_count : (size_t)(rule - wait_rules);
}

static void assert_row(size_t row, const char *name, const char *context, unsigned int variant)
{
	const struct wait_rule *rule = &wait_rules[row];
	char names[512], one[128], two[128] = "";
	struct wait_reason reason;

	spell_name(name, variant, one, sizeof(one));
	if (context != NULL)
		spell_name(context, variant, two, sizeof(two));
	snprintf(names, sizeof(names), "%s%s%s %s " CALL, SLEEP, one,
		 rule->under != NULL ? " something_between" : "", two);
	if (row_of(names, FT_STATE_DISK) != row)
		fail_msg("row %zu is not reached, row %zu is, by: %s", row,
			 row_of(names, FT_STATE_DISK), names);
	if (rule->yields && row_of(names, FT_STATE_PREEMPTED) != row)
		fail_msg("row %zu is not reached when runnable by: %s", row, names);
	if (!rule->yields && kstack_class(names, FT_STATE_PREEMPTED) != WAIT_CPU_RUNQUEUE)
		fail_msg("row %zu is reached by a runnable thread: %s", row, names);
	reason = kstack_reason(names, FT_STATE_DISK);
	assert_int_equal(reason.class, rule->class);
	kstack_assert_detail(names, reason.detail, rule->detail);
	assert_int_equal(reason.remote_mm, rule->remote_mm);
}

static void every_row_is_reached_by_each_of_its_names(void **state)
{
	static const char *const nothing[] = { NULL };

	(void)state;
	for (size_t row = 0; row < wait_rules_count; row++) {
		const struct wait_rule *rule = &wait_rules[row];
		const char *const *contexts = rule->caller != NULL ? rule->caller :
					      rule->under != NULL  ? rule->under :
								     nothing;
		unsigned int variant = 0;

		assert_non_null(rule->any);
		assert_non_null(rule->any[0]);
		assert_true(rule->caller == NULL || rule->under == NULL);
		for (size_t i = 0; rule->any[i] != NULL; i++) {
			if (contexts[0] == NULL)
				assert_row(row, rule->any[i], NULL, variant++);
			for (size_t j = 0; contexts[j] != NULL; j++)
				assert_row(row, rule->any[i], contexts[j], variant++);
		}
	}
}

/* The first name of a row with a condition, without what the condition asks, does not reach it. */
static void no_row_ignores_its_condition(void **state)
{
	char names[256], one[128];

	(void)state;
	for (size_t row = 0; row < wait_rules_count; row++) {
		const struct wait_rule *rule = &wait_rules[row];

		spell_name(rule->any[0], 0, one, sizeof(one));
		if (rule->within != 0)
			snprintf(names, sizeof(names), SLEEP "first second %s", one);
		else if (rule->caller != NULL || rule->under != NULL)
			snprintf(names, sizeof(names), SLEEP "%s somebody", one);
		else
			continue;
		assert_int_not_equal(row_of(names, FT_STATE_DISK), row);
	}
}

static void every_class_is_reached(void **state)
{
	/* the class of no row, and that of no stack */
	bool reached[WAIT_CLASSES] = { [WAIT_UNKNOWN] = true, [WAIT_LOCK_USER] = true };

	(void)state;
	for (size_t row = 0; row < wait_rules_count; row++)
		reached[wait_rules[row].class] = true;
	for (int class = 0; class < WAIT_CLASSES; class++) {
		if (!reached[class])
			fail_msg("no row gives %s", wait_class_name(class));
	}
}

static size_t count_overlaps(const char *family, const char *const *names)
{
	size_t count = 0;

	for (; names != NULL && *names != NULL; names++) {
		const size_t bytes = strlen(*names);

		if ((*names)[bytes - 1] == '*' && strcmp(*names, family) != 0 &&
		    strncmp(*names, family, strlen(family) - 1) == 0)
			count++;
	}
	return count;
}

static size_t overlaps_anywhere(const char *family)
{
	size_t count = count_overlaps(family, wait_interrupt_entries) +
		       count_overlaps(family, wait_mmap_sections);

	for (size_t row = 0; row < wait_rules_count; row++) {
		count += count_overlaps(family, wait_rules[row].any);
		count += count_overlaps(family, wait_rules[row].caller);
		count += count_overlaps(family, wait_rules[row].under);
	}
	return count;
}

static void families_of_names_do_not_overlap(void **state)
{
	size_t families = 0;

	(void)state;
	for (size_t row = 0; row < wait_rules_count; row++) {
		const char *const *lists[] = { wait_rules[row].any, wait_rules[row].caller,
					       wait_rules[row].under };

		for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
			for (const char *const *name = lists[i]; name && *name; name++) {
				if ((*name)[strlen(*name) - 1] != '*')
					continue;
				families++;
				assert_int_equal(overlaps_anywhere(*name), 0);
			}
		}
	}
	assert_true(families > 10);
}

static void class_names_are_all_different(void **state)
{
	(void)state;
	for (int a = 0; a < WAIT_CLASSES; a++) {
		assert_non_null(wait_class_name(a));
		for (int b = 0; b < a; b++)
			assert_string_not_equal(wait_class_name(a), wait_class_name(b));
	}
	assert_string_equal(wait_class_name(WAIT_MEM_MEMCG_RECLAIM), "mem.memcg-reclaim");
	assert_string_equal(wait_class_name(WAIT_IO_NETWORK_FS), "io.network-fs");
	assert_string_equal(wait_class_name(12345), "unknown");
}

UNIT_TESTS(wait_rules)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_reached_by_each_of_its_names),
		cmocka_unit_test(no_row_ignores_its_condition),
		cmocka_unit_test(every_class_is_reached),
		cmocka_unit_test(families_of_names_do_not_overlap),
		cmocka_unit_test(class_names_are_all_different),
	};

	return run_unit_tests(tests, NULL, NULL);
}
