/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/format.h"
#include "tests/unit/support/probe_fixture.h"
#include "tests/unit/support/server.h"
#include "tests/unit/support/unit_test.h"

static const char *at_port(const char *format, int port)
{
	static char what[128];

	snprintf(what, sizeof(what), format, port);
	return what;
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
	struct probe_fixture fixture =
		probe_fixture_start(PROBE_TCP,
				    at_port("moves.test:%d,send=PING\\r\\n", server.port), NEVER_NS,
				    NEVER_NS);
	WAIT_FOR(server.served > 5);
	assert_true(probe_fixture_status(&fixture).failed > 0);
	/* Once it is reached it is not looked up any more, but for one that was under way. */
	assert_in_range(lookups, 2, 3);
	probe_fixture_stop(&fixture);
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

/* A wrong address, or a service that is down when armed: no capture until it answered once. */
static void who_never_answered_triggers_nothing_until_it_did(void **state)
{
	static char file[] = "/tmp/test_probe.XXXXXX";
	char line[64];
	struct trigger_queue *triggers;
	struct probe *probe;
	struct probe_status status;
	const char *problem;
	int fd = mkstemp(file);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	snprintf(line, sizeof(line), "test ! -e %s", file);
	struct probe_options options = { .kind = PROBE_CMD,
					 .what = line,
					 .interval_ns = 10 * MS,
					 .slower_than_ns = NEVER_NS,
					 .for_ns = 50 * MS };
	assert_int_equal(trigger_queue_create(&triggers), 0);
	assert_int_equal(probe_start(&options, triggers, &probe, &problem), 0);
	struct probe_fixture fixture = { .triggers = triggers, .probe = probe };
	uint64_t later_ns = clock_now_ns() + 200 * MS;
	WAIT_FOR(probe_fixture_status(&fixture).failed > SOME_MORE && clock_now_ns() > later_ns);
	status = probe_fixture_status(&fixture);
	assert_int_equal(status.answered, 0);
	assert_int_equal(status.fired, 0);
	assert_string_equal(status.last_why, "exit status 1");
	assert_no_trigger(&fixture);
	unlink(file);
	WAIT_FOR(probe_fixture_status(&fixture).answered > 0);
	assert_no_trigger(&fixture);
	fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(probe_fixture_take(&fixture).number, 1);
	probe_fixture_stop(&fixture);
	unlink(file);
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
	struct probe_fixture fixture =
		probe_fixture_start(PROBE_TCP,
				    at_port("127.0.0.1:%d,send=AUTH secret\\r\\n", server.port),
				    20 * MS, 200 * MS);
	struct trigger trigger = probe_fixture_take(&fixture);
	char name[64];
	snprintf(name, sizeof(name), "tcp 127.0.0.1:%d slower than 20 ms for ", server.port);
	assert_says(&trigger, "probe-tcp", name);
	assert_null(strstr(trigger.reason, "secret"));
	probe_fixture_stop(&fixture);
	server_stop(&server);
}

/* What a probe noted; its thread writes, and is stopped before it is read. */
struct notes {
	_Atomic int count;
	char text[2][FT_TEXT_BYTES_MAX];
};

static void keep_note(void *context, const struct ft_event *event)
{
	struct notes *notes = context;

	if (notes->count < 2)
		snprintf(notes->text[notes->count], FT_TEXT_BYTES_MAX, "%s", event->note.text);
	notes->count++;
}

static void tcp_notes_since_when_it_waits_and_when_that_is_over(void **state)
{
	struct server server = { .answer = "+PONG\r\n", .frozen = true };
	struct notes notes = { .count = 0 };
	struct trigger_queue *triggers;
	struct probe_status status;
	struct probe *probe;
	const char *problem;
	char name[64];

	(void)state;
	assert_int_equal(server_start(&server, AF_INET), 0);
	snprintf(name, sizeof(name), ": tcp 127.0.0.1:%d", server.port);
	assert_int_equal(trigger_queue_create(&triggers), 0);
	const struct probe_options options = {
		.kind = PROBE_TCP,
		.what = at_port("127.0.0.1:%d,send=PING\\r\\n", server.port),
		.interval_ns = 10 * MS,
		.slower_than_ns = 500 * MS,
		.for_ns = NEVER_NS, /* it waits long before it fires */
		.was_answered = true,
		.note = keep_note,
		.note_context = &notes,
	};
	assert_int_equal(probe_start(&options, triggers, &probe, &problem), 0);
	WAIT_FOR(notes.count >= 1);
	probe_status(probe, &status);
	assert_true(status.waiting_since_ns > 0);
	server.frozen = false;
	WAIT_FOR(notes.count >= 2);
	probe_stop(probe);
	assert_memory_equal(notes.text[0], FT_NOTE_PROBE "0.", strlen(FT_NOTE_PROBE "0."));
	assert_non_null(strstr(notes.text[0], FT_NOTE_PROBE_OPEN));
	assert_non_null(strstr(notes.text[0], name));
	assert_non_null(strstr(notes.text[1], FT_NOTE_PROBE_OVER));
	trigger_queue_destroy(triggers);
	server_stop(&server);
}

static void tcp_fires_again_after_a_good_answer(void **state)
{
	struct server server = { .answer = "+PONG\r\n", .frozen = true };

	(void)state;
	assert_int_equal(server_start(&server, AF_INET), 0);
	/* Ten times what an answer takes on a loaded machine, or the end of a row is not seen. */
	struct probe_fixture fixture =
		probe_fixture_start(PROBE_TCP, at_port("127.0.0.1:%d,send=PING\\r\\n", server.port),
				    500 * MS, 1000 * MS);
	assert_int_equal(probe_fixture_take(&fixture).number, 1);
	server.frozen = false;
	uint64_t asked = probe_fixture_status(&fixture).asked;
	WAIT_FOR(probe_fixture_status(&fixture).asked > asked + 5 &&
		 probe_fixture_status(&fixture).last_ns < 500 * MS);
	assert_no_trigger(&fixture);
	server.frozen = true;
	assert_int_equal(probe_fixture_take(&fixture).number, 2);
	assert_int_equal(probe_fixture_status(&fixture).fired, 2);
	probe_fixture_stop(&fixture);
	server_stop(&server);
}

static void tcp_that_hangs_is_given_up_and_asked_again(void **state)
{
	struct server server = { .answer = "+PONG\r\n", .frozen = true };

	(void)state;
	assert_int_equal(server_start(&server, AF_INET), 0);
	struct probe_fixture fixture = probe_fixture_start(
		PROBE_TCP, at_port("127.0.0.1:%d,send=PING\\r\\n", server.port), 50 * MS, 100 * MS);
	WAIT_FOR(probe_fixture_status(&fixture).asked == 2);
	assert_true(clock_now_ns() - fixture.start_ns >= DEADLINE_MS * MS);
	assert_int_equal(probe_fixture_status(&fixture).failed, 1);
	probe_fixture_take(&fixture);
	assert_no_trigger(&fixture);
	probe_fixture_stop(&fixture);
	server_stop(&server);
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
	struct trigger_queue *triggers = NULL;

	(void)state;
	assert_int_equal(trigger_queue_create(&triggers), 0);
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
	trigger_queue_destroy(triggers);
}

UNIT_TESTS(probe)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_that_answers_is_good),
		cmocka_unit_test(tcp_over_ipv6_is_good),
		cmocka_unit_test(tcp_connects_to_a_frozen_server_and_only_sending_tells),
		cmocka_unit_test(tcp_refused_fires_once),
		cmocka_unit_test(who_never_answered_triggers_nothing_until_it_did),
		cmocka_unit_test(tcp_closed_without_answer_fires),
		cmocka_unit_test(tcp_name_that_is_none_fires),
		cmocka_unit_test(tcp_name_whose_lookup_hangs_fires),
		cmocka_unit_test(tcp_name_that_moves_is_looked_up_again),
		cmocka_unit_test(tcp_slow_answers_fire_with_their_numbers),
		cmocka_unit_test(tcp_notes_since_when_it_waits_and_when_that_is_over),
		cmocka_unit_test(tcp_fires_again_after_a_good_answer),
		cmocka_unit_test(tcp_that_hangs_is_given_up_and_asked_again),
#ifdef HAVE_LIBCURL
		cmocka_unit_test(http_judges_by_the_status),
		cmocka_unit_test(http_that_is_no_http_fires),
		cmocka_unit_test(http_that_hangs_fires),
		cmocka_unit_test(http_is_named_without_its_secrets),
#endif
		cmocka_unit_test(start_refuses_what_cannot_be_asked_and_says_why),
	};
	return run_unit_tests(tests, NULL, NULL);
}
