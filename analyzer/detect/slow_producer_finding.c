/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/detect/slow_producer.h"

#include <inttypes.h>
#include <stdio.h>

#include "analyzer/detect/finding.h"
#include "analyzer/detect/thresholds.h"
#include "analyzer/util/span.h"

static enum grade grade_producer(const struct slow_producer *producer, const struct model *model)
{
	const struct producer_wait *longest = &producer->longest;

	if (model->coverage.gap_count || !longest->links || producer->doubtful)
		return GRADE_PLAUSIBLE;
	if (producer->did == PRODUCER_ENDED)
		return GRADE_STRONG;
	if (producer->did == PRODUCER_SLEPT)
		return GRADE_PLAUSIBLE;
	if (producer->request_class == WAIT_UNKNOWN &&
	    (longest->class == WAIT_POLL || longest->class == WAIT_NET_SOCKET))
		return GRADE_PLAUSIBLE;
	if (longest->early || longest->before.count < PRODUCER_STRONG_WAITS ||
	    (longest->links == 1 &&
	     longest->produced * 100 < longest->wakeups * PRODUCER_STRONG_PERCENT))
		return GRADE_PLAUSIBLE;
	return GRADE_STRONG;
}

struct activity {
	char text[192];
};

/* Without a CPU it did not run, though it did not wait for work either. */
static void ran_text(const struct slow_producer *producer, struct activity *text)
{
	uint64_t running_ns = producer->state_ns[THREAD_RUNNING];
	uint64_t runnable_ns = producer->state_ns[THREAD_RUNNABLE];

	if (share_above(runnable_ns, running_ns, PRODUCER_QUEUED_PERCENT))
		snprintf(text->text, sizeof(text->text),
			 "did not pause: it ran %s, and wanted a CPU for another %s",
			 human_duration(running_ns).text, human_duration(runnable_ns).text);
	else
		snprintf(text->text, sizeof(text->text), "ran %s without a pause",
			 human_duration(producer->run_ns).text);
}

/* "ran 1.50 s without a pause": what it did while it was waited for. */
static struct activity activity_text(const struct slow_producer *producer)
{
	struct activity text;

	switch (producer->did) {
	case PRODUCER_ENDED:
		snprintf(text.text, sizeof(text.text), "was ending, and did nothing else");
		break;
	case PRODUCER_SLEPT:
		snprintf(text.text, sizeof(text.text), "slept, %s at a time",
			 human_duration(producer->blocked_ns).text);
		break;
	case PRODUCER_WAITED:
		snprintf(text.text, sizeof(text.text), "waited itself (%s)",
			 wait_class_name(producer->blocked_class));
		break;
	default:
		if (producer->state_ns[THREAD_RUNNABLE] > producer->state_ns[THREAD_RUNNING])
			snprintf(text.text, sizeof(text.text), "wanted a CPU and ran %s",
				 human_duration(producer->state_ns[THREAD_RUNNING]).text);
		else
			ran_text(producer, &text);
	}
	return text;
}

/* The wait, and what such waits were like before. */
static void tell_wait(const struct detect_context *context, const struct slow_producer *producer,
		      struct model_finding *finding)
{
	const struct producer_wait *wait = &producer->longest;
	const char *operation = finding_operation(context, wait->stack_id, finding);
	struct human length = human_duration(wait->end_ns - wait->start_ns);

	finding_evidence(finding, "thread %" PRId32 " (%s) waited longest, %s%s%s (%s)%s",
			 wait->thread->tid, wait->thread->comm, length.text,
			 *operation ? " in " : "", operation, wait_class_name(wait->class),
			 wait->flags & INTERVAL_STILL_OPEN ? ", and still does" : "");
	if (!wait->before.count || wait->class == WAIT_IO_FUSE)
		return;
	finding_evidence(finding,
			 "its %s waits there %s took at most %s, the median one at most %s",
			 human_count(wait->before.count).text,
			 wait->early ? "afterwards" : "before",
			 human_duration(wait->before.longest_ns).text,
			 human_duration(wait->before.median_ns).text);
}

static void tell_wakeups(const struct slow_producer *producer, struct model_finding *finding)
{
	const struct producer_wait *wait = &producer->longest;
	const struct thread *thread = producer->thread;
	char share[192] = "";

	if (wait->produced)
		snprintf(share, sizeof(share),
			 "; it ended %s of the %s such waits %s whose end was seen",
			 human_count(wait->produced).text, human_count(wait->wakeups).text,
			 wait->early ? "afterwards" : "before");
	if (!wait->links)
		finding_evidence(finding, "%" PRId32 " (%s) is who usually wakes it%s", thread->tid,
				 thread->comm, share);
	else if (wait->links == 1)
		finding_evidence(finding, "%" PRId32 " (%s) woke it%s", thread->tid, thread->comm,
				 share);
	else
		finding_evidence(
			finding,
			"who woke it had waited likewise; at the head of that chain of %" PRIu32
			" wake-ups is %" PRId32 " (%s)%s",
			wait->links, thread->tid, thread->comm, share);
}

static void tell_run(const struct slow_producer *producer, struct model_finding *finding)
{
	if (producer->did != PRODUCER_RAN || !producer->usual_wakeups)
		return;
	finding_evidence(
		finding,
		"at other times it never ran for more than %s without waiting for work, and woke "
		"other threads %s times in %s; now %s times in %s",
		human_duration(producer->usual_run_ns).text,
		human_count(producer->usual_wakeups).text,
		human_duration(producer->usual_span_ns).text, human_count(producer->wakeups).text,
		human_duration(producer->longest.end_ns - producer->longest.start_ns).text);
}

static void tell_sleep(const struct slow_producer *producer, struct model_finding *finding)
{
	if (producer->did != PRODUCER_SLEPT)
		return;
	finding_evidence(finding,
			 "it slept at no other time in the recording; the one that waited sleeps "
			 "between what it asks for, %s times, so it is the one that asks",
			 human_count(producer->victim_sleeps).text);
}

static void fill_evidence(const struct detect_context *context,
			  const struct slow_producer *producer, struct model_finding *finding)
{
	tell_wait(context, producer, finding);

	tell_wakeups(producer, finding);
	tell_run(producer, finding);
	tell_sleep(producer, finding);
	finding_profile(finding, &producer->profile);
}

static const char *choose_advice(const struct slow_producer *producer)
{
	if (producer->did == PRODUCER_ENDED)
		return "Freeing its memory takes that long: let the process give it back before, "
		       "in parts, or wait for its end in a thread that nobody waits for.";
	if (producer->did == PRODUCER_SLEPT)
		return "Find why it sleeps when it is asked: a retry, a rate limit, a wait for "
		       "something that could be waited for.";
	if (producer->did == PRODUCER_WAITED)
		return "Look at what it waited for, or let it do that in a thread that nobody "
		       "waits for.";
	if (producer->request_class != WAIT_UNKNOWN)
		return "Find the request that takes so long; the profile shows the code. Do it in "
		       "slices, or in a thread that nobody waits for.";
	return "Find what it does instead of feeding them; the profile shows the code. Do it in "
	       "slices, in another thread, or keep a larger stock in between.";
}

void slow_producer_report(const struct detect_context *in, const void *found,
			  struct model_finding *finding)
{
	const struct slow_producer *producer = found;
	const struct cpu_profile *profile = &producer->profile;
	const uint64_t *state_ns = producer->state_ns;
	bool slept = state_ns[THREAD_BLOCKED] > state_ns[THREAD_RUNNING] && producer->blocked_ns;
	bool answers = producer->request_class != WAIT_UNKNOWN;
	struct model_culprit *culprit =
		finding_culprit(in, producer->thread, producer->longest.start_ns,
				producer->longest.end_ns, state_ns,
				slept ? producer->blocked_stack_id : profile->stack_id, finding);

	culprit->samples = profile->samples;
	culprit->samples_in_stack = profile->top_count ? profile->top[0].samples : 0;
	finding->kind = answers && producer->did == PRODUCER_RAN ? FINDING_BUSY_THREAD
								 : FINDING_SLOW_PRODUCER;
	finding->grade = grade_producer(producer, in->model);
	finding_victims(in, producer->victims, producer->victim_count, finding);
	finding_text(&finding->summary,
		     "%zu thread%s waited %s for thread %" PRId32 " (%s)%s; meanwhile it %s.",
		     producer->victim_count, finding_plural(producer->victim_count),
		     human_duration(finding->blocked_ns).text, producer->thread->tid,
		     producer->thread->comm,
		     producer->did == PRODUCER_ENDED ? " to be gone"
		     : answers			     ? ", which answers them"
						     : ", which feeds them",
		     activity_text(producer).text);
	fill_evidence(in, producer, finding);
	finding_text(&finding->advice, "%s", choose_advice(producer));
}
