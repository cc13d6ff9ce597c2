/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/compare/compare_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_tid(const void *left, const void *right)
{
	const struct model_thread *const *a = left, *const *b = right;

	return ((*a)->tid > (*b)->tid) - ((*a)->tid < (*b)->tid);
}

int compare_names_make(struct compare_names *names, const struct model *model)
{
	*names = (struct compare_names){ .leaders = calloc(model->thread_count + 1,
							   sizeof(*names->leaders)) };
	if (!names->leaders)
		return -ENOMEM;
	for (size_t i = 0; i < model->thread_count; i++)
		if (model->threads[i].tid == model->threads[i].tgid)
			names->leaders[names->count++] = &model->threads[i];
	qsort(names->leaders, names->count, sizeof(*names->leaders), by_tid);
	return 0;
}

void compare_names_free(struct compare_names *names)
{
	free(names->leaders);
	*names = (struct compare_names){ 0 };
}

const char *compare_lasting(const char *comm)
{
	return strncmp(comm, "kworker", 7) ? comm : "kworker";
}

const char *compare_name_of(const struct compare_names *names, int32_t tgid)
{
	const struct model_thread wanted = { .tid = tgid }, *key = &wanted;
	const struct model_thread *const *found =
		bsearch(&key, names->leaders, names->count, sizeof(*names->leaders), by_tid);

	return found ? compare_lasting((*found)->comm) : "";
}
