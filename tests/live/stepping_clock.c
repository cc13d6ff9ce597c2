/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To be preloaded: the wall clock of one program is an hour behind from when the
 * file that STEPPING_CLOCK names is there. The machine's own clock stays as it is.
 */
#include "config.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define STEP_SECONDS 3600

static time_t step(void)
{
	const char *path = getenv("STEPPING_CLOCK");
	return path && !access(path, F_OK) ? STEP_SECONDS : 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	int status = (int)syscall(SYS_clock_gettime, clock, ret_time);
	if (!status && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		ret_time->tv_sec -= step();
	return status;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
	int status = (int)syscall(SYS_gettimeofday, ret_time, zone);
	if (!status)
		ret_time->tv_sec -= step();
	return status;
}

time_t time(time_t *ret_time)
{
	struct timespec now = { .tv_sec = -1 };
	clock_gettime(CLOCK_REALTIME, &now);
	if (ret_time)
		*ret_time = now.tv_sec;
	return now.tv_sec;
}
