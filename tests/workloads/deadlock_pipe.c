/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mutex and a full pipe: one writes with the mutex held to a pipe that nobody empties, since its
 * reader wants that mutex. For ever; the others pile up.
 */
#include "config.h"

#include <stdatomic.h>

#include "tests/workloads/mutex_service.h"
#include "tests/workloads/truth.h"

static int log_pipe[2];
static atomic_bool flooding;

static void write_line(void)
{
	static const char line[512] = "a line of a log";

	if (write(log_pipe[1], line, sizeof(line)) < 0)
		abort();
}

static void *writer_main(void *argument)
{
	while (!truth_ordered() && !truth_stopping()) {
		write_line();
		truth_sleep_ns(5 * TRUTH_MS);
	}
	if (truth_stopping())
		return argument;
	pthread_mutex_lock(&mutex_service_lock);
	truth_held(truth_now_ns());
	flooding = true;
	write_line();
	truth_sleep_ns(20 * TRUTH_MS); /* the logger is at the mutex now */
	truth_order_done();
	truth_wait_begin();
	for (;;)
		write_line();
}

static void *logger_main(void *argument)
{
	char line[512];

	while (read(log_pipe[0], line, sizeof(line)) > 0) {
		if (flooding) {
			truth_held(truth_now_ns());
			truth_wait_begin();
		}
		pthread_mutex_lock(&mutex_service_lock);
		pthread_mutex_unlock(&mutex_service_lock);
	}
	return argument;
}

static void lock_up(void)
{
	truth_never_thaws();
	truth_order();
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
}

int main(int argc, char **argv)
{
	truth_options(argc, argv,
		      "A thread fills a pipe whose reader wants its mutex, until the end.", 1.5);
	if (pipe(log_pipe))
		abort();
	truth_thread("writer", writer_main, NULL);
	truth_thread("logger", logger_main, NULL);
	mutex_service_start();
	return truth_run("director", "deadlock", lock_up);
}
