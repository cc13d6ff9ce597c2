/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/detect/standstill.h"

#include <inttypes.h>
#include <stdio.h>

#include "analyzer/detect/finding.h"
#include "analyzer/util/span.h"

struct clause {
	char text[240];
};

struct sentence {
	char text[480];
};

static bool names_root(const struct standstill *still)
{
	return still->root.thread && still->sign != SIGN_NONE;
}

/* "ran for 3.98 s", "slept for 4.00 s, in clock_nanosleep" */
static struct clause did_text(const struct detect_context *in, const struct standstill *still,
			      struct model_finding *finding)
{
	const struct span_summary *did = &still->did;
	const char *operation = finding_operation(in, did->sleep.stack_id, finding);
	bool stopped = did->sleep.direction == DIRECTION_PARKED;
	struct clause clause;

	switch (standstill_did(still)) {
	case STANDSTILL_RAN:
		snprintf(clause.text, sizeof(clause.text), "ran for %s meanwhile%s%s",
			 human_duration(did->state_ns[THREAD_RUNNING]).text,
			 did->state_ns[THREAD_RUNNABLE] > did->state_ns[THREAD_RUNNING]
				 ? ", and wanted a CPU for "
				 : "",
			 did->state_ns[THREAD_RUNNABLE] > did->state_ns[THREAD_RUNNING]
				 ? human_duration(did->state_ns[THREAD_RUNNABLE]).text
				 : "");
		break;
	case STANDSTILL_SLEPT:
	case STANDSTILL_WAITED:
		snprintf(clause.text, sizeof(clause.text), "%s for %s meanwhile%s%s",
			 stopped				   ? "was stopped"
			 : did->sleep.direction == DIRECTION_SLEEPS ? "was asleep"
								   : "waited itself",
			 human_duration(did->sleep_ns).text, *operation && !stopped ? ", in " : "",
			 stopped ? "" : operation);
		break;
	default:
		snprintf(clause.text, sizeof(clause.text),
			 "ran %s and was blocked %s meanwhile, never for long",
			 human_duration(did->state_ns[THREAD_RUNNING]).text,
			 human_duration(did->state_ns[THREAD_BLOCKED]).text);
		break;
	}
	return clause;
}

/* Who let them go, as the second sentence of the summary. */
static struct sentence end_text(const struct detect_context *in, const struct standstill *still,
			      struct model_finding *finding)
{
	const struct thread *root = still->root.thread;
	struct sentence clause = { "" };

	if (still->gone)
		snprintf(clause.text, sizeof(clause.text),
			 "Thread %" PRId32 " (%s) of process %" PRId32
			 " ended when they stopped: what they wait for may have been its.",
			 still->gone->tid, still->gone->comm, still->gone->tgid);
	else if (root)
		snprintf(clause.text, sizeof(clause.text),
			 "Thread %" PRId32 " (%s) let %s go on; it %s.", root->tid, root->comm,
			 still->in_turn		   ? "the first of them, and that one the next,"
			 : still->victim_count > 1 ? "them"
						   : "it",
			 did_text(in, still, finding).text);
	else if (still->suspect_count)
		snprintf(clause.text, sizeof(clause.text),
			 "Nobody let them go on until the capture ended. %s thread %" PRId32
			 " (%s)%s, which has %s since they stopped.",
			 still->suspect_count > 1 ? "Among those who may hold them up is"
						  : "It may be",
			 still->suspects[0].thread->tid, still->suspects[0].thread->comm,
			 still->suspect_count > 1 ? " (see the evidence for others)" : "",
			 still->suspects[0].ran ? "run" : "slept or waited");
	else if (still->root.end == WAKE_OPEN)
		snprintf(clause.text, sizeof(clause.text),
			 "Nobody let them go on until the capture ended.");
	else if (still->root.end == WAKE_TIMER && still->sign != SIGN_POLLING)
		snprintf(clause.text, sizeof(clause.text), "A timer let them go on.");
	else if (still->root.end == WAKE_OUTSIDE)
		snprintf(clause.text, sizeof(clause.text),
			 "An interrupt, as of the network or a device, let them go on.");
	return clause;
}

static const char *sign_text(const struct standstill *still)
{
	switch (still->sign) {
	case SIGN_ELSEWHERE:
		return "they waited where they hardly ever wait otherwise, so it was not for work";
	case SIGN_IN_TURN:
		return "each woke the next, as the waiters of a lock with a queue do";
	case SIGN_PEER:
		return "as a rule they and the one who let them go on wake each other, and hardly anybody else "
		       "does, as those do who share a lock";
	case SIGN_CLIENTS:
		return "it answers them as a rule at once";
	case SIGN_PASSED_ON:
		return "the target let them go on as soon as it was let go itself: whether it owed them an answer, "
		       "or they only listened, the events do not tell";
	case SIGN_AMONG_THEMSELVES:
		return "as a rule they wake each other, and hardly anybody else does: that all of them "
		       "waited at once is no want of work from outside";
	case SIGN_STILL_AT_IT:
		return "they wait where they hardly ever wait otherwise, so it is not for work";
	case SIGN_OWNER_GONE:
		return "nobody has ended their waits since";
	case SIGN_POLLING:
		return "they looked again and again, with short sleeps of the same length between";
	default:
		return "whether they waited for work or for an answer, the events do not tell";
	}
}

static void fill_summary(const struct detect_context *in, const struct standstill *still,
			 struct model_finding *finding)
{
	const char *operation = finding_operation(in, still->longest.stack_id, finding);
	size_t count = still->victim_count;

	if (still->sign == SIGN_POLLING)
		finding_text(&finding->summary,
			     "%zu threads polled for %s together, %s at a time%s%s, %" PRIu32
			     " times in a row: as one does for a lock, or an answer, that does not come.",
			     count,
			     human_duration(still->longest.end_ns - still->longest.start_ns).text,
			     human_duration(still->longest.slice_ns).text, *operation ? ", in " : "",
			     operation, still->longest.sleeps);
	else if (still->sign == SIGN_PASSED_ON)
		finding_text(&finding->summary,
			     "%zu thread%s of other processes waited for the target, up to %s%s%s, and the "
			     "target for somebody else. %s",
			     count, finding_plural(count),
			     human_duration(still->longest.end_ns - still->longest.start_ns).text,
			     *operation ? ", in " : "", operation,
			     end_text(in, still, finding).text);
	else if (still->sign == SIGN_CLIENTS)
		finding_text(&finding->summary,
			     "%zu thread%s of other processes waited up to %s%s%s for an answer of "
			     "thread %" PRId32 " (%s): it %s.",
			     count, finding_plural(count),
			     human_duration(still->longest.end_ns - still->longest.start_ns).text,
			     *operation ? ", in " : "", operation, still->root.thread->tid,
			     still->root.thread->comm, did_text(in, still, finding).text);
	else
		finding_text(&finding->summary, "%zu thread%s stood still%s for %s%s%s%s. %s",
			     count, finding_plural(count), count > 1 ? " together" : "",
			     human_duration(still->longest.end_ns - still->longest.start_ns).text,
			     *operation ? ", in " : "", operation,
			     still->sign == SIGN_AMONG_THEMSELVES
				     ? ": a wake-up was lost, or nothing was left to do"
				     : "",
			     end_text(in, still, finding).text);
}

/* At what it waited, which as a rule tells who should have let it go on. */
static void tell_object(const struct detect_context *in, const struct standstill *still,
			struct model_finding *finding)
{
	const struct wait_object *object =
		wait_objects_find(&in->observations->objects, still->longest.thread,
				  still->longest.start_ns, still->longest.end_ns);
	struct wait_object_text peers;

	if (!object)
		return;
	peers = wait_object_peers_text(object);
	finding_evidence(finding, "thread %" PRId32 " (%s) was seen to wait at %s%s%s",
			 still->longest.thread->tid, still->longest.thread->comm,
			 wait_object_text(object).text, *peers.text ? "; " : "", peers.text);
}

static void fill_evidence(const struct detect_context *in, const struct standstill *still,
			  struct model_finding *finding)
{
	finding_evidence(finding, "%s", sign_text(still));
	finding_evidence(finding,
			 "at its usual pace thread %" PRId32
			 " (%s) would have gone on about %" PRIu64 " times meanwhile",
			 still->longest.thread->tid, still->longest.thread->comm,
			 still->longest.expected);
	tell_object(in, still, finding);
	finding_profile(finding, &still->profile);
	if (still->in_turn && still->sign != SIGN_IN_TURN)
		finding_evidence(finding, "%zu of them %s woken by another of them", still->in_turn,
				 still->in_turn == 1 ? "was" : "were");
	for (size_t i = 1; i < still->suspect_count && i < STANDSTILL_SUSPECTS; i++)
		finding_evidence(finding, "thread %" PRId32 " (%s) has %s since %s, too",
				 still->suspects[i].thread->tid, still->suspects[i].thread->comm,
				 still->suspects[i].ran ? "run" : "slept or waited",
				 detect_time_text(in, still->suspects[i].since_ns).text);
	if (still->gone)
		finding_evidence(finding, "thread %" PRId32 " ended at %s", still->gone->tid,
				 detect_time_text(in, still->gone->died_ns).text);
	if (still->active > still->victim_count)
		finding_evidence(finding, "%zu threads of the target were active as a rule",
				 still->active);
	finding_whose(finding, source_threads(in->observations->source));
}

static const char *choose_advice(const struct standstill *still)
{
	switch (still->sign) {
	case SIGN_OWNER_GONE:
		return "Look at why that thread or process ended (a kill, the OOM killer, a crash): what it held "
		       "stays locked. Shared locks should be robust (PTHREAD_MUTEX_ROBUST), or live with one owner.";
	case SIGN_AMONG_THEMSELVES:
		return "Look at the condition variable or queue that they wait at: a signal that goes to one "
		       "waiter where several kinds wait gets lost; use broadcast, or a queue for each kind.";
	case SIGN_POLLING:
		return "Look at the code that sleeps and tries again (the stacks are in --explain), and at what it "
		       "tries to get; a wait that is woken tells who held it.";
	case SIGN_PASSED_ON:
		return "Look at the process that the target waited for, and give requests to it a time limit. To "
		       "decide whether it hurts: arm the recorder with a probe that asks the service.";
	case SIGN_NONE:
		return "To decide it: arm the recorder with a probe that asks the service (--probe-http, --probe-tcp, "
		       "--probe-cmd), so that it is known whether somebody waited for an answer; and look at who "
		       "should have woken these threads.";
	default:
		break;
	}
	if (standstill_did(still) == STANDSTILL_RAN)
		return "Look at what that thread computed (its stack, a profile), and whether it needs to hold "
		       "the others up meanwhile.";
	return "Look at what that thread waits or sleeps for while the others need it: a lock held over a "
	       "sleep, a pause in a loop that serves, a call to somebody who is slow.";
}

static enum finding_kind choose_kind(const struct standstill *still)
{
	switch (still->sign) {
	case SIGN_PASSED_ON:
		return FINDING_SLOW_PRODUCER;
	case SIGN_CLIENTS:
		return standstill_did(still) == STANDSTILL_RAN ? FINDING_BUSY_THREAD
							       : FINDING_SLOW_PRODUCER;
	case SIGN_AMONG_THEMSELVES:
		return FINDING_LOST_WAKEUP;
	case SIGN_OWNER_GONE:
		return FINDING_DEAD_OWNER;
	case SIGN_POLLING:
		return FINDING_BACKOFF;
	default:
		return FINDING_STANDSTILL;
	}
}

void standstill_report(const struct detect_context *in, const void *found,
		       struct model_finding *finding)
{
	const struct standstill *still = found;

	finding->kind = choose_kind(still);
	finding->grade = GRADE_PLAUSIBLE;
	finding_victims(in, still->victims, still->victim_count, finding);
	if (still->gone)
		finding_culprit(in, still->gone, earlier(still->start_ns, still->gone->died_ns),
				still->gone->died_ns, NULL, STACK_NONE, finding);
	else if (still->sign == SIGN_STILL_AT_IT && still->suspect_count == 1)
		finding_culprit(in, still->suspects[0].thread, still->suspects[0].since_ns,
				still->end_ns, still->did.state_ns, still->did.stack_id, finding);
	else if (names_root(still) && still->sign != SIGN_AMONG_THEMSELVES) {
		const struct span_summary *did = &still->did;
		struct model_culprit *culprit = finding_culprit(
			in, still->root.thread, still->longest.start_ns, still->root.at_ns,
			did->state_ns,
			did->stack_id != STACK_NONE ? did->stack_id : still->root.stack_id, finding);

		culprit->samples = did->samples;
		culprit->samples_in_stack = did->samples_under;
	}
	fill_summary(in, still, finding);
	fill_evidence(in, still, finding);
	finding_text(&finding->advice, "%s", choose_advice(still));
}
