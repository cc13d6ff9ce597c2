/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe that is running, and what tests expect of it.
 */
#ifndef TESTS_UNIT_SUPPORT_PROBE_FIXTURE_H
#define TESTS_UNIT_SUPPORT_PROBE_FIXTURE_H

#include "recorder/base/clock.h"
#include "recorder/trigger/probe.h"

#define MS	    1000000ull
#define PATIENCE_MS 30000
#define NEVER_NS    (3600 * 1000 * MS)
#define DEADLINE_MS 5000 /* of a question, where slower_than and for are short */
#define SOME_MORE   10 /* questions */

struct probe_fixture {
	struct trigger_queue *triggers;
	struct probe *probe;
	uint64_t start_ns;
};

struct probe_fixture probe_fixture_start(enum probe_kind kind, const char *what,
					 uint64_t slower_than_ns, uint64_t for_ns);
void probe_fixture_stop(struct probe_fixture *fixture);
struct probe_status probe_fixture_status(const struct probe_fixture *fixture);
void pause_a_little(void);
struct trigger probe_fixture_take(const struct probe_fixture *fixture);
void assert_no_trigger(const struct probe_fixture *fixture);
void assert_says(const struct trigger *trigger, const char *source, const char *text);
void assert_good(enum probe_kind kind, const char *what);
void assert_fires(enum probe_kind kind, const char *what, const char *source, const char *text);
void assert_hang_fires(enum probe_kind kind, const char *what, const char *source);

/* Waits for @condition, and fails where it does not come true. */
#define WAIT_FOR(condition)                                                   \
	do {                                                                  \
		uint64_t end_ns = clock_now_ns() + PATIENCE_MS * MS;          \
		while (!(condition)) {                                        \
			if (clock_now_ns() > end_ns)                          \
				fail_msg("%s did not come true", #condition); \
			pause_a_little();                                     \
		}                                                             \
	} while (0)

#endif
