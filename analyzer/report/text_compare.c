/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two captures side by side, for a person: the verdict, what limits it, and the
 * differences, the greatest first.
 */
#include <inttypes.h>

#include "analyzer/compare/compare.h"
#include "analyzer/report/report_private.h"

#define WAIT_ROWS     10
#define LOCK_ROWS     5
#define THREAD_ROWS   8
#define NAME_COLUMNS  38
#define SHARE_COLUMNS 10
#define COUNT_COLUMNS 11

/* "0.13 %", "12.5 %", "310 %": several threads that wait at once have more than all of the time. */
static struct human percent_text(compare_ppm share)
{
	struct human human;

	if (!share)
		snprintf(human.text, sizeof(human.text), "0");
	else
		snprintf(human.text, sizeof(human.text), "%.*f %%",
			 share < 100000	   ? 2
			 : share < 1000000 ? 1
					   : 0,
			 (double)share / 10000);
	return human;
}

static void put_capture(struct text_layout *page, const char *label, const struct model *model)
{
	layout_begin(page);
	text_add_capture(page, model);
	if (!model->capture.target_count)
		layout_add(page, ", the whole host");
	else
		layout_add(page, ", %s (%" PRId32 ")", model->capture.target_comm,
			   model->capture.target[0]);
	layout_add(page, ", %s threads", human_count(model->capture.target_threads).text);
	layout_end(page, text_labelled(label, STYLE_LABEL));
}

static void put_warnings(struct text_layout *page, const struct comparison *comparison)
{
	const char *label = "beware";

	for (size_t i = 0; i < comparison->warning_count; i++) {
		layout_paragraph(page, text_labelled(label, STYLE_WARNING), "%s",
				 comparison->warnings[i]);
		label = NULL;
	}
	layout_line_end(page);
}

/* Put the summaries of both sides, one under the other. */
static void put_finding(struct text_layout *page, const struct compare_finding *row)
{
	const struct paragraph paragraph = { .indent = 3, .hang = 3 };

	layout_style(page, STYLE_STRONG);
	layout_cell(page, page->width - 12, false, "%s", finding_kind_name(row->kind));
	layout_style_end(page);
	layout_cell(page, 12, true, "%s", compare_change_name(row->change));
	layout_line_end(page);
	if (row->before)
		layout_paragraph(page, paragraph, "before: %s", row->before->summary);
	if (row->after)
		layout_paragraph(page, paragraph, "after: %s", row->after->summary);
	layout_line_end(page);
}

static void put_heading(struct text_layout *page, const char *name, const char *count)
{
	layout_style(page, STYLE_LABEL);
	layout_cell(page, NAME_COLUMNS, false, "%s", name);
	layout_cell(page, SHARE_COLUMNS, true, "before");
	layout_cell(page, SHARE_COLUMNS, true, "after");
	layout_cell(page, COUNT_COLUMNS, true, "%s", count);
	layout_cell(page, page->width - NAME_COLUMNS - 2 * SHARE_COLUMNS - COUNT_COLUMNS, true,
		    "%s", "");
	layout_style_end(page);
	layout_line_end(page);
}

static void put_shares(struct text_layout *page, compare_ppm before, compare_ppm after)
{
	layout_cell(page, SHARE_COLUMNS, true, "%s", percent_text(before).text);
	layout_cell(page, SHARE_COLUMNS, true, "%s", percent_text(after).text);
}

static void end_row(struct text_layout *page, enum compare_change change)
{
	layout_cell(page, page->width - NAME_COLUMNS - 2 * SHARE_COLUMNS - COUNT_COLUMNS, true,
		    "%s", compare_change_name(change));
	layout_line_end(page);
}

static void put_counts(struct text_layout *page, uint64_t before, uint64_t after)
{
	layout_cell(page, COUNT_COLUMNS, true, "%" PRIu64 "/%" PRIu64, before, after);
}

static void put_rest(struct text_layout *page, size_t shown, size_t count, size_t alike)
{
	const size_t more = count - shown;

	if (more)
		layout_paragraph(page, (struct paragraph){ .hang = 1 },
				 "... %s more differ (--json)", human_count(more).text);
	if (alike)
		layout_paragraph(page, (struct paragraph){ .hang = 1 },
				 "%s%s by no more than noise", human_count(alike).text,
				 !shown	      ? " differ"
				 : alike == 1 ? " more differs"
					      : " more differ");
	layout_line_end(page);
}

static void put_waits(struct text_layout *page, const struct comparison *comparison)
{
	size_t shown = 0;

	put_heading(page, "waits, of the targets' thread time", "times");
	for (; shown < comparison->wait_count && shown < WAIT_ROWS; shown++) {
		const struct compare_wait *wait = &comparison->waits[shown];

		layout_cell(page, NAME_COLUMNS, false, " %s %s%s", wait_class_name(wait->class),
			    wait->operation, wait->idle ? " (idle)" : "");
		put_shares(page, wait->before.share, wait->after.share);
		put_counts(page, wait->before.count, wait->after.count);
		end_row(page, wait->change);
	}
	put_rest(page, shown, comparison->wait_count, comparison->waits_alike);
}

static void put_locks(struct text_layout *page, const struct comparison *comparison)
{
	size_t shown = 0;

	if (!comparison->lock_count && !comparison->locks_alike)
		return;
	put_heading(page, "locks, waits of recorded time", "waits");
	for (; shown < comparison->lock_count && shown < LOCK_ROWS; shown++) {
		const struct compare_lock *lock = &comparison->locks[shown];
		const char *owner =
			lock->change == COMPARE_GONE ? lock->owner_before : lock->owner_after;

		layout_cell(page, NAME_COLUMNS, false, " %s %s%s%s", wait_class_name(lock->class),
			    *lock->detail ? lock->detail : lock->process, *owner ? ", mostly " : "",
			    owner);
		put_shares(page, lock->before.share, lock->after.share);
		put_counts(page, lock->before.count, lock->after.count);
		end_row(page, lock->change);
	}
	put_rest(page, shown, comparison->lock_count, comparison->locks_alike);
}

static void put_thread_row(struct text_layout *page, const struct compare_thread *thread,
			   const char *what, compare_ppm before, compare_ppm after)
{
	if (!before && !after)
		return;
	if (*thread->process)
		layout_cell(page, NAME_COLUMNS, false, " %s/%s %s", thread->process, thread->comm,
			    what);
	else
		layout_cell(page, NAME_COLUMNS, false, " %s %s", thread->comm, what);
	put_shares(page, before, after);
	put_counts(page, thread->before.threads, thread->after.threads);
	end_row(page, thread->change);
}

/* The row shows the state that differs most. */
static void put_thread(struct text_layout *page, const struct compare_thread *thread)
{
	const struct compare_thread_side *before = &thread->before, *after = &thread->after;

	switch (thread->state) {
	case COMPARE_RUNNING:
		put_thread_row(page, thread, "running", before->running, after->running);
		break;
	case COMPARE_RUNNABLE:
		put_thread_row(page, thread, "runnable", before->runnable, after->runnable);
		break;
	case COMPARE_HURT:
		put_thread_row(page, thread, "blocked", before->hurt, after->hurt);
		break;
	}
}

static void put_threads(struct text_layout *page, const struct comparison *comparison, bool all)
{
	size_t shown = 0;

	put_heading(page, "threads, of recorded time", "threads");
	for (; shown < comparison->thread_count && (all || shown < THREAD_ROWS); shown++)
		put_thread(page, &comparison->threads[shown]);
	put_rest(page, shown, comparison->thread_count, comparison->threads_alike);
}

int report_comparison_text(const struct comparison *comparison,
			   const struct report_options *options, FILE *out)
{
	struct text_layout page;

	layout_start(&page, out, options->width, options->color);
	put_capture(&page, "before", comparison->before);
	put_capture(&page, "after", comparison->after);
	layout_line_end(&page);
	layout_paragraph(&page, text_labelled("VERDICT", STYLE_STRONG), "%s", comparison->verdict);
	put_warnings(&page, comparison);
	for (size_t i = 0; i < comparison->finding_count; i++)
		put_finding(&page, &comparison->findings[i]);
	put_waits(&page, comparison);
	put_locks(&page, comparison);
	put_threads(&page, comparison, options->all_threads);
	return layout_finish(&page);
}
