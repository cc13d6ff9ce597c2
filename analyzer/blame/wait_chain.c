/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/blame/wait_chain.h"

#include <stdbool.h>

/* The threads from the waiter to where the walk is, and how each led to the next. */
struct path {
	struct thread *threads[CHAIN_DEPTH_MAX];
	bool by_lock[CHAIN_DEPTH_MAX]; /* threads[i] was waited for because it held a lock */
	unsigned int depth;
	enum grade grade;
	/* A device is behind what cannot be followed further; WAIT_UNKNOWN: that is unknown. */
	enum wait_class device;
	uint32_t device_stack_id;
};

static enum root_kind classify_wait(enum wait_class class, bool interrupt)
{
	static const enum root_kind kinds[] = {
		[SOURCE_UNKNOWN] = ROOT_UNKNOWN, [SOURCE_DEVICE] = ROOT_DEVICE,
		[SOURCE_MEMORY] = ROOT_MEMORY,	 [SOURCE_CPU] = ROOT_NO_CPU,
		[SOURCE_QUOTA] = ROOT_THROTTLED, [SOURCE_TIMER] = ROOT_TIMER,
		[SOURCE_STOP] = ROOT_STOPPED,	 [SOURCE_OUTSIDE] = ROOT_OUTSIDE,
	};
	enum wait_source source = wait_class_source(class);

	return source == SOURCE_OUTSIDE && !interrupt ? ROOT_UNKNOWN : kinds[source];
}

static int report_piece(struct wait_chain_walk *walk, const struct path *path, enum root_kind kind,
			const struct history_piece *piece)
{
	const bool waits = piece->state == THREAD_BLOCKED || piece->state == THREAD_RUNNABLE;
	struct wait_chain_root root = {
		.kind = kind,
		.thread = path->threads[path->depth],
		.depth = path->depth,
		.class = waits ? piece->class : WAIT_UNKNOWN,
		.stack_id = waits ? piece->stack_id : STACK_NONE,
		.start_ns = piece->start_ns,
		.end_ns = piece->end_ns,
		.grade = path->grade,
	};

	if ((kind == ROOT_UNKNOWN || kind == ROOT_OUTSIDE) && path->device != WAIT_UNKNOWN) {
		root.kind = ROOT_DEVICE;
		root.class = path->device;
		root.stack_id = path->device_stack_id;
	}
	if (root.kind == ROOT_UNKNOWN)
		root.grade = GRADE_UNKNOWN;
	return walk->root(walk->context, &root);
}

/* Whether the waiter's time is @piece->by's: it waited for that one and for nothing else. */
static bool leads_on(const struct history_piece *piece)
{
	switch (piece->link) {
	case LINK_OWNER:
	case LINK_OWNER_EXACT:
	case LINK_OWNER_PLAUSIBLE:
		return true;
	case LINK_WAKER:
		break;
	default:
		return false;
	}
	return wait_class_is_wakers(piece->class);
}

/* Nothing is known of the thread from @from_ns to @to_ns. */
static int report_gap(struct wait_chain_walk *walk, const struct path *path, uint64_t from_ns,
		      uint64_t to_ns)
{
	const struct history_piece gap = { .start_ns = from_ns, .end_ns = to_ns };

	return to_ns > from_ns ? report_piece(walk, path, ROOT_UNKNOWN, &gap) : 0;
}

/* A circle of locks is a deadlock, or was one; one of wake-ups is just a conversation. */
static bool is_circle(const struct path *path, const struct history_piece *piece,
		      bool *ret_of_locks)
{
	*ret_of_locks = history_names_owner(piece);
	for (unsigned int i = path->depth + 1; i-- > 0;) {
		if (path->threads[i] == piece->by)
			return true;
		*ret_of_locks = *ret_of_locks && path->by_lock[i];
	}
	return false;
}

static int walk_thread(struct wait_chain_walk *walk, const struct path *path, uint64_t from_ns,
		       uint64_t to_ns);

static int walk_on(struct wait_chain_walk *walk, const struct path *path,
		   const struct history_piece *piece)
{
	struct path next = *path;
	bool of_locks;

	if (is_circle(path, piece, &of_locks))
		return report_piece(walk, path, of_locks ? ROOT_CYCLE : ROOT_UNKNOWN, piece);
	if (path->depth + 1 == CHAIN_DEPTH_MAX)
		return report_piece(walk, path, ROOT_UNKNOWN, piece);
	next.depth++;
	next.threads[next.depth] = piece->by;
	next.by_lock[next.depth] = history_names_owner(piece);
	if (piece->class == WAIT_IO_JOURNAL) {
		next.device = piece->class;
		next.device_stack_id = piece->stack_id;
	}
	/* What the holder in turn waits for is concluded. */
	next.grade = !path->depth && piece->link == LINK_OWNER_EXACT ? GRADE_EXACT
		     : path->grade == GRADE_EXACT		     ? GRADE_STRONG
								     : path->grade;
	/* Who wakes a reader of a pipe has written into it, but another may have been to do so
	 * before. */
	if (piece->link == LINK_OWNER_PLAUSIBLE ||
	    (piece->link == LINK_WAKER && piece->class != WAIT_IO_FUSE &&
	     piece->class != WAIT_IO_JOURNAL && piece->class != WAIT_CHILD))
		next.grade = GRADE_PLAUSIBLE;
	return walk_thread(walk, &next, piece->start_ns, piece->end_ns);
}

static int walk_piece(struct wait_chain_walk *walk, const struct path *path,
		      const struct history_piece *piece)
{
	switch (piece->state) {
	case THREAD_RUNNING:
		return report_piece(walk, path, ROOT_RUNNING, piece);
	case THREAD_RUNNABLE:
		return report_piece(walk, path, classify_wait(piece->class, false), piece);
	case THREAD_BLOCKED:
		break;
	default:
		return report_piece(walk, path, ROOT_UNKNOWN, piece);
	}
	if (piece->link == LINK_IN_TURNS)
		return report_piece(walk, path, ROOT_IN_TURNS, piece);
	if (leads_on(piece))
		return walk_on(walk, path, piece);
	return report_piece(walk, path, classify_wait(piece->class, piece->link == LINK_INTERRUPT),
			    piece);
}

static int walk_thread(struct wait_chain_walk *walk, const struct path *path, uint64_t from_ns,
		       uint64_t to_ns)
{
	struct history_pieces pieces = history_walk_pieces(
		walk->history, path->threads[path->depth], from_ns, to_ns, walk->short_ns);
	struct history_piece piece;
	int r = 0;

	while (!r && walk->steps_left && history_next_piece(&pieces, &piece)) {
		walk->steps_left--;
		r = report_gap(walk, path, from_ns, piece.start_ns);
		if (!r)
			r = walk_piece(walk, path, &piece);
		from_ns = piece.end_ns;
	}
	return r ? r : report_gap(walk, path, from_ns, to_ns);
}

int wait_chain_follow_piece(struct wait_chain_walk *walk, struct thread *thread,
			    const struct history_piece *piece)
{
	const struct path path = { .threads = { thread }, .grade = GRADE_STRONG };

	return walk_piece(walk, &path, piece);
}
