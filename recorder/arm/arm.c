/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/arm/arm.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "recorder/arm/status.h"
#include "recorder/base/clock.h"
#include "recorder/base/exit_status.h"
#include "recorder/arm/control_client.h"
#include "recorder/arm/control_server.h"
#include "recorder/arm/trigger_dispatch.h"
#include "recorder/record/deferred_stacks.h"
#include "recorder/record/object_watch.h"
#include "recorder/base/message.h"
#include "recorder/perf/permission.h"
#include "recorder/base/sd_notify.h"
#include "recorder/proc/thread_states.h"

#define TICK_NS		    1000000000ull
#define HOLD_NS		    2000000000ull /* so much after a late answer is in a capture */
#define TICK_BUSY_NS	    250000000ull /* a capture must not end before a probe was asked */
#define TICK_DRAWN_NS	    250000000ull
#define ON_CAPTURE_DEADLINE 300000000000ull

struct arm {
	const struct arm_options *options;
	char dir[PATH_MAX];
	struct ring_map *ringmap;
	struct engine *engine;
	struct target_finder *finder;
	struct history_keeper *keeper;
	struct capture_dir *captures;
	struct control *control;
	struct trigger_queue *triggers;
	struct capture_hook *hook;
	struct trigger_dispatch *dispatch;
	struct trigger_sources *sources;
	struct status_meter meter;
	int signal_fd, done_fd;
	char own_dir[64]; /* directory to remove at the end; "": none */
	enum ring_map_state ring_state; /* as last reported */
	uint64_t target_anew; /* plus 1, as last reported */
	char missing[TARGET_FINDER_TEXT_BYTES]; /* as last reported */
	uint64_t tick_ns; /* time of the next tick */
	uint64_t watchdog_ns; /* interval; 0: no watchdog */
	uint64_t watchdog_next_ns;
	bool ending, at_once;
};

/* Threads that are started later inherit the signal mask. */
static int open_signals(void)
{
	static const int TAKEN[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR2, SIGCHLD };
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(TAKEN) / sizeof(TAKEN[0]); i++)
		sigaddset(&set, TAKEN[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGXFSZ, SIG_IGN); /* EFBIG is then treated as a full disk */
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Setting up. */

static int open_files(struct arm *arm, struct diagnostic *refusal)
{
	const struct arm_options *options = arm->options;
	int cause = capture_dir_open(
		&(struct capture_dir_options){ .dir = options->dir,
					       .max_captures = options->max_captures,
					       .max_bytes = options->max_disk_bytes },
		&arm->captures);
	if (cause || !realpath(options->dir, arm->dir))
		return refuse(refusal, EXIT_FAILED,
			      cause == -ENOENT ? "The directory above it does not exist either: "
						 "create it, or choose another with -o."
					       : "Choose another directory with -o.",
			      "cannot write captures to %s: %s.", options->dir,
			      strerror(cause ? -cause : errno));
	if (capture_dir_torn(arm->captures) && !options->quiet)
		message_event("%s: %u %s of a recorder that was killed, now with a name; what is "
			      "in it until then, analyze reads.",
			      arm->dir, capture_dir_torn(arm->captures),
			      capture_dir_torn(arm->captures) == 1 ? "capture" : "captures");
	return ring_map_open(&(struct ring_map_options){ .path = options->ring_path,
							 .bytes = options->ring_bytes },
			     &arm->ringmap, refusal)
		       ? -1
		       : 0;
}

static int open_control(struct arm *arm, struct diagnostic *refusal)
{
	char place[PATH_MAX];
	const char *path = arm->options->control_path;
	int cause = path ? 0 : control_default_path(place, sizeof(place));
	path = path ? path : place;
	if (!cause)
		cause = control_listen(path, &arm->control);
	if (cause == -EADDRINUSE)
		return refuse(refusal, EXIT_FAILED, "End it first, or use another --control.",
			      "%s: another recorder, process %d, is armed there.", path,
			      (int)control_holder(path));
	if (cause)
		return refuse(refusal, EXIT_FAILED, "Name a place for the socket with --control.",
			      "cannot listen for recorder trigger: %s.", strerror(-cause));
	return 0;
}

static int create_parts(struct arm *arm, struct diagnostic *refusal)
{
	const struct arm_options *options = arm->options;

	arm->signal_fd = open_signals();
	arm->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (arm->signal_fd < 0 || arm->done_fd < 0)
		return refuse(refusal, EXIT_FAILED, "", "no files can be opened: %s.",
			      strerror(errno));
	int cause =
		target_finder_start(&(struct target_finder_options){ .pids = options->target,
								     .pid_file = options->pid_file,
								     .comm = options->comm },
				    &arm->finder);
	if (!cause)
		cause = trigger_queue_create(&arm->triggers);
	if (!cause && options->on_capture)
		cause = capture_hook_create(options->on_capture, ON_CAPTURE_DEADLINE, &arm->hook);
	if (cause)
		return refuse(refusal, EXIT_FAILED, "", "cannot be armed: %s.", strerror(-cause));
	if (open_files(arm, refusal))
		return -1;
	return open_control(arm, refusal);
}

static int create_dispatch(struct arm *arm, struct diagnostic *refusal)
{
	const struct trigger_dispatch_options options = {
		.capture = { .engine = arm->engine,
			     .keeper = arm->keeper,
			     .captures = arm->captures,
			     .finder = arm->finder,
			     .post_ns = arm->options->post_ns,
			     .hold_ns = arm->options->hold_ns,
			     .done_fd = arm->done_fd },
		.triggers = arm->triggers,
		.control = arm->control,
		.hook = arm->hook,
		.dir = arm->dir,
		.cooldown_ns = arm->options->cooldown_ns,
		.quiet = arm->options->quiet,
	};
	return trigger_dispatch_create(&options, &arm->dispatch) ? refusal_for_memory(refusal) : 0;
}

/* The segment ring fills from engine_start() on, while the rest is prepared. */
static int start_recording(struct arm *arm, struct diagnostic *refusal)
{
	struct engine_options options = arm->options->engine;
	options.keep_blocked_threads = true;
	options.mode = governor_step_mode(arm->options->sources.governor.first);
	options.ringmap = arm->ringmap;
	if (engine_create(&options, &arm->engine, refusal) || engine_start(arm->engine, refusal))
		return -1;
	if (history_keeper_create(arm->engine, arm->finder, arm->ringmap, &arm->keeper))
		return refusal_for_memory(refusal);
	int cause = history_keeper_start(arm->keeper);
	if (cause) {
		history_keeper_destroy(arm->keeper);
		arm->keeper = NULL;
		return refuse(refusal, EXIT_FAILED, "", "cannot start a thread: %s.",
			      strerror(-cause));
	}
	if (create_dispatch(arm, refusal))
		return -1;
	return trigger_sources_start(&arm->options->sources, arm->engine, arm->keeper, arm->finder,
				     arm->triggers, &arm->sources, refusal);
}

/* Threads that hang are left behind: they must not hold up the end, and what they use stays. */
static void destroy_parts(struct arm *arm)
{
	trigger_sources_stop(arm->sources);
	trigger_dispatch_destroy(arm->dispatch);
	if (arm->keeper)
		history_keeper_stop(arm->keeper);
	history_keeper_destroy(arm->keeper);
	control_close(arm->control);
	capture_hook_destroy(arm->hook);
	if (arm->engine && arm->engine->running)
		engine_stop(arm->engine);
	bool in_use = thread_states_stuck() || deferred_stacks_stuck() || object_watch_stuck();
	if (!in_use) {
		engine_destroy(arm->engine);
		ring_map_close(arm->ringmap, false);
	}
	capture_dir_close(arm->captures);
	target_finder_stop(arm->finder);
	trigger_queue_destroy(arm->triggers);
	if (arm->signal_fd >= 0)
		close(arm->signal_fd);
	if (arm->done_fd >= 0)
		close(arm->done_fd);
}

/* Requests, triggers and signals. */

static void begin_ending(struct arm *arm)
{
	if (arm->ending) {
		arm->at_once = true; /* the second request to end */
		return;
	}
	arm->ending = true;
	sd_notify_send("STOPPING=1");
	if (trigger_dispatch_busy(arm->dispatch) && !arm->options->quiet)
		message_event("ending; the capture under way is sealed first.");
	trigger_dispatch_end(arm->dispatch);
}

static void take_signals(struct arm *arm)
{
	struct signalfd_siginfo info;
	while (read(arm->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGINT:
		case SIGTERM:
			begin_ending(arm);
			break;
		case SIGUSR2:
			trigger_queue_post(arm->triggers, "signal", 0,
					   "SIGUSR2 from process %u of user %u", info.ssi_pid,
					   info.ssi_uid);
			break;
		case SIGCHLD:
			if (arm->hook)
				capture_hook_look(arm->hook);
			break;
		}
	}
}

static void answer_status(struct arm *arm, int client)
{
	struct status status = { .pid = getpid() };
	status_meter_fill(&arm->meter, &status);
	trigger_dispatch_status(arm->dispatch, &status);
	trigger_sources_status(arm->sources, &status);
	char *json = status_to_json(&status);
	if (json)
		control_answer(arm->control, client, json);
	else
		control_answer_error(arm->control, client, "not enough memory");
	free(json);
}

static void take_requests(struct arm *arm)
{
	struct control_request request;
	while (control_take(arm->control, &request) == 1) {
		if (request.what == CONTROL_STATUS)
			answer_status(arm, request.client);
		else
			trigger_dispatch_request(arm->dispatch, &request);
	}
}

static void take_triggers(struct arm *arm)
{
	struct trigger trigger;
	while (trigger_queue_take(arm->triggers, &trigger))
		trigger_dispatch_trigger(arm->dispatch, &trigger);
}

static void take_done(struct arm *arm)
{
	uint64_t count;
	if (read(arm->done_fd, &count, sizeof(count)) == sizeof(count))
		trigger_dispatch_look(arm->dispatch);
}

/* Periodic work. */

static void report_target(struct arm *arm)
{
	struct target target;
	char text[TARGET_MAX * 12], missing[TARGET_FINDER_TEXT_BYTES];
	uint64_t anew = target_finder_generation(arm->finder) + 1;

	target_finder_missing(arm->finder, missing);
	if (!target_finder_looks(arm->finder) ||
	    (anew == arm->target_anew && !strcmp(missing, arm->missing)))
		return;
	arm->target_anew = anew;
	memcpy(arm->missing, missing, sizeof(missing));
	target_finder_target(arm->finder, &target);
	target_text(&target, text, sizeof(text));
	if (arm->options->quiet)
		return;
	if (target.count)
		message_event("the target is %s (%s).", text, target.comm);
	else
		message_event("the target does not run: %s; %srecording goes on.", missing,
			      arm->options->pid_file || arm->options->comm ? "it is waited for, "
									   : "");
}

/* Somebody truncated or replaced the ring file; the recording goes on. */
static void report_ring_state(struct arm *arm)
{
	enum ring_map_state state = ring_map_state(arm->ringmap);

	if (state == arm->ring_state)
		return;
	arm->ring_state = state;
	message_error("%s: the ring file was %s by somebody: what it held there is lost; recording "
		      "goes on in memory, and captures are written.",
		      ring_map_path(arm->ringmap), ring_map_state_text(state));
}

static void do_periodic_work(struct arm *arm, uint64_t now_ns)
{
	bool drawn = !arm->options->quiet && isatty(STDERR_FILENO);

	if (arm->watchdog_ns && now_ns >= arm->watchdog_next_ns) {
		sd_notify_send("WATCHDOG=1");
		arm->watchdog_next_ns = now_ns + arm->watchdog_ns;
	}
	if (trigger_dispatch_busy(arm->dispatch) && trigger_sources_wait(arm->sources))
		trigger_dispatch_hold(arm->dispatch, now_ns + HOLD_NS);
	if (now_ns < arm->tick_ns)
		return;
	arm->tick_ns = now_ns + (drawn				       ? TICK_DRAWN_NS
				 : trigger_dispatch_busy(arm->dispatch) ? TICK_BUSY_NS
									: TICK_NS);
	report_target(arm);
	report_ring_state(arm);
	trigger_sources_look(arm->sources, arm->options->quiet);
	if (arm->hook)
		capture_hook_look(arm->hook);
	status_meter_update(&arm->meter, now_ns);
	if (drawn)
		status_meter_draw(&arm->meter, trigger_dispatch_busy(arm->dispatch));
}

static int get_wait_ms(const struct arm *arm, uint64_t now_ns)
{
	uint64_t next_ns = arm->tick_ns;
	if (arm->watchdog_ns && arm->watchdog_next_ns < next_ns)
		next_ns = arm->watchdog_next_ns;
	return next_ns > now_ns ? (int)((next_ns - now_ns) / 1000000) + 1 : 0;
}

static void run_loop(struct arm *arm)
{
	enum { SIGNALS, TRIGGERS, CONTROL, DONE, COUNT };
	struct pollfd polls[COUNT] = {
		[SIGNALS] = { .fd = arm->signal_fd, .events = POLLIN },
		[TRIGGERS] = { .fd = trigger_queue_fd(arm->triggers), .events = POLLIN },
		[CONTROL] = { .fd = control_fd(arm->control), .events = POLLIN },
		[DONE] = { .fd = arm->done_fd, .events = POLLIN },
	};

	while (!arm->at_once && !(arm->ending && !trigger_dispatch_busy(arm->dispatch))) {
		poll(polls, COUNT, get_wait_ms(arm, clock_now_ns()));
		take_signals(arm);
		take_done(arm);
		take_requests(arm);
		take_triggers(arm);
		do_periodic_work(arm, clock_now_ns());
	}
}

static void report_start(const struct arm *arm)
{
	permission_warn_of_names(arm->engine->kallsyms_error);
	sd_notify_send("READY=1");
	if (arm->options->quiet)
		return;
	for (size_t i = 0; ring_map_note(arm->ringmap, i); i++)
		message_event("%s: %s.", ring_map_path(arm->ringmap),
			      ring_map_note(arm->ringmap, i));
	message_recording("the host into %s; captures go to %s", ring_map_path(arm->ringmap),
			  arm->dir);
}

/* The ring and the socket may make this directory, which nobody else removes. */
static void name_own_dir(struct arm *arm)
{
	snprintf(arm->own_dir, sizeof(arm->own_dir), "/dev/shm/freezetrap-%u",
		 (unsigned int)geteuid());
	if (!access(arm->own_dir, F_OK))
		arm->own_dir[0] = '\0'; /* it existed before */
}

int arm_run(const struct arm_options *options)
{
	struct arm arm = { .options = options, .signal_fd = -1, .done_fd = -1 };
	struct diagnostic refusal = { .status = EXIT_FAILED };
	int status = EXIT_DONE;

	/* Captures have to be whole soon on an overloaded host too. Threads inherit the priority, so set it
	 * before the first one. Abandonable tasks and commands run at ordinary priority. */
	setpriority(PRIO_PROCESS, 0, PRIO_MIN);
	mallopt(M_ARENA_MAX,
		1); /* many short-lived threads: each arena would keep what they freed */
	name_own_dir(&arm);
	if (create_parts(&arm, &refusal) || start_recording(&arm, &refusal)) {
		message_error("%s\n  %s", refusal.text, refusal.advice);
		status = refusal.status;
	} else {
		status_meter_init(&arm.meter, arm.engine, arm.ringmap, arm.finder);
		arm.watchdog_ns = sd_notify_watchdog_ns();
		report_start(&arm);
		run_loop(&arm);
		message_progress_end();
	}
	if (arm.at_once)
		capture_hook_destroy(arm.hook);
	if (arm.at_once)
		_exit(EXIT_FAILED); /* threads may hang, so nothing can be freed */
	destroy_parts(&arm);
	if (arm.own_dir[0])
		rmdir(arm.own_dir); /* fails if it is not empty */
	return status;
}
