/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/span_summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/activity/stack_sums.h"

/* A function is said to hold "nearly all" samples from this share on. */
#define NEARLY_ALL_PERCENT 95u

struct span {
	const struct stack_table *stacks;
	struct stack_sum *sums;
};

/* Kernel frames of a stack: leaf first, they come before the user's. */
static size_t count_kernel_frames(const struct span *span, uint32_t stack_id,
				  const struct frame **ret_frames)
{
	size_t count = stack_table_frames(span->stacks, stack_id, ret_frames), kernel = 0;

	while (kernel < count && (*ret_frames)[kernel].kernel)
		kernel++;
	return kernel;
}

struct sampled {
	const struct frame *frames;
	size_t count;
	uint32_t samples;
};

/* Samples whose frame @depth from the root is the function @symbol. */
static uint32_t count_samples_at(const struct sampled *sampled, size_t count, size_t depth,
				 const char *symbol)
{
	uint32_t samples = 0;

	for (size_t i = 0; i < count; i++) {
		const char *other;

		if (sampled[i].count <= depth)
			continue;
		other = sampled[i].frames[sampled[i].count - 1 - depth].symbol;
		if (other && !strcmp(other, symbol))
			samples += sampled[i].samples;
	}
	return samples;
}

/* Walk from the root towards the leaves of the stack sampled most, as long as nearly all samples
 * follow. */
static void find_under(const struct sampled *sampled, size_t count, const struct sampled *most,
		       struct span_summary *summary)
{
	for (size_t depth = 0; depth < most->count; depth++) {
		const char *symbol = most->frames[most->count - 1 - depth].symbol;
		uint32_t samples;

		if (!symbol)
			continue;
		samples = count_samples_at(sampled, count, depth, symbol);
		if ((uint64_t)samples * 100 < (uint64_t)summary->samples * NEARLY_ALL_PERCENT)
			break;
		summary->under = symbol;
		summary->samples_under = samples;
	}
}

static int summarize_samples(const struct span *span, struct span_summary *summary)
{
	const struct sampled *most = NULL;
	struct sampled *sampled;
	size_t count = 0;

	sampled = calloc(HASH_COUNT(span->sums) + 1, sizeof(*sampled));
	if (!sampled)
		return -ENOMEM;
	for (const struct stack_sum *sum = span->sums; sum; sum = sum->hh.next) {
		struct sampled *entry = &sampled[count];

		if (!sum->samples)
			continue;
		summary->samples += sum->samples;
		entry->samples = sum->samples;
		entry->count = count_kernel_frames(span, sum->stack_id, &entry->frames);
		if (!most || entry->samples > most->samples) {
			most = entry;
			summary->stack_id = sum->stack_id;
		}
		count++;
	}
	if (most)
		find_under(sampled, count, most, summary);
	free(sampled);
	return 0;
}

static int summarize_blocked(const struct span *span, struct stack_infos *stack_infos,
			     struct span_summary *summary)
{
	const struct stack_info *info;

	for (const struct stack_sum *sum = span->sums; sum; sum = sum->hh.next) {
		if (sum->blocked_ns <= summary->longest_blocked_ns)
			continue;
		summary->longest_blocked_ns = sum->blocked_ns;
		summary->blocked_stack_id = sum->stack_id;
	}
	if (!summary->longest_blocked_ns)
		return 0;
	info = stack_infos_get(stack_infos, summary->blocked_stack_id);
	if (!info)
		return -ENOMEM;
	summary->blocked_class = info->uninterruptible.class;
	return 0;
}

int span_summary_read(const struct history *history, const struct stack_table *stacks,
		      struct stack_infos *stack_infos, const struct thread *thread,
		      uint64_t start_ns, uint64_t end_ns, struct span_summary *ret_summary)
{
	struct history_cursor cursor = history_walk(history, thread, start_ns, end_ns);
	struct span_summary summary = { .samples = 0 };
	struct span span = { .stacks = stacks };
	const struct history_interval *interval;
	uint64_t from_ns, to_ns;
	int r = stack_sums_add_blocked(&span.sums, history, thread, start_ns, end_ns);

	while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
		summary.state_ns[interval->state] += to_ns - from_ns;
		if (interval->state != THREAD_BLOCKED || interval->merged ||
		    to_ns - from_ns <= summary.sleep_ns)
			continue;
		summary.sleep = *interval;
		summary.sleep_ns = to_ns - from_ns;
	}
	if (!r)
		r = stack_sums_add_samples(&span.sums, history, thread, start_ns, end_ns);
	if (!r)
		r = summarize_samples(&span, &summary);
	if (!r)
		r = summarize_blocked(&span, stack_infos, &summary);
	if (!r && (!summary.samples ||
		   summary.state_ns[THREAD_BLOCKED] > summary.state_ns[THREAD_RUNNING]))
		summary.stack_id =
			summary.longest_blocked_ns ? summary.blocked_stack_id : summary.stack_id;
	if (!r)
		*ret_summary = summary;
	stack_sums_free(&span.sums);
	return r;
}
