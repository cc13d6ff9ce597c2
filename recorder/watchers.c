/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/watchers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/command.h"
#include "recorder/psi.h"

struct watchers {
	const struct watchers_options *options;
	struct probe *probes[ARM_STATUS_PROBES_MAX];
	struct psi *psi[WATCHERS_PSI_MAX];
};

static int refuse_watcher(struct refusal *refusal, const char *what, const char *problem, int error)
{
	int status = error == -EINVAL || error == -ERANGE ? EXIT_USAGE : EXIT_FAILED;
	if (error == -ENOMEM)
		return refusal_for_memory(refusal);
	return refuse(refusal, status, problem ? problem : "", "cannot watch '%s': %s.", what,
		      strerror(-error));
}

static int start_all(struct watchers *watchers, struct triggers *triggers, struct refusal *refusal)
{
	const struct watchers_options *options = watchers->options;
	for (size_t i = 0; i < options->psi_count; i++) {
		const char *problem = NULL;
		int error = psi_start(options->psi[i], triggers, &watchers->psi[i], &problem);
		if (error)
			return refuse_watcher(refusal, options->psi[i], problem, error);
	}
	for (size_t i = 0; i < options->probe_count; i++) {
		const char *problem = NULL;
		int error =
			probe_start(&options->probes[i], triggers, &watchers->probes[i], &problem);
		if (error)
			return refuse_watcher(refusal, options->probes[i].what, problem, error);
	}
	return 0;
}

int watchers_start(const struct watchers_options *options, struct triggers *triggers,
		   struct watchers **ret_watchers, struct refusal *ret_refusal)
{
	struct watchers *watchers = calloc(1, sizeof(*watchers));
	if (!watchers)
		return refusal_for_memory(ret_refusal);
	watchers->options = options;
	int error = start_all(watchers, triggers, ret_refusal);
	if (error) {
		watchers_stop(watchers);
		return error;
	}
	*ret_watchers = watchers;
	return 0;
}

void watchers_stop(struct watchers *watchers)
{
	if (!watchers)
		return;
	for (size_t i = 0; i < watchers->options->probe_count; i++)
		if (watchers->probes[i])
			probe_stop(watchers->probes[i]);
	for (size_t i = 0; i < watchers->options->psi_count; i++)
		if (watchers->psi[i])
			psi_stop(watchers->psi[i]);
	free(watchers);
}

void watchers_status(const struct watchers *watchers, struct arm_status *status)
{
	for (size_t i = 0; i < watchers->options->probe_count; i++) {
		struct probe_status probe;
		probe_status(watchers->probes[i], &probe);
		status->probes[i].what = watchers->options->probes[i].what;
		status->probes[i].asked = probe.asked;
		status->probes[i].failed = probe.failed;
		status->probes[i].fired = probe.fired;
		status->probes[i].last_ns = probe.last_ns;
		status->probes[i].stuck = probe.stuck;
	}
	status->probe_count = watchers->options->probe_count;
}
