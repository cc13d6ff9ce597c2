/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/timeline/stack_info.h"

const char *finding_kind_name(enum finding_kind kind)
{
	static const char *const names[FINDING_KINDS] = {
		[FINDING_MMAP_LOCK_CONVOY] = "mmap-lock-convoy",
		[FINDING_FUTEX_CONVOY] = "futex-convoy",
		[FINDING_KERNEL_LOCK_CONVOY] = "kernel-lock-convoy",
		[FINDING_MEMCG_RECLAIM_STALL] = "memcg-reclaim-stall",
		[FINDING_DIRECT_RECLAIM_STALL] = "direct-reclaim-stall",
		[FINDING_IO_STALL] = "io-stall",
		[FINDING_CPU_THROTTLED] = "cpu-throttled",
		[FINDING_CPU_STARVED] = "cpu-starved",
		[FINDING_SPIN_CONTENTION] = "spin-contention",
		[FINDING_SLOW_PRODUCER] = "slow-producer",
		[FINDING_BUSY_THREAD] = "busy-thread",
		[FINDING_BACKPRESSURE_STALL] = "backpressure-stall",
		[FINDING_REQUEST_STALL] = "request-stall",
		[FINDING_STANDSTILL] = "standstill",
		[FINDING_BACKOFF] = "backoff",
		[FINDING_LOST_WAKEUP] = "lost-wakeup",
		[FINDING_DEAD_OWNER] = "dead-owner",
		[FINDING_PROCESS_STOPPED] = "process-stopped",
		[FINDING_DEADLOCK] = "deadlock",
		[FINDING_HOST_PAUSED] = "host-paused",
		[FINDING_NO_STALL] = "no-stall",
	};

	return names[kind];
}

struct human model_time_text(const struct model *model, uint64_t at_ns)
{
	struct human human;

	/* The sum is unsigned because a damaged capture may hold any number. */
	if (model->capture.start_realtime_ns)
		return human_clock((int64_t)((uint64_t)model->capture.start_realtime_ns + at_ns),
				   model->capture.utc_offset_s);
	snprintf(human.text, sizeof(human.text), "+%" PRIu64 ".%03" PRIu64 " s", at_ns / 1000000000,
		 at_ns / 1000000 % 1000);
	return human;
}

static void free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

static void clear_culprit(struct model_culprit *culprit)
{
	for (size_t i = 0; i < culprit->because_count; i++)
		free(culprit->because[i].root);
	free(culprit->because);
	free(culprit->instead);
	free(culprit->why);
}

static void clear_finding(struct model_finding *finding)
{
	clear_culprit(&finding->culprit);
	free_texts(finding->evidence, finding->evidence_count);
	free(finding->victims);
	free(finding->victims_since_ns);
	free(finding->outsiders);
	free(finding->links);
	free(finding->summary);
	free(finding->pattern);
	free(finding->advice);
}

void model_clear_blame(struct model *model)
{
	for (size_t i = 0; i < model->blame_count; i++)
		free(model->blame[i].root);
	free(model->blame);
	model->blame = NULL;
	model->blame_count = 0;
}

static void clear_coverage(struct model *model)
{
	for (size_t i = 0; i < model->coverage.note_count; i++)
		free(model->coverage.notes[i].text);
	free(model->coverage.notes);
	free(model->coverage.gaps);
	free_texts(model->coverage.cannot_say, model->coverage.cannot_say_count);
	event_counts_free(&model->coverage.extras);
}

void model_free(struct model *model)
{
	if (!model)
		return;
	for (size_t i = 0; i < model->finding_count; i++)
		clear_finding(&model->findings[i]);
	free(model->findings);
	model_clear_blame(model);
	for (size_t i = 0; i < model->lock_count; i++) {
		free(model->locks[i].detail);
		free(model->locks[i].owners);
	}
	free(model->locks);
	clear_coverage(model);
	free(model->waits);
	free(model->wait_groups);
	free(model->threads);
	free((void *)model->capture.target);
	free((void *)model->capture.damage);
	stack_infos_destroy(model->operations);
	free(model);
}

enum verdict model_verdict(const struct model *model)
{
	if (model->stall.found)
		return model->stall.unsure ? VERDICT_NOT_SURE : VERDICT_FROZEN;
	if (model->no_verdict)
		return VERDICT_NO_VERDICT;
	return model->stall.unexplained ? VERDICT_NOT_FOUND : VERDICT_NO_STALL;
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_FROZEN] = "frozen",	   [VERDICT_NOT_SURE] = "not-sure",
		[VERDICT_NO_STALL] = "no-stall",   [VERDICT_NOT_FOUND] = "not-found",
		[VERDICT_NO_VERDICT] = "no-verdict",
	};

	return names[verdict];
}
