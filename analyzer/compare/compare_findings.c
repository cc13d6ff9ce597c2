/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/compare/compare_table.h"

#include <string.h>

static int finding_by_key(const void *left, const void *right)
{
	const struct compare_finding *a = left, *b = right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->culprit, b->culprit);
}

static uint64_t lost_ns(const struct model_finding *finding)
{
	return finding ? finding->blocked_ns : 0;
}

/* Of several alike in one capture the one that cost most. */
static void finding_add(void *row, const void *other)
{
	struct compare_finding *finding = row;
	const struct compare_finding *more = other;

	if (!finding->before || lost_ns(more->before) > lost_ns(finding->before))
		finding->before = more->before ? more->before : finding->before;
	if (!finding->after || lost_ns(more->after) > lost_ns(finding->after))
		finding->after = more->after ? more->after : finding->after;
}

static uint64_t finding_difference(const struct compare_finding *finding)
{
	return compare_difference(lost_ns(finding->before), lost_ns(finding->after));
}

static int finding_by_difference(const void *left, const void *right)
{
	const struct compare_finding *a = left, *b = right;
	uint64_t a_ns = finding_difference(a), b_ns = finding_difference(b);

	if (a_ns != b_ns)
		return a_ns < b_ns ? 1 : -1;
	return finding_by_key(left, right);
}

static int findings_take(void *into, size_t *count, const struct model *model, bool after)
{
	struct compare_finding *rows = into;

	for (size_t i = 0; i < model->finding_count; i++) {
		const struct model_finding *finding = &model->findings[i];

		if (finding->kind == FINDING_NO_STALL)
			continue;
		rows[(*count)++] = (struct compare_finding){
			.kind = finding->kind,
			.culprit = finding->has_culprit ? finding->culprit.comm : "",
			.before = after ? NULL : finding,
			.after = after ? finding : NULL,
		};
	}
	return 0;
}

/* All stay in the list, also what did not change; SAME is told by the field alone. */
static enum compare_change finding_change(void *row)
{
	struct compare_finding *finding = row;

	finding->change = !finding->before  ? COMPARE_NEW
			  : !finding->after ? COMPARE_GONE
					    : compare_change_of(lost_ns(finding->before),
								lost_ns(finding->after), 1);
	return COMPARE_NEW;
}

int compare_findings(struct comparison *comparison)
{
	struct compare_table table = { .row_bytes = sizeof(struct compare_finding),
				       .take = findings_take,
				       .by_key = finding_by_key,
				       .add = finding_add,
				       .change = finding_change,
				       .by_difference = finding_by_difference };
	int r = compare_table_make(&table, comparison,
				   comparison->before->finding_count + comparison->after->finding_count);

	if (r)
		return r;
	comparison->findings = table.rows;
	comparison->finding_count = table.count;
	return 0;
}
