/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/trigger/probe.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "capture/format.h"
#include "recorder/base/clock.h"
#include "recorder/base/abandonable_task.h"

#define DEADLINE_LEAST_NS 5000000000u
#define INTERVAL_LEAST_NS 1000000u
#define STOP_PATIENCE_MS  200

static const struct probe_ops *const OPS[] = {
	[PROBE_TCP] = &PROBE_TCP_OPS,
	[PROBE_HTTP] = &PROBE_HTTP_OPS,
	[PROBE_CMD] = &PROBE_CMD_OPS,
};

/* Belongs to the probe's thread, which may outlive probe_stop(). */
struct probe {
	const struct probe_ops *ops;
	void *question;
	char name[PROBE_NAME_BYTES];
	uint64_t interval_ns;
	uint64_t deadline_ns; /* a question is given up after this */
	struct probe_deadline failures;
	struct abandonable_task *task; /* used by the owner of the probe only */
	int stop_fd;
	_Atomic bool stop;
	pthread_mutex_t lock; /* protects the next four members; held for a post or a copy only */
	struct trigger_queue *triggers; /* NULL once probe_stop() was called */
	void (*note)(void *context, const struct ft_event *event);
	void *note_context;
	char last_why[PROBE_WHY_BYTES];
	_Atomic bool may_fire; /* there was a good answer once */
	_Atomic uint64_t asked, answered, failed, fired, last_ns;
	_Atomic uint64_t asked_at_ns; /* 0: no question is under way */
	_Atomic uint64_t waiting_since_ns; /* a row of failures, late answers among them; 0: none */
	_Atomic bool leftover; /* a part of an earlier question could not be ended */
};

bool probe_poll(int fd, short events, uint64_t until_ns, int stop_fd)
{
	struct pollfd pollfds[] = { { .fd = fd, .events = events },
				    { .fd = stop_fd, .events = POLLIN } };
	uint64_t now_ns = clock_now_ns();
	const struct timespec left = clock_timespec(until_ns > now_ns ? until_ns - now_ns : 0);

	return ppoll(pollfds, 2, &left, NULL) > 0 && pollfds[0].revents && !pollfds[1].revents;
}

static void destroy_probe(void *context)
{
	struct probe *probe = context;

	if (probe->question)
		probe->ops->destroy(probe->question);
	if (probe->stop_fd >= 0)
		close(probe->stop_fd);
	pthread_mutex_destroy(&probe->lock);
	free(probe);
}

static void post_trigger(struct probe *probe, uint64_t now_ns, uint64_t waiting_ns)
{
	char reason[TRIGGER_REASON_BYTES];

	if (!probe->may_fire)
		return;
	probe_deadline_describe(&probe->failures, probe->name, now_ns, waiting_ns, reason,
				sizeof(reason));
	pthread_mutex_lock(&probe->lock);
	if (probe->triggers) {
		probe->fired++;
		trigger_queue_post(probe->triggers, probe->ops->source, now_ns, "%s", reason);
	}
	pthread_mutex_unlock(&probe->lock);
}

/* Tell the recording for how long a good answer has been waited for. */
static void note_waiting(struct probe *probe, uint64_t now_ns, const char *how)
{
	char text[FT_TEXT_BYTES_MAX];

	snprintf(text, sizeof(text), FT_NOTE_PROBE "%.3f s%s: %s",
		 (double)(now_ns - probe->waiting_since_ns) / 1e9, how, probe->name);
	pthread_mutex_lock(&probe->lock);
	if (probe->triggers && probe->note)
		probe->note(probe->note_context, &(struct ft_event){ .kind = FT_EVENT_NOTE,
								     .cpu = FT_NO_CPU,
								     .time_ns = now_ns,
								     .task = &ft_nobody,
								     .note.text = text });
	pthread_mutex_unlock(&probe->lock);
}

/* The question asked at @start_ns is late, answered or not. */
static void begin_waiting(struct probe *probe, uint64_t start_ns, uint64_t now_ns)
{
	if (!probe->may_fire || probe->waiting_since_ns ||
	    now_ns - start_ns <= probe->failures.slower_than_ns)
		return;
	probe->waiting_since_ns = start_ns;
	note_waiting(probe, now_ns, FT_NOTE_PROBE_OPEN);
}

static void end_waiting(struct probe *probe, uint64_t now_ns)
{
	if (!probe->waiting_since_ns)
		return;
	note_waiting(probe, now_ns, FT_NOTE_PROBE_OVER);
	probe->waiting_since_ns = 0;
}

static void finish_question(struct probe *probe, uint64_t start_ns, const char *why)
{
	uint64_t now_ns = clock_now_ns();
	bool failed, fires;

	fires = probe_deadline_answer(&probe->failures, start_ns, now_ns, why, &failed);
	probe->last_ns = now_ns - start_ns;
	if (why) {
		pthread_mutex_lock(&probe->lock);
		snprintf(probe->last_why, sizeof(probe->last_why), "%s", why);
		pthread_mutex_unlock(&probe->lock);
	} else {
		probe->answered++;
		probe->may_fire = true;
	}
	probe->failed += failed;
	if (failed)
		begin_waiting(probe, start_ns, now_ns);
	else
		end_waiting(probe, now_ns);
	if (fires)
		post_trigger(probe, now_ns, 0);
}

/* Returns when the question is answered or given up, or the probe is stopped. */
static void wait_for_answer(struct probe *probe, uint64_t start_ns)
{
	uint64_t end_ns = start_ns + probe->deadline_ns;
	uint64_t late_ns = start_ns + probe->failures.slower_than_ns + 1;

	while (!probe->stop) {
		uint64_t due_ns = probe_deadline_due_ns(&probe->failures, start_ns);
		char why[PROBE_WHY_BYTES];
		uint64_t until_ns = due_ns < end_ns ? due_ns : end_ns;
		if (!probe->waiting_since_ns && clock_now_ns() < late_ns && late_ns < until_ns)
			until_ns = late_ns;
		enum answer answer =
			probe->ops->wait(probe->question, until_ns, probe->stop_fd, why);
		if (answer != ANSWER_NONE) {
			finish_question(probe, start_ns, answer == ANSWER_GOOD ? NULL : why);
			return;
		}
		uint64_t now_ns = clock_now_ns();
		if (probe->stop)
			return;
		begin_waiting(probe, start_ns, now_ns);
		if (probe_deadline_waiting(&probe->failures, start_ns, now_ns))
			post_trigger(probe, now_ns, now_ns - start_ns);
		if (now_ns >= end_ns) {
			finish_question(probe, start_ns, "no answer, given up");
			return;
		}
	}
}

static void ask_until_stopped(void *context)
{
	struct probe *probe = context;

	while (!probe->stop) {
		uint64_t start_ns = clock_now_ns();
		probe->asked++;
		probe->asked_at_ns = start_ns;
		probe->ops->ask(probe->question);
		wait_for_answer(probe, start_ns);
		probe->leftover = !probe->ops->end(probe->question);
		probe->asked_at_ns = 0;
		while (!probe->stop && clock_now_ns() < start_ns + probe->interval_ns)
			probe_poll(-1, 0, start_ns + probe->interval_ns, probe->stop_fd);
	}
	/* Not in destroy_probe(), which the owner may run: this may block. */
	probe->ops->destroy(probe->question);
	probe->question = NULL;
}

/* Adding it to a time must not overflow. */
static uint64_t limit_duration(uint64_t duration_ns)
{
	return duration_ns < UINT64_MAX / 8 ? duration_ns : UINT64_MAX / 8;
}

static void set_times(struct probe *probe, const struct probe_options *options)
{
	uint64_t slower_than_ns = limit_duration(options->slower_than_ns);
	uint64_t for_ns = limit_duration(options->for_ns);

	probe->interval_ns = limit_duration(options->interval_ns);
	if (probe->interval_ns < INTERVAL_LEAST_NS)
		probe->interval_ns = INTERVAL_LEAST_NS;
	probe->deadline_ns = slower_than_ns + for_ns;
	if (probe->deadline_ns < DEADLINE_LEAST_NS)
		probe->deadline_ns = DEADLINE_LEAST_NS;
	probe_deadline_init(&probe->failures, slower_than_ns, for_ns);
}

int probe_start(const struct probe_options *options, struct trigger_queue *triggers,
		struct probe **ret_probe, const char **ret_problem)
{
	struct probe *probe = calloc(1, sizeof(*probe));
	int error = 0;

	if (!probe)
		return -ENOMEM;
	probe->ops = OPS[options->kind];
	probe->triggers = triggers;
	probe->note = options->note;
	probe->note_context = options->note_context;
	pthread_mutex_init(&probe->lock, NULL);
	probe->may_fire = options->was_answered;
	set_times(probe, options);
	probe->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (probe->stop_fd < 0)
		error = -errno;
	if (!error)
		error = probe->ops->create(options->what, &probe->question, probe->name,
					   ret_problem);
	if (!error)
		error = abandonable_task_start("ft-probe", ask_until_stopped, destroy_probe, probe,
					       &probe->task);
	if (error)
		destroy_probe(probe);
	else
		*ret_probe = probe;
	return error;
}

void probe_stop(struct probe *probe)
{
	if (!probe)
		return;
	pthread_mutex_lock(&probe->lock);
	probe->triggers = NULL;
	pthread_mutex_unlock(&probe->lock);
	probe->stop = true;
	(void)!eventfd_write(probe->stop_fd, 1);
	abandonable_task_leave(probe->task, STOP_PATIENCE_MS);
}

void probe_status(struct probe *probe, struct probe_status *ret_status)
{
	uint64_t asked_at_ns = probe->asked_at_ns, now_ns = clock_now_ns();
	uint64_t so_far_ns = asked_at_ns && now_ns > asked_at_ns ? now_ns - asked_at_ns : 0;
	uint64_t last_ns = probe->last_ns;

	*ret_status = (struct probe_status){
		.asked = probe->asked,
		.answered = probe->answered,
		.failed = probe->failed,
		.fired = probe->fired,
		.last_ns = so_far_ns > last_ns ? so_far_ns : last_ns,
		.waiting_since_ns = probe->waiting_since_ns,
		.stuck = probe->leftover || so_far_ns > probe->deadline_ns,
	};
	pthread_mutex_lock(&probe->lock);
	memcpy(ret_status->last_why, probe->last_why, sizeof(ret_status->last_why));
	pthread_mutex_unlock(&probe->lock);
}
