/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reading a capture and rebuilding its timeline costs. Not a test: prints figures.
 *
 * ping-pong: on each of 2 CPUs two tasks wake each other, two stacks in all.
 * varied:    2000 tasks, skewed, on 8 CPUs, each with two waits of its own of 600 stacks; next to
 *            nothing repeats, so that inflating and naming anew in each segment weigh most.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/trace/source.h"
#include "analyzer/timeline/timeline.h"
#include "capture/encoder.h"
#include "capture/writer.h"

#define SEGMENT_BYTES (64u << 10)
#define CPUS_MAX 8u
#define TASKS 2000u
#define STACKS 600u

static struct ft_task tasks[TASKS];
static uint64_t frames[STACKS][32];
static struct ft_stack stacks[STACKS];
static uint64_t random_state = 1;

static uint32_t random_below(uint32_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 32) * bound >> 32);
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void fail(const char *what, int error)
{
	fprintf(stderr, "bench_analyze: %s: %s\n", what, strerror(-error));
	exit(1);
}

static void make_names(void)
{
	for (uint32_t i = 0; i < TASKS; i++) {
		tasks[i].tid = (int32_t)(1000 + i);
		tasks[i].tgid = (int32_t)(1000 + i / 50 * 50);
		snprintf(tasks[i].comm, sizeof(tasks[i].comm), "worker-%u", i % 50);
	}
	for (uint32_t i = 0; i < STACKS; i++) {
		stacks[i] = (struct ft_stack){ frames[i], (uint16_t)(6 + random_below(25)), 0 };
		for (uint32_t j = 0; j < stacks[i].kernel_count; j++)
			frames[i][j] = 0xffffffff81000000 + random_below(18u << 20);
	}
}

/* One CPU being written. */
struct cpu {
	struct ft_encoder *encoder;
	uint8_t buf[SEGMENT_BYTES];
	uint64_t sequence;
	uint32_t running;
};

static void put(struct ft_writer *writer, struct cpu *cpu, const struct ft_event *event)
{
	int error = ft_encoder_add(cpu->encoder, event);

	if (error == -ENOBUFS) {
		error = ft_writer_segment(writer, cpu->buf, ft_encoder_seal(cpu->encoder));
		if (error)
			fail("cannot write", error);
		ft_encoder_begin(cpu->encoder, cpu->buf, SEGMENT_BYTES, event->cpu,
				 ++cpu->sequence);
		error = ft_encoder_add(cpu->encoder, event);
	}
	if (error)
		fail("cannot encode", error);
}

/* Who takes the CPU from @running: one of two by turns, or anyone who does not run. */
static uint32_t pick_next(bool varied, uint32_t number, uint32_t running, const bool *busy)
{
	uint32_t next;

	if (!varied)
		return running == 2 * number ? 2 * number + 1 : 2 * number;
	do
		next = random_below(1 + random_below(TASKS));
	while (busy[next]);
	return next;
}

static void make_capture(int fd, uint32_t events, bool varied)
{
	static struct cpu cpus[CPUS_MAX];
	uint32_t cpu_count = varied ? CPUS_MAX : 2;
	bool busy[TASKS] = { false };
	struct ft_writer *writer;
	uint64_t time_ns = 1000000000;

	if (ft_writer_create(fd, &writer))
		fail("cannot begin the capture", -EIO);
	for (uint32_t i = 0; i < cpu_count; i++) {
		if (ft_encoder_create(&cpus[i].encoder))
			fail("no memory", -ENOMEM);
		ft_encoder_begin(cpus[i].encoder, cpus[i].buf, SEGMENT_BYTES, i, 0);
		cpus[i].sequence = 0;
		cpus[i].running = 2 * i;
		busy[2 * i] = true;
	}
	for (uint32_t done = 0; done < events; done += 2) {
		uint32_t number = random_below(cpu_count), prev = cpus[number].running;
		uint32_t next = pick_next(varied, number, prev, busy);
		struct cpu *cpu = &cpus[number];

		time_ns += 100 + random_below(1000);
		put(writer, cpu, &(struct ft_event){
			.kind = FT_EVENT_WAKING, .cpu = number, .time_ns = time_ns,
			.task = &tasks[prev], .stack = &stacks[varied ? random_below(8) : 0],
			.waking = { .wakee = &tasks[next] } });
		time_ns += 100 + random_below(1000);
		put(writer, cpu, &(struct ft_event){
			.kind = FT_EVENT_SWITCH, .cpu = number, .time_ns = time_ns,
			.task = &tasks[prev],
			.stack = &stacks[varied ? (prev * 7 + random_below(2)) % STACKS : 1],
			.switch_ = { .next = &tasks[next], .prev_state = FT_STATE_SLEEPING } });
		busy[prev] = false;
		busy[next] = true;
		cpu->running = next;
	}
	for (uint32_t i = 0; i < cpu_count; i++) {
		if (ft_writer_segment(writer, cpus[i].buf, ft_encoder_seal(cpus[i].encoder)))
			fail("cannot write", -EIO);
		ft_encoder_destroy(cpus[i].encoder);
	}
	if (ft_writer_end(writer))
		fail("cannot end the capture", -EIO);
	printf("%s: %u events, %u CPUs, %.2f bytes/event\n", varied ? "varied" : "ping-pong",
	       events, cpu_count, (double)ft_writer_bytes(writer) / events);
	ft_writer_destroy(writer);
}

static int count_interval(void *context, const struct interval *interval)
{
	*(uint64_t *)context += interval->end_ns - interval->start_ns;
	return 0;
}

/* Return: seconds of CPU. */
static double pass(struct source *source, bool with_timeline, uint64_t *ret_events)
{
	uint64_t total_ns = 0, events = 0;
	struct timeline_sink sink = { .closed = count_interval, .context = &total_ns };
	struct timeline *timeline;
	double began_s = now_s();
	const struct event *event;
	int result;

	if (timeline_create(&sink, source_start_ns(source), &timeline))
		fail("no memory", -ENOMEM);
	source_rewind(source);
	while ((result = source_next(source, &event)) > 0) {
		events++;
		if (with_timeline)
			result = timeline_event(timeline, event);
		if (result < 0)
			break;
	}
	if (result < 0)
		fail("cannot read", result);
	if (with_timeline)
		timeline_finish(timeline, source_threads(source), source_end_ns(source));
	timeline_destroy(timeline);
	*ret_events = events;
	return now_s() - began_s;
}

static void measure(uint32_t wanted, bool varied)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	double best_s[2] = { 1e9, 1e9 };
	struct source *source;
	char path[64], *message;
	uint64_t events = 1;

	if (fd < 0)
		fail("cannot make a file in memory", -errno);
	make_capture(fd, wanted, varied);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (source_open(path, &source, &message)) {
		fprintf(stderr, "bench_analyze: %s\n", message);
		exit(1);
	}
	for (int round = 0; round < 5; round++) {
		for (int with_timeline = 0; with_timeline < 2; with_timeline++) {
			double s = pass(source, with_timeline, &events);

			if (s < best_s[with_timeline])
				best_s[with_timeline] = s;
		}
	}
	printf("  source            %6.1f ns/event %5.1f M events/s\n", best_s[0] / events * 1e9,
	       events / best_s[0] / 1e6);
	printf("  source + timeline %6.1f ns/event %5.1f M events/s\n", best_s[1] / events * 1e9,
	       events / best_s[1] / 1e6);
	printf("  timeline alone    %6.1f ns/event\n", (best_s[1] - best_s[0]) / events * 1e9);
	source_close(source);
	close(fd);
}

int main(int argc, char **argv)
{
	uint32_t events = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 4000000;

	make_names();
	measure(events, false);
	measure(events, true);
	return 0;
}
