/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/detect/finding.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct model_finding *finding_append(struct model *model, enum finding_kind kind)
{
	struct model_finding *findings =
		reallocarray(model->findings, model->finding_count + 1, sizeof(*findings));

	if (!findings)
		return NULL;
	model->findings = findings;
	findings[model->finding_count] = (struct model_finding){ .kind = kind };
	return &findings[model->finding_count++];
}

int finding_text(char **text, const char *format, ...)
{
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = vasprintf(text, format, arguments);
	va_end(arguments);
	if (r < 0)
		*text = NULL;
	return r < 0 ? -ENOMEM : 0;
}

int finding_evidence(struct model_finding *finding, const char *format, ...)
{
	char **evidence =
		reallocarray(finding->evidence, finding->evidence_count + 1, sizeof(*evidence));
	va_list arguments;
	int r;

	if (!evidence)
		return -ENOMEM;
	finding->evidence = evidence;
	va_start(arguments, format);
	r = vasprintf(&evidence[finding->evidence_count], format, arguments);
	va_end(arguments);
	if (r < 0)
		return -ENOMEM;
	finding->evidence_count++;
	return 0;
}

int finding_victims(struct model_finding *finding, const struct victim *victims, size_t count,
		    uint64_t start_ns)
{
	finding->victims = calloc(count + 1, sizeof(*finding->victims));
	finding->victims_since_ns = calloc(count + 1, sizeof(*finding->victims_since_ns));
	if (!finding->victims || !finding->victims_since_ns)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		finding->victims[i] = victims[i].thread->tid;
		finding->victims_since_ns[i] = victims[i].since_ns - start_ns;
		finding->blocked_ns += victims[i].blocked_ns;
	}
	finding->victim_count = count;
	return 0;
}

#define WHOSE_TOLD 3u

int finding_whose(struct model_finding *finding, const struct threads *threads)
{
	char text[WHOSE_TOLD][80] = { "" };
	size_t told = finding->victim_count < WHOSE_TOLD ? finding->victim_count : WHOSE_TOLD;
	char more[40] = "";

	for (size_t i = 0; i < told; i++) {
		const struct thread *thread = threads_find(threads, finding->victims[i]);
		const struct thread *leader = thread ? threads_find(threads, thread->tgid) : NULL;

		if (thread && leader && leader != thread)
			snprintf(text[i], sizeof(text[i]),
				 "%s%" PRId32 " (%.15s of %" PRId32 " %.15s)", i ? ", " : "",
				 thread->tid, thread->comm, leader->tid, leader->comm);
		else
			snprintf(text[i], sizeof(text[i]), "%s%" PRId32 " (%.15s)", i ? ", " : "",
				 finding->victims[i], thread ? thread->comm : "?");
	}
	if (!told)
		return 0;
	if (finding->victim_count > told)
		snprintf(more, sizeof(more), " and %zu more", finding->victim_count - told);
	return finding_evidence(finding, "it is the time of %s%s%s%s", text[0], text[1], text[2],
				more);
}

int finding_profile(struct model_finding *finding, const struct cpu_profile *profile)
{
	const struct cpu_profile_place *top = profile->top;
	char rest[2][200] = { "", "" };

	if (!profile->samples || !profile->top_count)
		return 0;
	for (size_t i = 1; i < profile->top_count; i++)
		snprintf(rest[i - 1], sizeof(rest[i - 1]), ", %.120s %s", top[i].name,
			 human_share(top[i].samples, profile->samples).text);
	return finding_evidence(
		finding,
		"%s of %" PRIu32
		" CPU samples of it are in user space; innermost functions: %.120s %s%s%s",
		human_share(profile->samples - profile->kernel_samples, profile->samples).text,
		profile->samples, top[0].name, human_share(top[0].samples, profile->samples).text,
		rest[0], rest[1]);
}

struct model_stack finding_stack(const struct stack_table *stacks, uint32_t stack_id, bool kernel)
{
	const struct frame *frames = NULL;
	size_t count = stack_table_frames(stacks, stack_id, &frames), kernel_count = 0;

	while (kernel_count < count && frames[kernel_count].kernel)
		kernel_count++;
	if (kernel)
		return (struct model_stack){ kernel_count ? frames : NULL, kernel_count };
	count -= kernel_count;
	return (struct model_stack){ count ? frames + kernel_count : NULL, count };
}
