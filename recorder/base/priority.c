/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/base/priority.h"

#include <sched.h>
#include <sys/resource.h>

void priority_begin_urgent(void)
{
	const struct sched_param urgent = { .sched_priority = PRIORITY_REALTIME };

	sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &urgent);
}

/* The flag stays where it cannot be taken back without privileges; then children are ordinary. */
void priority_settle(void)
{
	const struct sched_param ordinary = { .sched_priority = 0 };

	if (sched_setscheduler(0, SCHED_OTHER, &ordinary))
		sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &ordinary);
	setpriority(PRIO_PROCESS, 0, PRIO_MIN);
}

int priority_start_realtime(pthread_t *ret_thread, void *(*run)(void *context), void *context)
{
	const struct sched_param param = { .sched_priority = PRIORITY_REALTIME };
	pthread_attr_t attributes;
	int error = pthread_attr_init(&attributes);

	if (error)
		return error;
	pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
	pthread_attr_setschedparam(&attributes, &param);
	error = pthread_create(ret_thread, &attributes, run, context);
	pthread_attr_destroy(&attributes);
	return error ? pthread_create(ret_thread, NULL, run, context) : 0;
}
