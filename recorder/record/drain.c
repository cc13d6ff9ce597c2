/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/record/drain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/encoder.h"
#include "recorder/base/clock.h"
#include "recorder/record/translate.h"

#define DRAIN_MS	  50 /* a record waits at most so long if no watermark wakes the thread */
#define DRAIN_QUIET_MS	  250 /* on a quiet host: a wake-up costs more than it brings */
#define QUIET_EVENTS_MS	  2 /* fewer a millisecond make a quiet host */
#define LOCK_RECENT_NS	  10000000000u /* by then the stacks of a lock's waiters were read */
#define MEASURE_NS	  1000000000ull /* on a quiet host, since a measurement costs as much as a drain */
#define SEAL_AFTER_NS	  2000000000ull /* so that a ring file left behind has quiet CPUs too */
#define RECORD_NS	  1000000 /* an event is older than its record by less than this */
#define REALTIME_PRIORITY 10 /* above ordinary work, below the kernel's interrupt threads (50) */

enum ring_state { RING_ATTACHED, RING_DETACHING, RING_DETACHED, RING_ATTACHING };

struct drain_cpu {
	_Atomic enum ring_state
		ring_state; /* the drain owns the ring while ATTACHED or DETACHING */
	uint64_t from_ns, until_ns; /* ATTACHING: the CPU was not recorded between them */
	_Atomic uint64_t last_record_ns; /* copy of source.last_ns for other threads */
	struct perf_events_cpu *counter;
	struct translate_cpu source;
	struct ft_encoder *encoder;
	uint8_t *buffer; /* as long as a slot */
	uint64_t sequence;
	uint64_t begun_ns; /* time of the open segment's first event; 0: no segment is open */
};

struct drain {
	struct perf_events *counters;
	struct segment_ring *slots;
	struct stack_dumps *dumps;
	struct blocked_threads *blocked; /* NULL: nobody wants them */
	struct translate translate;
	struct drain_cpu *cpus;
	uint8_t *buffers;
	size_t buffers_bytes;
	struct pollfd *polls; /* one for each CPU, then flush_fd */
	int flush_fd; /* an eventfd that ends poll() */
	_Atomic uint64_t flush_asked, flush_done;
	sem_t activity; /* for drain_wait_for_activity() */
	_Atomic bool activity_wanted;
	int schedstat_fd; /* of the drain thread */
	uint64_t measured_ns, delay_ns; /* of the last reading of schedstat */
	struct drain_counts counts; /* published once a round */
	uint64_t events, bad, blocking, uninterruptible, wakings;
	pthread_t thread;
	sem_t ready;
	int realtime_error, lock_error;
	uint64_t end_ns;
	_Atomic bool stop;
};

static void reset_source(struct drain_cpu *cpu)
{
	cpu->source = (struct translate_cpu){ .cpu = cpu->counter->cpu, .ids = cpu->counter->ids };
}

int drain_create(const struct event_plan *plan, struct perf_events *counters,
		 struct task_table *tasks, struct segment_ring *slots, struct stack_dumps *dumps,
		 struct drain **ret_drain)
{
	size_t count = counters->cpu_count, slot_bytes = segment_ring_slot_bytes(slots);
	struct drain *drain = calloc(1, sizeof(*drain));
	if (!drain)
		return -ENOMEM;
	drain->counters = counters;
	drain->slots = slots;
	drain->dumps = dumps;
	translate_init(&drain->translate, plan, tasks);
	sem_init(&drain->ready, 0, 0);
	sem_init(&drain->activity, 0, 0);
	drain->flush_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	drain->cpus = calloc(count, sizeof(*drain->cpus));
	drain->polls = calloc(count + 1, sizeof(*drain->polls));
	drain->buffers_bytes = count * slot_bytes;
	/* MAP_SHARED: after a fork() this thread must not copy pages on write. */
	drain->buffers = mmap(NULL, drain->buffers_bytes, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (drain->buffers == MAP_FAILED)
		drain->buffers = NULL;
	if (!drain->cpus || !drain->polls || !drain->buffers)
		goto failed;
	drain->polls[count] = (struct pollfd){ .fd = drain->flush_fd, .events = POLLIN };
	for (size_t i = 0; i < count; i++) {
		struct drain_cpu *cpu = &drain->cpus[i];
		cpu->counter = &counters->cpus[i];
		reset_source(cpu);
		cpu->buffer = drain->buffers + i * slot_bytes;
		drain->polls[i] = (struct pollfd){ .fd = cpu->counter->fds[0], .events = POLLIN };
		if (ft_encoder_create(&cpu->encoder))
			goto failed;
	}
	*ret_drain = drain;
	return 0;
failed:
	drain_destroy(drain);
	return -ENOMEM;
}

void drain_destroy(struct drain *drain)
{
	if (!drain)
		return;
	for (size_t i = 0; drain->cpus && i < drain->counters->cpu_count; i++)
		ft_encoder_destroy(drain->cpus[i].encoder);
	if (drain->buffers)
		munmap(drain->buffers, drain->buffers_bytes);
	sem_destroy(&drain->ready);
	sem_destroy(&drain->activity);
	if (drain->flush_fd >= 0)
		close(drain->flush_fd);
	free(drain->polls);
	free(drain->cpus);
	free(drain);
}

void drain_keep_blocked_threads(struct drain *drain, struct blocked_threads *blocked)
{
	drain->blocked = blocked;
}

static void seal_segment(struct drain *drain, struct drain_cpu *cpu)
{
	if (!cpu->begun_ns)
		return;
	uint32_t events = ft_encoder_events(cpu->encoder);
	size_t bytes = ft_encoder_seal(cpu->encoder);
	segment_ring_put(drain->slots, cpu->buffer, bytes, events);
	cpu->begun_ns = 0;
}

static void begin_segment(struct drain *drain, struct drain_cpu *cpu, uint64_t time_ns)
{
	ft_encoder_begin(cpu->encoder, cpu->buffer, segment_ring_slot_bytes(drain->slots),
			 cpu->source.cpu, cpu->sequence++);
	cpu->begun_ns = time_ns;
}

static void encode_event(struct drain *drain, struct drain_cpu *cpu, const struct ft_event *event)
{
	if (!cpu->begun_ns)
		begin_segment(drain, cpu, event->time_ns);
	int error = ft_encoder_add(cpu->encoder, event);
	if (error == -ENOBUFS) {
		seal_segment(drain, cpu);
		begin_segment(drain, cpu, event->time_ns);
		error = ft_encoder_add(cpu->encoder, event);
	}
	if (error)
		drain->bad++;
	else
		drain->events++;
}

/* For records that are gone without a LOST record. @records: 0 if their number is unknown. */
static void encode_lost(struct drain *drain, struct drain_cpu *cpu, uint64_t end_ns,
			uint64_t records)
{
	uint64_t start_ns = cpu->source.last_ns < end_ns ? cpu->source.last_ns : end_ns;
	encode_event(drain, cpu,
		     &(struct ft_event){ .kind = FT_EVENT_LOST,
					 .cpu = cpu->source.cpu,
					 .time_ns = end_ns,
					 .task = &ft_nobody,
					 .lost = { .start_ns = start_ns, .records = records } });
}

static void count_event(struct drain *drain, const struct ft_event *event)
{
	if (event->kind == FT_EVENT_SWITCH) {
		drain->blocking += event->switch_.prev_state != FT_STATE_RUNNING;
		drain->uninterruptible += event->switch_.prev_state == FT_STATE_DISK ||
					  event->switch_.prev_state == FT_STATE_PREEMPTED;
	} else if (event->kind == FT_EVENT_WAKING) {
		drain->wakings++;
	}
	if (drain->blocked)
		blocked_threads_event(drain->blocked, event);
}

/* Reads what the ring holds at the start and no more: a busy CPU must not hold up the others. */
static void drain_ring(struct drain *drain, struct drain_cpu *cpu)
{
	struct perf_ring *ring = &cpu->counter->ring;
	const struct perf_event_header *record;
	struct translate_dump dump;
	struct ft_event event;
	size_t bad_bytes;

	if (!perf_ring_begin(ring))
		return;
	uint64_t lost_before = cpu->source.lost_records, doubles_before = cpu->source.doubles;
	while ((record = perf_ring_next(ring, &bad_bytes))) {
		int result =
			translate_record(&drain->translate, &cpu->source, record, &event, &dump);
		if (result == 1) {
			encode_event(drain, cpu, &event);
			count_event(drain, &event);
		} else if (result < 0) {
			drain->bad++;
		}
		if (result == 1 && dump.registers && event.kind == FT_EVENT_CALL)
			stack_dumps_add(drain->dumps, &event, &dump);
	}
	perf_ring_end(ring);
	if (bad_bytes)
		encode_lost(drain, cpu, clock_now_ns(), 1);
	drain->counts.lost += cpu->source.lost_records - lost_before + (bad_bytes != 0);
	drain->counts.doubles += cpu->source.doubles - doubles_before;
	drain->counts.events = drain->events;
	drain->counts.bad = drain->bad;
	drain->counts.blocking = drain->blocking;
	drain->counts.uninterruptible = drain->uninterruptible;
	drain->counts.wakings = drain->wakings;
	cpu->last_record_ns = cpu->source.last_ns;
}

static void encode_cpu_note(struct drain *drain, struct drain_cpu *cpu, uint64_t time_ns,
			    const char *what)
{
	char text[FT_TEXT_BYTES_MAX];

	snprintf(text, sizeof(text), "CPU %u %s", cpu->source.cpu, what);
	encode_event(drain, cpu,
		     &(struct ft_event){ .kind = FT_EVENT_NOTE,
					 .cpu = cpu->source.cpu,
					 .time_ns = time_ns,
					 .task = &ft_nobody,
					 .note.text = text });
}

static void detach_ring(struct drain *drain, struct drain_cpu *cpu, uint64_t now_ns)
{
	drain_ring(drain, cpu);
	encode_lost(drain, cpu, now_ns, 0);
	encode_cpu_note(drain, cpu, now_ns,
			"went offline: nothing of it is recorded until it is back");
	seal_segment(drain, cpu);
	cpu->ring_state = RING_DETACHED;
}

static void attach_ring(struct drain *drain, struct drain_cpu *cpu)
{
	reset_source(cpu);
	cpu->source.last_ns = cpu->from_ns;
	encode_lost(drain, cpu, cpu->until_ns, 0);
	cpu->source.last_ns = cpu->until_ns;
	cpu->last_record_ns = cpu->until_ns;
	encode_cpu_note(drain, cpu, cpu->until_ns, "is online again, and recorded since");
	cpu->ring_state = RING_ATTACHED;
}

/* Attach or detach the ring as requested. Return: whether it can be read. */
static bool apply_request(struct drain *drain, size_t index, uint64_t now_ns)
{
	struct drain_cpu *cpu = &drain->cpus[index];

	if (cpu->ring_state == RING_DETACHING) {
		detach_ring(drain, cpu, now_ns);
		drain->polls[index].fd = -1;
	} else if (cpu->ring_state == RING_ATTACHING) {
		attach_ring(drain, cpu);
		drain->polls[index].fd = cpu->counter->fds[0];
	}
	return cpu->ring_state == RING_ATTACHED;
}

static void seal_old_segment(struct drain *drain, struct drain_cpu *cpu, uint64_t now_ns)
{
	if (cpu->begun_ns && now_ns > cpu->begun_ns && now_ns - cpu->begun_ns > SEAL_AFTER_NS)
		seal_segment(drain, cpu);
}

/* Call it after a round over all CPUs that began after @asked was read. */
static void flush_segments(struct drain *drain, uint64_t asked)
{
	uint64_t count;
	if (asked == drain->flush_done)
		return;
	(void)!read(drain->flush_fd, &count,
		    sizeof(count)); /* -EAGAIN if the request came just now */
	for (size_t i = 0; i < drain->counters->cpu_count; i++)
		seal_segment(drain, &drain->cpus[i]);
	drain->flush_done = asked;
}

/* Run time and run-queue latency of this thread since it began. */
static bool read_schedstat(int fd, uint64_t *ret_run_ns, uint64_t *ret_delay_ns)
{
	char text[128];
	unsigned long long run_ns, delay_ns;
	ssize_t got = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
	if (got <= 0)
		return false;
	text[got] = '\0';
	if (sscanf(text, "%llu %llu", &run_ns, &delay_ns) != 2)
		return false;
	*ret_run_ns = run_ns;
	*ret_delay_ns = delay_ns;
	return true;
}

static void measure_self(struct drain *drain, uint64_t now_ns)
{
	uint64_t run_ns, delay_ns;
	if (!read_schedstat(drain->schedstat_fd, &run_ns, &delay_ns))
		return;
	if (delay_ns - drain->delay_ns > drain->counts.delay_max_ns)
		drain->counts.delay_max_ns = delay_ns - drain->delay_ns;
	drain->delay_ns = delay_ns;
	drain->counts.cpu_ns = run_ns;
	drain->measured_ns = now_ns;
}

static void prepare_thread(struct drain *drain)
{
	struct sched_param param = { .sched_priority = REALTIME_PRIORITY };

	pthread_setname_np(pthread_self(), "ft-drain");
	/* Children of the recorder must not inherit the priority. */
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) < 0)
		drain->realtime_error = -errno;
	if (mlockall(MCL_CURRENT) < 0)
		drain->lock_error = -errno;
}

static void finish_rings(struct drain *drain)
{
	for (size_t i = 0; i < drain->counters->cpu_count; i++) {
		struct drain_cpu *cpu = &drain->cpus[i];
		if (!apply_request(drain, i, drain->end_ns))
			continue;
		drain_ring(drain, cpu);
		/* The kernel writes a LOST record only with the next record: there may be none. */
		uint64_t lost = perf_events_lost(drain->counters, cpu->counter);
		if (lost > cpu->source.lost_records) {
			encode_lost(drain, cpu, drain->end_ns, lost - cpu->source.lost_records);
			drain->counts.lost += lost - cpu->source.lost_records;
		}
		seal_segment(drain, cpu);
	}
	drain->counts.events = drain->events;
}

static bool is_quiet(const struct drain *drain, uint64_t events, uint64_t in_ns, uint64_t now_ns)
{
	uint64_t recent_ns = now_ns > LOCK_RECENT_NS ? now_ns - LOCK_RECENT_NS : 0;

	return events < QUIET_EVENTS_MS * (in_ns / 1000000) &&
	       !(drain->blocked && blocked_threads_wait_since(drain->blocked, recent_ns));
}

void drain_wake_waiter(struct drain *drain)
{
	if (atomic_exchange(&drain->activity_wanted, false))
		sem_post(&drain->activity);
}

static void drain_all_rings(struct drain *drain, uint64_t now_ns)
{
	for (size_t i = 0; i < drain->counters->cpu_count; i++) {
		if (apply_request(drain, i, now_ns))
			drain_ring(drain, &drain->cpus[i]);
		seal_old_segment(drain, &drain->cpus[i], now_ns);
		/* An event that reports an error never stops doing so. */
		if (drain->polls[i].revents & (POLLERR | POLLHUP | POLLNVAL))
			drain->polls[i].fd = -1;
	}
}

static void *run_drain(void *context)
{
	struct drain *drain = context;
	uint64_t run_ns;

	prepare_thread(drain);
	drain->schedstat_fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	read_schedstat(drain->schedstat_fd, &run_ns, &drain->delay_ns);
	sem_post(&drain->ready);
	uint64_t now_ns = clock_now_ns();
	bool quiet = false;
	while (!drain->stop) {
		uint64_t before_ns = now_ns, before = drain->events;
		poll(drain->polls, drain->counters->cpu_count + 1,
		     quiet ? DRAIN_QUIET_MS : DRAIN_MS);
		uint64_t asked = drain->flush_asked;
		now_ns = clock_now_ns();
		drain_all_rings(drain, now_ns);
		flush_segments(drain, asked);
		drain->counts.drained_ns = now_ns - RECORD_NS;
		quiet = is_quiet(drain, drain->events - before, now_ns - before_ns, now_ns);
		drain->counts.quiet = quiet;
		if (!quiet)
			drain_wake_waiter(drain);
		if (!quiet || now_ns - drain->measured_ns >= MEASURE_NS)
			measure_self(drain, now_ns);
	}
	finish_rings(drain);
	measure_self(drain, now_ns);
	if (drain->schedstat_fd >= 0)
		close(drain->schedstat_fd);
	return NULL;
}

void drain_wait_for_activity(struct drain *drain, uint64_t until_ns)
{
	const struct timespec until = clock_timespec(until_ns);
	drain->activity_wanted = true;
	while (sem_clockwait(&drain->activity, CLOCK_MONOTONIC, &until) < 0 && errno == EINTR)
		;
}

int drain_start(struct drain *drain, int *ret_realtime_error, int *ret_lock_error)
{
	uint64_t now_ns = clock_now_ns();
	for (size_t i = 0; i < drain->counters->cpu_count; i++) {
		drain->cpus[i].source.last_ns = now_ns;
		drain->cpus[i].last_record_ns = now_ns;
	}
	int error = pthread_create(&drain->thread, NULL, run_drain, drain);
	if (error)
		return -error;
	while (sem_wait(&drain->ready) < 0 && errno == EINTR)
		;
	*ret_realtime_error = drain->realtime_error;
	*ret_lock_error = drain->lock_error;
	return 0;
}

void drain_stop(struct drain *drain, uint64_t end_ns)
{
	drain->end_ns = end_ns;
	drain->stop = true;
	pthread_join(drain->thread, NULL);
}

bool drain_flush(struct drain *drain, int deadline_ms)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t end_ns = clock_now_ns() + (uint64_t)deadline_ms * 1000000;
	uint64_t number = ++drain->flush_asked, one = 1;

	(void)!write(drain->flush_fd, &one, sizeof(one)); /* if it fails, the next round is soon */
	while (drain->flush_done < number) {
		if (clock_now_ns() > end_ns)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

uint64_t drain_last_record_ns(const struct drain *drain, size_t index)
{
	return drain->cpus[index].last_record_ns;
}

void drain_detach(struct drain *drain, size_t index)
{
	drain->cpus[index].ring_state = RING_DETACHING;
}

bool drain_is_detached(const struct drain *drain, size_t index)
{
	return drain->cpus[index].ring_state == RING_DETACHED;
}

void drain_attach(struct drain *drain, size_t index, uint64_t from_ns, uint64_t until_ns)
{
	struct drain_cpu *cpu = &drain->cpus[index];

	cpu->from_ns = from_ns;
	cpu->until_ns = until_ns;
	cpu->ring_state = RING_ATTACHING;
}

const struct drain_counts *drain_counts(const struct drain *drain)
{
	return &drain->counts;
}
