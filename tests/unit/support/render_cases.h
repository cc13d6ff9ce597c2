/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models made by hand, one for each kind of report a person can get.
 */
#ifndef TESTS_UNIT_SUPPORT_RENDER_CASES_H
#define TESTS_UNIT_SUPPORT_RENDER_CASES_H

#include "analyzer/model.h"

struct render_case {
	const char *name; /* of its files in tests/golden/ */
	const struct model *model;
	bool all_threads;
};

extern const struct render_case render_cases[];
extern const size_t render_case_count;

#endif
