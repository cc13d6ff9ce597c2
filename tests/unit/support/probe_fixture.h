/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe that is asking, and what tests expect of it. To be included after cmocka.h.
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

struct asking {
	struct trigger_queue *triggers;
	struct probe *probe;
	uint64_t start_ns;
};

struct asking asking_start(enum probe_kind kind, const char *what, uint64_t slower_than_ns,
			   uint64_t for_ns);
void asking_stop(struct asking *asking);
struct probe_status asking_status(const struct asking *asking);
void pause_a_little(void);
struct trigger asking_take(const struct asking *asking);
void assert_no_trigger(const struct asking *asking);
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
