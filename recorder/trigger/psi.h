/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pressure stall information: the kernel says when tasks lost too much time
 * to a lack of CPU, memory or I/O.
 */
#ifndef RECORDER_TRIGGER_PSI_H
#define RECORDER_TRIGGER_PSI_H

#include <stdbool.h>
#include <stdint.h>

#include "recorder/trigger/trigger_queue.h"

struct psi;

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

/**
 * psi_start() - watch; post to @triggers when pressure begins: while it lasts, window after window,
 * not again.
 *
 * @spec: RESOURCE:some|full:STALL/WINDOW, as memory:some:300ms/2s; RESOURCE@DIRECTORY for one
 * cgroup (of version 2), which is found again when it is removed and made anew.
 * @ret_problem: on failure, static text: what to change.
 *
 * Return: 0, -EINVAL (@spec is none), -ENOENT (no /proc/pressure, no such cgroup), -ERANGE (a
 * window that this user may not ask for), another errno.
 */
int psi_start(const char *spec, struct trigger_queue *triggers, struct psi **ret_psi,
	      const char **ret_problem);
void psi_stop(struct psi *psi);

#endif
