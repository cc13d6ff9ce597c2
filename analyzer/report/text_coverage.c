/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The foot of the text report: what was recorded, what was lost and where,
 * what the recorder noted, what this capture cannot say.
 */
#include <inttypes.h>
#include <string.h>

#include "analyzer/report/text_parts.h"

#define GAP_ROWS  4
#define NOTE_ROWS 5

static void summary(struct text_layout *page, const struct model *model)
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
	layout_end(page, text_labelled("coverage", STYLE_LABEL));
}

static void gap_line(struct text_layout *page, const struct model *model,
		     const struct model_gap *gap)
{
	const struct human start = text_moment(model, gap->start_ns);
	const struct human end = text_moment(model, gap->end_ns);

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

static void gaps(struct text_layout *page, const struct model *model)
{
	const size_t count = model->coverage.gap_count;
	const struct paragraph text = text_labelled(NULL, STYLE_PLAIN);

	for (size_t i = 0; i < count && i < GAP_ROWS; i++)
		gap_line(page, model, &model->coverage.gaps[i]);
	if (count > GAP_ROWS)
		layout_paragraph(page, text, "... %s more gaps (--json)",
				 human_count(count - GAP_ROWS).text);
	if (model->coverage.unknown_ns)
		layout_paragraph(page, text, "unknown for %s of the target's thread time",
				 human_duration(model->coverage.unknown_ns).text);
}

static void extras(struct text_layout *page, const struct model *model)
{
	const struct event_counts *extras = &model->coverage.extras;

	for (size_t i = 0; i < extras->count; i++)
		layout_paragraph(page, text_labelled(NULL, STYLE_PLAIN),
				 "%s, asked for with -e, came %s times, %s of them in the target",
				 extras->list[i].name, human_count(extras->list[i].count).text,
				 human_count(extras->list[i].of_target).text);
}

static void notes(struct text_layout *page, const struct model *model)
{
	const size_t count = model->coverage.note_count;
	struct paragraph paragraph = text_labelled("notes", STYLE_LABEL);

	for (size_t i = 0; i < count && i < NOTE_ROWS; i++) {
		const struct model_note *note = &model->coverage.notes[i];

		layout_paragraph(page, paragraph, "%s %s", text_moment(model, note->at_ns).text,
				 note->text);
		paragraph.label = NULL;
	}
	if (count > NOTE_ROWS)
		layout_paragraph(page, paragraph, "... %s more (--json)",
				 human_count(count - NOTE_ROWS).text);
}

void text_coverage(struct text_layout *page, const struct model *model)
{
	struct paragraph cannot_say = text_labelled("cannot say", STYLE_LABEL);

	summary(page, model);
	gaps(page, model);
	extras(page, model);
	notes(page, model);
	for (size_t i = 0; i < model->coverage.cannot_say_count; i++) {
		layout_paragraph(page, cannot_say, "%s", model->coverage.cannot_say[i]);
		cannot_say.label = NULL;
	}
}
