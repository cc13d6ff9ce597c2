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

int finding_status(const struct model_finding *finding)
{
	return finding->incomplete || !finding->summary || !finding->advice ? -ENOMEM : 0;
}

void finding_text(char **text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(text, format, arguments) < 0)
		*text = NULL;
	va_end(arguments);
}

bool finding_add_line(char ***lines, size_t *count, const char *format, va_list arguments)
{
	char **grown = reallocarray(*lines, *count + 1, sizeof(*grown));

	if (!grown)
		return false;
	*lines = grown;
	if (vasprintf(&grown[*count], format, arguments) < 0)
		return false;
	++*count;
	return true;
}

void finding_evidence(struct model_finding *finding, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (!finding_add_line(&finding->evidence, &finding->evidence_count, format, arguments))
		finding->incomplete = true;
	va_end(arguments);
}

void finding_victims(const struct detect_context *in, const struct victim *victims, size_t count,
		     struct model_finding *finding)
{
	finding->victims = calloc(count + 1, sizeof(*finding->victims));
	finding->victims_since_ns = calloc(count + 1, sizeof(*finding->victims_since_ns));
	finding->incomplete |= !finding->victims || !finding->victims_since_ns;
	for (size_t i = 0; i < count && !finding->incomplete; i++) {
		finding->victims[i] = victims[i].thread->tid;
		finding->victims_since_ns[i] = victims[i].since_ns - in->start_ns;
		finding->blocked_ns += victims[i].blocked_ns;
		finding->victim_count++;
	}
}

const char *finding_plural(size_t count)
{
	return count == 1 ? "" : "s";
}

const char *finding_operation(const struct detect_context *in, uint32_t stack_id,
			      struct model_finding *finding)
{
	const struct stack_info *info = stack_infos_get(in->stack_infos, stack_id);

	finding->incomplete |= !info;
	return info ? info->operation : "";
}

void finding_longest_wait(const struct detect_context *in, const struct long_wait *longest,
			  struct model_finding *finding)
{
	const char *operation = finding_operation(in, longest->stack_id, finding);
	bool woken =
		wait_class_cpu(longest->class) &&
		!(longest->flags & INTERVAL_PREEMPTED);

	finding_evidence(finding,
			 "thread %" PRId32 " (%s) waited longest%s%s; its wait is of class %s",
			 longest->thread->tid, longest->thread->comm,
			 !*operation ? ""
			 : woken     ? ", after "
				     : ", in ",
			 operation, wait_class_name(longest->class));
}

struct model_culprit *finding_culprit(const struct detect_context *in, const struct thread *thread,
				      uint64_t start_ns, uint64_t end_ns, const uint64_t *state_ns,
				      uint32_t stack_id, struct model_finding *finding)
{
	static const uint64_t none[THREAD_STATES];

	state_ns = state_ns ? state_ns : none;
	finding->has_culprit = true;
	finding->culprit = (struct model_culprit){
		.tid = thread->tid,
		.tgid = thread->tgid,
		.comm = thread->comm,
		.hold_start_ns = detect_since_start(in, start_ns),
		.hold_ns = end_ns - start_ns,
		.running_ns = state_ns[THREAD_RUNNING],
		.runnable_ns = state_ns[THREAD_RUNNABLE],
		.blocked_ns = state_ns[THREAD_BLOCKED],
		.stack = finding_stack(in->stacks, stack_id, true),
		.user_stack = finding_stack(in->stacks, stack_id, false),
	};
	return &finding->culprit;
}

#define WHOSE_TOLD 3u

void finding_whose(struct model_finding *finding, const struct threads *threads)
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
		return;
	if (finding->victim_count > told)
		snprintf(more, sizeof(more), " and %zu more", finding->victim_count - told);
	finding_evidence(finding, "it is the time of %s%s%s%s", text[0], text[1], text[2], more);
}

void finding_profile(struct model_finding *finding, const struct cpu_profile *profile)
{
	const struct cpu_profile_place *top = profile->top;
	char rest[2][200] = { "", "" };

	if (!profile->samples || !profile->top_count)
		return;
	for (size_t i = 1; i < profile->top_count; i++)
		snprintf(rest[i - 1], sizeof(rest[i - 1]), ", %.120s %s", top[i].name,
			 human_share(top[i].samples, profile->samples).text);
	finding_evidence(
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
