/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/record/governor.h"

#include <stdio.h>

#define SECOND_NS 1000000000ull

/* The load is averaged over this time: the rings absorb shorter bursts. */
#define WINDOW_NS (SECOND_NS / 4)
#define OVER_NS	  (SECOND_NS / 2) /* over the budget for so long: step down */
#define FLOOD	  200 /* percent of the budget: step down at once */
#define CALM_NS	  (10 * SECOND_NS) /* the step above would fit for so long: step up */
#define CALM	  70 /* percent of the budget that the step above may take for that */

/*
 * CPU time that the kernel spends on one event, measured with two threads that wake each other
 * over a pipe: 860 ns for a switch, 300 for a waking, and a stack makes 1,400 more. The figures
 * differ between machines, their ratio hardly does.
 */
#define PLAIN_NS 600
#define STACK_NS 2200

/* Switches and wakings a second: below the first a host is quiet, above the second no more. */
#define QUIET_EVENTS 1000
#define LOUD_EVENTS  2000

void governor_init(struct governor *governor, const struct governor_options *options,
		   const struct governor_counts *now)
{
	*governor = (struct governor){ .options = *options, .step = options->first, .last = *now };
	if (!governor->options.cpus)
		governor->options.cpus = 1;
}

/* Averages of a window. */
struct rates {
	double seconds;
	double blocking, uninterruptible, wakings, others; /* events a second */
	double own_ns; /* CPU time a second */
};

static struct rates compute_rates(const struct governor_counts *from,
				  const struct governor_counts *to)
{
	double seconds = (double)(to->time_ns - from->time_ns) / 1e9;
	double blocking = (double)(to->blocking - from->blocking);
	double wakings = (double)(to->wakings - from->wakings);
	double events = (double)(to->events - from->events);
	return (struct rates){
		.seconds = seconds,
		.blocking = blocking / seconds,
		.uninterruptible = (double)(to->uninterruptible - from->uninterruptible) / seconds,
		.wakings = wakings / seconds,
		.others = events > blocking + wakings ? (events - blocking - wakings) / seconds : 0,
		.own_ns = (double)(to->cpu_ns - from->cpu_ns) / seconds,
	};
}

/* Return: events a second that @step records with a stack. */
static double count_stacks(const struct rates *rates, enum governor_step step)
{
	switch (step) {
	case GOVERNOR_FULL:
		return rates->blocking;
	case GOVERNOR_SAMPLED:
		return rates->uninterruptible +
		       (rates->blocking - rates->uninterruptible) / TIER_STACK_PERIOD;
	case GOVERNOR_DEFERRED:
		return rates->uninterruptible;
	default:
		return 0;
	}
}

/* Return: share of the host's CPU time, from 0 to 1. */
static double compute_cpu_share(const struct governor *governor, const struct rates *rates,
				double with_stack, double plain)
{
	double ns = with_stack * STACK_NS + plain * PLAIN_NS + rates->own_ns;
	return ns / 1e9 / governor->options.cpus;
}

/* Return: percent of the budget that @step takes at these rates. */
static double compute_load(const struct governor *governor, const struct rates *rates,
			   enum governor_step step)
{
	double all = rates->blocking + rates->wakings + rates->others, load = 0;
	double with_stack = count_stacks(rates, step);
	double plain = all - with_stack;
	if (governor->options.max_events)
		load = (with_stack + plain / 2) * 100 / (double)governor->options.max_events;
	if (governor->options.max_cpu_percent) {
		double cpu = compute_cpu_share(governor, rates, with_stack, plain) * 100 * 100 /
			     governor->options.max_cpu_percent;
		load = cpu > load ? cpu : load;
	}
	return load;
}

static void keep_figures(struct governor *governor, const struct rates *rates, double load)
{
	double all = rates->blocking + rates->wakings + rates->others;
	double with_stack = count_stacks(rates, governor->step);
	governor->percent = load < 1e6 ? (uint32_t)load : 1000000;
	governor->events_a_second = (uint64_t)all;
	governor->quiet = all < (governor->quiet ? LOUD_EVENTS : QUIET_EVENTS);
	governor->cpu_permille =
		(uint32_t)(compute_cpu_share(governor, rates, with_stack, all - with_stack) * 1000);
}

static bool must_step_down(struct governor *governor, double load, uint64_t window_start_ns,
			   uint64_t now_ns)
{
	if (load <= 100) {
		governor->over_since_ns = 0;
		return false;
	}
	if (!governor->over_since_ns)
		governor->over_since_ns = window_start_ns;
	return load >= FLOOD || now_ns - governor->over_since_ns >= OVER_NS;
}

static bool may_step_up(struct governor *governor, const struct rates *rates,
			uint64_t window_start_ns, uint64_t now_ns)
{
	if (governor->step == governor->options.first ||
	    compute_load(governor, rates, governor->step - 1) > CALM) {
		governor->calm_since_ns = 0;
		return false;
	}
	if (!governor->calm_since_ns)
		governor->calm_since_ns = window_start_ns;
	return now_ns - governor->calm_since_ns >= CALM_NS;
}

bool governor_feed(struct governor *governor, const struct governor_counts *now)
{
	enum governor_step before = governor->step;
	uint64_t window_start_ns = governor->last.time_ns;

	if (now->time_ns < window_start_ns + WINDOW_NS)
		return false;
	struct rates rates = compute_rates(&governor->last, now);
	double load = compute_load(governor, &rates, governor->step);
	governor->last = *now;
	keep_figures(governor, &rates, load);
	if (must_step_down(governor, load, window_start_ns, now->time_ns)) {
		if (governor->step + 1 < GOVERNOR_STEPS)
			governor->step++;
	} else if (may_step_up(governor, &rates, window_start_ns, now->time_ns)) {
		governor->step--;
	}
	if (governor->step == before)
		return false;
	governor->over_since_ns = governor->calm_since_ns = 0;
	return true;
}

enum tier_mode governor_step_mode(enum governor_step step)
{
	static const enum tier_mode MODES[GOVERNOR_STEPS] = { MODE_BLOCK_STACKS, MODE_SAMPLED,
							      MODE_DEFERRED_STACKS, MODE_TIMING };
	return MODES[step];
}

enum tier_mode governor_mode(const struct governor *governor)
{
	if (governor->step == GOVERNOR_SAMPLED && governor->quiet)
		return MODE_BLOCK_STACKS;
	return governor_step_mode(governor->step);
}

const char *governor_step_name(enum governor_step step)
{
	static const char *const NAMES[GOVERNOR_STEPS] = { "full", "sampled", "lazy", "timing" };
	return (unsigned int)step < GOVERNOR_STEPS ? NAMES[step] : "?";
}

void governor_note(const struct governor *governor, enum governor_step before, char *ret_text,
		   size_t text_bytes)
{
	static const char *const MEANINGS[GOVERNOR_STEPS] = {
		"full stacks from here on (wherever a thread blocks)",
		("sampled stacks from here on (of uninterruptible waits and of a sample of the "
		 "others; of those that are long, from /proc)"),
		("lazy stacks from here on (of uninterruptible waits; of others that are long, "
		 "from /proc)"),
		"timing only from here on (no stacks of blocked threads)",
	};
	snprintf(ret_text, text_bytes,
		 "governor: %s, %s until here: the load %s, %llu events a second, %u.%u %% of the CPUs' time",
		 MEANINGS[governor->step], governor_step_name(before),
		 governor->step > before ? "was above the budget" : "allows it again",
		 (unsigned long long)governor->events_a_second, governor->cpu_permille / 10,
		 governor->cpu_permille % 10);
}
