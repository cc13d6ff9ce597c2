/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/util/grade.h"

const char *grade_name(enum grade grade)
{
	static const char *const names[] = {
		[GRADE_UNKNOWN] = "unknown",
		[GRADE_PLAUSIBLE] = "plausible",
		[GRADE_STRONG] = "strong",
		[GRADE_EXACT] = "exact",
	};

	return names[grade];
}
