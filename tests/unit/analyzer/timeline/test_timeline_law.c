/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holds for the timeline of any stream of events: the law of conservation
 * for nonsense, and the truth for schedules that a simulation made.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/timeline/timeline.h"
#include "tests/unit/support/unit_test.h"

#define START 1000000
#define THREADS 12
#define CPUS 3
#define EVENTS_MAX 4000
#define SPANS_MAX 4000

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 32) % limit;
}

/* The law. */

struct wait_stats {
	uint64_t first_ns, last_ns, sum_ns;
	bool seen;
};

struct ledger {
	struct wait_stats accounts[20000];
};

static int enter_interval(void *context, const struct interval *interval)
{
	struct ledger *ledger = context;
	struct wait_stats *account;

	assert_true(interval->thread->index < 20000);
	assert_false(interval->thread->idle_task);
	account = &ledger->accounts[interval->thread->index];
	assert_true(interval->end_ns >= interval->start_ns);
	assert_true(interval->state < THREAD_STATES);
	if (interval->state != THREAD_BLOCKED) {
		assert_true(interval->end_ns > interval->start_ns);
		assert_null(interval->waker);
	}
	if (account->seen)
		assert_int_equal(interval->start_ns, account->last_ns);
	else
		account->first_ns = interval->start_ns;
	account->seen = true;
	account->last_ns = interval->end_ns;
	account->sum_ns += interval->end_ns - interval->start_ns;
	return 0;
}

static void feed_nonsense(struct threads *threads, struct timeline *timeline, uint64_t time_ns)
{
	struct ft_task task = { .tid = random_below(THREADS), .tgid = -1 };
	struct ft_task other = { .tid = random_below(THREADS), .tgid = -1 };
	struct event event = { .raw = {
		.kind = 1 + random_below(FT_EVENT_KINDS - 1),
		.cpu = random_below(9) ? random_below(CPUS) : FT_NO_CPU,
		.time_ns = time_ns,
	} };

	if (!ft_event_descriptors[event.raw.kind].of_nobody)
		event.thread = threads_get(threads, &task, event.raw.cpu);
	switch (event.raw.kind) {
	case FT_EVENT_SWITCH:
		event.raw.switch_.prev_state = random_below(FT_STATES);
		event.other = threads_get(threads, &other, event.raw.cpu);
		if (event.raw.switch_.prev_state == FT_STATE_DEAD && !event.thread->idle_task)
			threads_died(event.thread, time_ns);
		break;
	case FT_EVENT_WAKING:
		event.other = threads_get(threads, &other, event.raw.cpu);
		break;
	case FT_EVENT_FORK:
		event.other = threads_born(threads, &other, time_ns);
		break;
	case FT_EVENT_EXIT:
		event.thread->died_ns = time_ns;
		break;
	case FT_EVENT_LOST:
		event.raw.lost.start_ns = time_ns - random_below(400);
		event.raw.time_ns = time_ns + random_below(2) * random_below(100);
		break;
	case FT_EVENT_STATE:
		event.raw.state.state = random_below(FT_STATES);
		break;
	default:
		break;
	}
	assert_int_equal(timeline_event(timeline, &event), 0);
}

static void timeline_conserves_time_whatever_it_is_fed(void **state)
{
	static struct ledger ledger;

	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct timeline_sink sink = { .closed = enter_interval, .context = &ledger };
		uint64_t time_ns = START, end_ns;
		struct timeline *timeline;
		struct threads *threads;
		uint32_t count;

		random_state = seed * 0x9e3779b97f4a7c15;
		memset(&ledger, 0, sizeof(ledger));
		assert_int_equal(threads_create(&threads), 0);
		assert_int_equal(timeline_create(&sink, START, &timeline), 0);
		count = random_below(600);
		for (uint32_t i = 0; i < count; i++) {
			time_ns += random_below(3) * random_below(100);
			/* a stream may step back, and begin before its start */
			feed_nonsense(threads, timeline,
				      time_ns - random_below(2) * random_below(50));
		}
		end_ns = time_ns + random_below(2) * 500;
		assert_int_equal(timeline_finish(timeline, threads, end_ns), 0);
		for (size_t i = 0; i < threads_count(threads); i++) {
			const struct wait_stats *account = &ledger.accounts[i];
			const struct thread *thread = threads_at(threads, i);

			if (!account->seen)
				continue;
			assert_int_equal(account->sum_ns, account->last_ns - account->first_ns);
			assert_true(account->first_ns >= START);
			assert_true(account->last_ns <= end_ns);
			if (!thread->former && !thread->born_ns)
				assert_int_equal(account->first_ns, START);
			if (!thread->died_ns && !thread->exited)
				assert_int_equal(account->last_ns, end_ns);
		}
		timeline_destroy(timeline);
		threads_destroy(threads);
	}
}

/* A simulated host, which knows the truth. */

struct span {
	enum thread_state state;
	uint64_t start_ns, end_ns;
};

/* What one thread did, or was said to have done. */
struct history {
	struct span spans[SPANS_MAX];
	size_t count;
};

struct sim_event {
	enum ft_event_kind kind;
	uint32_t cpu;
	uint64_t time_ns;
	int32_t tid, other;
	enum ft_task_state state;
	bool deleted;
	uint64_t lost_end_ns;	/* not 0: a loss of cpu begins behind this event */
};

struct sim {
	uint64_t now_ns;
	enum thread_state states[THREADS + 1];	/* by tid */
	uint32_t where[THREADS + 1];
	int32_t occupants[CPUS];		/* 0: idle */
	struct history truth[THREADS + 1];
	struct sim_event events[EVENTS_MAX];
	size_t count;
	bool spurious;		/* threads are woken while they run, too */
};

static void history_add(struct history *history, enum thread_state state, uint64_t start_ns,
			uint64_t end_ns)
{
	if (end_ns == start_ns)
		return;
	if (history->count && history->spans[history->count - 1].state == state) {
		history->spans[history->count - 1].end_ns = end_ns;
		return;
	}
	assert_true(history->count < SPANS_MAX);
	history->spans[history->count++] = (struct span){ state, start_ns, end_ns };
}

static void pass_time(struct sim *sim, uint64_t ns)
{
	for (int tid = 1; tid <= THREADS; tid++)
		history_add(&sim->truth[tid], sim->states[tid], sim->now_ns, sim->now_ns + ns);
	sim->now_ns += ns;
}

static struct sim_event *note_event(struct sim *sim, enum ft_event_kind kind, uint32_t cpu,
				    int32_t tid, int32_t other)
{
	struct sim_event *event = &sim->events[sim->count++];

	assert_true(sim->count <= EVENTS_MAX);
	*event = (struct sim_event){ .kind = kind, .cpu = cpu, .time_ns = sim->now_ns,
				     .tid = tid, .other = other };
	return event;
}

static int32_t pick_thread(const struct sim *sim, enum thread_state state)
{
	int32_t first = 1 + random_below(THREADS);

	for (int i = 0; i < THREADS; i++) {
		int32_t tid = 1 + (first + i) % THREADS;

		if (sim->states[tid] == state)
			return tid;
	}
	return 0;
}

static void sim_switch(struct sim *sim, uint32_t cpu)
{
	int32_t prev = sim->occupants[cpu],
		next = random_below(5) ? pick_thread(sim, THREAD_RUNNABLE) : 0;
	struct sim_event *event;

	if (prev == next)
		return;
	event = note_event(sim, FT_EVENT_SWITCH, cpu, prev, next);
	if (prev) {
		bool blocks = random_below(2);

		event->state = blocks ? FT_STATE_SLEEPING + random_below(3) : FT_STATE_PREEMPTED;
		sim->states[prev] = blocks ? THREAD_BLOCKED : THREAD_RUNNABLE;
	}
	sim->occupants[cpu] = next;
	if (next) {
		sim->states[next] = THREAD_RUNNING;
		sim->where[next] = cpu;
	}
}

static void sim_waking(struct sim *sim, uint32_t cpu)
{
	int32_t wakee = pick_thread(sim, THREAD_BLOCKED);

	if (sim->spurious && random_below(4) == 0)
		wakee = pick_thread(sim, THREAD_RUNNING);
	if (!wakee || wakee == sim->occupants[cpu])
		return;
	note_event(sim, FT_EVENT_WAKING, cpu, sim->occupants[cpu], wakee);
	if (sim->states[wakee] == THREAD_BLOCKED)
		sim->states[wakee] = THREAD_RUNNABLE;
}

static void simulate_schedule(struct sim *sim, bool spurious, bool snapshots, uint32_t steps)
{
	memset(sim, 0, sizeof(*sim));
	sim->now_ns = START;
	sim->spurious = spurious;
	for (int tid = 1; tid <= THREADS; tid++) {
		sim->states[tid] = tid <= CPUS ? THREAD_RUNNING :
				   random_below(2) ? THREAD_RUNNABLE : THREAD_BLOCKED;
		if (tid <= CPUS)
			sim->occupants[tid - 1] = tid;
	}
	if (snapshots) {
		for (int tid = 1; tid <= THREADS; tid++)
			note_event(sim, FT_EVENT_STATE, FT_NO_CPU, tid, 0)->state =
				sim->states[tid] == THREAD_BLOCKED ? FT_STATE_DISK :
								     FT_STATE_RUNNING;
	}
	for (uint32_t i = 0; i < steps; i++) {
		uint32_t cpu = random_below(CPUS);

		if (random_below(2))
			sim_switch(sim, cpu);
		else if (random_below(4))
			sim_waking(sim, cpu);
		else
			note_event(sim, FT_EVENT_SAMPLE, cpu, sim->occupants[cpu], 0);
		pass_time(sim, random_below(3) * random_below(50));
	}
	pass_time(sim, 100);
}

/* Take a run of a CPU's events away, and say so. */
static void lose_events(struct sim *sim)
{
	uint32_t cpu = random_below(CPUS), length = 1 + random_below(12);
	size_t before = random_below(sim->count);
	uint64_t last_ns = 0;

	while (before < sim->count &&
	       (sim->events[before].cpu != cpu || sim->events[before].deleted))
		before++;
	if (before == sim->count)
		return;
	for (size_t i = before + 1; i < sim->count; i++) {
		struct sim_event *event = &sim->events[i];

		if (event->cpu != cpu || event->deleted)
			continue;
		if (length == 0 && event->time_ns > last_ns) {
			sim->events[before].lost_end_ns = event->time_ns;
			return;
		}
		length -= length > 0;
		last_ns = event->time_ns;
		event->deleted = true;
	}
	sim->events[before].lost_end_ns = sim->now_ns;
}

/* What the timeline says, by tid. */
struct said {
	struct history histories[THREADS + 1];
	const struct history *truth;
	bool check;
	uint64_t known_ns, total_ns;
};

static enum thread_state truth_at(const struct history *history, uint64_t time_ns)
{
	for (size_t i = 0; i < history->count; i++) {
		if (time_ns < history->spans[i].end_ns)
			return history->spans[i].state;
	}
	return THREAD_UNKNOWN;
}

/* True at both ends, and without change between. */
static bool is_true(const struct history *history, const struct interval *interval)
{
	for (size_t i = 0; i < history->count; i++) {
		const struct span *span = &history->spans[i];

		if (interval->start_ns >= span->start_ns && interval->end_ns <= span->end_ns)
			return span->state == interval->state;
	}
	return false;
}

static int hear_interval(void *context, const struct interval *interval)
{
	struct said *said = context;
	int32_t tid = interval->thread->tid;
	uint64_t length_ns = interval->end_ns - interval->start_ns;

	history_add(&said->histories[tid], interval->state, interval->start_ns, interval->end_ns);
	said->total_ns += length_ns;
	if (interval->state == THREAD_UNKNOWN || !length_ns)
		return 0;
	said->known_ns += length_ns;
	if (!said->check || interval->flags & INTERVAL_SPANS_LOSS)
		return 0;
	if (!is_true(&said->truth[tid], interval))
		fail_msg("thread %d: said %d from %llu to %llu flags %x, true at first is %d", tid,
			 interval->state, (unsigned long long)interval->start_ns,
			 (unsigned long long)interval->end_ns, interval->flags,
			 truth_at(&said->truth[tid], interval->start_ns));
	return 0;
}

static void replay_loss(struct timeline *timeline, const struct sim_event *from)
{
	struct event event = {
		.raw = { .kind = FT_EVENT_LOST, .cpu = from->cpu, .time_ns = from->lost_end_ns,
			 .lost = { .start_ns = from->time_ns } },
	};

	assert_int_equal(timeline_event(timeline, &event), 0);
}

static void replay_events(const struct sim *sim, uint64_t start_ns, struct said *said)
{
	struct timeline_sink sink = { .closed = hear_interval, .context = said };
	struct timeline *timeline;
	struct threads *threads;

	assert_int_equal(threads_create(&threads), 0);
	assert_int_equal(timeline_create(&sink, start_ns, &timeline), 0);
	for (size_t i = 0; i < sim->count; i++) {
		const struct sim_event *from = &sim->events[i];
		struct ft_task task = { .tid = from->tid }, other = { .tid = from->other };
		struct event event = {
			.raw = { .kind = from->kind, .cpu = from->cpu, .time_ns = from->time_ns },
		};

		if (from->deleted)
			continue;
		event.thread = threads_get(threads, &task, from->cpu);
		if (from->kind == FT_EVENT_SWITCH) {
			event.raw.switch_.prev_state = from->state;
			event.other = threads_get(threads, &other, from->cpu);
		} else if (from->kind == FT_EVENT_WAKING) {
			event.other = threads_get(threads, &other, from->cpu);
		} else if (from->kind == FT_EVENT_STATE) {
			event.raw.state.state = from->state;
		}
		assert_int_equal(timeline_event(timeline, &event), 0);
		if (from->lost_end_ns)
			replay_loss(timeline, from);
	}
	assert_int_equal(timeline_finish(timeline, threads, sim->now_ns), 0);
	timeline_destroy(timeline);
	threads_destroy(threads);
}

static struct sim sim;
static struct said said;

static void timeline_rebuilds_a_recorded_schedule_exactly(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		random_state = seed * 0x9e3779b97f4a7c15;
		simulate_schedule(&sim, seed % 2, true, 800);
		memset(&said, 0, sizeof(said));
		said.truth = sim.truth;
		said.check = true;
		replay_events(&sim, START, &said);
		for (int tid = 1; tid <= THREADS; tid++) {
			const struct history *truth = &sim.truth[tid];
			const struct history *heard = &said.histories[tid];

			/* it never ran, and nothing tells that from running all the time */
			if (heard->count == 1 && heard->spans[0].state == THREAD_UNKNOWN &&
			    truth->count == 1)
				continue;
			assert_int_equal(heard->count, truth->count);
			assert_memory_equal(heard->spans, truth->spans,
					    truth->count * sizeof(truth->spans[0]));
		}
	}
}

static void timeline_is_never_surely_wrong_where_events_were_lost(void **state)
{
	uint64_t known_ns = 0, total_ns = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 1500; seed++) {
		uint32_t losses;

		random_state = seed * 0x9e3779b97f4a7c15;
		simulate_schedule(&sim, seed % 2, seed % 3, 50 + random_below(750));
		losses = random_below(10);
		for (uint32_t i = 0; i < losses && sim.count; i++)
			lose_events(&sim);
		memset(&said, 0, sizeof(said));
		said.truth = sim.truth;
		said.check = true;
		replay_events(&sim, START, &said);
		known_ns += said.known_ns;
		total_ns += said.total_ns;
	}
	/* nor does it get away with saying nothing */
	assert_true(known_ns > total_ns / 4 * 3);
}

/* As a ring leaves it: each CPU begins somewhere, and from some time on all are there. */
static void timeline_is_never_surely_wrong_about_a_history(void **state)
{
	uint64_t known_ns = 0, total_ns = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 1500; seed++) {
		uint64_t start_ns = 0;

		random_state = seed * 0x9e3779b97f4a7c15;
		simulate_schedule(&sim, seed % 2, false, 50 + random_below(750));
		for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
			uint64_t first_ns = START + random_below((sim.now_ns - START) / 2 + 1);

			start_ns = first_ns > start_ns ? first_ns : start_ns;
			for (size_t i = 0; i < sim.count; i++)
				sim.events[i].deleted |= sim.events[i].cpu == cpu &&
							 sim.events[i].time_ns < first_ns;
		}
		memset(&said, 0, sizeof(said));
		said.truth = sim.truth;
		said.check = true;
		replay_events(&sim, start_ns, &said);
		for (int tid = 1; tid <= THREADS; tid++) {
			const struct history *heard = &said.histories[tid];

			if (!heard->count)
				continue; /* no event named it */
			assert_int_equal(heard->spans[0].start_ns, start_ns);
			assert_int_equal(heard->spans[heard->count - 1].end_ns, sim.now_ns);
		}
		known_ns += said.known_ns;
		total_ns += said.total_ns;
	}
	assert_true(known_ns > total_ns / 4 * 3);
}

UNIT_TESTS(timeline_law)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timeline_conserves_time_whatever_it_is_fed),
		cmocka_unit_test(timeline_rebuilds_a_recorded_schedule_exactly),
		cmocka_unit_test(timeline_is_never_surely_wrong_where_events_were_lost),
		cmocka_unit_test(timeline_is_never_surely_wrong_about_a_history),
	};

	return run_unit_tests(tests, NULL, NULL);
}
