/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/model.h"

const char *finding_kind_name(enum finding_kind kind)
{
	static const char *const names[FINDING_KINDS] = {
		[FINDING_MMAP_LOCK_CONVOY] = "mmap-lock-convoy",
		[FINDING_FUTEX_CONVOY] = "futex-convoy",
		[FINDING_KERNEL_LOCK_CONVOY] = "kernel-lock-convoy",
		[FINDING_MEMCG_RECLAIM_STALL] = "memcg-reclaim-stall",
		[FINDING_DIRECT_RECLAIM_STALL] = "direct-reclaim-stall",
		[FINDING_IO_STALL] = "io-stall",
		[FINDING_WRITEBACK_THROTTLE] = "writeback-throttle",
		[FINDING_CPU_THROTTLED] = "cpu-throttled",
		[FINDING_CPU_STARVED] = "cpu-starved",
		[FINDING_SPIN_CONTENTION] = "spin-contention",
		[FINDING_SLOW_PRODUCER] = "slow-producer",
		[FINDING_BUSY_THREAD] = "busy-thread",
		[FINDING_PROCESS_STOPPED] = "process-stopped",
		[FINDING_DEADLOCK] = "deadlock",
		[FINDING_HOST_PAUSED] = "host-paused",
		[FINDING_NO_STALL] = "no-stall",
	};

	return names[kind];
}

const char *grade_name(enum grade grade)
{
	static const char *const names[] = {
		[GRADE_UNKNOWN] = "unknown",
		[GRADE_PLAUSIBLE] = "plausible",
		[GRADE_STRONG] = "strong",
		[GRADE_EXACT] = "exact",
	};

	return names[grade];
}
