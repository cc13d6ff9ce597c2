/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why the holder of a lock was slow, and who else was drawn into it.
 */
#include "config.h"

#include "analyzer/detect/lock_convoy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/blame/blame_table.h"
#include "analyzer/detect/finding.h"
#include "analyzer/detect/thresholds.h"

#define OUTSIDERS_TOLD 3u

static bool is_io(enum wait_class class)
{
	return class >= WAIT_IO_BLOCK && class <= WAIT_IO_FUSE;
}

static const char *ended_by(const struct delay_wait *wait)
{
	switch (wait->link) {
	case LINK_OWNER:
	case LINK_OWNER_EXACT:
	case LINK_OWNER_PLAUSIBLE:
		return "owner";
	case LINK_WAKER:
		return "thread";
	case LINK_INTERRUPT:
		return "interrupt";
	case LINK_OPEN:
		return "nobody";
	default:
		return NULL;
	}
}

static int fill_because(const struct detect_context *context,
			const struct contended_lock *contended, struct model_culprit *culprit)
{
	const struct delay_breakdown *because = &contended->hold_delays;

	culprit->because = calloc(because->wait_count + 1, sizeof(*culprit->because));
	if (!culprit->because)
		return -ENOMEM;
	for (size_t i = 0; i < because->wait_count; i++) {
		const struct delay_wait *wait = &because->waits[i];
		const struct wait_chain_root *root = &wait->root;
		struct model_because *entry = &culprit->because[culprit->because_count++];

		*entry = (struct model_because){
			.class = wait->class,
			.operation = wait->operation,
			.waited_ns = wait->waited_ns,
			.longest_ns = wait->longest_ns,
			.count = wait->count,
			.ended_by = ended_by(wait),
			.by_tid = wait->by ? wait->by->tid : 0,
			.by_comm = wait->by ? wait->by->comm : "",
			.root_comm = "",
		};
		if (!wait->root_ns || !root->depth)
			continue;
		entry->root_tid = root->thread->tid;
		entry->root_comm = root->thread->comm;
		if (blame_table_root_text(context->stack_infos, root, &(struct cpu_profile){ 0 },
					  &entry->root))
			return -ENOMEM;
	}
	return 0;
}

static int fill_shares(struct model_share **ret_shares, size_t *ret_count, size_t room)
{
	*ret_count = 0;
	*ret_shares = calloc(room + 1, sizeof(**ret_shares));
	return *ret_shares ? 0 : -ENOMEM;
}

static struct model_share share_of(const struct thread *thread, uint64_t ns)
{
	return (struct model_share){ thread->tid, thread->tgid, thread->comm, ns };
}

static int fill_instead(const struct delay_breakdown *because, struct model_culprit *culprit)
{
	if (fill_shares(&culprit->instead, &culprit->instead_count, because->occupant_count))
		return -ENOMEM;
	for (size_t i = 0; i < because->occupant_count; i++)
		culprit->instead[culprit->instead_count++] =
			share_of(because->occupants[i].thread, because->occupants[i].ran_ns);
	return 0;
}

/* ", which the device ended", ", which 900 agent held (asleep in nanosleep)" ... */
static void print_end(FILE *out, const struct model_because *wait)
{
	const char *by = wait->ended_by ? wait->ended_by : "";

	if (!strcmp(by, "owner"))
		fprintf(out, ", which %" PRId32 " %s held", wait->by_tid, wait->by_comm);
	else if (!strcmp(by, "thread"))
		fprintf(out, ", which %" PRId32 " %s ended", wait->by_tid, wait->by_comm);
	else if (!strcmp(by, "interrupt"))
		fprintf(out, ", which %s ended",
			is_io(wait->class) ? "the device" : "an interrupt");
	else if (!strcmp(by, "nobody"))
		fprintf(out, ", which goes on");
	if (wait->root && wait->root_tid != wait->by_tid)
		fprintf(out, " and which comes down to %" PRId32 " %s (%s)", wait->root_tid,
			wait->root_comm, wait->root);
	else if (wait->root)
		fprintf(out, " (%s)", wait->root);
}

static void print_wait(FILE *out, const struct model_because *wait)
{
	const char *what = wait->class == WAIT_CPU_RUNQUEUE ? "wanting a CPU"
			   : wait->class == WAIT_SLEEP	    ? "asleep"
							    : "waiting for ";

	fprintf(out, "%s %s%s", human_duration(wait->waited_ns).text, what,
		what[strlen(what) - 1] == ' ' ? wait_class_name(wait->class) : "");
	if (*wait->operation)
		fprintf(out, " in %s", wait->operation);
	if (wait->class == WAIT_CPU_RUNQUEUE)
		return;
	if (wait->count > 1)
		fprintf(out, " (%s times, the longest %s)", human_count(wait->count).text,
			human_duration(wait->longest_ns).text);
	if (wait->class != WAIT_CPU_THROTTLED && wait->class != WAIT_SLEEP)
		print_end(out, wait);
}

static void print_instead(FILE *out, const struct model_culprit *culprit, uint64_t hold_ns)
{
	const char *separator = " while ";

	for (size_t i = 0; i < culprit->instead_count; i++) {
		const struct model_share *share = &culprit->instead[i];

		if (share->ns * 100 < hold_ns * HOLD_TOLD_PERCENT)
			break;
		fprintf(out, "%s%" PRId32 " %s ran there for %s", separator, share->tid,
			share->comm, human_duration(share->ns).text);
		separator = ", ";
	}
}

static int fill_why(struct model_culprit *culprit)
{
	uint64_t hold_ns = culprit->hold_ns;
	const char *separator = "";
	size_t bytes;
	FILE *out;

	if (!hold_ns ||
	    (culprit->runnable_ns + culprit->blocked_ns) * 100 < hold_ns * HOLD_WHY_PERCENT)
		return 0;
	out = open_memstream(&culprit->why, &bytes);
	if (!out)
		return -ENOMEM;
	fprintf(out, "of its %s: ", human_duration(hold_ns).text);
	for (size_t i = 0; i < culprit->because_count; i++) {
		const struct model_because *wait = &culprit->because[i];

		if (i && wait->waited_ns * 100 < hold_ns * HOLD_TOLD_PERCENT)
			break;
		fprintf(out, "%s", separator);
		print_wait(out, wait);
		if (wait->class == WAIT_CPU_RUNQUEUE)
			print_instead(out, culprit, hold_ns);
		separator = "; ";
	}
	if (fclose(out))
		return -ENOMEM;
	if (!culprit->because_count) {
		free(culprit->why);
		culprit->why = NULL;
	}
	return 0;
}

static int fill_links(const struct contended_lock *contended, struct model_finding *finding)
{
	finding->links = calloc(contended->link_count + 1, sizeof(*finding->links));
	if (!finding->links)
		return -ENOMEM;
	for (size_t i = 0; i < contended->link_count; i++) {
		const struct contended_lock_link *link = &contended->links[i];

		finding->links[finding->link_count++] = (struct model_link){
			.tid = link->thread->tid,
			.comm = link->thread->comm,
			.class = link->class,
			.waited_ns = link->lost.blocked_ns,
		};
	}
	return 0;
}

static int fill_outsiders(const struct contended_lock *contended, struct model_finding *finding)
{
	if (fill_shares(&finding->outsiders, &finding->outsider_count, contended->outsider_count))
		return -ENOMEM;
	for (size_t i = 0; i < contended->outsider_count; i++)
		finding->outsiders[finding->outsider_count++] = share_of(
			contended->outsiders[i].thread, contended->outsiders[i].blocked_ns);
	return 0;
}

static int fill_cause(const struct detect_context *context, const struct contended_lock *contended,
		      struct model_finding *finding)
{
	int r = fill_links(contended, finding);

	if (!r)
		r = fill_outsiders(contended, finding);
	if (r || !finding->has_culprit)
		return r;
	r = fill_because(context, contended, &finding->culprit);
	if (!r)
		r = fill_instead(&contended->hold_delays, &finding->culprit);
	return r ? r : fill_why(&finding->culprit);
}

void lock_convoy_cause(const struct detect_context *context, const struct contended_lock *contended,
		       struct model_finding *finding)
{
	const struct queued_writer *queued = &contended->queued_writer;

	if (fill_cause(context, contended, finding))
		finding->incomplete = true;
	if (!queued->writer)
		return;
	finding->has_pivot = true;
	finding->pivot = (struct model_pivot){
		.tid = queued->writer->tid,
		.comm = queued->writer->comm,
		.at_ns = detect_since_start(context, queued->since_ns),
		.readers = queued->readers,
		.behind_ns = queued->behind_ns,
	};
}

static void tell_links(const struct contended_lock *contended, struct model_finding *finding)
{
	for (size_t i = 0; i < contended->link_count; i++) {
		const struct contended_lock_link *link = &contended->links[i];
		const struct thread *next = i + 1 < contended->link_count
						    ? contended->links[i + 1].thread
						    : contended->owner.thread;
		bool lock = wait_class_lock(link->class);

		finding_evidence(finding,
				 "thread %" PRId32 " (%s) held %s, and meanwhile waited %s %s(%s) "
				 "%s thread %" PRId32 " (%s)%s",
				 link->thread->tid, link->thread->comm,
				 i ? "that one" : "what most waited for",
				 human_duration(link->lost.blocked_ns).text,
				 lock ? "for a lock " : "", wait_class_name(link->class),
				 lock ? "that" : "for", next->tid, next->comm, lock ? " held" : "");
	}
}

static void tell_pivot(const struct model *model, struct model_finding *finding)
{
	const struct model_pivot *pivot = &finding->pivot;

	if (!finding->has_pivot)
		return;
	finding_evidence(finding,
			 "the lock was held for reading; thread %" PRId32
			 " (%s) queued for writing at %s, and %s %s that came after it to read "
			 "waited %s behind it",
			 pivot->tid, pivot->comm, model_time_text(model, pivot->at_ns).text,
			 human_count(pivot->readers).text,
			 pivot->readers == 1 ? "thread" : "threads",
			 human_duration(pivot->behind_ns).text);
}

static void tell_outsiders(struct model_finding *finding)
{
	for (size_t i = 0; i < finding->outsider_count && i < OUTSIDERS_TOLD; i++) {
		const struct model_share *outsider = &finding->outsiders[i];

		finding_evidence(finding,
				 "outside the target, thread %" PRId32 " (%s) of process %" PRId32
				 " waited %s for it too",
				 outsider->tid, outsider->comm, outsider->tgid,
				 human_duration(outsider->ns).text);
	}
	if (finding->outsider_count > OUTSIDERS_TOLD)
		finding_evidence(finding, "and so did %zu more outside the target",
				 finding->outsider_count - OUTSIDERS_TOLD);
}

void lock_convoy_tell_cause(const struct detect_context *context,
			    const struct contended_lock *contended, struct model_finding *finding)
{
	tell_links(contended, finding);
	tell_pivot(context->model, finding);
	tell_outsiders(finding);
}
