/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/target.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Tgids joined by commas; anything else ends the list. */
static int parse_tgids(struct target *target, const char *text)
{
	for (;;) {
		char *end;
		long tgid = strtol(text, &end, 10);
		int32_t *tgids;

		if (end == text || tgid <= 0 || tgid > INT_MAX)
			return 0;
		tgids = reallocarray(target->tgids, target->count + 1, sizeof(*tgids));
		if (!tgids)
			return -ENOMEM;
		target->tgids = tgids;
		tgids[target->count++] = (int32_t)tgid;
		if (*end != ',')
			return 0;
		text = end + 1;
	}
}

int target_choose(struct target *target, const struct ft_facts *facts, const int32_t *tgids,
		  size_t count)
{
	const char *recorded = ft_facts_get(facts, FT_FACT_TARGET);

	*target = (struct target){
		.recorder_tgid = (int32_t)ft_facts_number(facts, FT_FACT_RECORDER_TGID, 0),
	};
	if (!count)
		return recorded ? parse_tgids(target, recorded) : 0;
	target->tgids = calloc(count, sizeof(*tgids));
	if (!target->tgids)
		return -ENOMEM;
	memcpy(target->tgids, tgids, count * sizeof(*tgids));
	target->count = count;
	return 0;
}

void target_free(struct target *target)
{
	free(target->tgids);
	*target = (struct target){ 0 };
}

bool target_counts(void *context, const struct thread *thread)
{
	const struct target *target = context;

	if (thread->idle_task)
		return false;
	for (size_t i = 0; i < target->count; i++)
		if (target->tgids[i] == thread->tgid)
			return true;
	if (target->count)
		return false;
	return !target->recorder_tgid || thread->tgid != target->recorder_tgid;
}
