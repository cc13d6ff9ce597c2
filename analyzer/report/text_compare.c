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

static void capture_line(struct page *page, const char *label, const struct model *model)
{
	const int64_t start_ns = model->capture.start_realtime_ns;
	const int32_t offset_s = model->capture.utc_offset_s;

	page_begin(page);
	page_add(page, "%s: %s", model->capture.path,
		 human_duration(model->capture.duration_ns).text);
	if (start_ns)
		page_add(page, " from %s %s %s", human_date(start_ns, offset_s).text,
			 human_clock(start_ns, offset_s).text, human_zone(offset_s).text);
	if (*model->capture.host)
		page_add(page, " on %s", model->capture.host);
	if (!model->capture.target_count)
		page_add(page, ", the whole host");
	else
		page_add(page, ", %s (%" PRId32 ")", model->capture.target_comm,
			 model->capture.target[0]);
	page_add(page, ", %s threads", human_count(model->capture.target_threads).text);
	page_end(page, text_labelled(label, STYLE_LABEL));
}

static void warnings(struct page *page, const struct comparison *comparison)
{
	const char *label = "beware";

	for (size_t i = 0; i < comparison->warning_count; i++) {
		page_paragraph(page, text_labelled(label, STYLE_WARNING), "%s",
			       comparison->warnings[i]);
		label = NULL;
	}
	page_line_end(page);
}

/* What both findings have to say, one under the other. */
static void finding(struct page *page, const struct compare_finding *row)
{
	const struct paragraph paragraph = { .indent = 3, .hang = 3 };

	page_style(page, STYLE_STRONG);
	page_cell(page, page->width - 12, false, "%s", finding_kind_name(row->kind));
	page_style_end(page);
	page_cell(page, 12, true, "%s", compare_change_name(row->change));
	page_line_end(page);
	if (row->before)
		page_paragraph(page, paragraph, "before: %s", row->before->summary);
	if (row->after)
		page_paragraph(page, paragraph, "after: %s", row->after->summary);
	page_line_end(page);
}

static void heading(struct page *page, const char *name, const char *count)
{
	page_style(page, STYLE_LABEL);
	page_cell(page, NAME_COLUMNS, false, "%s", name);
	page_cell(page, SHARE_COLUMNS, true, "before");
	page_cell(page, SHARE_COLUMNS, true, "after");
	page_cell(page, COUNT_COLUMNS, true, "%s", count);
	page_cell(page, page->width - NAME_COLUMNS - 2 * SHARE_COLUMNS - COUNT_COLUMNS, true, "%s",
		  "");
	page_style_end(page);
	page_line_end(page);
}

static void shares(struct page *page, compare_ppm before, compare_ppm after)
{
	page_cell(page, SHARE_COLUMNS, true, "%s", percent(before).text);
	page_cell(page, SHARE_COLUMNS, true, "%s", percent(after).text);
}

static void change_end(struct page *page, enum compare_change change)
{
	page_cell(page, page->width - NAME_COLUMNS - 2 * SHARE_COLUMNS - COUNT_COLUMNS, true, "%s",
		  compare_change_name(change));
	page_line_end(page);
}

/* How often it was, on both sides. */
static void counts(struct page *page, uint64_t before, uint64_t after)
{
	page_cell(page, COUNT_COLUMNS, true, "%" PRIu64 "/%" PRIu64, before, after);
}

static void rest(struct page *page, size_t shown, size_t count, size_t alike)
{
	const size_t more = count - shown;

	if (more)
		page_paragraph(page, (struct paragraph){ .hang = 1 }, "... %s more differ (--json)",
			       human_count(more).text);
	if (alike)
		page_paragraph(page, (struct paragraph){ .hang = 1 }, "%s%s by no more than noise",
			       human_count(alike).text,
			       !shown	    ? " differ"
			       : alike == 1 ? " more differs"
					    : " more differ");
	page_line_end(page);
}

static void waits(struct page *page, const struct comparison *comparison)
{
	size_t shown = 0;

	heading(page, "waits, of the targets' thread time", "times");
	for (; shown < comparison->wait_count && shown < WAIT_ROWS; shown++) {
		const struct compare_wait *wait = &comparison->waits[shown];

		page_cell(page, NAME_COLUMNS, false, " %s %s%s", wait_class_name(wait->class),
			  wait->operation, wait->idle ? " (idle)" : "");
		shares(page, wait->before.share, wait->after.share);
		counts(page, wait->before.count, wait->after.count);
		change_end(page, wait->change);
	}
	rest(page, shown, comparison->wait_count, comparison->waits_alike);
}

static void locks(struct page *page, const struct comparison *comparison)
{
	size_t shown = 0;

	if (!comparison->lock_count && !comparison->locks_alike)
		return;
	heading(page, "locks, waits of recorded time", "waits");
	for (; shown < comparison->lock_count && shown < LOCK_ROWS; shown++) {
		const struct compare_lock *lock = &comparison->locks[shown];
		const char *owner =
			lock->change == COMPARE_GONE ? lock->owner_before : lock->owner_after;

		page_cell(page, NAME_COLUMNS, false, " %s %s%s%s", wait_class_name(lock->class),
			  *lock->detail ? lock->detail : lock->process, *owner ? ", mostly " : "",
			  owner);
		shares(page, lock->before.share, lock->after.share);
		counts(page, lock->before.count, lock->after.count);
		change_end(page, lock->change);
	}
	rest(page, shown, comparison->lock_count, comparison->locks_alike);
}

static void thread_row(struct page *page, const struct compare_thread *thread, const char *what,
		       compare_ppm before, compare_ppm after)
{
	if (!before && !after)
		return;
	if (*thread->process)
		page_cell(page, NAME_COLUMNS, false, " %s/%s %s", thread->process, thread->comm,
			  what);
	else
		page_cell(page, NAME_COLUMNS, false, " %s %s", thread->comm, what);
	shares(page, before, after);
	counts(page, thread->before.threads, thread->after.threads);
	change_end(page, thread->change);
}

/* Of the three states the one that differs most stands for the thread. */
static void thread(struct page *page, const struct compare_thread *thread)
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

static void threads(struct page *page, const struct comparison *comparison, bool all)
{
	size_t shown = 0;

	heading(page, "threads, of recorded time", "threads");
	for (; shown < comparison->thread_count && (all || shown < THREAD_ROWS); shown++)
		thread(page, &comparison->threads[shown]);
	rest(page, shown, comparison->thread_count, comparison->threads_alike);
}

int render_comparison_text(const struct comparison *comparison, const struct text_options *options,
			   FILE *out)
{
	struct page page;

	page_start(&page, out, options->width, options->color);
	capture_line(&page, "before", comparison->before);
	capture_line(&page, "after", comparison->after);
	page_line_end(&page);
	page_paragraph(&page, text_labelled("VERDICT", STYLE_STRONG), "%s", comparison->verdict);
	warnings(&page, comparison);
	for (size_t i = 0; i < comparison->finding_count; i++)
		finding(&page, &comparison->findings[i]);
	waits(&page, comparison);
	locks(&page, comparison);
	threads(&page, comparison, options->all_threads);
	return page_finish(&page);
}
