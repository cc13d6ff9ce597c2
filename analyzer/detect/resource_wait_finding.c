/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings that a wait class proves by itself: threads waited for a device or for memory.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/detect/detectors.h"
#include "analyzer/detect/finding.h"
#include "analyzer/detect/resource_wait.h"

/* What a class is called, and what helps. */
static const struct class_finding {
	enum wait_class class;
	enum finding_kind kind;
	const char *wanted, *advice;
} class_findings[] = {
	{ WAIT_IO_BLOCK, FINDING_IO_STALL, "a block device",
	  "Look at the device behind the files in use: its queue and latency (iostat -x), its "
	  "errors "
	  "(dmesg), and who else writes to it." },
	{ WAIT_IO_PAGECACHE, FINDING_IO_STALL, "pages of a file",
	  "Look at the device behind the file (iostat -x), and whether the file's pages are thrown "
	  "out "
	  "for want of memory." },
	{ WAIT_IO_SWAP, FINDING_IO_STALL, "pages from swap",
	  "The host is short of memory: give it more, or the processes less." },
	{ WAIT_IO_WRITEBACK, FINDING_IO_STALL, "writes to reach the disk",
	  "Look at the device (iostat -x); write less at once, or sync outside the serving "
	  "threads." },
	{ WAIT_IO_JOURNAL, FINDING_IO_STALL, "the file system's journal",
	  "Look at the device that holds the journal (iostat -x) and at who syncs most." },
	{ WAIT_IO_NETWORK_FS, FINDING_IO_STALL, "a network file system",
	  "Look at the file server and at the network to it (nfsstat, mountstats)." },
	{ WAIT_IO_FUSE, FINDING_IO_STALL, "a FUSE file system",
	  "Look at the process that serves the file system: it answers late." },
	{ WAIT_MEM_MEMCG_RECLAIM, FINDING_MEMCG_RECLAIM_STALL,
	  "memory within its control group's limit",
	  "Raise the memory limit, or lower what is used; memory.events and memory.stat of the "
	  "group show how it runs into the limit." },
	{ WAIT_MEM_MEMORY_HIGH, FINDING_MEMCG_RECLAIM_STALL, "memory above memory.high",
	  "Raise memory.high: above it every allocation is slowed down on purpose." },
	{ WAIT_MEM_DIRECT_RECLAIM, FINDING_DIRECT_RECLAIM_STALL, "free memory",
	  "The host is short of memory: give it more, or the processes less." },
	{ WAIT_MEM_COMPACTION, FINDING_DIRECT_RECLAIM_STALL, "memory in one piece",
	  "Memory is fragmented: consider transparent huge pages set to madvise." },
};

#define CLASS_FINDINGS (sizeof(class_findings) / sizeof(*class_findings))

static bool is_within(const struct long_wait *wait, const struct stall *stall)
{
	return wait->start_ns >= stall->start_ns && wait->end_ns <= stall->end_ns && !wait->lock;
}

static const struct class_finding *of_class(enum wait_class class)
{
	for (size_t i = 0; i < CLASS_FINDINGS; i++)
		if (class_findings[i].class == class)
			return &class_findings[i];
	return NULL;
}

/* The kind that most time went to: a write that waits for a page, the journal and a disk waits for one thing. */
static enum finding_kind most_waited(const struct long_wait *waits, size_t count,
			      const struct stall *stall, const struct long_wait **ret_longest)
{
	const struct long_wait *longest[FINDING_KINDS] = { NULL };
	uint64_t sums_ns[FINDING_KINDS] = { 0 };
	enum finding_kind best = FINDING_NO_STALL;

	for (size_t i = 0; i < count; i++) {
		const struct class_finding *found = of_class(waits[i].class);

		if (!found || !is_within(&waits[i], stall))
			continue;
		sums_ns[found->kind] += waits[i].blocked_ns;
		if (!longest[found->kind] || waits[i].blocked_ns > longest[found->kind]->blocked_ns)
			longest[found->kind] = &waits[i];
		if (sums_ns[found->kind] > sums_ns[best])
			best = found->kind;
	}
	*ret_longest = longest[best];
	return best;
}

static const struct class_finding *largest_class(const struct resource_wait *shortage,
					   enum finding_kind kind)
{
	const struct class_finding *best = NULL;

	for (size_t i = 0; i < CLASS_FINDINGS; i++)
		if (class_findings[i].kind == kind &&
		    (!best ||
		     shortage->class_ns[class_findings[i].class] > shortage->class_ns[best->class]))
			best = &class_findings[i];
	return best;
}

/* ", in fsync" or ", in fsync and write": what made up a tenth of the time or more. */
static void operations_text(const struct resource_wait *shortage, char *text, size_t text_bytes)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < SHORTAGE_TOP && used < text_bytes; i++) {
		const struct resource_operation *operation = &shortage->operations[i];

		if (!operation->text || !*operation->text ||
		    operation->ns * 10 < shortage->blocked_ns)
			continue;
		used += (size_t)snprintf(text + used, text_bytes - used, "%s%.60s",
					 used ? " and " : ", in ", operation->text);
	}
}

/* "io.writeback 5.20 s, io.journal 800 ms", where there is more than one. */
static int classes_evidence(const struct resource_wait *shortage, struct model_finding *finding)
{
	char text[256] = "";
	size_t used = 0, classes = 0;

	for (size_t i = 0; i < CLASS_FINDINGS && used < sizeof(text); i++) {
		enum wait_class class = class_findings[i].class;

		if (shortage->class_ns[class] * 100 < shortage->blocked_ns ||
		    !shortage->class_ns[class])
			continue;
		classes++;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s",
					 used ? ", " : "", wait_class_name(class),
					 human_duration(shortage->class_ns[class]).text);
	}
	return classes > 1 ? finding_evidence(finding, "by class: %s", text) : 0;
}

/* Who ended the waits: the journal's thread, a writer of the kernel's, the device itself. */
static int wakers_evidence(const struct resource_wait *shortage, struct model_finding *finding)
{
	char text[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < SHORTAGE_TOP && used < sizeof(text); i++) {
		const struct resource_waker *waker = &shortage->wakers[i];

		if (!waker->thread || waker->ns * 10 < shortage->blocked_ns)
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%sthread %" PRId32 " (%.15s) %s", used ? ", " : "",
					 waker->thread->tid, waker->thread->comm,
					 human_share(waker->ns, shortage->blocked_ns).text);
	}
	if (shortage->interrupt_ns * 10 >= shortage->blocked_ns && used < sizeof(text))
		used += (size_t)snprintf(
			text + used, sizeof(text) - used,
			"%sinterrupts, as of a device or a timer, %s", used ? ", " : "",
			human_share(shortage->interrupt_ns, shortage->blocked_ns).text);
	return used ? finding_evidence(finding, "who ended the waits: %s", text) : 0;
}

static void fill_server(const struct detect_context *context,
			const struct resource_wait *shortage, struct model_finding *finding)
{
	const struct resource_waker *server = &shortage->wakers[0];
	const struct span_summary *story = &shortage->story;
	uint32_t stack_id = story->stack_id != STACK_NONE ? story->stack_id : server->stack_id;

	finding->has_culprit = true;
	finding->culprit = (struct model_culprit){
		.tid = server->thread->tid,
		.tgid = server->thread->tgid,
		.comm = server->thread->comm,
		.hold_start_ns = server->since_ns - context->start_ns,
		.hold_ns = server->until_ns - server->since_ns,
		.running_ns = story->state_ns[THREAD_RUNNING],
		.runnable_ns = story->state_ns[THREAD_RUNNABLE],
		.blocked_ns = story->state_ns[THREAD_BLOCKED],
		.samples = story->samples,
		.samples_in_stack = story->samples_under,
		.stack = finding_stack(context->stacks, stack_id, true),
		.user_stack = finding_stack(context->stacks, stack_id, false),
	};
}

static int server_evidence(const struct detect_context *context,
			   const struct resource_wait *shortage, struct model_finding *finding)
{
	const struct resource_waker *server = &shortage->wakers[0];
	const struct span_summary *story = &shortage->story;
	const struct stack_info *fact =
		stack_infos_get(context->stack_infos, story->blocked_stack_id);

	if (!fact)
		return -ENOMEM;
	if (story->state_ns[THREAD_BLOCKED] * 2 < server->until_ns - server->since_ns)
		return finding_evidence(finding,
					"thread %" PRId32
					" (%s) answered for the file system; while it "
					"was longest waited for it ran for %s",
					server->thread->tid, server->thread->comm,
					human_duration(story->state_ns[THREAD_RUNNING]).text);
	return finding_evidence(finding,
				"thread %" PRId32
				" (%s) answered for the file system; while it was "
				"longest waited for it was itself blocked for %s%s%s",
				server->thread->tid, server->thread->comm,
				human_duration(story->state_ns[THREAD_BLOCKED]).text,
				*fact->operation ? ", in " : "", fact->operation);
}

static int fill(const struct detect_context *context, const struct resource_wait *shortage,
		const struct class_finding *found, const struct long_wait *longest,
		struct model_finding *finding)
{
	const struct stack_info *fact = stack_infos_get(context->stack_infos, longest->stack_id);
	char operations[256];
	int r;

	if (!fact)
		return -ENOMEM;
	operations_text(shortage, operations, sizeof(operations));
	r = finding_text(&finding->summary, "%zu %s waited %s for %s%s, the longest %s at a time.",
			 finding->victim_count, finding->victim_count == 1 ? "thread" : "threads",
			 human_duration(finding->blocked_ns).text, found->wanted, operations,
			 human_duration(longest->blocked_ns).text);
	if (!r)
		r = finding_evidence(finding,
				     "thread %" PRId32
				     " (%s) waited longest%s%s; its wait is of class %s",
				     longest->thread->tid, longest->thread->comm,
				     *fact->operation ? ", in " : "", fact->operation,
				     wait_class_name(longest->class));
	if (!r)
		r = classes_evidence(shortage, finding);
	if (!r)
		r = wakers_evidence(shortage, finding);
	if (!r && shortage->served)
		r = server_evidence(context, shortage, finding);
	if (!r)
		r = finding_text(&finding->advice, "%s", found->advice);
	return r;
}

/* What is found of one kind. */
struct resource_finding {
	enum finding_kind kind;
	struct long_wait longest;
	struct resource_wait shortage;
};

static int find_resource_wait(struct detect_context *in, struct candidates *out)
{
	struct candidate candidate = {
		.stall = *in->stall,
		.evidence = EVIDENCE_WAITS,
		.named = true,
		.of_waits = true,
	};
	const struct long_wait *longest = NULL;
	bool classes[WAIT_CLASSES] = { false };
	struct resource_finding *found;
	enum finding_kind kind;
	int r;

	if (!in->stall->found)
		return 0;
	kind = most_waited(in->waits, in->wait_count, in->stall, &longest);
	if (!longest)
		return 0;
	found = calloc(1, sizeof(*found));
	if (!found)
		return -ENOMEM;
	found->kind = kind;
	found->longest = *longest;
	for (size_t i = 0; i < CLASS_FINDINGS; i++)
		classes[class_findings[i].class] = class_findings[i].kind == kind;
	candidate.found = found;
	r = resource_wait_examine(in->observations, in->stall, classes, &found->shortage);
	candidate.lost_ns = found->shortage.blocked_ns;
	if (!r)
		r = candidates_append(out, &candidate);
	if (r) {
		resource_wait_free(&found->shortage);
		free(found);
	}
	return r;
}

static int report_resource_wait(const struct detect_context *in, const struct candidate *candidate)
{
	const struct resource_finding *found = candidate->found;
	const struct resource_wait *shortage = &found->shortage;
	const struct class_finding *largest = largest_class(shortage, found->kind);
	struct model_finding *finding = finding_append(in->model, found->kind);
	int r;

	if (!finding)
		return -ENOMEM;
	r = finding_victims(finding, shortage->victims, shortage->victim_count, in->start_ns);
	if (r)
		return r;
	/* Behind FUSE there is a process: without it the answer is not whole. */
	finding->grade = in->model->coverage.gap_count ||
					 (largest->class == WAIT_IO_FUSE && !shortage->served)
				 ? GRADE_PLAUSIBLE
				 : GRADE_STRONG;
	if (shortage->served)
		fill_server(in, shortage, finding);
	return fill(in, shortage, largest, &found->longest, finding);
}

static void free_resource_wait(void *found)
{
	resource_wait_free(&((struct resource_finding *)found)->shortage);
	free(found);
}

const struct detector resource_wait_detector = { "resource-wait", find_resource_wait,
						 report_resource_wait, free_resource_wait };
