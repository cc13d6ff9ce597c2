/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What threads lost in a stall to waits for a device or for memory: who, in which operations, and
 * who ended the waits. The wait class proves the findings by itself: io-stall, memcg-reclaim-stall,
 * direct-reclaim-stall.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/activity/span_summary.h"
#include "analyzer/detect/detectors.h"
#include "analyzer/detect/finding.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/trace/per_thread.h"
#include "analyzer/util/span.h"

#define RESOURCE_TOP 3

struct resource_wait {
	enum finding_kind kind;
	const struct long_wait *longest;
	uint64_t class_ns[WAIT_CLASSES];
	uint64_t blocked_ns; /* of all victims */
	struct victim *victims; /* most blocked first */
	size_t victim_count;
	struct resource_operation {
		const char *text; /* "fsync"; borrowed from the stack_infos */
		uint64_t ns;
	} operations[RESOURCE_TOP]; /* most first; text NULL: no more */
	struct resource_waker {
		struct thread *thread; /* NULL: no more */
		uint64_t ns; /* of the waits that it ended */
		uint32_t stack_id; /* where it did */
		uint64_t since_ns, until_ns; /* the longest of them */
	} wakers[RESOURCE_TOP]; /* most first */
	uint64_t interrupt_ns; /* of the waits that an interrupt ended: a device answered */
	/* The process that serves a FUSE file system, where it is what they waited for:
	 * wakers[0]. */
	bool served;
	struct span_summary did; /* of the server in the longest wait that it ended */
};

/* Operations told apart; the rest is in the sum alone. */
#define OPERATIONS 32

struct operation {
	uint32_t id;
	struct resource_operation sum;
};

struct search {
	const struct observations *observations;
	const struct history *history;
	const struct stall *stall;
	const bool *classes;
	struct resource_wait *resource;
	struct victim_set victims;
	struct per_thread wakers; /* struct resource_waker */
	struct operation operations[OPERATIONS];
	size_t operation_count;
};

static void note_operation(struct search *search, const struct stack_info *fact, uint64_t ns)
{
	size_t i = 0;

	if (!fact->operation_id)
		return;
	while (i < search->operation_count && search->operations[i].id != fact->operation_id)
		i++;
	if (i == OPERATIONS)
		return;
	search->operation_count += i == search->operation_count;
	search->operations[i].id = fact->operation_id;
	search->operations[i].sum.text = fact->operation;
	search->operations[i].sum.ns += ns;
}

static int note_waker(struct search *search, const struct history_interval *interval,
		      uint64_t from_ns, uint64_t to_ns)
{
	struct thread *thread = history_waker(search->history, interval);
	struct resource_waker *waker;

	if (!thread)
		return 0;
	if (interval->waker_in_interrupt || thread->idle_task) {
		search->resource->interrupt_ns += to_ns - from_ns;
		return 0;
	}
	waker = per_thread_get(&search->wakers, thread);
	if (!waker)
		return -ENOMEM;
	waker->thread = thread;
	waker->ns += to_ns - from_ns;
	if (to_ns - from_ns > waker->until_ns - waker->since_ns) {
		waker->since_ns = from_ns;
		waker->until_ns = to_ns;
		waker->stack_id = interval->waker_stack_id;
	}
	return 0;
}

/* Reclaim that yields the CPU is a wait too: as in wait_stats.c. What a lock of user space is, the
 * stack tells. */
static enum wait_class get_class(const struct history_interval *interval,
				 const struct stack_info *info)
{
	if (interval->state == THREAD_BLOCKED)
		return stack_info_reason(info, interval->prev_state)->class;
	if (interval->state == THREAD_RUNNABLE && interval->flags & INTERVAL_PREEMPTED)
		return info->preempted.class;
	return WAIT_UNKNOWN;
}

static int add_wait(struct search *search, struct thread *thread,
		    const struct history_interval *interval, uint64_t from_ns, uint64_t to_ns)
{
	const struct stack_info *info =
		stack_infos_get(search->observations->stack_infos, interval->stack_id);
	enum wait_class class;

	if (!info)
		return -ENOMEM;
	class = get_class(interval, info);
	if (!search->classes[class])
		return 0;
	search->resource->class_ns[class] += to_ns - from_ns;
	note_operation(search, info, to_ns - from_ns);
	if (note_waker(search, interval, from_ns, to_ns))
		return -ENOMEM;
	return victim_set_add(&search->victims, thread, from_ns, to_ns);
}

static int add_thread(struct search *search, struct thread *thread)
{
	struct history_cursor cursor = history_walk(search->history, thread,
						    search->stall->start_ns, search->stall->end_ns);
	const struct history_interval *interval;
	uint64_t from_ns, to_ns;
	int r = 0;

	while (!r && (interval = history_next(&cursor, &from_ns, &to_ns)))
		if (interval->state == THREAD_BLOCKED || interval->state == THREAD_RUNNABLE)
			r = add_wait(search, thread, interval, from_ns, to_ns);
	return r;
}

static int add_threads(struct search *search)
{
	const struct observations *observations = search->observations;
	const struct threads *threads = source_threads(observations->source);
	int r = 0;

	for (size_t i = 0; i < threads_count(threads) && !r; i++)
		if (target_counts(observations->target, threads_at(threads, i)))
			r = add_thread(search, threads_at(threads, i));
	return r;
}

static void choose_wakers(const struct search *search)
{
	struct resource_waker *top = search->resource->wakers;

	for (size_t i = 0; i < per_thread_count(&search->wakers); i++) {
		const struct resource_waker *waker = per_thread_at(&search->wakers, i);
		size_t place = RESOURCE_TOP;

		while (waker && place && waker->ns > top[place - 1].ns)
			place--;
		if (place == RESOURCE_TOP)
			continue;
		memmove(&top[place + 1], &top[place], (RESOURCE_TOP - 1 - place) * sizeof(*top));
		top[place] = *waker;
	}
}

/* Most time first; equal ones as they were met. */
static void choose_operations(struct search *search)
{
	for (size_t top = 0; top < RESOURCE_TOP && top < search->operation_count; top++) {
		struct operation *most = search->operations;

		for (size_t i = 1; i < search->operation_count; i++)
			if (search->operations[i].sum.ns > most->sum.ns)
				most = &search->operations[i];
		search->resource->operations[top] = most->sum;
		most->sum.ns = 0;
	}
}

/* It ends a wait by writing the answer to a request of the file system. */
static bool serves_fuse(const struct stack_table *stacks, uint32_t stack_id)
{
	const struct frame *frames = NULL;
	size_t count = stack_table_frames(stacks, stack_id, &frames);

	for (size_t i = 0; i < count; i++)
		if (frames[i].kernel && frames[i].symbol &&
		    (!strcmp(frames[i].symbol, "fuse_dev_do_write") ||
		     !strcmp(frames[i].symbol, "fuse_dev_write")))
			return true;
	return false;
}

/* What the server did while the longest wait for it lasted. */
static int read_server(const struct search *search)
{
	const struct observations *observations = search->observations;
	const struct resource_waker *server = &search->resource->wakers[0];

	return span_summary_read(
		observations_history(observations, server->since_ns, server->until_ns),
		source_stacks(observations->source), observations->stack_infos, server->thread,
		server->since_ns, server->until_ns, &search->resource->did);
}

static bool is_served(const struct search *search)
{
	const struct resource_wait *resource = search->resource;

	return resource->wakers[0].thread &&
	       resource->wakers[0].ns * 100 >= resource->blocked_ns * RESOURCE_SERVED_PERCENT &&
	       serves_fuse(source_stacks(search->observations->source),
			   resource->wakers[0].stack_id);
}

/* @classes: which waits count, by class. */
static int read_stall(const struct detect_context *in, const bool *classes,
		      struct resource_wait *resource)
{
	const struct stall *stall = in->stall;
	struct search search = {
		.observations = in->observations,
		.history = observations_history(in->observations, stall->start_ns, stall->end_ns),
		.stall = stall,
		.classes = classes,
		.resource = resource,
		.victims = VICTIM_SET,
		.wakers.entry_bytes = sizeof(struct resource_waker),
	};
	int r = add_threads(&search);

	if (!r)
		r = victim_set_take(&search.victims, earlier(in->long_ns, RESOURCE_VICTIM_NS),
				    &resource->victims, &resource->victim_count,
				    &resource->blocked_ns);
	if (!r) {
		choose_wakers(&search);
		choose_operations(&search);
		resource->served = is_served(&search);
	}
	if (!r && resource->served)
		r = read_server(&search);
	victim_set_free(&search.victims);
	per_thread_free(&search.wakers);
	return r;
}

/* What a class is called, and what helps. */
static const struct class_finding {
	enum wait_class class;
	enum finding_kind kind;
	const char *wanted, *advice;
} class_findings[] = {
	{ WAIT_IO_BLOCK, FINDING_IO_STALL, "a block device",
	  "Look at the device behind the files in use: its queue and latency (iostat -x), its "
	  "errors (dmesg), and who else writes to it." },
	{ WAIT_IO_PAGECACHE, FINDING_IO_STALL, "pages of a file",
	  "Look at the device behind the file (iostat -x), and whether the file's pages are thrown "
	  "out for want of memory." },
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

static const struct class_finding *find_class(enum wait_class class)
{
	for (size_t i = 0; i < CLASS_FINDINGS; i++)
		if (class_findings[i].class == class)
			return &class_findings[i];
	return NULL;
}

/* The kind that most time went to: a write that waits for a page, the journal and a disk waits for
 * one thing. */
static enum finding_kind choose_kind(const struct detect_context *in,
				     const struct long_wait **ret_longest)
{
	const struct long_wait *longest[FINDING_KINDS] = { NULL };
	uint64_t sums_ns[FINDING_KINDS] = { 0 };
	enum finding_kind best = FINDING_NO_STALL;

	for (size_t i = 0; i < in->wait_count; i++) {
		const struct long_wait *wait = &in->waits[i];
		const struct class_finding *found = find_class(wait->class);

		if (!found || wait->lock ||
		    !detect_in_stall(in->stall, wait->start_ns, wait->end_ns))
			continue;
		sums_ns[found->kind] += wait->blocked_ns;
		if (!longest[found->kind] || wait->blocked_ns > longest[found->kind]->blocked_ns)
			longest[found->kind] = wait;
		if (sums_ns[found->kind] > sums_ns[best])
			best = found->kind;
	}
	*ret_longest = longest[best];
	return best;
}

static const struct class_finding *largest_class(const struct resource_wait *resource)
{
	const struct class_finding *best = NULL;

	for (size_t i = 0; i < CLASS_FINDINGS; i++)
		if (class_findings[i].kind == resource->kind &&
		    (!best ||
		     resource->class_ns[class_findings[i].class] > resource->class_ns[best->class]))
			best = &class_findings[i];
	return best;
}

/* ", in fsync" or ", in fsync and write": what made up a tenth of the time or more. */
static void print_operations(const struct resource_wait *resource, char *text, size_t text_bytes)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < RESOURCE_TOP && used < text_bytes; i++) {
		const struct resource_operation *operation = &resource->operations[i];

		if (!operation->text || !*operation->text ||
		    operation->ns * 100 < resource->blocked_ns * RESOURCE_TOLD_PERCENT)
			continue;
		used += (size_t)snprintf(text + used, text_bytes - used, "%s%.60s",
					 used ? " and " : ", in ", operation->text);
	}
}

/* "io.writeback 5.20 s, io.journal 800 ms", where there is more than one. */
static void tell_classes(const struct resource_wait *resource, struct model_finding *finding)
{
	char text[256] = "";
	size_t used = 0, classes = 0;

	for (size_t i = 0; i < CLASS_FINDINGS && used < sizeof(text); i++) {
		enum wait_class class = class_findings[i].class;

		if (resource->class_ns[class] * 100 <
			    resource->blocked_ns * RESOURCE_CLASS_PERCENT ||
		    !resource->class_ns[class])
			continue;
		classes++;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s",
					 used ? ", " : "", wait_class_name(class),
					 human_duration(resource->class_ns[class]).text);
	}
	if (classes > 1)
		finding_evidence(finding, "by class: %s", text);
}

/* Who ended the waits: the journal's thread, a writer of the kernel's, the device itself. */
static void tell_wakers(const struct resource_wait *resource, struct model_finding *finding)
{
	char text[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < RESOURCE_TOP && used < sizeof(text); i++) {
		const struct resource_waker *waker = &resource->wakers[i];

		if (!waker->thread ||
		    waker->ns * 100 < resource->blocked_ns * RESOURCE_TOLD_PERCENT)
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%sthread %" PRId32 " (%.15s) %s", used ? ", " : "",
					 waker->thread->tid, waker->thread->comm,
					 human_share(waker->ns, resource->blocked_ns).text);
	}
	if (resource->interrupt_ns * 100 >= resource->blocked_ns * RESOURCE_TOLD_PERCENT &&
	    used < sizeof(text))
		used += (size_t)snprintf(
			text + used, sizeof(text) - used,
			"%sinterrupts, as of a device or a timer, %s", used ? ", " : "",
			human_share(resource->interrupt_ns, resource->blocked_ns).text);
	if (used)
		finding_evidence(finding, "who ended the waits: %s", text);
}

static void tell_server(const struct detect_context *in, const struct resource_wait *resource,
			struct model_finding *finding)
{
	const struct resource_waker *server = &resource->wakers[0];
	const struct span_summary *did = &resource->did;
	const char *operation = finding_operation(in, did->blocked_stack_id, finding);
	bool blocked = did->state_ns[THREAD_BLOCKED] * 100 >=
		       (server->until_ns - server->since_ns) * SERVER_BLOCKED_PERCENT;
	struct model_culprit *culprit = finding_culprit(
		in, server->thread, server->since_ns, server->until_ns, did->state_ns,
		did->stack_id != STACK_NONE ? did->stack_id : server->stack_id, finding);

	culprit->samples = did->samples;
	culprit->samples_in_stack = did->samples_under;
	finding_evidence(
		finding,
		"thread %" PRId32 " (%s) answered for the file system; while it was longest waited "
		"for it %s for %s%s%s",
		server->thread->tid, server->thread->comm, blocked ? "was itself blocked" : "ran",
		human_duration(did->state_ns[blocked ? THREAD_BLOCKED : THREAD_RUNNING]).text,
		blocked && *operation ? ", in " : "", blocked ? operation : "");
}

static int find_resource_wait(struct detect_context *in, struct candidates *out)
{
	struct candidate *candidate = candidate_append(in, out);
	bool classes[WAIT_CLASSES] = { false };
	struct resource_wait *resource;
	int r;

	if (!candidate)
		return -ENOMEM;
	resource = candidate->found;
	resource->kind = choose_kind(in, &resource->longest);
	if (!resource->longest)
		return 0;
	for (size_t i = 0; i < CLASS_FINDINGS; i++)
		classes[class_findings[i].class] = class_findings[i].kind == resource->kind;
	r = read_stall(in, classes, resource);
	candidate->lost_ns = resource->blocked_ns;
	return r;
}

/* Behind FUSE there is a process: without it the answer is not whole. */
static void report_resource_wait(const struct detect_context *in, const void *found,
				 struct model_finding *finding)
{
	const struct resource_wait *resource = found;
	const struct class_finding *largest = largest_class(resource);
	bool unserved = largest->class == WAIT_IO_FUSE && !resource->served;
	char operations[256];

	finding->kind = resource->kind;
	finding->grade = in->model->coverage.gap_count || unserved ? GRADE_PLAUSIBLE : GRADE_STRONG;
	finding_victims(in, resource->victims, resource->victim_count, finding);
	print_operations(resource, operations, sizeof(operations));
	finding_text(&finding->summary,
		     "%zu thread%s waited %s for %s%s, the longest %s at a time.",
		     finding->victim_count, finding_plural(finding->victim_count),
		     human_duration(finding->blocked_ns).text, largest->wanted, operations,
		     human_duration(resource->longest->blocked_ns).text);
	finding_longest_wait(in, resource->longest, finding);
	tell_classes(resource, finding);
	tell_wakers(resource, finding);
	if (resource->served)
		tell_server(in, resource, finding);
	finding_text(&finding->advice, "%s", largest->advice);
}

static void free_resource_wait(void *found)
{
	free(((struct resource_wait *)found)->victims);
}

const struct detector resource_wait_detector = {
	.found_bytes = sizeof(struct resource_wait),
	.evidence = EVIDENCE_WAITS,
	.of_waits = true,
	.find = find_resource_wait,
	.report = report_resource_wait,
	.free = free_resource_wait,
};
