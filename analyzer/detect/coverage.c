/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/detect/coverage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/detect/finding.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/util/human.h"
#include "analyzer/util/span.h"
#include "analyzer/locks/hung_task.h"
#include "capture/format.h"

#define SILENT_TOLD 3u /* threads by name; the rest is counted */

static const char *fact_text(const struct detect_context *in, const char *name)
{
	const char *text = ft_facts_get(source_facts(in->observations->source), name);

	return text ? text : "";
}

/* Return: for how long its threads were observed, all together. */
static uint64_t look_at_target(const struct detect_context *in, struct model *model)
{
	const struct thread_wait_stats *account;
	uint64_t observed_ns = 0;

	const struct threads *threads = source_threads(in->observations->source);

	for (size_t i = 0; i < threads_count(threads); i++) {
		const struct thread *thread = threads_at(threads, i);

		if (!target_counts(in->observations->target, thread))
			continue;
		model->capture.target_threads++;
		account = wait_stats_thread(in->observations->wait_stats, thread);
		model->coverage.unknown_ns += account->state_ns[THREAD_UNKNOWN];
		for (int state = 0; state < THREAD_STATES; state++)
			observed_ns += account->state_ns[state];
	}
	return observed_ns;
}

/* A verdict needs somebody to look at, for as long as a stall takes. */
static const char *no_verdict(const struct detect_context *in, const struct model *model,
			      uint64_t observed_ns)
{
	if (!model->capture.events)
		return "the capture holds no event, so it cannot say whether anything froze";
	if (!model->capture.target_threads)
		return "the capture has no thread of the process that the report is to be about; "
		       "check -p, or record while the process runs";
	if (!ft_symbols_count(source_symbols(in->observations->source)))
		return "the capture has no names of kernel functions, so what threads waited for "
		       "is not known: its end is missing, or the recorder could not read "
		       "/proc/kallsyms";
	if (model->capture.duration_ns < in->long_ns)
		return "the capture is shorter than what counts as a stall; record for longer";
	if (model->coverage.gap_count &&
	    share_above(model->coverage.unknown_ns, observed_ns, VERDICT_UNKNOWN_PERCENT))
		return "events are missing, and with them what the target's threads did for most "
		       "of the time; what is left does not show that anything froze";
	return NULL;
}

/* What the recorder had and could not write: nobody knows when it was, but it was lost. */
static int disk_full(const struct detect_context *in, struct model *model)
{
	const struct ft_facts *facts = source_facts(in->observations->source);
	int64_t lost = ft_facts_number(facts, FT_FACT_LOST_COUNT, 0);
	int64_t recorded = ft_facts_number(facts, FT_FACT_EVENT_COUNT, 0);
	const char *reason = fact_text(in, FT_FACT_END_REASON);
	char *text;

	if (lost > 0 && (uint64_t)lost > model->coverage.lost_events)
		model->coverage.lost_events = (uint64_t)lost;
	if (strcmp(reason, "disk-full") && strcmp(reason, "write-error"))
		return 0;
	if (recorded > 0 && (uint64_t)recorded > model->capture.events &&
	    (uint64_t)recorded - model->capture.events > model->coverage.lost_events)
		model->coverage.lost_events = (uint64_t)recorded - model->capture.events;
	model->capture.complete = false;
	if (model->capture.damage)
		return 0;
	if (asprintf(&text,
		     "%s: the disk was full while it was recorded: %s events of it are missing.\n"
		     "  What came later is not in this report; make room and record again.",
		     model->capture.path, human_count(model->coverage.lost_events).text) < 0)
		return -ENOMEM;
	model->capture.damage = text;
	return 0;
}

/* A line of the kernel's log, of before the recording: it is worth telling where it is about a
 * thread of then that is there still. */
static bool is_news(const struct detect_context *in, const struct model_note *note)
{
	struct hung_name waiter;
	bool another;

	return hung_task_waiter(note->text, &waiter) &&
	       hung_task_thread(source_threads(in->observations->source), &waiter, &another);
}

/* Times since the start; what was before it says so. */
static int date_notes(const struct detect_context *in, struct model *model)
{
	struct model_note *notes = model->coverage.notes;
	size_t kept = 0, count = model->coverage.note_count;
	int r = 0;

	for (size_t i = 0; i < count; i++) {
		struct model_note note = notes[i];
		bool early = note.at_ns < in->start_ns &&
			     !strncmp(note.text, FT_NOTE_KERNEL_LOG, strlen(FT_NOTE_KERNEL_LOG));
		char *text = NULL;

		if (early && is_news(in, &note) &&
		    asprintf(&text, "%s before the recording began: %s",
			     human_duration(in->start_ns - note.at_ns).text, note.text) < 0)
			text = NULL, r = -ENOMEM;
		note.at_ns = detect_since_start(in, note.at_ns);
		if (early) {
			free(note.text);
			note.text = text;
		}
		if (note.text)
			notes[kept++] = note;
	}
	model->coverage.note_count = kept;
	return r;
}

static int fill_gaps(const struct detect_context *in, const struct prescan *prescan,
		     struct model *model)
{
	model->coverage.gaps = calloc(prescan->loss_count + 1, sizeof(*model->coverage.gaps));
	if (!model->coverage.gaps)
		return -ENOMEM;
	for (size_t i = 0; i < prescan->loss_count; i++)
		model->coverage.gaps[i] = (struct model_gap){
			.cpu = prescan->losses[i].cpu,
			.start_ns = detect_since_start(in, prescan->losses[i].start_ns),
			.end_ns = detect_since_start(in, prescan->losses[i].end_ns),
			.records = prescan->losses[i].records,
		};
	model->coverage.gap_count = prescan->loss_count;
	return 0;
}

/* Their texts become the model's. */
static int take_notes(struct prescan *prescan, struct model *model)
{
	model->coverage.notes = calloc(prescan->note_count + 1, sizeof(*model->coverage.notes));
	if (!model->coverage.notes)
		return -ENOMEM;
	for (size_t i = 0; i < prescan->note_count; i++)
		model->coverage.notes[i] =
			(struct model_note){ prescan->notes[i].at_ns, prescan->notes[i].text };
	model->coverage.note_count = prescan->note_count;
	prescan->note_count = 0;
	return 0;
}

int coverage_fill(const struct detect_context *in, struct prescan *prescan)
{
	struct model *model = in->model;
	const struct ft_facts *facts = source_facts(in->observations->source);
	uint64_t observed_ns;
	int r;

	model->coverage.lost_events = prescan->lost_records;
	model->coverage.extras = prescan->extras;
	prescan->extras = (struct event_counts){ 0 };
	r = fill_gaps(in, prescan, model);
	if (!r)
		r = take_notes(prescan, model);
	if (r)
		return r;
	r = date_notes(in, model);
	if (r)
		return r;
	model->coverage.recorder_delay_max_ns =
		(uint64_t)ft_facts_number(facts, FT_FACT_DELAY_MAX_NS, 0);
	model->coverage.stacks = fact_text(in, FT_FACT_STACKS);
	model->coverage.waker_stacks = fact_text(in, FT_FACT_WAKER_STACKS);
	model->coverage.cpus = (uint32_t)ft_facts_number(facts, FT_FACT_CPUS, prescan->cpus);
	observed_ns = look_at_target(in, model);
	model->no_verdict = no_verdict(in, model, observed_ns);
	return disk_full(in, model);
}

__attribute__((format(printf, 2, 3))) static void add_sentence(struct model *model,
							       const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (!finding_add_line(&model->coverage.cannot_say, &model->coverage.cannot_say_count,
			      format, arguments))
		model->coverage.incomplete = true;
	va_end(arguments);
}

/* Some kernels drop what some tasks do from perf's events, idle tasks first of all. */
static void say_silent(const struct detect_context *in, struct model *model)
{
	const struct prescan *prescan = &in->observations->prescan;
	const struct threads *threads = source_threads(in->observations->source);
	uint32_t told = 0, rest = 0;

	for (size_t i = 0; i < threads_count(threads) && i < prescan->switch_counts_room; i++) {
		const struct switch_counts *switches = &prescan->switch_counts[i];
		const struct thread *thread = threads_at(threads, i);

		if (!thread->silent)
			continue;
		if (thread->idle_task)
			add_sentence(model,
				     "when threads were woken on a CPU while it was idle, and by "
				     "what: the kernel left %s of %s of the switches from idle of "
				     "one CPU out of the events",
				     human_count(switches->in - switches->out).text,
				     human_count(switches->in).text);
		else if (!target_counts(in->observations->target, thread))
			continue;
		else if (told++ < SILENT_TOLD)
			add_sentence(model,
				     "what thread %" PRId32
				     " (%s) did: the kernel left it out of the events",
				     thread->tid, thread->comm);
		else
			rest++;
	}
	if (rest)
		add_sentence(model,
			     "what %" PRIu32
			     " more threads did: the kernel left it out of the events",
			     rest);
}

static bool contradicts_itself(const struct observations *observations)
{
	return observations->contradictions > CONTRADICTIONS_FEW &&
	       observations->contradictions * CONTRADICTIONS_OF > observations->prescan.switches;
}

void coverage_lower_grades(const struct detect_context *in)
{
	struct model *model = in->model;

	model->coverage.contradicts = contradicts_itself(in->observations);
	if (!model->coverage.contradicts)
		return;
	for (size_t i = 0; i < model->finding_count; i++)
		if (model->findings[i].grade > GRADE_PLAUSIBLE)
			model->findings[i].grade = GRADE_PLAUSIBLE;
	for (size_t i = 0; i < model->blame_count; i++)
		if (model->blame[i].grade > GRADE_PLAUSIBLE)
			model->blame[i].grade = GRADE_PLAUSIBLE;
	for (size_t i = 0; i < model->lock_count; i++)
		for (size_t j = 0; j < model->locks[i].owner_count; j++)
			if (model->locks[i].owners[j].grade > GRADE_PLAUSIBLE)
				model->locks[i].owners[j].grade = GRADE_PLAUSIBLE;
}

static void say_contradictions(const struct detect_context *in, struct model *model)
{
	const struct observations *observations = in->observations;

	if (!contradicts_itself(observations))
		return;
	add_sentence(model,
		     "anything for sure: at %s of %s switches another thread left the CPU than had "
		     "come to it, so events are missing that nobody counted",
		     human_count(observations->contradictions).text,
		     human_count(observations->prescan.switches).text);
}

/* Nobody knows whether a futex is a lock or a queue for work where the waits' own calls were not
 * recorded. */
static void say_futex(const struct detect_context *in, struct model *model)
{
	uint64_t longest_ns = 0;

	for (size_t i = 0; i < model->wait_count; i++)
		if (model->waits[i].class == WAIT_LOCK_FUTEX && model->waits[i].max_ns > longest_ns)
			longest_ns = model->waits[i].max_ns;
	if (longest_ns < in->long_ns || strstr(fact_text(in, FT_FACT_EVENTS), "sys_enter_futex"))
		return;
	add_sentence(
		model,
		"whether the threads that waited on a futex, the longest for %s, waited for a lock "
		"or for work",
		human_duration(longest_ns).text);
}

static void say_doubt(struct model *model)
{
	const struct model_doubt *doubt = &model->doubt;
	char waker[64] = "not seen";

	if (!doubt->threads)
		return;
	if (doubt->waker_tid)
		snprintf(waker, sizeof(waker), "%" PRId32 " (%s)", doubt->waker_tid,
			 doubt->waker_comm);
	add_sentence(model,
		     "whether %zu threads that stood still at futex 0x%" PRIx64 ", longest %" PRId32
		     " (%s) for %s from %s, waited for a lock or for work; "
		     "who ended that first: %s; --explain=%" PRId32 ":%.3f",
		     doubt->threads, doubt->address, doubt->tid, doubt->comm,
		     human_duration(doubt->longest_ns).text,
		     model_time_text(model, doubt->start_ns).text, waker, doubt->tid,
		     (double)(doubt->start_ns + doubt->longest_ns / 2) / 1e9);
}

/* A line about threads that are not the ones of that name here is not believed. */
static void say_log_names(const struct detect_context *in, struct model *model)
{
	const struct threads *threads = source_threads(in->observations->source);

	for (size_t i = 0; i < model->coverage.note_count; i++) {
		const char *line = strstr(model->coverage.notes[i].text, FT_NOTE_KERNEL_LOG);
		bool other_waiter, other_owner;
		struct hung_task hung;

		if (!line || !hung_task_parse(line, &hung))
			continue;
		hung_task_thread(threads, &hung.waiter, &other_waiter);
		hung_task_thread(threads, &hung.owner, &other_owner);
		if (!other_waiter && !other_owner)
			continue;
		add_sentence(model,
			     "whether the owner of a lock that the kernel's log names is true: it "
			     "says that thread "
			     "%" PRId32 " (%s) waits for %" PRId32 " (%s), but thread %" PRId32
			     " has another name here",
			     hung.waiter.tid, hung.waiter.comm, hung.owner.tid, hung.owner.comm,
			     other_owner ? hung.owner.tid : hung.waiter.tid);
		return;
	}
}

/* Whether a lock has been waited for for so long that the kernel may have named its owner, and
 * nobody else did. */
static void say_log_unread(const struct detect_context *in, struct model *model)
{
	const char *read = fact_text(in, FT_FACT_KERNEL_LOG);
	bool long_ago =
		model->stall.began_before || model->stall.end_ns - model->stall.start_ns >= HUNG_NS;

	if (!*read || !strcmp(read, "read") || !model->stall.found || !model->stall.still_open ||
	    !long_ago)
		return;
	for (size_t i = 0; i < model->finding_count; i++) {
		const struct model_finding *finding = &model->findings[i];

		if ((finding->kind != FINDING_KERNEL_LOCK_CONVOY &&
		     finding->kind != FINDING_MMAP_LOCK_CONVOY) ||
		    finding->grade >= GRADE_STRONG)
			continue;
		add_sentence(model,
			     "whether the kernel named the lock's owner in its log, as it does "
			     "after two minutes: the recorder could not read that (%s)",
			     read);
		return;
	}
}

/* The recorder's governor took fewer stacks, to keep its own cost within bounds. */
static bool was_governed(const struct model *model)
{
	static const char *const steps[] = { "governor: lazy", "governor: timing" };

	for (size_t i = 0; i < model->coverage.note_count; i++)
		for (size_t j = 0; j < sizeof(steps) / sizeof(*steps); j++)
			if (!strncmp(model->coverage.notes[i].text, steps[j], strlen(steps[j])))
				return true;
	return false;
}

static bool has_culprit_without_user_stack(const struct model *model)
{
	for (size_t i = 0; i < model->finding_count; i++)
		if (model->findings[i].has_culprit && !model->findings[i].culprit.user_stack.count)
			return true;
	return false;
}

/* The history is bounded: in a capture with very many intervals it adds short ones up. */
static void say_coarse(const struct observations *observations, struct model *model)
{
	if (!history_is_coarse(observations->history))
		return;
	add_sentence(model,
		     "in which order things happened that took less than %s: there were too many, so "
		     "they were added up%s",
		     human_duration(history_resolution_ns(observations->history)).text,
		     observations->span_history ? "; the stall was decoded once more, in detail" : "");
}

int coverage_cannot_say(const struct detect_context *in)
{
	struct model *model = in->model;
	const char *events = fact_text(in, FT_FACT_EVENTS);

	if (*events && !strstr(events, "contention_begin"))
		add_sentence(model, "lock addresses: this kernel has no lock contention events "
				    "(5.19 and newer do)");
	if (has_culprit_without_user_stack(model))
		add_sentence(model, "which of its own functions the culprit was in where it spent "
				    "the time: no user stack of it was recorded there");
	if (model->stall.found && model->stall.still_open)
		add_sentence(model, "how long the stall lasted: the recording ended before it did");
	if (model->stall.found && model->stall.began_before)
		add_sentence(model, "how the stall began: it was there before the recording");
	if (was_governed(model))
		add_sentence(model, "what short waits were for, and who ended them, while the "
				    "recorder took fewer stacks: its notes say when");
	say_futex(in, model);
	say_doubt(model);
	say_log_names(in, model);
	say_log_unread(in, model);
	say_silent(in, model);
	say_contradictions(in, model);
	say_coarse(in->observations, model);
	return model->coverage.incomplete ? -ENOMEM : 0;
}
