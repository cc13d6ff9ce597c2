/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/compare/compare.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/compare/compare_private.h"

const char *compare_change_name(enum compare_change change)
{
	static const char *const names[COMPARE_CHANGES] = {
		[COMPARE_NEW] = "new",	 [COMPARE_GREW] = "grew", [COMPARE_SHRANK] = "shrank",
		[COMPARE_GONE] = "gone", [COMPARE_SAME] = "same",
	};

	return names[change];
}

int compare_run(const struct model *before, const struct model *after,
		struct comparison **ret_comparison)
{
	struct comparison *comparison = calloc(1, sizeof(*comparison));
	int r;

	if (!comparison)
		return -ENOMEM;
	comparison->before = before;
	comparison->after = after;
	r = compare_rows_make(comparison);
	if (!r)
		r = compare_verdict_warn(comparison);
	if (!r)
		r = compare_verdict_write(comparison);
	if (r)
		goto out;
	*ret_comparison = comparison;
	comparison = NULL;
out:
	comparison_free(comparison);
	return r;
}

void comparison_free(struct comparison *comparison)
{
	if (!comparison)
		return;
	for (size_t i = 0; i < comparison->warning_count; i++)
		free(comparison->warnings[i]);
	free(comparison->warnings);
	free(comparison->verdict);
	free(comparison->findings);
	free(comparison->waits);
	free(comparison->locks);
	free(comparison->threads);
	free(comparison);
}
