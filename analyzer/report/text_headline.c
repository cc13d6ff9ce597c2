/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first lines of the text report: whose capture it is, what happened, and
 * what is missing from it.
 */
#include <inttypes.h>
#include <string.h>

#include "analyzer/report/text_parts.h"

#define PROCESSES_SHOWN 8 /* of the target; JSON has all */

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static void add_fact(struct text_layout *page, const char *before, const char *fact)
{
	if (*or_empty(fact))
		layout_add(page, "%s%s", before, fact);
}

static void capture_line(struct text_layout *page, const struct model *model)
{
	const int64_t start_ns = model->capture.start_realtime_ns;
	const int32_t offset_s = model->capture.utc_offset_s;

	layout_begin(page);
	layout_add(page, "%s: %s", or_empty(model->capture.path),
		 human_duration(model->capture.duration_ns).text);
	if (start_ns)
		layout_add(page, " from %s %s %s", human_date(start_ns, offset_s).text,
			 human_clock(start_ns, offset_s).text, human_zone(offset_s).text);
	add_fact(page, " on ", model->capture.host);
	add_fact(page, ", kernel ", model->capture.kernel);
	add_fact(page, " ", model->capture.arch);
	add_fact(page, ", tier ", model->capture.tier);
	layout_end(page, text_labelled("freezetrap", STYLE_LABEL));
}

static void target_line(struct text_layout *page, const struct model *model)
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

static void trigger_line(struct text_layout *page, const struct model *model)
{
	const char *source = or_empty(model->capture.trigger_source);
	const char *reason = or_empty(model->capture.trigger_reason);

	if (!*source && !*reason)
		return;
	layout_begin(page);
	layout_add(page, "%s%s%s", source, *source && *reason ? ": " : "", reason);
	layout_add(page, ", at %s", text_moment(model, model->capture.trigger_at_ns).text);
	layout_end(page, text_labelled("trigger", STYLE_LABEL));
}

void text_header(struct text_layout *page, const struct model *model)
{
	capture_line(page, model);
	target_line(page, model);
	trigger_line(page, model);
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

static void frozen(struct text_layout *page, const struct model *model)
{
	const uint32_t blocked = model->stall.threads_blocked_max;
	const size_t threads = model->capture.target_threads;
	const char *bound = bound_reason(model);

	layout_begin(page);
	layout_add(page, "%s%s%s, %s to %s", model->stall.end_doubtful ? "at most "
		 : *bound		     ? "at least "
					     : "",
		 human_duration(model->stall.end_ns - model->stall.start_ns).text, bound,
		 text_moment(model, model->stall.start_ns).text,
		 text_moment(model, model->stall.end_ns).text);
	if (model->capture.start_realtime_ns)
		layout_add(page, " %s", human_zone(model->capture.utc_offset_s).text);
	if (!blocked)
		layout_add(page, "; nothing blocked, but somebody waited for an answer");
	else if (model->capture.target_count && blocked <= threads)
		layout_add(page, "; %" PRIu32 " of %zu thread%s blocked", blocked, threads,
			 threads == 1 ? "" : "s");
	else
		layout_add(page, "; %" PRIu32 " thread%s blocked", blocked, blocked == 1 ? "" : "s");
	layout_end(page, text_labelled("FROZEN", STYLE_BAD));
}

/* Whoever reads on should know that this is not what the alarm was about. */
static void apart(struct text_layout *page, const struct model *model)
{
	uint64_t ended_ns = model->stall.end_ns, trigger_ns = model->capture.trigger_at_ns;

	if (!model->stall.apart)
		return;
	layout_begin(page);
	layout_add(page, "this was over %s before the trigger: what triggered is not explained. Around it nothing of the target "
		       "waited long for a lock, a device, memory or a CPU; look there in the tables",
		 human_duration(trigger_ns > ended_ns ? trigger_ns - ended_ns : 0).text);
	layout_end(page, text_labelled("BUT", STYLE_BAD));
}

/* The other stalls: the findings are about one. */
static void other_stalls(struct text_layout *page, const struct model *model)
{
	const uint32_t room = sizeof(model->stall.other) / sizeof(model->stall.other[0]);

	if (!model->stall.others)
		return;
	layout_begin(page);
	for (uint32_t i = 0; i < model->stall.others && i < room; i++)
		layout_add(page, "%s%s at %s", i ? ", " : "",
			 human_duration(model->stall.other[i].end_ns - model->stall.other[i].start_ns).text,
			 text_moment(model, model->stall.other[i].start_ns).text);
	if (model->stall.others > room)
		layout_add(page, " and %" PRIu32 " more", model->stall.others - room);
	layout_end(page, text_labelled("also frozen", STYLE_LABEL));
}

static void not_frozen(struct text_layout *page, const struct model *model)
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

/* It may have several lines, each a paragraph of its own. */
static void damage(struct text_layout *page, const char *text)
{
	const char *label = "damaged";

	while (text && *text) {
		size_t bytes = strcspn(text, "\n");

		layout_paragraph(page, text_labelled(label, STYLE_WARNING), "%.*s", (int)bytes, text);
		label = NULL;
		text += bytes + (text[bytes] == '\n');
	}
}

static void ring(struct text_layout *page, const char *ring)
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

/* What is missing stands next to the verdict, because it limits it. */
static void missing(struct text_layout *page, const struct model *model)
{
	const uint64_t lost = model->coverage.lost_events;

	ring(page, model->capture.ring);
	damage(page, model->capture.damage);
	if (lost || model->coverage.gap_count)
		layout_paragraph(page, text_labelled("lost", STYLE_WARNING),
			       "%s event%s; when and on which CPU: see coverage, below",
			       lost ? human_count(lost).text : "an unknown number of",
			       lost == 1 ? "" : "s");
}

void text_verdict(struct text_layout *page, const struct model *model)
{
	if (model->stall.found)
		frozen(page, model);
	else if (model->no_verdict)
		layout_paragraph(page, text_labelled("NO VERDICT", STYLE_WARNING), "%s",
			       model->no_verdict);
	else
		not_frozen(page, model);
	apart(page, model);
	other_stalls(page, model);
	missing(page, model);
	layout_line_end(page);
}
