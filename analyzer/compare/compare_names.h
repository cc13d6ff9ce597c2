/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What processes are called: ids do not last from one run to the next, names do.
 */
#ifndef ANALYZER_COMPARE_COMPARE_NAMES_H
#define ANALYZER_COMPARE_COMPARE_NAMES_H

#include "analyzer/model.h"

struct compare_names {
	const struct model_thread **leaders;	/* borrowed from the model; by tid */
	size_t count;
};

/* Return: 0 or -ENOMEM; compare_names_free() in each case. */
int compare_names_make(struct compare_names *names, const struct model *model);
void compare_names_free(struct compare_names *names);

/* The name of the main thread; "" where it is not known. Borrowed from the model. */
const char *compare_name_of(const struct compare_names *names, int32_t tgid);

/* What lasts of a comm: workers of the kernel are named by where they are and what they did last. */
const char *compare_lasting(const char *comm);

#endif
