/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "recorder/clock.h"
#include "recorder/psi.h"
#include "recorder/psi_spec.h"

#define MS	    1000000ull
#define PATIENCE_MS 20000

static void spec_takes_every_form(void **state)
{
	static const struct {
		const char *text;
		struct psi_spec spec;
	} CASES[] = {
		{ "memory:some:150ms/1s", { "memory", "", false, 150 * MS, 1000 * MS } },
		{ "io:full:1/10", { "io", "", true, 1000 * MS, 10000 * MS } },
		{ "cpu:some:500ms/500ms", { "cpu", "", false, 500 * MS, 500 * MS } },
		{ "irq:full:10ms/2s", { "irq", "", true, 10 * MS, 2000 * MS } },
		{ "cpu@/a:full:1us/2s", { "cpu", "/a", true, 1000, 2000 * MS } },
		{ "io@/x:some:1s/2s/y@z:some:1s/2s",
		  { "io", "/x:some:1s/2s/y@z", false, 1000 * MS, 2000 * MS } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct psi_spec spec;
		const char *problem = NULL;
		if (psi_spec_parse(CASES[i].text, &spec, &problem))
			fail_msg("%s: %s", CASES[i].text, problem);
		assert_string_equal(spec.resource, CASES[i].spec.resource);
		assert_string_equal(spec.cgroup, CASES[i].spec.cgroup);
		assert_int_equal(spec.full, CASES[i].spec.full);
		assert_int_equal(spec.stall_ns, CASES[i].spec.stall_ns);
		assert_int_equal(spec.window_ns, CASES[i].spec.window_ns);
	}
}

static void spec_refuses_what_is_none_says_why_and_leaves_the_output(void **state)
{
	static const struct {
		const char *text, *word; /* of the problem */
	} CASES[] = {
		{ "", "RESOURCE:" },
		{ "memory", "RESOURCE:" },
		{ "memory:some", "RESOURCE:" },
		{ "memory:some:", "RESOURCE:" },
		{ "memory:some:150ms", "RESOURCE:" },
		{ "memory:some:150ms/", "RESOURCE:" },
		{ "memory:some:/1s", "RESOURCE:" },
		{ "memory:some:150ms/1s ", "RESOURCE:" },
		{ "memory:some:150ms/1s/1s", "RESOURCE:" },
		{ "memory:some:00000000000000000000000000000150ms/1s", "RESOURCE:" },
		{ "memory:any:150ms/1s", "some nor full" },
		{ "memory::150ms/1s", "some nor full" },
		{ ":some:150ms/1s", "resource" },
		{ "disk:some:150ms/1s", "resource" },
		{ "../../x:some:150ms/1s", "resource" },
		{ "memory@:some:150ms/1s", "cgroup" },
		{ "memory@a:some:150ms/1s", "cgroup" },
		{ "memory:some:150ms/499ms", "window" },
		{ "memory:some:150ms/11s", "window" },
		{ "memory:some:0/1s", "stall" },
		{ "memory:some:999ns/1s", "stall" },
		{ "memory:some:1001ms/1s", "stall" },
		{ "irq:some:150ms/1s", "full" },
		{ "cpu:full:150ms/1s", "cpu:some" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct psi_spec spec = { .stall_ns = 42 };
		const char *problem = NULL;
		assert_int_equal(psi_spec_parse(CASES[i].text, &spec, &problem), -EINVAL);
		if (!problem || !strstr(problem, CASES[i].word))
			fail_msg("%s: %s", CASES[i].text, problem ? problem : "no problem");
		assert_int_equal(spec.stall_ns, 42);
	}
}

static void start_explains_what_cannot_be_watched(void **state)
{
	struct triggers *triggers = NULL;
	struct psi *psi = NULL;
	const char *problem = NULL;

	(void)state;
	assert_int_equal(triggers_create(&triggers), 0);
	assert_int_equal(psi_start("memory", triggers, &psi, &problem), -EINVAL);
	assert_non_null(strstr(problem, "RESOURCE:"));
	assert_int_equal(psi_start("io@/no/such/group:some:1s/2s", triggers, &psi, &problem),
			 -ENOENT);
	assert_non_null(strstr(problem, "cgroup"));
	assert_null(psi);
	psi_stop(NULL);
	triggers_destroy(triggers);
}

static bool may_watch(void)
{
	if (access("/proc/pressure/cpu", R_OK | W_OK) == 0)
		return true;
	print_message("SKIP: this kernel has no /proc/pressure that this user may write to\n");
	return false;
}

static void window_that_this_user_may_not_ask_for_is_explained(void **state)
{
	struct triggers *triggers = NULL;
	struct psi *psi = NULL;
	const char *problem = NULL;

	(void)state;
	if (!may_watch())
		skip();
	assert_int_equal(triggers_create(&triggers), 0);
	int error = psi_start("cpu:some:1s/1s", triggers, &psi, &problem);
	if (error) {
		assert_int_equal(error, -ERANGE);
		assert_non_null(strstr(problem, "multiple of 2 s"));
	}
	psi_stop(psi);
	triggers_destroy(triggers);
}

static void *burn(void *context)
{
	_Atomic bool *stop = context;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
	while (!*stop)
		;
	return NULL;
}

/* Two threads that want one CPU: about half of the time one of them waits. */
static void pressure_fires_once_with_its_numbers(void **state)
{
	struct triggers *triggers = NULL;
	struct psi *psi = NULL;
	const char *problem = "";
	_Atomic bool enough = false;
	pthread_t threads[2];
	struct trigger trigger;

	(void)state;
	if (!may_watch())
		skip();
	assert_int_equal(triggers_create(&triggers), 0);
	if (psi_start("cpu:some:100ms/2s", triggers, &psi, &problem))
		fail_msg("%s", problem);
	uint64_t start_ns = clock_now_ns();
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, burn, &enough), 0);
	struct pollfd pollfd = { .fd = triggers_fd(triggers), .events = POLLIN };
	int ready = poll(&pollfd, 1, PATIENCE_MS);
	/* The pressure lasts for longer than a window: that is no new one. */
	poll(NULL, 0, 2500);
	enough = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(ready, 1);
	assert_true(triggers_take(triggers, &trigger));
	assert_string_equal(trigger.source, "psi");
	assert_int_equal(
		strncmp(trigger.reason,
			"cpu pressure: some task stalled for 100 ms or more within 2000 ms; "
			"10 s average ",
			79),
		0);
	assert_null(strstr(trigger.reason, "unknown"));
	assert_true(trigger.time_ns >= start_ns && trigger.time_ns <= clock_now_ns());
	assert_false(triggers_take(triggers, &trigger));
	psi_stop(psi);
	triggers_destroy(triggers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spec_takes_every_form),
		cmocka_unit_test(spec_refuses_what_is_none_says_why_and_leaves_the_output),
		cmocka_unit_test(start_explains_what_cannot_be_watched),
		cmocka_unit_test(window_that_this_user_may_not_ask_for_is_explained),
		cmocka_unit_test(pressure_fires_once_with_its_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
