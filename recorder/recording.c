/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/recording.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capture/facts.h"
#include "capture/writer.h"
#include "recorder/clock.h"
#include "recorder/command.h"
#include "recorder/counters.h"
#include "recorder/cpus.h"
#include "recorder/drain.h"
#include "recorder/dumps.h"
#include "recorder/hostfacts.h"
#include "recorder/kallsyms.h"
#include "recorder/mappings.h"
#include "recorder/ownlog.h"
#include "recorder/plan.h"
#include "recorder/refusal.h"
#include "recorder/save.h"
#include "recorder/seal.h"
#include "recorder/seen.h"
#include "recorder/slots.h"
#include "recorder/snapshot.h"
#include "recorder/tasks.h"
#include "recorder/tier.h"
#include "recorder/tracefs.h"

#define SLOT_BYTES	 (64u << 10)
#define SLOTS_BYTES	 (64u << 20)
#define TASKS_LEAST	 65536
#define MAPS_DEADLINE_MS 3000

struct recording {
	const struct target *target;
	struct tracefs tracefs;
	struct plan *plan;
	struct counters *counters;
	struct tasks *tasks;
	struct slots *slots;
	struct dumps *dumps;
	struct drain *drain;
	struct seen *seen;
	struct save *save;
	struct ownlog *ownlog;
	struct kallsyms *kallsyms;
	struct mappings *mappings;
	struct ft_writer *writer;
	struct ft_facts *facts;
	int32_t *tgids; /* whose threads and maps are looked at */
	size_t tgid_count;
	int32_t *unreadable; /* whose maps could not be read at the start */
	size_t unreadable_count;
	bool running;
	uint64_t start_ns, end_ns;
	struct save_result saved;
};

static int open_tracefs(struct recording *recording, struct refusal *refusal)
{
	int error = tracefs_open(&recording->tracefs);
	return error ? refusal_of_tracefs(refusal, error) : 0;
}

static int make_plan(struct recording *recording, const struct recording_options *options,
		     size_t ring_bytes, struct refusal *refusal)
{
	struct plan_error plan_error = { .text = "" };
	int cause = plan_create(&TIERS[0], &recording->tracefs, ring_bytes / 4, &recording->plan,
				&plan_error);
	if (cause == -ENOMEM)
		return refusal_for_memory(refusal);
	if (cause)
		return refuse(refusal, EXIT_NOT_PERMITTED,
			      "recorder check says what this kernel offers.",
			      "cannot record on this kernel: %s.", plan_error.text);
	for (size_t i = 0; i < options->extra_count; i++) {
		cause = plan_add_extra(recording->plan, &recording->tracefs, options->extras[i],
				       &plan_error);
		if (cause == -ENOMEM)
			return refusal_for_memory(refusal);
		if (cause)
			return refuse(refusal, EXIT_USAGE, plan_error.advice, "%s.",
				      plan_error.text);
	}
	return 0;
}

static int open_counters(struct recording *recording, size_t ring_bytes, struct refusal *refusal)
{
	struct counters_failure failure;
	int cause = counters_open(recording->plan, ring_bytes, &recording->counters, &failure);
	return cause ? refusal_of_counters(refusal, cause, &failure, &recording->tracefs) : 0;
}

/* What the walk over all threads is for: names, and which processes there are. */
struct task_walk {
	struct recording *recording;
	size_t room;
	size_t tasks;
	bool learn;
};

static int visit_task(void *context, const struct ft_task *task)
{
	struct task_walk *walk = context;
	struct recording *recording = walk->recording;

	walk->tasks++;
	if (walk->learn) {
		tasks_learn(recording->tasks, task->tid, task->tgid, task->comm);
		return 0;
	}
	if (task->tid != task->tgid)
		return 0;
	if (recording->tgid_count == walk->room) {
		size_t room = walk->room ? walk->room * 2 : 1024;
		int32_t *tgids = realloc(recording->tgids, room * sizeof(*tgids));
		if (!tgids)
			return -ENOMEM;
		recording->tgids = tgids;
		walk->room = room;
	}
	recording->tgids[recording->tgid_count++] = task->tgid;
	return 0;
}

static int learn_tasks(struct recording *recording)
{
	struct task_walk walk = { .recording = recording };
	int error = snapshot_tasks(visit_task, &walk);
	if (error)
		return error;
	size_t capacity = walk.tasks * 4 > TASKS_LEAST ? walk.tasks * 4 : TASKS_LEAST;
	error = tasks_create(capacity, &recording->tasks);
	if (error)
		return error;
	walk.learn = true;
	error = snapshot_tasks(visit_task, &walk);
	recording->unreadable = calloc(recording->tgid_count + 1, sizeof(*recording->unreadable));
	return error ? error : recording->unreadable ? 0 : -ENOMEM;
}

static int make_parts(struct recording *recording, int out_fd, struct refusal *refusal)
{
	int cause = ft_writer_create(out_fd, &recording->writer);
	if (cause && cause != -ENOMEM)
		return refuse(refusal, EXIT_FAILED, "Choose another file with -o.",
			      "cannot write to the output file: %s.", strerror(-cause));
	if (cause || ft_facts_create(&recording->facts) || seen_create(&recording->seen) ||
	    ownlog_create(&recording->ownlog) || mappings_create(&recording->mappings) ||
	    dumps_create(&recording->dumps) ||
	    slots_create(SLOT_BYTES, SLOTS_BYTES / SLOT_BYTES, &recording->slots) ||
	    save_create(recording->writer, recording->slots, recording->seen, &recording->save))
		return refusal_for_memory(refusal);
	cause = learn_tasks(recording);
	if (cause == -ENOMEM)
		return refusal_for_memory(refusal);
	if (cause)
		return refuse(refusal, EXIT_FAILED, "/proc must be mounted.",
			      "cannot read /proc: %s.", strerror(-cause));
	if (drain_create(recording->plan, recording->counters, recording->tasks, recording->slots,
			 recording->dumps, &recording->drain))
		return refusal_for_memory(refusal);
	return 0;
}

int recording_create(const struct recording_options *options, struct recording **ret_recording,
		     struct refusal *ret_refusal)
{
	size_t ring_bytes =
		options->ring_bytes ? options->ring_bytes : counters_default_ring_bytes();
	struct recording *recording = calloc(1, sizeof(*recording));
	if (!recording)
		return refusal_for_memory(ret_refusal);
	recording->tracefs.dir_fd = -1;
	recording->target = options->target;
	if (open_tracefs(recording, ret_refusal) ||
	    make_plan(recording, options, ring_bytes, ret_refusal) ||
	    open_counters(recording, ring_bytes, ret_refusal) ||
	    make_parts(recording, options->out_fd, ret_refusal)) {
		recording_destroy(recording);
		return -1;
	}
	int error = kallsyms_read("/proc/kallsyms", &recording->kallsyms);
	if (error)
		ownlog_note(
			recording->ownlog, "kernel functions have no names: /proc/kallsyms: %s%s",
			strerror(-error),
			error == -EACCES ? " (needs CAP_SYSLOG or kernel.kptr_restrict 0)" : "");
	*ret_recording = recording;
	return 0;
}

void recording_destroy(struct recording *recording)
{
	if (!recording)
		return;
	if (recording->running)
		recording_stop(recording);
	drain_destroy(recording->drain);
	save_destroy(recording->save);
	counters_close(recording->counters);
	plan_destroy(recording->plan);
	tracefs_close(&recording->tracefs);
	tasks_destroy(recording->tasks);
	slots_destroy(recording->slots);
	dumps_destroy(recording->dumps);
	seen_destroy(recording->seen);
	ownlog_destroy(recording->ownlog);
	mappings_destroy(recording->mappings);
	kallsyms_free(recording->kallsyms);
	ft_writer_destroy(recording->writer);
	ft_facts_destroy(recording->facts);
	free(recording->tgids);
	free(recording->unreadable);
	free(recording);
}

static int keep_state(void *context, const struct ft_event *event)
{
	struct recording *recording = context;
	int error = ownlog_add(recording->ownlog, event);
	return error == -ENOMEM ? error : 0;
}

/* What every thread of the target, or of the host, is doing. */
static void snapshot_states(struct recording *recording)
{
	const struct target *target = recording->target;
	const int32_t *tgids = target->count ? target->tgids : recording->tgids;
	size_t count = target->count ? target->count : recording->tgid_count;
	for (size_t i = 0; i < count; i++)
		if (snapshot_threads(tgids[i], recording->kallsyms, keep_state, recording) ==
		    -ENOMEM)
			break;
}

static void read_mappings(struct recording *recording)
{
	int count = mappings_read(recording->mappings, recording->tgids, recording->tgid_count,
				  MAPS_DEADLINE_MS, recording->unreadable);
	recording->unreadable_count = count > 0 ? (size_t)count : 0;
}

/* Those that were stuck at the start may answer now; those that have exited never will. */
static void read_mappings_again(struct recording *recording)
{
	size_t alive = 0;
	for (size_t i = 0; i < recording->unreadable_count; i++)
		if (!kill(recording->unreadable[i], 0) || errno != ESRCH)
			recording->unreadable[alive++] = recording->unreadable[i];
	int32_t *still = calloc(alive + 1, sizeof(*still));
	int count = alive && still ? mappings_read(recording->mappings, recording->unreadable,
						   alive, MAPS_DEADLINE_MS, still)
				   : 0;
	if (count > 0)
		ownlog_note(
			recording->ownlog,
			"the mappings of %d of %zu processes could not be read: their user frames"
			" have no names",
			count, recording->tgid_count);
	free(still);
}

static void set_start_facts(struct recording *recording)
{
	struct ft_facts *facts = recording->facts;
	char text[4096];
	struct timespec now;

	hostfacts_set(facts);
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t realtime_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	ft_facts_set_number(facts, FT_FACT_START_NS, (int64_t)recording->start_ns);
	ft_facts_set_number(facts, FT_FACT_START_REALTIME_NS,
			    realtime_ns - (int64_t)(clock_now_ns() - recording->start_ns));
	ft_facts_set(facts, FT_FACT_TIER, TIERS[0].name);
	ft_facts_set_number(facts, FT_FACT_CPUS, (int64_t)recording->counters->cpu_count);
	target_text(recording->target, text, sizeof(text));
	ft_facts_set(facts, FT_FACT_TARGET, text);
	if (recording->target->count)
		ft_facts_set(facts, FT_FACT_TARGET_COMM, recording->target->comm);
	ft_facts_set(facts, FT_FACT_TRIGGER_SOURCE, "capture");
	ft_facts_set(facts, FT_FACT_TRIGGER_REASON, "started by hand");
	ft_facts_set_number(facts, FT_FACT_TRIGGER_NS, (int64_t)recording->start_ns);
	plan_names(recording->plan, text, sizeof(text));
	ft_facts_set(facts, FT_FACT_EVENTS, text);
	ft_facts_set_number(facts, FT_FACT_SAMPLE_HZ, TIER_SAMPLE_HZ);
	ft_facts_set(facts, FT_FACT_SAMPLE_EVENT, recording->counters->sample_event);
}

static void note_shortcomings(struct recording *recording, int realtime_error, int lock_error)
{
	if (realtime_error)
		ownlog_note(recording->ownlog,
			    "the recorder has no real-time priority (%s): a busy host may make it "
			    "lose events",
			    strerror(-realtime_error));
	if (lock_error)
		ownlog_note(recording->ownlog, "the recorder's memory could not be locked: %s",
			    strerror(-lock_error));
	if (recording->plan->missing[0])
		ownlog_note(recording->ownlog, "this kernel has no %s", recording->plan->missing);
}

int recording_start(struct recording *recording, struct refusal *ret_refusal)
{
	int realtime_error, lock_error;
	int error = drain_start(recording->drain, &realtime_error, &lock_error);
	if (error)
		return refuse(ret_refusal, EXIT_FAILED, "", "cannot start a thread: %s.",
			      strerror(-error));
	counters_enable(recording->counters);
	recording->start_ns = clock_now_ns();

	/* From here on the slots fill while the rest is prepared. */
	set_start_facts(recording);
	note_shortcomings(recording, realtime_error, lock_error);
	snapshot_states(recording);
	read_mappings(recording);
	save_ownlog(recording->save, recording->ownlog);
	error = save_start(recording->save);
	recording->running = !error;
	if (!error)
		return 0;
	counters_disable(recording->counters);
	drain_stop(recording->drain, clock_now_ns());
	return refuse(ret_refusal, EXIT_FAILED, "", "cannot start a thread: %s.", strerror(-error));
}

uint64_t recording_events(const struct recording *recording)
{
	return drain_counts(recording->drain)->events;
}

uint64_t recording_lost(const struct recording *recording)
{
	return drain_counts(recording->drain)->lost;
}

int recording_write_error(const struct recording *recording)
{
	return save_error(recording->save);
}

static void note_hotplug(struct recording *recording)
{
	uint32_t *online;
	size_t count;
	if (cpus_online(&online, &count))
		return;
	bool same = count == recording->counters->cpu_count;
	for (size_t i = 0; same && i < count; i++)
		same = online[i] == recording->counters->cpus[i].cpu;
	if (!same)
		ownlog_note(recording->ownlog, "CPUs went on or off line while recording: those "
					       "that came are not recorded");
	free(online);
}

void recording_stop(struct recording *recording)
{
	snapshot_states(recording);
	recording->end_ns = clock_now_ns();
	counters_disable(recording->counters);
	drain_stop(recording->drain, recording->end_ns);
	save_stop(recording->save, &recording->saved);
	recording->running = false;
	note_hotplug(recording);
}

static uint64_t own_cpu_ns(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * 1000000000u +
	       ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * 1000u;
}

static void set_end_facts(struct recording *recording, const char *end_reason, uint64_t lost)
{
	struct ft_facts *facts = recording->facts;
	ft_facts_set_number(facts, FT_FACT_END_NS, (int64_t)recording->end_ns);
	ft_facts_set(facts, FT_FACT_END_REASON, end_reason);
	ft_facts_set_number(facts, FT_FACT_DELAY_MAX_NS,
			    (int64_t)drain_counts(recording->drain)->delay_max_ns);
	ft_facts_set_number(facts, FT_FACT_CPU_NS, (int64_t)own_cpu_ns());
	ft_facts_set_number(facts, FT_FACT_LOST_COUNT, (int64_t)lost);
}

void recording_finish(struct recording *recording, const char *end_reason,
		      struct recording_summary *ret_summary)
{
	const struct drain_counts *counts = drain_counts(recording->drain);
	bool disk_full = seal_is_full(recording->saved.error);
	uint64_t lost = counts->lost + recording->saved.lost_events;
	uint32_t cut_segments = 0;

	if (counts->bad)
		ownlog_note(recording->ownlog, "%llu records of the kernel were not understood",
			    (unsigned long long)counts->bad);
	if (recording->saved.lost_segments)
		ownlog_note(recording->ownlog,
			    "%llu events were recorded but could not be written%s%s",
			    (unsigned long long)recording->saved.lost_events,
			    recording->saved.error ? ": " : " in time",
			    recording->saved.error ? strerror(-recording->saved.error) : "");
	read_mappings_again(recording);
	set_end_facts(recording, disk_full ? "disk-full" : end_reason, lost);
	int error = seal_capture(&(struct seal){ .writer = recording->writer,
						 .ownlog = recording->ownlog,
						 .seen = recording->seen,
						 .mappings = recording->mappings,
						 .dumps = recording->dumps,
						 .kallsyms = recording->kallsyms,
						 .facts = recording->facts,
						 .events = counts->events,
						 .disk_full = disk_full },
				 &cut_segments);
	*ret_summary = (struct recording_summary){
		.bytes = ft_writer_bytes(recording->writer),
		.duration_ns = recording->end_ns - recording->start_ns,
		.events = counts->events + ownlog_events(recording->ownlog),
		.lost = lost,
		.delay_max_ns = counts->delay_max_ns,
		.write_error = recording->saved.error ? recording->saved.error : error,
		.cut_segments = cut_segments,
	};
}
