/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/detect/resource_wait.h"

#include <inttypes.h>
#include <stdio.h>

#include "analyzer/detect/finding.h"
#include "analyzer/detect/thresholds.h"

/* ", in fsync" or ", in fsync and write": what made up a tenth of the time or more. */
static void print_operations(const struct resource_wait *resource, char *text, size_t text_bytes)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < RESOURCE_TOP && used < text_bytes; i++) {
		const struct resource_operation *operation = &resource->operations[i];

		if (!operation->text || !*operation->text ||
		    operation->ns * 100 < resource->blocked_ns * RESOURCE_TOLD_PERCENT)
			continue;
		used += (size_t)snprintf(text + used, text_bytes - used, "%s%.60s",
					 used ? " and " : ", in ", operation->text);
	}
}

/* "io.writeback 5.20 s, io.journal 800 ms", where there is more than one. */
static void tell_classes(const struct resource_wait *resource, struct model_finding *finding)
{
	char text[256] = "";
	size_t used = 0, classes = 0;

	for (enum wait_class class = 0; class < WAIT_CLASSES && used < sizeof(text); class ++) {
		if (resource->class_ns[class] * 100 <
			    resource->blocked_ns * RESOURCE_CLASS_PERCENT ||
		    !resource->class_ns[class])
			continue;
		classes++;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s",
					 used ? ", " : "", wait_class_name(class),
					 human_duration(resource->class_ns[class]).text);
	}
	if (classes > 1)
		finding_evidence(finding, "by class: %s", text);
}

/* Who ended the waits: the journal's thread, a writer of the kernel's, the device itself. */
static void tell_wakers(const struct resource_wait *resource, struct model_finding *finding)
{
	char text[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < RESOURCE_TOP && used < sizeof(text); i++) {
		const struct resource_waker *waker = &resource->wakers[i];

		if (!waker->thread ||
		    waker->ns * 100 < resource->blocked_ns * RESOURCE_TOLD_PERCENT)
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%sthread %" PRId32 " (%.15s) %s", used ? ", " : "",
					 waker->thread->tid, waker->thread->comm,
					 human_share(waker->ns, resource->blocked_ns).text);
	}
	if (resource->interrupt_ns * 100 >= resource->blocked_ns * RESOURCE_TOLD_PERCENT &&
	    used < sizeof(text))
		used += (size_t)snprintf(
			text + used, sizeof(text) - used,
			"%sinterrupts, as of a device or a timer, %s", used ? ", " : "",
			human_share(resource->interrupt_ns, resource->blocked_ns).text);
	if (used)
		finding_evidence(finding, "who ended the waits: %s", text);
}

static void tell_did(const struct detect_context *in, const struct resource_wait *resource,
		     struct model_finding *finding, char *text, size_t text_bytes)
{
	const struct resource_waker *answerer = &resource->wakers[0];

	resource_did_text(in, &resource->did, answerer->until_ns - answerer->since_ns, finding, text,
			  text_bytes);
}

static void tell_answerer(const struct detect_context *in, const struct resource_wait *resource,
			  struct model_finding *finding)
{
	const struct resource_waker *answerer = &resource->wakers[0];
	const struct span_summary *did = &resource->did;
	struct model_culprit *culprit = finding_culprit(
		in, answerer->thread, answerer->since_ns, answerer->until_ns, did->state_ns,
		did->stack_id != STACK_NONE ? did->stack_id : answerer->stack_id, finding);
	char text[160];

	culprit->samples = did->samples;
	culprit->samples_in_stack = did->samples_under;
	tell_did(in, resource, finding, text, sizeof(text));
	finding_evidence(finding,
			 "thread %" PRId32 " (%s) ended the waits (%s); while it was longest "
			 "waited for it %s",
			 answerer->thread->tid, answerer->thread->comm,
			 resource->words->answerer ? resource->words->answerer : "who answered", text);
}

/* Who answered late, as a clause of the summary. */
static void print_answerer(const struct detect_context *in, const struct resource_wait *resource,
			   struct model_finding *finding, char *text, size_t text_bytes)
{
	const struct thread *thread = resource->wakers[0].thread;
	char did[160];

	*text = '\0';
	if (!resource->answered) {
		if (wait_direction_answered(resource->longest->direction))
			resource_object_print_peer(in, &resource->object, finding, text,
						   text_bytes);
		return;
	}
	tell_did(in, resource, finding, did, sizeof(did));
	snprintf(text, text_bytes, " It was for process %" PRId32 " (%s), %s, which %s.",
		 thread->tgid, thread->comm,
		 resource->words->answerer ? resource->words->answerer : "which answered", did);
}

/* Where a process should have answered, the answer is not whole without it. */
void resource_wait_report(const struct detect_context *in, const void *found,
			  struct model_finding *finding)
{
	const struct resource_wait *resource = found;
	bool unanswered = wait_direction_answered(resource->longest->direction) &&
			  resource->longest->class != WAIT_IO_NETWORK_FS && !resource->answered;
	char operations[256], answerer[320];

	finding->kind = resource->kind;
	finding->grade =
		in->model->coverage.gap_count || unanswered ? GRADE_PLAUSIBLE : GRADE_STRONG;
	finding_victims(in, resource->victims, resource->victim_count, finding);
	print_operations(resource, operations, sizeof(operations));
	print_answerer(in, resource, finding, answerer, sizeof(answerer));
	finding_text(&finding->summary,
		     "%zu thread%s waited %s for %s%s%s, the longest %s at a time.%s",
		     finding->victim_count, finding_plural(finding->victim_count),
		     human_duration(finding->blocked_ns).text, resource->words->wanted, operations,
		     resource_object_clause(&resource->object).text,
		     human_duration(resource->longest->blocked_ns).text, answerer);
	finding_longest_wait(in, resource->longest, finding);
	tell_classes(resource, finding);
	tell_wakers(resource, finding);
	resource_object_tell(&resource->object, finding);
	if (resource->answered)
		tell_answerer(in, resource, finding);
	else if (unanswered && resource->object.peer)
		resource_object_blame(in, &resource->object, finding);
	finding_text(&finding->advice, "%s", resource->words->advice);
}

