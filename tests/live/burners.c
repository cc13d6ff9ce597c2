/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes all CPUs from everybody: real-time threads and ordinary ones that compute, four for each CPU. Of real-time time
 * the kernel leaves others a twentieth, as a rule.
 *
 *	burners SECONDS		says "burning" when all of them do; exit status 77: no real-time priority
 */
#include "config.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PRIORITY 2 /* as low as that of most: not the recorder's own */

static atomic_bool stop;
static atomic_uint running;

static void *burn(void *argument)
{
	running++;
	for (volatile unsigned long i = 0; !stop; i++)
		;
	return argument;
}

int main(int argc, char **argv)
{
	const struct sched_param most = { .sched_priority = PRIORITY + 1 }, param = { .sched_priority = PRIORITY };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int count = 0;
	pthread_attr_t attributes;
	pthread_t thread;

	if (argc != 2 || cpus < 1)
		return EXIT_FAILURE;
	/* Who starts the others must get a CPU to stop them. */
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &most))
		return 77;
	pthread_attr_init(&attributes);
	pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
	for (long i = 0; i < 2 * cpus; i++) {
		pthread_attr_setschedpolicy(&attributes, SCHED_OTHER);
		pthread_attr_setschedparam(&attributes, &(struct sched_param){ 0 });
		count += !pthread_create(&thread, &attributes, burn, NULL);
		pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
		pthread_attr_setschedparam(&attributes, &param);
		count += !pthread_create(&thread, &attributes, burn, NULL);
	}
	while (running < (unsigned int)cpus)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	puts("burning");
	fflush(stdout);
	nanosleep(&(struct timespec){ .tv_sec = atoi(argv[1]) }, NULL);
	stop = true;
	return count ? EXIT_SUCCESS : EXIT_FAILURE;
}
