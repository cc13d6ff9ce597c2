/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder/clock.h"
#include "recorder/probe.h"
#include "server.h"

#define MS	    1000000ull
#define PATIENCE_MS 30000
#define NEVER_NS    (3600 * 1000 * MS)
#define DEADLINE_MS 5000 /* of a question, where slower_than and for are short */
#define SOME_MORE   10 /* questions */

struct asking {
	struct triggers *triggers;
	struct probe *probe;
	uint64_t start_ns;
};

static struct asking start(enum probe_kind kind, const char *what, uint64_t slower_than_ns,
			   uint64_t for_ns)
{
	struct probe_options options = {
		.kind = kind,
		.what = what,
		.interval_ns = 10 * MS,
		.slower_than_ns = slower_than_ns,
		.for_ns = for_ns,
	};
	struct asking asking = { .start_ns = clock_now_ns() };
	const char *problem = "";

	assert_int_equal(triggers_create(&asking.triggers), 0);
	int error = probe_start(&options, asking.triggers, &asking.probe, &problem);
	if (error)
		fail_msg("%s: %s: %s", what, strerror(-error), problem);
	return asking;
}

static void stop(struct asking *asking)
{
	probe_stop(asking->probe);
	triggers_destroy(asking->triggers);
}

static struct probe_status status_of(const struct asking *asking)
{
	struct probe_status status;

	probe_status(asking->probe, &status);
	return status;
}

static void pause_a_little(void)
{
	poll(NULL, 0, 2);
}

/* Waits for @condition, and fails where it does not come true. */
#define WAIT_FOR(condition)                                                   \
	do {                                                                  \
		uint64_t end_ns = clock_now_ns() + PATIENCE_MS * MS;          \
		while (!(condition)) {                                        \
			if (clock_now_ns() > end_ns)                          \
				fail_msg("%s did not come true", #condition); \
			pause_a_little();                                     \
		}                                                             \
	} while (0)

static struct trigger take(const struct asking *asking)
{
	struct pollfd pollfd = { .fd = triggers_fd(asking->triggers), .events = POLLIN };
	struct trigger trigger;

	assert_int_equal(poll(&pollfd, 1, PATIENCE_MS), 1);
	assert_true(triggers_take(asking->triggers, &trigger));
	return trigger;
}

static void assert_no_trigger(const struct asking *asking)
{
	struct trigger trigger;

	if (triggers_take(asking->triggers, &trigger))
		fail_msg("%s: %s", trigger.source, trigger.reason);
}

static void assert_says(const struct trigger *trigger, const char *source, const char *text)
{
	assert_string_equal(trigger->source, source);
	if (!strstr(trigger->reason, text))
		fail_msg("'%s' is not in '%s'", text, trigger->reason);
}

static const char *at_port(const char *format, int port)
{
	static char what[128];

	snprintf(what, sizeof(what), format, port);
	return what;
}

static void assert_good(enum probe_kind kind, const char *what)
{
	struct asking asking = start(kind, what, NEVER_NS, NEVER_NS);

	WAIT_FOR(status_of(&asking).asked > 5);
	assert_int_equal(status_of(&asking).failed, 0);
	assert_int_equal(status_of(&asking).stuck, 0);
	stop(&asking);
}

static void assert_fires(enum probe_kind kind, const char *what, const char *source,
			 const char *text)
{
	struct asking asking = start(kind, what, NEVER_NS, 100 * MS);
	struct trigger trigger = take(&asking);

	assert_says(&trigger, source, text);
	assert_null(strstr(trigger.reason, "secret"));
	assert_true(trigger.time_ns - asking.start_ns >= 100 * MS);
	uint64_t failed = status_of(&asking).failed;
	WAIT_FOR(status_of(&asking).failed > failed + SOME_MORE);
	assert_no_trigger(&asking);
	assert_int_equal(status_of(&asking).fired, 1);
	stop(&asking);
}

/* A question that hangs fires before it ends, and stopping does not wait for it. */
static void assert_hang_fires(enum probe_kind kind, const char *what, const char *source)
{
	struct asking asking = start(kind, what, 50 * MS, 200 * MS);
	struct trigger trigger = take(&asking);

	assert_says(&trigger, source, "slower than 50 ms");
	assert_says(&trigger, source, ": no answer for ");
	assert_true(trigger.time_ns - asking.start_ns >= 200 * MS);
	struct probe_status status = status_of(&asking);
	assert_int_equal(status.asked, 1);
	assert_int_equal(status.failed, 0);
	assert_true(status.last_ns >= 200 * MS);
	uint64_t stop_ns = clock_now_ns();
	stop(&asking);
	assert_true(clock_now_ns() - stop_ns < (DEADLINE_MS - 1000) * MS);
}

/* Names of this test: one whose lookup hangs, and one that moves once it has been found. */
static sem_t lookup_may_end;
static _Atomic int lookups;

int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
		       struct addrinfo **ret_found);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
		       struct addrinfo **ret_found);

int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
		       struct addrinfo **ret_found)
{
	bool asks = !(hints->ai_flags & AI_NUMERICHOST);

	if (asks && !strcmp(host, "hangs.test")) {
		while (sem_wait(&lookup_may_end) < 0 && errno == EINTR)
			;
		return EAI_AGAIN;
	}
	if (asks && !strcmp(host, "moves.test"))
		host = lookups++ ? "127.0.0.1" : "127.0.0.2";
	return __real_getaddrinfo(host, port, hints, ret_found);
}

static void tcp_name_whose_lookup_hangs_fires(void **state)
{
	(void)state;
	sem_init(&lookup_may_end, 0, 0);
	assert_hang_fires(PROBE_TCP, "hangs.test:80", "probe-tcp");
	/* It was left behind, and ends some time. */
	sem_post(&lookup_may_end);
}

static void tcp_name_that_moves_is_looked_up_again(void **state)
{
	struct server server = { .answer = "+PONG\r\n" };

	(void)state;
	lookups = 0;
	assert_int_equal(server_start(&server, AF_INET), 0);
	struct asking asking =
		start(PROBE_TCP, at_port("moves.test:%d,send=PING\\r\\n", server.port), NEVER_NS,
		      NEVER_NS);
	WAIT_FOR(server.served > 5);
	assert_true(status_of(&asking).failed > 0);
	/* Once it is reached it is not looked up any more, but for one that was under way. */
	assert_in_range(lookups, 2, 3);
	stop(&asking);
	server_stop(&server);
}

static void tcp_that_answers_is_good(void **state)
{
	struct server server = { .answer = "+PONG\r\n" };

	(void)state;
	assert_int_equal(server_start(&server, AF_INET), 0);
	assert_good(PROBE_TCP, at_port("127.0.0.1:%d,send=PING\\r\\n", server.port));
	assert_true(server.served >= 5);
	/* A name, of which perhaps only the second address is served. */
	assert_good(PROBE_TCP, at_port("localhost:%d,send=PING\\r\\n", server.port));
	server_stop(&server);
}

static void tcp_over_ipv6_is_good(void **state)
{
	struct server server = { .answer = "+PONG\r\n" };

	(void)state;
	if (server_start(&server, AF_INET6)) {
		print_message("no IPv6 here\n");
		skip();
	}
	assert_good(PROBE_TCP, at_port("[::1]:%d,send=PING\\r\\n", server.port));
	server_stop(&server);
}

static void tcp_connects_to_a_frozen_server_and_only_sending_tells(void **state)
{
	struct server server = { .answer = "+PONG\r\n", .frozen = true };

	(void)state;
	assert_int_equal(server_start(&server, AF_INET), 0);
	assert_good(PROBE_TCP, at_port("127.0.0.1:%d", server.port));
	assert_hang_fires(PROBE_TCP, at_port("127.0.0.1:%d,send=PING\\r\\n", server.port),
			  "probe-tcp");
	server_stop(&server);
}

static void tcp_refused_fires_once(void **state)
{
	int fd, port = server_free_port(&fd);

	(void)state;
	assert_true(port > 0);
	assert_fires(PROBE_TCP, at_port("127.0.0.1:%d", port), "probe-tcp", "Connection refused");
	assert_fires(PROBE_TCP, at_port("localhost:%d", port), "probe-tcp", "Connection refused");
	close(fd);
}

static void tcp_closed_without_answer_fires(void **state)
{
	struct server server = { .answer = "" };

	(void)state;
	assert_int_equal(server_start(&server, AF_INET), 0);
	assert_fires(PROBE_TCP, at_port("127.0.0.1:%d,send=PING\\r\\n", server.port), "probe-tcp",
		     "closed without an answer");
	server_stop(&server);
}

static void tcp_name_that_is_none_fires(void **state)
{
	(void)state;
	assert_fires(PROBE_TCP, "no-such-host.invalid:1", "probe-tcp",
		     "no-such-host.invalid:1 failing");
}

static void tcp_slow_answers_fire_with_their_numbers(void **state)
{
	struct server server = { .answer = "+PONG\r\n", .delay_ms = 40 };

	(void)state;
	assert_int_equal(server_start(&server, AF_INET), 0);
	struct asking asking =
		start(PROBE_TCP, at_port("127.0.0.1:%d,send=AUTH secret\\r\\n", server.port),
		      20 * MS, 200 * MS);
	struct trigger trigger = take(&asking);
	char name[64];
	snprintf(name, sizeof(name), "tcp 127.0.0.1:%d slower than 20 ms for ", server.port);
	assert_says(&trigger, "probe-tcp", name);
	assert_null(strstr(trigger.reason, "secret"));
	stop(&asking);
	server_stop(&server);
}

static void tcp_fires_again_after_a_good_answer(void **state)
{
	struct server server = { .answer = "+PONG\r\n", .frozen = true };

	(void)state;
	assert_int_equal(server_start(&server, AF_INET), 0);
	/* Ten times what an answer takes on a loaded machine, or the end of a row is not seen. */
	struct asking asking =
		start(PROBE_TCP, at_port("127.0.0.1:%d,send=PING\\r\\n", server.port), 500 * MS,
		      1000 * MS);
	assert_int_equal(take(&asking).number, 1);
	server.frozen = false;
	uint64_t asked = status_of(&asking).asked;
	WAIT_FOR(status_of(&asking).asked > asked + 5 && status_of(&asking).last_ns < 500 * MS);
	assert_no_trigger(&asking);
	server.frozen = true;
	assert_int_equal(take(&asking).number, 2);
	assert_int_equal(status_of(&asking).fired, 2);
	stop(&asking);
	server_stop(&server);
}

static void tcp_that_hangs_is_given_up_and_asked_again(void **state)
{
	struct server server = { .answer = "+PONG\r\n", .frozen = true };

	(void)state;
	assert_int_equal(server_start(&server, AF_INET), 0);
	struct asking asking = start(
		PROBE_TCP, at_port("127.0.0.1:%d,send=PING\\r\\n", server.port), 50 * MS, 100 * MS);
	WAIT_FOR(status_of(&asking).asked == 2);
	assert_true(clock_now_ns() - asking.start_ns >= DEADLINE_MS * MS);
	assert_int_equal(status_of(&asking).failed, 1);
	take(&asking);
	assert_no_trigger(&asking);
	stop(&asking);
	server_stop(&server);
}

/* Commands: they write their process numbers to this file. */
static char pid_file[] = "/tmp/test_probe.XXXXXX";

static int make_pid_file(void **state)
{
	(void)state;
	int fd = mkstemp(pid_file);
	return fd < 0 ? -1 : close(fd);
}

static int remove_pid_file(void **state)
{
	(void)state;
	return unlink(pid_file);
}

static const char *with_pid_file(const char *format)
{
	static char what[256];

	assert_int_equal(truncate(pid_file, 0), 0);
	snprintf(what, sizeof(what), format, pid_file);
	return what;
}

static size_t read_pids(pid_t *ret_pids, size_t most)
{
	FILE *file = fopen(pid_file, "re");
	size_t count = 0;

	assert_non_null(file);
	while (count < most && fscanf(file, "%d", &ret_pids[count]) == 1)
		count++;
	fclose(file);
	return count;
}

/* A zombie that its new parent has not reaped yet runs no more. */
static bool runs(pid_t pid)
{
	char path[64], state = 'Z';

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 'Z';
	fclose(file);
	return state != 'Z' && state != 'X';
}

static bool any_runs(size_t most)
{
	pid_t pids[1024];
	size_t count = read_pids(pids, most < 1024 ? most : 1024);

	assert_true(count > 0);
	for (size_t i = 0; i < count; i++)
		if (runs(pids[i]))
			return true;
	return false;
}

static void assert_no_child_is_left(void)
{
	errno = 0;
	WAIT_FOR(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static void command_that_succeeds_is_good(void **state)
{
	(void)state;
	assert_good(PROBE_CMD, "true");
	assert_no_child_is_left();
}

static void command_that_prints_a_lot_is_good(void **state)
{
	(void)state;
	assert_good(PROBE_CMD, "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; "
			       "test -z \"$(cat)\"");
	assert_no_child_is_left();
}

static void command_that_fails_fires(void **state)
{
	(void)state;
	assert_fires(PROBE_CMD, "exit 3", "probe-cmd", "exit status 3");
	assert_fires(PROBE_CMD, "kill -9 $$", "probe-cmd", "killed by signal 9");
	assert_fires(PROBE_CMD, "/no/such/program", "probe-cmd", "exit status 127");
	assert_no_child_is_left();
}

static void command_starts_with_no_signal_blocked_or_ignored(void **state)
{
	(void)state;
	signal(SIGUSR1, SIG_IGN);
	/* Kills itself unless SIGUSR1 and SIGTERM arrive as they do by default. */
	assert_fires(PROBE_CMD, "kill -USR1 $$; exit 5", "probe-cmd", "killed by signal 10");
	assert_fires(PROBE_CMD, "kill -TERM $$; exit 5", "probe-cmd", "killed by signal 15");
	signal(SIGUSR1, SIG_DFL);
}

static void command_that_hangs_fires_and_ends_with_the_probe(void **state)
{
	(void)state;
	assert_hang_fires(
		PROBE_CMD,
		with_pid_file("echo $$ >>%s; trap '' TERM HUP INT; while :; do sleep 1; done"),
		"probe-cmd");
	assert_no_child_is_left();
	assert_false(any_runs(1));
}

static void command_that_hangs_is_killed_with_all_it_started(void **state)
{
	pid_t pids[3];

	(void)state;
	struct asking asking = start(
		PROBE_CMD,
		with_pid_file(
			"exec 3>>%s; trap '' TERM; echo $$ >&3; sleep 1000 & echo $! >&3; wait"),
		50 * MS, 100 * MS);
	struct trigger trigger = take(&asking);
	assert_says(&trigger, "probe-cmd", "command exec ... slower than 50 ms");
	WAIT_FOR(read_pids(pids, 3) == 3);
	assert_true(clock_now_ns() - asking.start_ns >= DEADLINE_MS * MS);
	/* Two of the first run, one of the second. */
	WAIT_FOR(!runs(pids[0]) && !runs(pids[1]));
	assert_int_equal(status_of(&asking).stuck, 0);
	stop(&asking);
	assert_no_child_is_left();
	WAIT_FOR(!any_runs(1024));
}

/* As if the signal waited for a process in D state. */
static _Atomic bool immortal;

int __real_kill(pid_t pid, int number);
int __wrap_kill(pid_t pid, int number);

int __wrap_kill(pid_t pid, int number)
{
	return immortal ? 0 : __real_kill(pid, number);
}

static void command_that_cannot_be_killed_is_the_only_one(void **state)
{
	pid_t pids[3];

	(void)state;
	immortal = true;
	struct asking asking =
		start(PROBE_CMD, with_pid_file("echo $$ >>%s; exec sleep 1000"), 50 * MS, 100 * MS);
	WAIT_FOR(status_of(&asking).stuck);
	WAIT_FOR(status_of(&asking).asked == 2);
	/* Longer than it takes to start another one, if it did. */
	uint64_t later_ns = clock_now_ns() + 500 * MS;
	WAIT_FOR(clock_now_ns() > later_ns);
	assert_int_equal(read_pids(pids, 3), 1);
	assert_true(runs(pids[0]));
	assert_int_equal(status_of(&asking).stuck, 1);
	take(&asking);
	assert_no_trigger(&asking);

	/* It dies at last, and the next one starts. */
	assert_int_equal(__real_kill(-pids[0], SIGKILL), 0);
	WAIT_FOR(read_pids(pids, 3) == 2);
	assert_false(runs(pids[0]));

	uint64_t stop_ns = clock_now_ns();
	stop(&asking);
	assert_true(clock_now_ns() - stop_ns < (DEADLINE_MS - 1000) * MS);
	assert_true(runs(pids[1]));
	/* Left behind, it is reaped when it dies. */
	assert_int_equal(__real_kill(-pids[1], SIGKILL), 0);
	immortal = false;
	assert_no_child_is_left();
}

static void command_leaves_no_children_behind(void **state)
{
	(void)state;
	assert_good(PROBE_CMD, with_pid_file("sleep 1000 & echo $! >>%s"));
	assert_no_child_is_left();
	WAIT_FOR(!any_runs(1024));
}

static void command_is_named_without_its_secrets(void **state)
{
	static const struct {
		const char *line, *name;
	} CASES[] = {
		{ "false", "command false failing" },
		{ "  false secret", "command false ... failing" },
		{ "A=secret B= false", "command false failing" },
		{ "A='secret false' false", "command ... failing" },
		{ "false -a \"secret\"", "command false ... failing" },
		{ "false;secret", "command false ... failing" },
		{ "A=secret;false", "command ... failing" },
		{ "A=secret; false", "command ... failing" },
		{ "A=secret&&false", "command ... failing" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct asking asking = start(PROBE_CMD, CASES[i].line, NEVER_NS, 0);
		struct trigger trigger = take(&asking);
		assert_says(&trigger, "probe-cmd", CASES[i].name);
		assert_null(strstr(trigger.reason, "secret"));
		stop(&asking);
	}
}

#ifdef HAVE_LIBCURL
#define RESPONSE(status, head) "HTTP/1.1 " status "\r\nContent-Length: 2\r\n" head "\r\nok"

static void http_judges_by_the_status(void **state)
{
	struct server server = { .answer = RESPONSE("200 OK", "") };

	(void)state;
	/* A proxy of the environment would refuse. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	assert_int_equal(server_start(&server, AF_INET), 0);
	assert_good(PROBE_HTTP, at_port("http://127.0.0.1:%d/health", server.port));
	assert_good(PROBE_HTTP, at_port("http://localhost:%d/health", server.port));
	server.answer = RESPONSE("302 Found", "Location: http://127.0.0.1:1/\r\n");
	assert_good(PROBE_HTTP, at_port("http://127.0.0.1:%d/", server.port));
	server.answer = RESPONSE("404 Not Found", "");
	assert_fires(PROBE_HTTP, at_port("http://127.0.0.1:%d/", server.port), "probe-http",
		     "HTTP status 404");
	server.answer = RESPONSE("503 Busy", "");
	assert_fires(PROBE_HTTP, at_port("http://127.0.0.1:%d/", server.port), "probe-http",
		     "HTTP status 503");
	server_stop(&server);
	unsetenv("http_proxy");
}

static void http_that_is_no_http_fires(void **state)
{
	struct server server = { .answer = "" };
	int fd, port = server_free_port(&fd);

	(void)state;
	assert_int_equal(server_start(&server, AF_INET), 0);
	assert_fires(PROBE_HTTP, at_port("http://127.0.0.1:%d/", server.port), "probe-http",
		     "Empty reply");
	server_stop(&server);
	assert_fires(PROBE_HTTP, at_port("http://127.0.0.1:%d/", port), "probe-http",
		     "Failed to connect");
	close(fd);
}

static void http_that_hangs_fires(void **state)
{
	struct server server = { .answer = "", .frozen = true };

	(void)state;
	assert_int_equal(server_start(&server, AF_INET), 0);
	assert_hang_fires(PROBE_HTTP, at_port("http://127.0.0.1:%d/", server.port), "probe-http");
	server_stop(&server);
}

static void http_is_named_without_its_secrets(void **state)
{
	int fd, port = server_free_port(&fd);

	(void)state;
	char name[64];
	snprintf(name, sizeof(name), "http://127.0.0.1:%d/a failing", port);
	assert_fires(PROBE_HTTP, at_port("http://me:secret@127.0.0.1:%d/a?key=secret#secret", port),
		     "probe-http", name);
	close(fd);
}
#endif

static void start_refuses_what_cannot_be_asked_and_says_why(void **state)
{
	static const struct {
		enum probe_kind kind;
		const char *what, *word;
		int error;
	} CASES[] = {
		{ PROBE_TCP, "localhost", "HOST:PORT", -EINVAL },
		{ PROBE_TCP, "[localhost]:80", "IPv6", -EINVAL },
		{ PROBE_CMD, "", "empty", -EINVAL },
		{ PROBE_CMD, " \n", "empty", -EINVAL },
#ifdef HAVE_LIBCURL
		{ PROBE_HTTP, "ftp://localhost/", "http://", -EINVAL },
		{ PROBE_HTTP, "file:///etc/hosts", "http://", -EINVAL },
		{ PROBE_HTTP, "localhost", "URL", -EINVAL },
		{ PROBE_HTTP, "", "URL", -EINVAL },
#else
		{ PROBE_HTTP, "http://localhost/", "libcurl", -ENOTSUP },
#endif
	};
	struct triggers *triggers = NULL;

	(void)state;
	assert_int_equal(triggers_create(&triggers), 0);
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct probe_options options = { .kind = CASES[i].kind, .what = CASES[i].what };
		struct probe *probe = NULL;
		const char *problem = NULL;
		assert_int_equal(probe_start(&options, triggers, &probe, &problem), CASES[i].error);
		assert_null(probe);
		if (!problem || !strstr(problem, CASES[i].word))
			fail_msg("%s: %s", CASES[i].what, problem ? problem : "no problem");
	}
	probe_stop(NULL);
	triggers_destroy(triggers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_that_answers_is_good),
		cmocka_unit_test(tcp_over_ipv6_is_good),
		cmocka_unit_test(tcp_connects_to_a_frozen_server_and_only_sending_tells),
		cmocka_unit_test(tcp_refused_fires_once),
		cmocka_unit_test(tcp_closed_without_answer_fires),
		cmocka_unit_test(tcp_name_that_is_none_fires),
		cmocka_unit_test(tcp_name_whose_lookup_hangs_fires),
		cmocka_unit_test(tcp_name_that_moves_is_looked_up_again),
		cmocka_unit_test(tcp_slow_answers_fire_with_their_numbers),
		cmocka_unit_test(tcp_fires_again_after_a_good_answer),
		cmocka_unit_test(tcp_that_hangs_is_given_up_and_asked_again),
		cmocka_unit_test(command_that_succeeds_is_good),
		cmocka_unit_test(command_that_prints_a_lot_is_good),
		cmocka_unit_test(command_that_fails_fires),
		cmocka_unit_test(command_starts_with_no_signal_blocked_or_ignored),
		cmocka_unit_test(command_that_hangs_fires_and_ends_with_the_probe),
		cmocka_unit_test(command_that_hangs_is_killed_with_all_it_started),
		cmocka_unit_test(command_that_cannot_be_killed_is_the_only_one),
		cmocka_unit_test(command_leaves_no_children_behind),
		cmocka_unit_test(command_is_named_without_its_secrets),
#ifdef HAVE_LIBCURL
		cmocka_unit_test(http_judges_by_the_status),
		cmocka_unit_test(http_that_is_no_http_fires),
		cmocka_unit_test(http_that_hangs_fires),
		cmocka_unit_test(http_is_named_without_its_secrets),
#endif
		cmocka_unit_test(start_refuses_what_cannot_be_asked_and_says_why),
	};
	return cmocka_run_group_tests(tests, make_pid_file, remove_pid_file);
}
