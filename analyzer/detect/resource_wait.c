/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/resource_wait.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/activity/wake_root.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/trace/per_thread.h"
#include "analyzer/util/span.h"

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
	if (wait_direction_answered(reason->direction))
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

	if (!resource->wakers[0].thread || !wait_direction_answered(resource->longest->direction) ||
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
		if (kind == FINDING_NO_STALL || (wait->lock && !wait_direction_answered(wait->direction)) ||
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

static void free_resource_wait(void *found)
{
	free(((struct resource_wait *)found)->victims);
}

const struct detector resource_wait_detector = {
	.found_bytes = sizeof(struct resource_wait),
	.evidence = EVIDENCE_WAITS,
	.of_waits = true,
	.find = find_resource_wait,
	.report = resource_wait_report,
	.free = free_resource_wait,
};
