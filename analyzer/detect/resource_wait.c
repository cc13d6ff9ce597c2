/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What threads lost in a stall to waits for a device, for memory, or for a process that should have answered or taken
 * something: who, in which operations, and who ended the waits. What a wait is for, its rule says, and that proves the
 * findings by itself: io-stall, memcg-reclaim-stall, direct-reclaim-stall, backpressure-stall, request-stall.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/activity/span_summary.h"
#include "analyzer/activity/wake_root.h"
#include "analyzer/detect/detectors.h"
#include "analyzer/detect/finding.h"
#include "analyzer/detect/resource_object.h"
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
	const struct wait_words *words; /* of most of the time */
	/* Whether wakers[0] is the one who should have answered, or taken what was given. */
	bool answered;
	struct span_summary did; /* of that one in the longest wait that it ended */
	struct resource_object object; /* at which most of the time was lost, as far as was seen */
};

/* Operations told apart; the rest is in the sum alone. */
#define OPERATIONS 32

struct operation {
	uint32_t id;
	struct resource_operation sum;
};

/* Kinds of wait told apart; what a report says is that of most of the time. */
#define WORDS 16

struct words_sum {
	const struct wait_words *words;
	uint64_t ns;
};

struct search {
	const struct observations *observations;
	const struct history *history;
	const struct stall *stall;
	struct resource_wait *resource;
	struct words_sum words[WORDS];
	size_t words_count;
	struct victim_set victims;
	struct per_thread wakers; /* struct resource_waker */
	struct operation operations[OPERATIONS];
	size_t operation_count;
	struct resource_objects objects;
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

static void note_words(struct search *search, const struct wait_words *words, uint64_t ns)
{
	size_t i = 0;

	while (i < search->words_count && search->words[i].words != words)
		i++;
	if (i == WORDS)
		return;
	search->words_count += i == search->words_count;
	search->words[i].words = words;
	search->words[i].ns += ns;
}

static int count_waker(struct search *search, struct thread *thread, uint32_t stack_id,
		       uint64_t from_ns, uint64_t to_ns)
{
	struct resource_waker *waker = per_thread_get(&search->wakers, thread);

	if (!waker)
		return -ENOMEM;
	waker->thread = thread;
	waker->ns += to_ns - from_ns;
	if (to_ns - from_ns > waker->until_ns - waker->since_ns) {
		waker->since_ns = from_ns;
		waker->until_ns = to_ns;
		waker->stack_id = stack_id;
	}
	return 0;
}

/* Who gets room in a pipe may let in the next one: it is who let in the first that was waited for. */
static int note_root(struct search *search, const struct thread *thread,
		     const struct history_interval *interval, uint64_t from_ns, uint64_t to_ns)
{
	struct wake_root root = wake_root_find(search->history, search->observations->stack_infos,
					       thread, interval);

	if (root.end == WAKE_THREAD)
		return count_waker(search, root.thread, root.stack_id, from_ns, to_ns);
	if (root.end == WAKE_TIMER || root.end == WAKE_OUTSIDE)
		search->resource->interrupt_ns += to_ns - from_ns;
	return 0;
}

static int note_waker(struct search *search, const struct history_interval *interval,
		      uint64_t from_ns, uint64_t to_ns)
{
	struct thread *thread = history_waker(search->history, interval);

	if (!thread)
		return 0;
	if (!interval->waker_in_interrupt && !thread->idle_task)
		return count_waker(search, thread, interval->waker_stack_id, from_ns, to_ns);
	search->resource->interrupt_ns += to_ns - from_ns;
	return 0;
}

/* Reclaim that yields the CPU is a wait too: as in wait_stats.c. What a lock of user space is, the
 * stack tells. NULL: it is no wait. */
static const struct wait_reason *find_reason(const struct history_interval *interval,
					     const struct stack_info *info)
{
	if (interval->state == THREAD_BLOCKED)
		return stack_info_reason(info, interval->prev_state);
	if (interval->state == THREAD_RUNNABLE && interval->flags & INTERVAL_PREEMPTED)
		return &info->preempted;
	return NULL;
}

/* Somebody answers a wait of that kind, or takes what is given. */
static bool has_answerer(enum wait_direction direction)
{
	return direction == DIRECTION_GIVES || direction == DIRECTION_ASKS;
}

/* The kind of finding that a wait belongs to; FINDING_NO_STALL: none of these. */
static enum finding_kind find_kind(enum wait_class class, enum wait_direction direction)
{
	switch (class) {
	case WAIT_MEM_MEMCG_RECLAIM:
	case WAIT_MEM_MEMORY_HIGH:
		return FINDING_MEMCG_RECLAIM_STALL;
	case WAIT_MEM_DIRECT_RECLAIM:
	case WAIT_MEM_COMPACTION:
		return FINDING_DIRECT_RECLAIM_STALL;
	case WAIT_IO_FUSE:
	case WAIT_IO_NETWORK_FS:
		return FINDING_IO_STALL;
	default:
		break;
	}
	if (direction == DIRECTION_GIVES)
		return FINDING_BACKPRESSURE_STALL;
	if (direction == DIRECTION_ASKS)
		return FINDING_REQUEST_STALL;
	switch (class) {
	case WAIT_IO_BLOCK:
	case WAIT_IO_PAGECACHE:
	case WAIT_IO_SWAP:
	case WAIT_IO_WRITEBACK:
	case WAIT_IO_JOURNAL:
		return FINDING_IO_STALL;
	default:
		return FINDING_NO_STALL;
	}
}

static int add_wait(struct search *search, struct thread *thread,
		    const struct history_interval *interval, uint64_t from_ns, uint64_t to_ns)
{
	const struct stack_info *info =
		stack_infos_get(search->observations->stack_infos, interval->stack_id);
	const struct wait_reason *reason;
	int r;

	if (!info)
		return -ENOMEM;
	reason = find_reason(interval, info);
	if (!reason || find_kind(reason->class, reason->direction) != search->resource->kind)
		return 0;
	search->resource->class_ns[reason->class] += to_ns - from_ns;
	note_operation(search, info, to_ns - from_ns);
	note_words(search, reason->words, to_ns - from_ns);
	if (interval->state == THREAD_BLOCKED)
		resource_objects_note(&search->objects, search->observations, thread, interval,
				      from_ns, to_ns);
	if (has_answerer(reason->direction))
		r = note_root(search, thread, interval, from_ns, to_ns);
	else
		r = note_waker(search, interval, from_ns, to_ns);
	return r ? r : victim_set_add(&search->victims, thread, from_ns, to_ns);
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

static const struct wait_words *choose_words(const struct search *search)
{
	static const struct wait_words other = { "an answer", NULL, "Look at who should answer." };
	const struct words_sum *most = search->words;

	for (size_t i = 1; i < search->words_count; i++)
		if (search->words[i].ns > most->ns)
			most = &search->words[i];
	return most->words ? most->words : &other;
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

/* What the one who should have answered did while the longest wait for it lasted. */
static int read_server(const struct search *search)
{
	const struct observations *observations = search->observations;
	const struct resource_waker *server = &search->resource->wakers[0];

	return span_summary_read(
		observations_history(observations, server->since_ns, server->until_ns),
		source_stacks(observations->source), observations->stack_infos, server->thread,
		server->since_ns, server->until_ns, &search->resource->did);
}

/* A page of a FUSE file system may also come from another one who waited for it. */
static bool is_answered(const struct search *search)
{
	const struct resource_wait *resource = search->resource;

	if (!resource->wakers[0].thread || !has_answerer(resource->longest->direction) ||
	    !share_at_least(resource->wakers[0].ns, resource->blocked_ns, RESOURCE_SERVED_PERCENT))
		return false;
	return resource->longest->class != WAIT_IO_FUSE ||
	       serves_fuse(source_stacks(search->observations->source),
			   resource->wakers[0].stack_id);
}

static int read_stall(const struct detect_context *in, struct resource_wait *resource)
{
	const struct stall *stall = in->stall;
	struct search search = {
		.observations = in->observations,
		.history = observations_history(in->observations, stall->start_ns, stall->end_ns),
		.stall = stall,
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
		resource->words = choose_words(&search);
		resource->answered = is_answered(&search);
	}
	if (!r && resource->answered)
		r = read_server(&search);
	if (!r)
		r = resource_objects_choose(&search.objects, in->observations, &resource->object);
	victim_set_free(&search.victims);
	per_thread_free(&search.wakers);
	return r;
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
		enum finding_kind kind = find_kind(wait->class, wait->direction);

		/* A lease has a holder, like a lock, and who holds it is asked for it. */
		if (kind == FINDING_NO_STALL || (wait->lock && !has_answerer(wait->direction)) ||
		    !detect_in_stall(in->stall, wait->start_ns, wait->end_ns))
			continue;
		sums_ns[kind] += wait->blocked_ns;
		if (!longest[kind] || wait->blocked_ns > longest[kind]->blocked_ns)
			longest[kind] = wait;
		if (sums_ns[kind] > sums_ns[best])
			best = kind;
	}
	*ret_longest = longest[best];
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

	for (enum wait_class class = 0; class < WAIT_CLASSES && used < sizeof(text); class ++) {
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

static void tell_did(const struct detect_context *in, const struct resource_wait *resource,
		     struct model_finding *finding, char *text, size_t text_bytes)
{
	const struct resource_waker *answerer = &resource->wakers[0];

	resource_did_text(in, &resource->did, answerer->until_ns - answerer->since_ns, finding, text,
			  text_bytes);
}

static void tell_answerer(const struct detect_context *in, const struct resource_wait *resource,
			  struct model_finding *finding)
{
	const struct resource_waker *answerer = &resource->wakers[0];
	const struct span_summary *did = &resource->did;
	struct model_culprit *culprit = finding_culprit(
		in, answerer->thread, answerer->since_ns, answerer->until_ns, did->state_ns,
		did->stack_id != STACK_NONE ? did->stack_id : answerer->stack_id, finding);
	char text[160];

	culprit->samples = did->samples;
	culprit->samples_in_stack = did->samples_under;
	tell_did(in, resource, finding, text, sizeof(text));
	finding_evidence(finding,
			 "thread %" PRId32 " (%s) ended the waits (%s); while it was longest "
			 "waited for it %s",
			 answerer->thread->tid, answerer->thread->comm,
			 resource->words->answerer ? resource->words->answerer : "who answered", text);
}

static int find_resource_wait(struct detect_context *in, struct candidates *out)
{
	struct candidate *candidate = candidate_append(in, out);
	struct resource_wait *resource;
	int r;

	if (!candidate)
		return -ENOMEM;
	resource = candidate->found;
	resource->kind = choose_kind(in, &resource->longest);
	if (!resource->longest)
		return 0;
	r = read_stall(in, resource);
	candidate->lost_ns = resource->blocked_ns;
	return r;
}

/* Who answered late, as a clause of the summary. */
static void print_answerer(const struct detect_context *in, const struct resource_wait *resource,
			   struct model_finding *finding, char *text, size_t text_bytes)
{
	const struct thread *thread = resource->wakers[0].thread;
	char did[160];

	*text = '\0';
	if (!resource->answered) {
		if (has_answerer(resource->longest->direction))
			resource_object_print_peer(in, &resource->object, finding, text,
						   text_bytes);
		return;
	}
	tell_did(in, resource, finding, did, sizeof(did));
	snprintf(text, text_bytes, " It was for process %" PRId32 " (%s), %s, which %s.",
		 thread->tgid, thread->comm,
		 resource->words->answerer ? resource->words->answerer : "which answered", did);
}

/* Where a process should have answered, the answer is not whole without it. */
static void report_resource_wait(const struct detect_context *in, const void *found,
				 struct model_finding *finding)
{
	const struct resource_wait *resource = found;
	bool unanswered = has_answerer(resource->longest->direction) &&
			  resource->longest->class != WAIT_IO_NETWORK_FS && !resource->answered;
	char operations[256], answerer[320];

	finding->kind = resource->kind;
	finding->grade =
		in->model->coverage.gap_count || unanswered ? GRADE_PLAUSIBLE : GRADE_STRONG;
	finding_victims(in, resource->victims, resource->victim_count, finding);
	print_operations(resource, operations, sizeof(operations));
	print_answerer(in, resource, finding, answerer, sizeof(answerer));
	finding_text(&finding->summary,
		     "%zu thread%s waited %s for %s%s%s, the longest %s at a time.%s",
		     finding->victim_count, finding_plural(finding->victim_count),
		     human_duration(finding->blocked_ns).text, resource->words->wanted, operations,
		     resource_object_clause(&resource->object).text,
		     human_duration(resource->longest->blocked_ns).text, answerer);
	finding_longest_wait(in, resource->longest, finding);
	tell_classes(resource, finding);
	tell_wakers(resource, finding);
	resource_object_tell(&resource->object, finding);
	if (resource->answered)
		tell_answerer(in, resource, finding);
	else if (unanswered && resource->object.peer)
		resource_object_blame(in, &resource->object, finding);
	finding_text(&finding->advice, "%s", resource->words->advice);
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
