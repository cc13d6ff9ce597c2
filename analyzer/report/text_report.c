/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text report for a ticket, in the order in which a tired person asks: what happened, who did
 * it, how is that known, what to do, what this capture cannot tell.
 */
#include "analyzer/report/report_private.h"

#include <inttypes.h>
#include <string.h>

#define PROCESSES_SHOWN 8 /* of the target; JSON has all */
#define FINDING_INDENT	3
#define FINDING_COLUMN	15
#define GRADE_COLUMNS	24
#define GAP_ROWS	4
#define NOTE_ROWS	5

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static void add_fact(struct text_layout *page, const char *before, const char *fact)
{
	if (*or_empty(fact))
		layout_add(page, "%s%s", before, fact);
}

void text_add_capture(struct text_layout *page, const struct model *model)
{
	const int64_t start_ns = model->capture.start_realtime_ns;
	const int32_t offset_s = model->capture.utc_offset_s;

	layout_add(page, "%s: %s", or_empty(model->capture.path),
		   human_duration(model->capture.duration_ns).text);
	if (start_ns)
		layout_add(page, " from %s %s %s", human_date(start_ns, offset_s).text,
			   human_clock(start_ns, offset_s).text, human_zone(offset_s).text);
	add_fact(page, " on ", model->capture.host);
}

static void put_capture(struct text_layout *page, const struct model *model)
{
	layout_begin(page);
	text_add_capture(page, model);
	add_fact(page, ", kernel ", model->capture.kernel);
	add_fact(page, " ", model->capture.arch);
	add_fact(page, ", tier ", model->capture.tier);
	layout_end(page, text_labelled("freezetrap", STYLE_LABEL));
}

static void put_target(struct text_layout *page, const struct model *model)
{
	const size_t count = model->capture.target_count;

	layout_begin(page);
	if (count == 0)
		layout_add(page, "the whole host");
	else if (*or_empty(model->capture.target_comm))
		layout_add(page, "%s (%" PRId32 ")", model->capture.target_comm,
			   model->capture.target[0]);
	else
		layout_add(page, "process %" PRId32, model->capture.target[0]);
	for (size_t i = 1; i < count && i < PROCESSES_SHOWN; i++)
		layout_add(page, ", %" PRId32, model->capture.target[i]);
	if (count > PROCESSES_SHOWN)
		layout_add(page, " and %s more", human_count(count - PROCESSES_SHOWN).text);
	if (model->capture.target_threads == 1)
		layout_add(page, ", 1 thread");
	else if (model->capture.target_threads)
		layout_add(page, ", %s threads", human_count(model->capture.target_threads).text);
	else
		layout_add(page, ", of which this capture saw no thread");
	layout_end(page, text_labelled("target", STYLE_LABEL));
}

static void put_trigger(struct text_layout *page, const struct model *model)
{
	const char *source = or_empty(model->capture.trigger_source);
	const char *reason = or_empty(model->capture.trigger_reason);

	if (!*source && !*reason)
		return;
	layout_begin(page);
	layout_add(page, "%s%s%s", source, *source && *reason ? ": " : "", reason);
	layout_add(page, ", at %s", model_time_text(model, model->capture.trigger_at_ns).text);
	if (model->stall.trigger_after_ns)
		layout_add(page, ", %s after what froze was over",
			   human_duration(model->stall.trigger_after_ns).text);
	layout_end(page, text_labelled("trigger", STYLE_LABEL));
}

void text_header(struct text_layout *page, const struct model *model)
{
	put_capture(page, model);
	put_target(page, model);
	put_trigger(page, model);
	layout_line_end(page);
}

static const char *bound_reason(const struct model *model)
{
	if (model->stall.end_doubtful)
		return " (events are missing from it, and it may have ended at the first of them)";
	if (model->stall.end_lost)
		return " (the events around its end are missing)";
	if (model->stall.began_before && model->stall.still_open)
		return " (it began before the capture and outlasts it)";
	if (model->stall.began_before)
		return " (it began before the capture does)";
	if (model->stall.still_open)
		return " (the capture ends before it does)";
	return "";
}

static void put_stall(struct text_layout *page, const struct model *model)
{
	const uint32_t blocked = model->stall.threads_blocked_max;
	const size_t threads = model->capture.target_threads;
	const char *bound = bound_reason(model);

	layout_begin(page);
	layout_add(page, "%s%s%s, %s to %s",
		   model->stall.end_doubtful ? "at most "
		   : *bound		     ? "at least "
					     : "",
		   human_duration(model->stall.end_ns - model->stall.start_ns).text, bound,
		   model_time_text(model, model->stall.start_ns).text,
		   model_time_text(model, model->stall.end_ns).text);
	if (model->capture.start_realtime_ns)
		layout_add(page, " %s", human_zone(model->capture.utc_offset_s).text);
	if (model->stall.unsure && !blocked)
		layout_add(page, "; others waited for the target, which waited itself");
	else if (model->stall.unsure)
		layout_add(page, "; %" PRIu32 " thread%s stood still, for want of work or of an answer",
			   blocked, blocked == 1 ? "" : "s");
	else if (!blocked)
		layout_add(page, "; nothing blocked, but somebody waited for an answer");
	else if (model->capture.target_count && blocked <= threads)
		layout_add(page, "; %" PRIu32 " of %zu thread%s blocked", blocked, threads,
			   threads == 1 ? "" : "s");
	else
		layout_add(page, "; %" PRIu32 " thread%s blocked", blocked,
			   blocked == 1 ? "" : "s");
	layout_end(page, model->stall.unsure ? text_labelled("NOT SURE", STYLE_WARNING)
					     : text_labelled("FROZEN", STYLE_BAD));
}

/* Warn that the stall is not what the alarm was about. */
static void put_stall_before_trigger(struct text_layout *page, const struct model *model)
{
	uint64_t ended_ns = model->stall.end_ns, trigger_ns = model->capture.trigger_at_ns;

	if (!model->stall.apart)
		return;
	layout_begin(page);
	layout_add(page,
		   "this was over %s before the trigger: what triggered is not explained. Around "
		   "it nothing of the target "
		   "waited long for a lock, a device, memory or a CPU; look there in the tables",
		   human_duration(trigger_ns > ended_ns ? trigger_ns - ended_ns : 0).text);
	layout_end(page, text_labelled("BUT", STYLE_BAD));
}

/* List the stalls that the findings are not about. */
static void put_other_stalls(struct text_layout *page, const struct model *model)
{
	const uint32_t room = sizeof(model->stall.other) / sizeof(model->stall.other[0]);

	if (!model->stall.others)
		return;
	layout_begin(page);
	for (uint32_t i = 0; i < model->stall.others && i < room; i++)
		layout_add(page, "%s%s at %s", i ? ", " : "",
			   human_duration(model->stall.other[i].end_ns -
					  model->stall.other[i].start_ns)
				   .text,
			   model_time_text(model, model->stall.other[i].start_ns).text);
	if (model->stall.others > room)
		layout_add(page, " and %" PRIu32 " more", model->stall.others - room);
	layout_end(page, text_labelled("also frozen", STYLE_LABEL));
}

static void put_no_stall(struct text_layout *page, const struct model *model)
{
	layout_begin(page);
	if (!model->capture.complete)
		layout_add(page, "in what could be read; ");
	if (model->stall.unexplained)
		layout_add(page, "why somebody waited; ");
	if (model->stall.longest_ns)
		layout_add(page, "longest wait that hurts: %s (%s, %" PRId32 " %s)",
			   human_duration(model->stall.longest_ns).text,
			   wait_class_name(model->stall.longest_class), model->stall.longest_tid,
			   or_empty(model->stall.longest_comm));
	else
		layout_add(page, "no thread waited for anything that hurts");
	layout_end(page, model->stall.unexplained ? text_labelled("NOT FOUND", STYLE_BAD)
						  : text_labelled("NO STALL", STYLE_GOOD));
}

/* Each line of the text becomes a paragraph. */
static void put_damage(struct text_layout *page, const char *text)
{
	const char *label = "damaged";

	while (text && *text) {
		size_t bytes = strcspn(text, "\n");

		layout_paragraph(page, text_labelled(label, STYLE_WARNING), "%.*s", (int)bytes,
				 text);
		label = NULL;
		text += bytes + (text[bytes] == '\n');
	}
}

static void put_ring(struct text_layout *page, const char *ring)
{
	if (!ring)
		return;
	layout_paragraph(page, text_labelled("ring", STYLE_WARNING),
			 "ring of a recorder that %s; its last moments are not in it, and only the"
			 " kernel's functions have names",
			 strcmp(ring, "running") == 0
				 ? "is still running"
				 : "was killed or (if this is a copy) is still running");
}

/* Missing events are told next to the verdict because they limit it. */
static void put_missing(struct text_layout *page, const struct model *model)
{
	const uint64_t lost = model->coverage.lost_events;

	put_ring(page, model->capture.ring);
	put_damage(page, model->capture.damage);
	if (lost || model->coverage.gap_count)
		layout_paragraph(page, text_labelled("lost", STYLE_WARNING),
				 "%s event%s; when and on which CPU: see coverage, below",
				 lost ? human_count(lost).text : "an unknown number of",
				 lost == 1 ? "" : "s");
}

static void put_verdict(struct text_layout *page, const struct model *model)
{
	if (model->stall.found)
		put_stall(page, model);
	else if (model->no_verdict)
		layout_paragraph(page, text_labelled("NO VERDICT", STYLE_WARNING), "%s",
				 model->no_verdict);
	else
		put_no_stall(page, model);
	put_stall_before_trigger(page, model);
	put_other_stalls(page, model);
	put_missing(page, model);
	layout_line_end(page);
}

static struct paragraph finding_label(const char *label)
{
	return (struct paragraph){ .label = label,
				   .style = STYLE_LABEL,
				   .indent = FINDING_INDENT,
				   .hang = FINDING_COLUMN };
}

static void put_finding_title(struct text_layout *page, const struct model_finding *finding,
			      size_t number)
{
	layout_style(page, STYLE_STRONG);
	layout_cell(page, FINDING_INDENT, false, "%zu", number);
	layout_cell(page, page->width - FINDING_INDENT - GRADE_COLUMNS, false, "%s",
		    finding_kind_name(finding->kind));
	layout_style_end(page);
	layout_cell(page, GRADE_COLUMNS, true, "grade: %s", grade_name(finding->grade));
	layout_line_end(page);
}

/* Tell what the culprit did while it held the others up. */
static void put_culprit(struct text_layout *page, const struct model_culprit *culprit)
{
	struct paragraph paragraph = finding_label("meanwhile");

	if (culprit->hold_ns)
		layout_paragraph(page, paragraph,
				 "%" PRId32 " %s: running %s, runnable %s, blocked %s",
				 culprit->tid, culprit->comm,
				 human_duration(culprit->running_ns).text,
				 human_duration(culprit->runnable_ns).text,
				 human_duration(culprit->blocked_ns).text);
	if (culprit->why)
		layout_paragraph(page, finding_label("because"), "%s", culprit->why);
	paragraph = finding_label("kernel");
	paragraph.separator = " < ";
	text_stack(page, paragraph, &culprit->stack);
	paragraph.label = "user";
	text_stack(page, paragraph, &culprit->user_stack);
}

static void put_evidence(struct text_layout *page, const struct model_finding *finding)
{
	struct paragraph paragraph = finding_label("evidence");

	for (size_t i = 0; i < finding->evidence_count; i++) {
		layout_paragraph(page, paragraph, "%s", finding->evidence[i]);
		paragraph.label = NULL;
	}
}

/* Name the command that explains the wait of the victim that was blocked longest. */
static void put_explain_hint(struct text_layout *page, const struct model *model,
			     const struct model_finding *finding)
{
	const char *comm = "";

	if (!finding->victim_count)
		return;
	for (size_t i = 0; i < model->thread_count && !*comm; i++)
		if (model->threads[i].tid == finding->victims[0])
			comm = model->threads[i].comm;
	layout_begin(page);
	layout_add(page, "--explain=%" PRId32 " shows, event by event, why %s waited",
		   finding->victims[0], *comm ? comm : "that thread");
	layout_end(page, finding_label("explain"));
}

static void put_finding(struct text_layout *page, const struct model *model,
			const struct model_finding *finding, size_t number)
{
	const struct paragraph summary = { .hang = FINDING_INDENT };

	put_finding_title(page, finding, number);
	if (finding->lesser)
		layout_paragraph(page, summary, "Another stall, %s to %s:",
				 model_time_text(model, finding->stall.start_ns).text,
				 model_time_text(model, finding->stall.end_ns).text);
	if (finding->summary)
		layout_paragraph(page, summary, "%s", finding->summary);
	if (finding->lesser) { /* --json has all of it */
		layout_line_end(page);
		return;
	}
	if (finding->has_culprit || finding->evidence_count || finding->pattern || finding->advice)
		layout_line_end(page);
	if (finding->has_culprit)
		put_culprit(page, &finding->culprit);
	put_evidence(page, finding);
	if (finding->pattern)
		layout_paragraph(page, finding_label("pattern"), "%s", finding->pattern);
	if (finding->advice)
		layout_paragraph(page, finding_label("do"), "%s", finding->advice);
	if (number == 1)
		put_explain_hint(page, model, finding);
	layout_line_end(page);
}

static void put_findings(struct text_layout *page, const struct model *model)
{
	const struct paragraph nothing = { .hang = FINDING_INDENT };

	for (size_t i = 0; i < model->finding_count; i++)
		put_finding(page, model, &model->findings[i], i + 1);
	if (model->stall.found && model->finding_count == 0) {
		layout_paragraph(
			page, nothing,
			"No known cause was recognised. Where the time went is in the table "
			"\"waits that hurt\" below.");
		layout_line_end(page);
	}
}

static void put_coverage_summary(struct text_layout *page, const struct model *model)
{
	const uint64_t lost = model->coverage.lost_events;

	layout_begin(page);
	layout_add(page, "%s events, ", human_count(model->capture.events).text);
	if (lost)
		layout_add(page, "%s lost", human_count(lost).text);
	else
		layout_add(page, model->coverage.gap_count ? "some lost" : "none lost");
	if (model->coverage.cpus)
		layout_add(page, ", %" PRIu32 " CPU%s", model->coverage.cpus,
			   model->coverage.cpus == 1 ? "" : "s");
	if (model->coverage.recorder_delay_max_ns)
		layout_add(page, "; recorder's own delay <= %s",
			   human_duration(model->coverage.recorder_delay_max_ns).text);
	if (model->coverage.stacks && *model->coverage.stacks && strcmp(model->coverage.stacks, "full"))
		layout_add(page, "; stacks: %s%s", model->coverage.stacks,
			   !strcmp(model->coverage.stacks, "sampled")
				   ? " (every uninterruptible and every long wait, of other short ones a part)"
				   : "");
	layout_end(page, text_labelled("coverage", STYLE_LABEL));
}

static void put_gap(struct text_layout *page, const struct model *model,
		    const struct model_gap *gap)
{
	const struct human start = model_time_text(model, gap->start_ns);
	const struct human end = model_time_text(model, gap->end_ns);

	layout_begin(page);
	if (gap->records)
		layout_add(page, "%s event%s", human_count(gap->records).text,
			   gap->records == 1 ? "" : "s");
	else
		layout_add(page, "an unknown number of events");
	layout_add(page, " lost on CPU %" PRIu32 ", %s", gap->cpu, start.text);
	if (strcmp(start.text, end.text) != 0)
		layout_add(page, " to %s", end.text);
	layout_end(page, text_labelled(NULL, STYLE_PLAIN));
}

static void put_gaps(struct text_layout *page, const struct model *model)
{
	const size_t count = model->coverage.gap_count;
	const struct paragraph text = text_labelled(NULL, STYLE_PLAIN);

	for (size_t i = 0; i < count && i < GAP_ROWS; i++)
		put_gap(page, model, &model->coverage.gaps[i]);
	if (count > GAP_ROWS)
		layout_paragraph(page, text, "... %s more gaps (--json)",
				 human_count(count - GAP_ROWS).text);
	if (model->coverage.unknown_ns)
		layout_paragraph(page, text, "unknown for %s of the target's thread time",
				 human_duration(model->coverage.unknown_ns).text);
}

static void put_extra_events(struct text_layout *page, const struct model *model)
{
	const struct event_counts *extras = &model->coverage.extras;

	for (size_t i = 0; i < extras->count; i++)
		layout_paragraph(page, text_labelled(NULL, STYLE_PLAIN),
				 "%s, asked for with -e, came %s times, %s of them in the target",
				 extras->list[i].name, human_count(extras->list[i].count).text,
				 human_count(extras->list[i].of_target).text);
}

static void put_notes(struct text_layout *page, const struct model *model)
{
	const size_t count = model->coverage.note_count;
	struct paragraph paragraph = text_labelled("notes", STYLE_LABEL);

	for (size_t i = 0; i < count && i < NOTE_ROWS; i++) {
		const struct model_note *note = &model->coverage.notes[i];

		layout_paragraph(page, paragraph, "%s %s", model_time_text(model, note->at_ns).text,
				 note->text);
		paragraph.label = NULL;
	}
	if (count > NOTE_ROWS)
		layout_paragraph(page, paragraph, "... %s more (--json)",
				 human_count(count - NOTE_ROWS).text);
}

static void put_coverage(struct text_layout *page, const struct model *model)
{
	struct paragraph cannot_say = text_labelled("cannot say", STYLE_LABEL);

	put_coverage_summary(page, model);
	put_gaps(page, model);
	put_extra_events(page, model);
	put_notes(page, model);
	for (size_t i = 0; i < model->coverage.cannot_say_count; i++) {
		layout_paragraph(page, cannot_say, "%s", model->coverage.cannot_say[i]);
		cannot_say.label = NULL;
	}
}

int report_text(const struct model *model, const struct report_options *options, FILE *out)
{
	struct text_layout page;

	layout_start(&page, out, options->width, options->color);
	text_header(&page, model);
	put_verdict(&page, model);
	put_findings(&page, model);
	text_blame(&page, model);
	text_locks(&page, model);
	text_waits(&page, model);
	text_idle_waits(&page, model);
	text_threads(&page, model, options->all_threads);
	put_coverage(&page, model);
	return layout_finish(&page);
}
