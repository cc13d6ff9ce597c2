/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What analyzing a long queue at one lock costs. Not a test: prints figures.
 *
 * A holder sleeps with a mutex while n threads queue for it; then each hands it to the next. So n
 * waits span n holds: what is done for each pair grows with n * n. In the quick queue a hold takes
 * 20 us, which is too short to matter to anybody; in the slow one 1 ms.
 */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>
#include <linux/futex.h>

#include "tests/unit/support/scene.h"

#define WAITERS_MAX 10000u
#define ROUNDS	    3
#define LOCK	    0x55d22ffdd4c0ull
#define MS	    SCENE_MS
#define US	    SCENE_US
#define RELEASE_NS  (2000 * MS)
#define POLL	    SLEEP "do_poll < do_sys_poll < __x64_sys_poll < do_syscall_64"

static struct ft_task holder = { 100, 100, "holder" }, waiters[WAITERS_MAX];

static double cpu_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void make_names(void)
{
	for (uint32_t i = 0; i < WAITERS_MAX; i++) {
		waiters[i] = (struct ft_task){ .tid = (int32_t)(101 + i), .tgid = holder.tgid };
		snprintf(waiters[i].comm, sizeof(waiters[i].comm), "waiter-%u", i);
	}
}

/* The holder is on CPU 0, on CPU 1 the waiters come and go. Return: when all is over. */
static uint64_t queue_up(struct scene *scene, uint32_t count, uint64_t hold_ns)
{
	uint64_t at_ns = 200 * MS;

	scene_switch(scene, 0, 10 * MS, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	scene_switch(scene, 0, 110 * MS, &holder, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	scene_waking(scene, 0, RELEASE_NS - MS, &scene_idle, NULL, &holder);
	scene_switch(scene, 0, RELEASE_NS - MS / 2, &scene_idle, FT_STATE_RUNNING, NULL, &holder);
	scene_waking(scene, 0, RELEASE_NS, &holder, WAKE, &waiters[0]);
	scene_switch(scene, 0, RELEASE_NS + MS, &holder, FT_STATE_SLEEPING, NANOSLEEP, &scene_idle);
	for (uint32_t i = 0; i < count; i++) {
		scene_switch(scene, 1, at_ns, &scene_idle, FT_STATE_RUNNING, NULL, &waiters[i]);
		scene_futex(scene, 1, at_ns + US, &waiters[i], LOCK, FUTEX_WAIT_PRIVATE, 2);
		scene_switch(scene, 1, at_ns + 2 * US, &waiters[i], FT_STATE_SLEEPING, WAIT_FUTEX,
			     &scene_idle);
		at_ns += 20 * US;
	}
	at_ns = RELEASE_NS;
	for (uint32_t i = 0; i < count; i++) {
		scene_switch(scene, 1, at_ns + 2 * US, &scene_idle, FT_STATE_RUNNING, NULL,
			     &waiters[i]);
		at_ns += hold_ns;
		if (i + 1 < count)
			scene_waking(scene, 1, at_ns, &waiters[i], WAKE, &waiters[i + 1]);
		scene_switch(scene, 1, at_ns + US, &waiters[i], FT_STATE_SLEEPING, POLL, &scene_idle);
	}
	return at_ns + 100 * MS;
}

/* Return: seconds of CPU, the least of several rounds. */
static double measure(uint32_t count, uint64_t hold_ns)
{
	struct scene *scene = scene_create(2);
	uint64_t end_ns = queue_up(scene, count, hold_ns);
	const char *path = scene_write(scene, "100", end_ns);
	const struct analysis_options options = { 0 };
	double best_s = HUGE_VAL;

	for (int round = 0; round < ROUNDS; round++) {
		double began_s = cpu_s(), took_s;
		struct source *source = NULL;
		struct model *model = NULL;
		char *message = NULL;

		assert_int_equal(source_open(path, &source, &message), 0);
		assert_int_equal(analysis_run(source, path, &options, &model, NULL), 0);
		assert_true(model->finding_count >= 1);
		assert_int_equal(model->findings[0].culprit.tid, holder.tid);
		model_free(model);
		source_close(source);
		took_s = cpu_s() - began_s;
		if (took_s < best_s)
			best_s = took_s;
	}
	scene_destroy(scene);
	return best_s;
}

static void measure_queue(const char *name, uint64_t hold_ns)
{
	static const uint32_t counts[] = { 1000, 2000, 5000, 10000 };
	double first_s = 0;

	printf("%s queue: each holds the lock for %.3g ms\n", name, (double)hold_ns / (double)MS);
	printf("  waiters    CPU time   growth   of n log n   of n * n\n");
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		double n = counts[i], least = counts[0];
		double took_s = measure(counts[i], hold_ns);

		if (!i)
			first_s = took_s;
		printf("  %7u  %8.1f ms  %7.1f  %11.1f  %9.1f\n", counts[i], took_s * 1e3,
		       took_s / first_s, n * log(n) / (least * log(least)), n * n / (least * least));
	}
}

int main(void)
{
	make_names();
	measure_queue("quick", 20 * US);
	measure_queue("slow", MS);
	return 0;
}
