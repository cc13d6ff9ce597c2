/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/detect/host_pause.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/util/span.h"

/* Who wanted to go on meanwhile. */

/*
 * A pause of one CPU costs those who ran there, and who waited to: which CPU a thread waited for its next run tells.
 */
static int add_delays_of_cpu(const struct history *history, const struct host_pause *pause,
			     struct thread *thread, struct victim_set *victims)
{
	struct history_cursor cursor =
		history_walk(history, thread, pause->start_ns, UINT64_MAX);
	uint64_t waited_ns = 0, since_ns = 0, delay_ns, from_ns, to_ns;
	const struct history_interval *interval;
	struct victim lost = { .blocked_ns = 0 };

	while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
		if (interval->state != THREAD_RUNNING && interval->state != THREAD_RUNNABLE)
			continue;
		to_ns = earlier(to_ns, pause->end_ns);
		delay_ns = to_ns > from_ns ? to_ns - from_ns : 0;
		if (interval->state == THREAD_RUNNABLE) {
			waited_ns = delay_ns;
			since_ns = from_ns;
		} else {
			delay_ns = interval->cpu == pause->cpu ? delay_ns + waited_ns : 0;
			from_ns = waited_ns ? since_ns : from_ns;
			waited_ns = 0;
			if (delay_ns && !lost.blocked_ns)
				lost.since_ns = from_ns;
			lost.blocked_ns += delay_ns;
		}
		/* the run after the pause is the last that can tell */
		if (interval->start_ns >= pause->end_ns && interval->state == THREAD_RUNNING)
			break;
	}
	lost.longest_ns = lost.blocked_ns;
	return lost.blocked_ns ? victim_set_join(victims, thread, &lost) : 0;
}

static int add_delays(const struct history *history, const struct host_pause *pause,
		      struct thread *thread, struct victim_set *victims)
{
	struct history_cursor cursor =
		history_walk(history, thread, pause->start_ns, pause->end_ns);
	const struct history_interval *interval;
	struct victim lost = { .blocked_ns = 0 };
	uint64_t from_ns, to_ns;

	while ((interval = history_next(&cursor, &from_ns, &to_ns))) {
		if (interval->state != THREAD_RUNNING && interval->state != THREAD_RUNNABLE)
			continue;
		if (!lost.blocked_ns)
			lost.since_ns = from_ns;
		lost.blocked_ns += to_ns - from_ns;
	}
	lost.longest_ns = lost.blocked_ns;
	return lost.blocked_ns ? victim_set_join(victims, thread, &lost) : 0;
}

static int find_victims(const struct observations *observations, struct host_pause *pause)
{
	const struct threads *threads = source_threads(observations->source);
	const struct history *history =
		observations_history(observations, pause->start_ns, pause->end_ns);
	struct victim_set victims = VICTIM_SET;
	int r = 0;

	for (size_t i = 0; i < threads_count(threads) && !r; i++) {
		struct thread *thread = threads_at(threads, i);

		if (!target_counts(observations->target, thread))
			continue;
		r = pause->one_cpu ? add_delays_of_cpu(history, pause, thread, &victims)
				   : add_delays(history, pause, thread, &victims);
	}
	if (!r)
		r = victim_set_take(&victims, 0, &pause->victims, &pause->victim_count, NULL);
	victim_set_free(&victims);
	return r;
}

static bool proves_pause(const struct cpu_gap *gap)
{
	return gap->ran || gap->recorder_missed;
}

/* While all CPUs were silent each of them was. */
static bool is_of_all(const struct cpu_gap *gaps, size_t count, const struct cpu_gap *one)
{
	for (size_t i = 0; i < count; i++) {
		const struct cpu_gap *all = &gaps[i];
		uint64_t from_ns = later(one->start_ns, all->start_ns);
		uint64_t to_ns = earlier(one->end_ns, all->end_ns);

		if (!all->one_cpu && proves_pause(all) && to_ns > from_ns &&
		    (to_ns - from_ns) * 2 > one->end_ns - one->start_ns)
			return true;
	}
	return false;
}

static bool gap_counts(const struct cpu_gap *gaps, size_t count, const struct cpu_gap *gap)
{
	return proves_pause(gap) && !(gap->one_cpu && is_of_all(gaps, count, gap));
}

/* NULL where there is none. */
static const struct cpu_gap *find_longest(const struct cpu_gap *gaps, size_t count)
{
	const struct cpu_gap *found = NULL;

	for (size_t i = 0; i < count; i++)
		if ((!found ||
		     gaps[i].end_ns - gaps[i].start_ns > found->end_ns - found->start_ns) &&
		    gap_counts(gaps, count, &gaps[i]))
			found = &gaps[i];
	return found;
}

/* All that are like @found: of the same CPU, or of all of them. */
static void add_up_gaps(const struct cpu_gap *gaps, size_t count, const struct cpu_gap *found,
			struct host_pause *pause)
{
	for (size_t i = 0; i < count; i++) {
		if (gaps[i].one_cpu != found->one_cpu ||
		    (gaps[i].one_cpu && gaps[i].cpu != found->cpu) ||
		    !gap_counts(gaps, count, &gaps[i]))
			continue;
		pause->count++;
		pause->total_ns += gaps[i].end_ns - gaps[i].start_ns;
	}
}

int host_pause_find(const struct observations *observations, struct host_pause *ret_pause)
{
	const struct cpu_gap *gaps, *found;
	size_t count = cpu_gaps_list(observations->prescan.gaps, &gaps);
	struct host_pause pause = { .found = false };
	int r;

	*ret_pause = pause;
	found = find_longest(gaps, count);
	if (!found)
		return 0;
	pause = (struct host_pause){
		.found = true,
		.start_ns = found->start_ns,
		.end_ns = found->end_ns,
		.ran = found->ran,
		.cpu = found->cpu,
		.one_cpu = found->one_cpu,
		.recorder_missed = found->recorder_missed,
		.of_target = found->ran && target_counts(observations->target, found->ran),
	};
	add_up_gaps(gaps, count, found, &pause);
	r = find_victims(observations, &pause);
	*ret_pause = pause;
	return r;
}

void host_pause_free(struct host_pause *pause)
{
	free(pause->victims);
	pause->victims = NULL;
}
