/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/detect/resource_object.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/detect/thresholds.h"

/* A process has so many threads that are looked at. */
#define PEER_THREADS 256

void resource_objects_note(struct resource_objects *objects,
			   const struct observations *observations, const struct thread *thread,
			   const struct history_interval *interval, uint64_t from_ns, uint64_t to_ns)
{
	const struct wait_object *seen = wait_objects_find(&observations->objects, thread,
							   interval->start_ns, interval->end_ns);
	struct resource_object *object;
	size_t at = 0;

	if (!seen)
		return;
	while (at < objects->count && !wait_objects_same(objects->list[at].object, seen))
		at++;
	if (at == RESOURCE_OBJECTS)
		return;
	objects->count += at == objects->count;
	objects->known_ns += to_ns - from_ns;
	object = &objects->list[at];
	object->threads += object->latest != thread;
	object->latest = thread;
	object->ns += to_ns - from_ns;
	if (to_ns - from_ns > object->until_ns - object->since_ns) {
		object->object = seen;
		object->since_ns = from_ns;
		object->until_ns = to_ns;
	}
}

/* The thread that the process should have done it with is not known: the one that ran most, or its first one. */
static int choose_thread(const struct observations *observations, struct resource_object *object)
{
	const struct threads *threads = source_threads(observations->source);
	const struct history *history =
		observations_history(observations, object->since_ns, object->until_ns);
	const struct thread *first = object->object->peers[0];
	uint64_t most_ns = (object->until_ns - object->since_ns) / 100 * PEER_RAN_PERCENT;
	size_t looked_at = 0;
	int r;

	object->peer = first;
	for (size_t i = 0; i < threads_count(threads) && looked_at < PEER_THREADS; i++) {
		const struct thread *thread = threads_at(threads, i);
		struct span_summary did;

		if (thread->tgid != first->tgid || thread->idle_task)
			continue;
		looked_at++;
		r = span_summary_read(history, source_stacks(observations->source),
				      observations->stack_infos, thread, object->since_ns,
				      object->until_ns, &did);
		if (r)
			return r;
		if (thread == first && object->peer == first)
			object->did = did;
		if (did.state_ns[THREAD_RUNNING] > most_ns) {
			most_ns = did.state_ns[THREAD_RUNNING];
			object->peer = thread;
			object->did = did;
		}
	}
	return 0;
}

int resource_objects_choose(const struct resource_objects *objects,
			    const struct observations *observations,
			    struct resource_object *ret_object)
{
	const struct resource_object *most = NULL;

	for (size_t i = 0; i < objects->count; i++)
		if (!most || objects->list[i].ns > most->ns)
			most = &objects->list[i];
	if (!most || most->ns * 100 < objects->known_ns * OBJECT_PERCENT)
		return 0;
	*ret_object = *most;
	if (most->object->ends != 1 || !most->object->peers[0])
		return 0;
	return choose_thread(observations, ret_object);
}

struct wait_object_text resource_object_clause(const struct resource_object *object)
{
	struct wait_object_text clause = { "" };

	if (object->object)
		snprintf(clause.text, sizeof(clause.text), ", at %.300s",
			 wait_object_text(object->object).text);
	return clause;
}

void resource_did_text(const struct detect_context *in, const struct span_summary *did,
		       uint64_t span_ns, struct model_finding *finding, char *text,
		       size_t text_bytes)
{
	const char *operation = finding_operation(in, did->blocked_stack_id, finding);
	bool blocked = did->state_ns[THREAD_BLOCKED] * 100 >= span_ns * SERVER_BLOCKED_PERCENT;
	bool stopped = did->sleep.direction == DIRECTION_PARKED;

	snprintf(text, text_bytes, "%s for %s%s%s",
		 !blocked					   ? "ran"
		 : stopped					   ? "was stopped"
		 : did->sleep.direction == DIRECTION_SLEEPS ? "was asleep"
							   : "was itself blocked",
		 human_duration(did->state_ns[blocked ? THREAD_BLOCKED : THREAD_RUNNING]).text,
		 blocked && *operation && !stopped ? ", in " : "",
		 blocked && !stopped ? operation : "");
}

static bool is_peer_observed(const struct resource_object *object)
{
	const uint64_t *state_ns = object->did.state_ns;

	return state_ns[THREAD_BLOCKED] || state_ns[THREAD_RUNNING] || state_ns[THREAD_RUNNABLE];
}

static const char *name_end(const struct wait_object *object)
{
	if (object->peer_flags & FT_PEER_LISTENS)
		return "which listens there";
	if (object->peer_flags & FT_PEER_LAST)
		return "which was last at its other end";
	return object->object == FT_OBJECT_PERMISSION ? "which must allow it"
						      : "which alone has its other end";
}

void resource_object_print_peer(const struct detect_context *in, const struct resource_object *object,
				struct model_finding *finding, char *text, size_t text_bytes)
{
	const struct thread *peer = object->peer;
	char did[160] = "is in no event of this time";

	*text = '\0';
	if (!peer)
		return;
	if (is_peer_observed(object))
		resource_did_text(in, &object->did, object->until_ns - object->since_ns, finding,
				  did, sizeof(did));
	snprintf(text, text_bytes, " Process %" PRId32 " (%.15s), %s, %s.", peer->tgid, peer->comm,
		 name_end(object->object), did);
}

void resource_object_tell(const struct resource_object *object, struct model_finding *finding)
{
	struct wait_object_text peers;

	if (!object->object)
		return;
	peers = wait_object_peers_text(object->object);
	finding_evidence(finding, "%zu thread%s seen to wait at %s%s%s", object->threads,
			 object->threads == 1 ? " was" : "s were",
			 wait_object_text(object->object).text, *peers.text ? "; " : "", peers.text);
}

void resource_object_blame(const struct detect_context *in, const struct resource_object *object,
			   struct model_finding *finding)
{
	const struct span_summary *did = &object->did;
	struct model_culprit *culprit =
		finding_culprit(in, object->peer, object->since_ns, object->until_ns,
				did->state_ns, did->stack_id, finding);

	culprit->samples = did->samples;
	culprit->samples_in_stack = did->samples_under;
}
