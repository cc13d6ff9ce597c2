/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs in the child after a capture: analyze, then the command.
 */
#ifndef RECORDER_ARM_CAPTURE_HOOK_CHILD_H
#define RECORDER_ARM_CAPTURE_HOOK_CHILD_H

#include <stdint.h>

struct capture_hook_job {
	const char *command;	/* for /bin/sh -c */
	const char *file, *source, *reason;
	const char *report;	/* path: created with analyze's output, removed by the parent */
	uint64_t analyze_ns;	/* analyze gets so long */
};

/* In a fresh child of fork(). Never returns; the command takes its place. */
_Noreturn void capture_hook_child(const struct capture_hook_job *job);

#endif
