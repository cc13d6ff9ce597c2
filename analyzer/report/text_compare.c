/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two captures side by side, for a person: the verdict, what limits it, then
 * what differs, the most first.
 */
#include <inttypes.h>

#include "analyzer/compare/compare.h"
#include "analyzer/report/report.h"
#include "analyzer/report/text_parts.h"

#define WAIT_ROWS     10
#define LOCK_ROWS     5
#define THREAD_ROWS   8
#define NAME_COLUMNS  38
#define SHARE_COLUMNS 10
#define COUNT_COLUMNS 11

/* Of thread time, or of the recording's: "0.13 %", "12.5 %", "310 %". */
static struct human percent(compare_ppm share)
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

static void capture_line(struct text_layout *page, const char *label, const struct model *model)
{
	const int64_t start_ns = model->capture.start_realtime_ns;
	const int32_t offset_s = model->capture.utc_offset_s;

	layout_begin(page);
	layout_add(page, "%s: %s", model->capture.path,
		   human_duration(model->capture.duration_ns).text);
	if (start_ns)
		layout_add(page, " from %s %s %s", human_date(start_ns, offset_s).text,
			   human_clock(start_ns, offset_s).text, human_zone(offset_s).text);
	if (*model->capture.host)
		layout_add(page, " on %s", model->capture.host);
	if (!model->capture.target_count)
		layout_add(page, ", the whole host");
	else
		layout_add(page, ", %s (%" PRId32 ")", model->capture.target_comm,
			   model->capture.target[0]);
	layout_add(page, ", %s threads", human_count(model->capture.target_threads).text);
	layout_end(page, text_labelled(label, STYLE_LABEL));
}

static void warnings(struct text_layout *page, const struct comparison *comparison)
{
	const char *label = "beware";

	for (size_t i = 0; i < comparison->warning_count; i++) {
		layout_paragraph(page, text_labelled(label, STYLE_WARNING), "%s",
				 comparison->warnings[i]);
		label = NULL;
	}
	layout_line_end(page);
}

/* What both findings have to say, one under the other. */
static void finding(struct text_layout *page, const struct compare_finding *row)
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

static void heading(struct text_layout *page, const char *name, const char *count)
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

static void shares(struct text_layout *page, compare_ppm before, compare_ppm after)
{
	layout_cell(page, SHARE_COLUMNS, true, "%s", percent(before).text);
	layout_cell(page, SHARE_COLUMNS, true, "%s", percent(after).text);
}

static void change_end(struct text_layout *page, enum compare_change change)
{
	layout_cell(page, page->width - NAME_COLUMNS - 2 * SHARE_COLUMNS - COUNT_COLUMNS, true,
		    "%s", compare_change_name(change));
	layout_line_end(page);
}

/* How often it was, on both sides. */
static void counts(struct text_layout *page, uint64_t before, uint64_t after)
{
	layout_cell(page, COUNT_COLUMNS, true, "%" PRIu64 "/%" PRIu64, before, after);
}

static void rest(struct text_layout *page, size_t shown, size_t count, size_t alike)
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

static void waits(struct text_layout *page, const struct comparison *comparison)
{
	size_t shown = 0;

	heading(page, "waits, of the targets' thread time", "times");
	for (; shown < comparison->wait_count && shown < WAIT_ROWS; shown++) {
		const struct compare_wait *wait = &comparison->waits[shown];

		layout_cell(page, NAME_COLUMNS, false, " %s %s%s", wait_class_name(wait->class),
			    wait->operation, wait->idle ? " (idle)" : "");
		shares(page, wait->before.share, wait->after.share);
		counts(page, wait->before.count, wait->after.count);
		change_end(page, wait->change);
	}
	rest(page, shown, comparison->wait_count, comparison->waits_alike);
}

static void locks(struct text_layout *page, const struct comparison *comparison)
{
	size_t shown = 0;

	if (!comparison->lock_count && !comparison->locks_alike)
		return;
	heading(page, "locks, waits of recorded time", "waits");
	for (; shown < comparison->lock_count && shown < LOCK_ROWS; shown++) {
		const struct compare_lock *lock = &comparison->locks[shown];
		const char *owner =
			lock->change == COMPARE_GONE ? lock->owner_before : lock->owner_after;

		layout_cell(page, NAME_COLUMNS, false, " %s %s%s%s", wait_class_name(lock->class),
			    *lock->detail ? lock->detail : lock->process, *owner ? ", mostly " : "",
			    owner);
		shares(page, lock->before.share, lock->after.share);
		counts(page, lock->before.count, lock->after.count);
		change_end(page, lock->change);
	}
	rest(page, shown, comparison->lock_count, comparison->locks_alike);
}

static void thread_row(struct text_layout *page, const struct compare_thread *thread,
		       const char *what, compare_ppm before, compare_ppm after)
{
	if (!before && !after)
		return;
	if (*thread->process)
		layout_cell(page, NAME_COLUMNS, false, " %s/%s %s", thread->process, thread->comm,
			    what);
	else
		layout_cell(page, NAME_COLUMNS, false, " %s %s", thread->comm, what);
	shares(page, before, after);
	counts(page, thread->before.threads, thread->after.threads);
	change_end(page, thread->change);
}

/* Of the three states the one that differs most stands for the thread. */
static void thread(struct text_layout *page, const struct compare_thread *thread)
{
	const struct compare_thread_side *before = &thread->before, *after = &thread->after;

	switch (thread->state) {
	case THREAD_RUNNING:
		thread_row(page, thread, "running", before->running, after->running);
		break;
	case THREAD_RUNNABLE:
		thread_row(page, thread, "runnable", before->runnable, after->runnable);
		break;
	default:
		thread_row(page, thread, "blocked", before->hurt, after->hurt);
		break;
	}
}

static void threads(struct text_layout *page, const struct comparison *comparison, bool all)
{
	size_t shown = 0;

	heading(page, "threads, of recorded time", "threads");
	for (; shown < comparison->thread_count && (all || shown < THREAD_ROWS); shown++)
		thread(page, &comparison->threads[shown]);
	rest(page, shown, comparison->thread_count, comparison->threads_alike);
}

int report_comparison_text(const struct comparison *comparison, const struct text_options *options,
			   FILE *out)
{
	struct text_layout page;

	layout_start(&page, out, options->width, options->color);
	capture_line(&page, "before", comparison->before);
	capture_line(&page, "after", comparison->after);
	layout_line_end(&page);
	layout_paragraph(&page, text_labelled("VERDICT", STYLE_STRONG), "%s", comparison->verdict);
	warnings(&page, comparison);
	for (size_t i = 0; i < comparison->finding_count; i++)
		finding(&page, &comparison->findings[i]);
	waits(&page, comparison);
	locks(&page, comparison);
	threads(&page, comparison, options->all_threads);
	return layout_finish(&page);
}
