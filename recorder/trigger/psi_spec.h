/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How people write which pressure to watch for: RESOURCE:some|full:STALL/WINDOW.
 */
#ifndef RECORDER_TRIGGER_PSI_SPEC_H
#define RECORDER_TRIGGER_PSI_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#define PSI_CGROUP_BYTES 256

struct psi_spec {
	char resource[8];
	char cgroup[PSI_CGROUP_BYTES]; /* its directory; empty: the whole host */
	bool full; /* all tasks stalled; else some */
	uint64_t stall_ns;
	uint64_t window_ns;
};

/**
 * psi_spec_parse() - RESOURCE is cpu, memory, io or irq, or RESOURCE@DIRECTORY for one cgroup.
 *
 * Return: 0 or -EINVAL, with static text in @ret_problem.
 */
int psi_spec_parse(const char *text, struct psi_spec *ret_spec, const char **ret_problem);

#endif
