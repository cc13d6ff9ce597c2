/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder/base/clock.h"
#include "recorder/arm/control_server.h"
#include "tests/unit/support/unit_test.h"

#define PATIENCE_MS 10000
#define CLIENTS_MAX 16 /* as in control_server.c */
#define WAITING_MAX 12

static char dir[64], path[128];
static struct control *control;

static uid_t peer_uid;
static bool lie_about_peer;
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *bytes);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *bytes);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *bytes)
{
	int result = __real_getsockopt(fd, level, name, value, bytes);
	if (lie_about_peer && level == SOL_SOCKET && name == SO_PEERCRED)
		((struct ucred *)value)->uid = peer_uid;
	return result;
}

static int accept_error;
int __real_accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags)
{
	if (accept_error) {
		errno = accept_error;
		return -1;
	}
	return __real_accept4(fd, address, bytes, flags);
}

static int set_up(void **state)
{
	strcpy(dir, "/tmp/freezetrap-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/run/control", dir);
	assert_int_equal(control_listen(path, &control), 0);
	lie_about_peer = false;
	accept_error = 0;
	(void)state;
	return 0;
}

static int tear_down(void **state)
{
	char run[96];

	control_close(control);
	control = NULL;
	unlink(path);
	snprintf(run, sizeof(run), "%s/run", dir);
	rmdir(run);
	assert_int_equal(rmdir(dir), 0); /* nothing is left behind */
	(void)state;
	return 0;
}

static int connect_client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static int ask_question(const char *question)
{
	int fd = connect_client();
	send_text(fd, question);
	return fd;
}

static bool is_readable(int fd, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	return poll(&poll_fd, 1, timeout_ms) == 1;
}

/* The next question, as a recorder that polls would get it. */
static struct control_request take_question(void)
{
	struct control_request request;
	uint64_t start_ns = clock_now_ns();
	while (clock_now_ns() - start_ns < PATIENCE_MS * 1000000ull)
		if (is_readable(control_fd(control), PATIENCE_MS) &&
		    control_take(control, &request))
			return request;
	fail_msg("no question came");
	abort();
}

/* Let it look at what there is. There is no question in it. */
static void take_none(void)
{
	struct control_request request;
	while (is_readable(control_fd(control), 0))
		assert_int_equal(control_take(control, &request), 0);
}

/* All that @fd hears until the other side hangs up. */
static const char *hear_all(int fd)
{
	static char text[8192];
	size_t bytes = 0;
	ssize_t more;
	while ((more = recv(fd, text + bytes, sizeof(text) - 1 - bytes, 0)) > 0)
		bytes += (size_t)more;
	text[bytes] = '\0';
	close(fd);
	return text;
}

static void control_listen_makes_socket_and_directory_for_the_owner_alone(void **state)
{
	struct stat status;
	char run[96];

	snprintf(run, sizeof(run), "%s/run", dir);
	assert_int_equal(stat(run, &status), 0);
	assert_int_equal(status.st_mode, S_IFDIR | 0700);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode, S_IFSOCK | 0600);
	(void)state;
}

static void control_listen_refuses_where_another_recorder_is_armed(void **state)
{
	struct control *other = NULL;

	assert_int_equal(control_listen(path, &other), -EADDRINUSE);
	assert_int_equal(control_holder(path), getpid());
	assert_null(other);
	take_none();
	/* and the first one still hears */
	close(ask_question("{\"ask\":\"status\"}\n"));
	assert_int_equal(take_question().what, CONTROL_STATUS);
	(void)state;
}

static void control_listen_refuses_where_the_line_of_another_recorder_is_full(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct control *other = NULL;
	int fds[256], count = 0;

	strcpy(address.sun_path, path);
	for (;; count++) {
		assert_true(count < 256);
		fds[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(fds[count], (struct sockaddr *)&address, sizeof(address)) < 0)
			break;
	}
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(control_listen(path, &other), -EADDRINUSE);
	for (int i = 0; i <= count; i++)
		close(fds[i]);
	(void)state;
}

static void control_listen_replaces_the_socket_of_a_dead_recorder(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	control_close(control);
	control = NULL;
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	close(fd); /* as kill -9 does: the file stays */
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(control_listen(path, &control), 0);
	close(ask_question("{\"ask\":\"status\"}\n"));
	assert_int_equal(take_question().what, CONTROL_STATUS);
	(void)state;
}

static void control_listen_leaves_a_file_that_is_no_socket_alone(void **state)
{
	struct stat status;

	control_close(control);
	control = NULL;
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
	assert_int_equal(write(fd, "mine", 4), 4);
	close(fd);
	assert_int_equal(control_listen(path, &control), -EEXIST);
	assert_null(control);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, 4);
	(void)state;
}

static void control_listen_refuses_a_path_that_no_socket_can_have(void **state)
{
	char longer[200];
	struct control *other = NULL;

	memset(longer, 'x', sizeof(longer));
	longer[0] = '/';
	longer[108] = '\0';
	assert_int_equal(control_listen(longer, &other), -ENAMETOOLONG);
	assert_int_equal(control_listen("/nonexistent/deeper/control", &other), -ENOENT);
	(void)state;
}

static void control_close_removes_its_own_socket_and_no_other(void **state)
{
	struct control *second = NULL;

	unlink(path); /* somebody tidied up, and another recorder came */
	assert_int_equal(control_listen(path, &second), 0);
	control_close(control);
	control = second;
	assert_int_equal(access(path, F_OK), 0);
	control_close(control);
	control = NULL;
	assert_int_equal(access(path, F_OK), -1);
	(void)state;
}

static void control_take_understands_trigger(void **state)
{
	int fd = ask_question(
		"{\"ask\":\"trigger\",\"wait\":true,\"reason\":\"slow \xc3\xa4nswer\"}\n");
	struct control_request request = take_question();

	assert_int_equal(request.what, CONTROL_TRIGGER);
	assert_true(request.wait);
	assert_string_equal(request.reason, "slow \xc3\xa4nswer");
	assert_int_equal(request.pid, getpid());
	control_answer_trigger(control, request.client, 7, "/a dir/x.dat");
	assert_string_equal(hear_all(fd), "{\"accepted\":7,\"file\":\"/a dir/x.dat\"}\n");
	(void)state;
}

static void control_take_understands_status(void **state)
{
	int fd = ask_question("{\"ask\":\"status\"}\nand more\n");
	struct control_request request = take_question();

	assert_int_equal(request.what, CONTROL_STATUS);
	control_answer(control, request.client, "{\"schema\":\"x\"}");
	assert_string_equal(hear_all(fd), "{\"schema\":\"x\"}\n");
	(void)state;
}

static void control_take_makes_the_reason_one_line(void **state)
{
	close(ask_question("{\"ask\":\"trigger\",\"reason\":\"a\\nb\\u001b[31mc\\u007f\"}\n"));
	struct control_request request = take_question();

	assert_string_equal(request.reason, "a b [31mc ");
	assert_false(request.wait);
	(void)state;
}

static void control_take_names_who_asked_where_no_reason_is_given(void **state)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "asked for by process %d", getpid());
	close(ask_question("{\"ask\":\"trigger\"}\n"));
	assert_string_equal(take_question().reason, wanted);
	close(ask_question("{\"ask\":\"trigger\",\"reason\":\" \\n \"}\n"));
	assert_string_equal(take_question().reason, wanted);
	(void)state;
}

static void control_take_cuts_a_long_reason_between_characters(void **state)
{
	char question[1024] = "{\"ask\":\"trigger\",\"reason\":\"";

	/* 254 bytes, then a character of two: the second byte would be the 256th. */
	for (int i = 0; i < 254; i++)
		strcat(question, "x");
	strcat(question, "\xc3\xa4 and more\"}\n");
	close(ask_question(question));
	struct control_request request = take_question();
	assert_int_equal(strlen(request.reason), 254);
	assert_int_equal(request.reason[253], 'x');
	(void)state;
}

static void control_take_hears_a_question_that_comes_in_pieces(void **state)
{
	int fd = ask_question("{\"ask\":");
	take_none();
	send_text(fd, "\"status\"}");
	take_none();
	send_text(fd, "\n");
	assert_int_equal(take_question().what, CONTROL_STATUS);
	close(fd);
	(void)state;
}

static void control_take_says_what_is_wrong_with_a_question(void **state)
{
	static const char *const QUESTIONS[] = {
		"\n",
		"status\n",
		"[\"status\"]\n",
		"{\"ask\":\"status\"\n",
		"{\"ask\":\"shutdown\"}\n",
		"{\"ask\":1}\n",
		"{\"ask\":\"trigger\",\"reason\":5}\n",
		"{\"ask\":\"trigger\",\"wait\":\"yes\"}\n",
		"{\"ask\":\"trigger\",\"reason\":\"\xff\"}\n",
		"{\"ask\":\"trigger\",\"reason\":\"\\u0000\"}\n",
		"{\"ask\":\"status\",\"ask\":\"trigger\"}\n",
	};

	for (size_t i = 0; i < sizeof(QUESTIONS) / sizeof(QUESTIONS[0]); i++) {
		int fd = ask_question(QUESTIONS[i]);
		take_none();
		const char *answer = hear_all(fd);
		if (strncmp(answer, "{\"error\":\"", 10))
			fail_msg("%s is answered with: %s", QUESTIONS[i], answer);
	}
	(void)state;
}

static void control_take_survives_deep_nesting(void **state)
{
	char question[4096];

	memset(question, '[', sizeof(question));
	question[sizeof(question) - 1] = '\n';
	int fd = connect_client();
	assert_int_equal(send(fd, question, sizeof(question), 0), sizeof(question));
	take_none();
	assert_non_null(strstr(hear_all(fd), "error"));
	(void)state;
}

static void control_take_drops_a_question_that_is_too_long(void **state)
{
	char question[4097];

	memset(question, ' ', sizeof(question));
	int fd = connect_client();
	assert_int_equal(send(fd, question, 4095, 0), 4095);
	take_none();
	assert_int_equal(send(fd, question, 1, 0), 1);
	take_none();
	assert_non_null(strstr(hear_all(fd), "too long"));
	(void)state;
}

static void control_take_drops_the_slow_and_hears_others_meanwhile(void **state)
{
	uint64_t start_ns = clock_now_ns();
	int slow = ask_question("{\"ask\""), silent = connect_client();
	take_none();
	close(ask_question("{\"ask\":\"status\"}\n"));
	assert_int_equal(take_question().what, CONTROL_STATUS);
	take_none();

	/* The descriptor itself says when it is time. */
	while (!is_readable(slow, 0) || !is_readable(silent, 0)) {
		assert_true(is_readable(control_fd(control), PATIENCE_MS));
		take_none();
	}
	assert_true(clock_now_ns() - start_ns >= 2000000000u);
	assert_non_null(strstr(hear_all(slow), "too long"));
	assert_non_null(strstr(hear_all(silent), "too long"));
	(void)state;
}

static void control_take_does_not_drop_one_that_waits_for_its_capture(void **state)
{
	int waiting = ask_question("{\"ask\":\"trigger\",\"wait\":true}\n");
	struct control_request request = take_question();
	int silent = connect_client();

	/* Those who are slow are dropped by now. */
	while (!is_readable(silent, 0)) {
		assert_true(is_readable(control_fd(control), PATIENCE_MS));
		take_none();
	}
	close(silent);
	control_answer_trigger(control, request.client, 1, "f");
	assert_string_equal(hear_all(waiting), "{\"accepted\":1,\"file\":\"f\"}\n");
	(void)state;
}

static void control_take_serves_many_at_once_and_lets_the_rest_queue(void **state)
{
	int fds[CLIENTS_MAX + 4];

	for (int i = 0; i < CLIENTS_MAX + 4; i++) {
		fds[i] = connect_client();
		take_none();
	}
	/* All places are taken: those in line do not keep the recorder awake. */
	assert_false(is_readable(control_fd(control), 0));
	for (int i = 0; i < CLIENTS_MAX + 4; i++)
		send_text(fds[i], "{\"ask\":\"status\"}\n");
	for (int i = 0; i < CLIENTS_MAX + 4; i++)
		control_answer(control, take_question().client, "{}");
	for (int i = 0; i < CLIENTS_MAX + 4; i++)
		assert_string_equal(hear_all(fds[i]), "{}\n");
	(void)state;
}

static void control_take_keeps_room_for_status_beside_those_that_wait(void **state)
{
	int waiting[WAITING_MAX], fd;

	for (int i = 0; i < WAITING_MAX; i++) {
		waiting[i] = ask_question("{\"ask\":\"trigger\",\"wait\":true}\n");
		take_question();
	}
	fd = ask_question("{\"ask\":\"trigger\",\"wait\":true}\n");
	take_none();
	assert_non_null(strstr(hear_all(fd), "too many wait"));
	fd = ask_question("{\"ask\":\"trigger\"}\n");
	control_answer_trigger(control, take_question().client, 1, NULL);
	assert_string_equal(hear_all(fd), "{\"accepted\":1,\"file\":null}\n");
	fd = ask_question("{\"ask\":\"status\"}\n");
	control_answer(control, take_question().client, "{}");
	assert_string_equal(hear_all(fd), "{}\n");
	/* One that goes away makes room. */
	close(waiting[0]);
	take_none();
	close(ask_question("{\"ask\":\"trigger\",\"wait\":true}\n"));
	assert_int_equal(take_question().what, CONTROL_TRIGGER);
	for (int i = 1; i < WAITING_MAX; i++)
		close(waiting[i]);
	(void)state;
}

static void control_answer_does_nothing_for_a_client_that_is_gone(void **state)
{
	close(ask_question("{\"ask\":\"trigger\",\"wait\":true}\n"));
	struct control_request gone = take_question();
	take_none();
	/* Another one has its place by now, and must not get its answer. */
	int fd = ask_question("{\"ask\":\"trigger\",\"wait\":true}\n");
	struct control_request next = take_question();
	assert_int_not_equal(gone.client, next.client);
	control_answer(control, gone.client, "{\"wrong\":1}");
	control_answer(control, next.client, "{}");
	assert_string_equal(hear_all(fd), "{}\n");
	(void)state;
}

static void control_answer_never_waits_for_a_client_that_does_not_read(void **state)
{
	size_t bytes = 16 << 20;
	char *much = malloc(bytes + 1);
	int fd = ask_question("{\"ask\":\"status\"}\n");
	struct control_request request = take_question();

	memset(much, 'x', bytes);
	much[bytes] = '\0';
	alarm(PATIENCE_MS / 1000); /* ends the test where it blocks */
	control_answer(control, request.client, much);
	alarm(0);
	take_none();
	close(fd);
	free(much);
	(void)state;
}

static void control_answer_error_may_hold_any_bytes(void **state)
{
	int fd = ask_question("{\"ask\":\"trigger\"}\n");
	control_answer_error(control, take_question().client, "cannot write /x\xff\"\n");
	assert_string_equal(hear_all(fd), "{\"error\":\"cannot write /x?\\\"\\n\"}\n");
	(void)state;
}

static void control_turns_other_users_away(void **state)
{
	lie_about_peer = true;
	peer_uid = geteuid() + 1000;
	int fd = connect_client();
	take_none();
	assert_string_equal(hear_all(fd), CONTROL_NOT_PERMITTED "\n");
	(void)state;
}

static void control_answers_root(void **state)
{
	lie_about_peer = true;
	peer_uid = 0;
	close(ask_question("{\"ask\":\"status\"}\n"));
	assert_int_equal(take_question().what, CONTROL_STATUS);
	(void)state;
}

static void control_sleeps_while_no_descriptor_is_left_and_hears_later(void **state)
{
	int fd = ask_question("{\"ask\":\"status\"}\n");

	accept_error = EMFILE;
	take_none();
	assert_false(is_readable(control_fd(control), 0));
	accept_error = 0;
	control_answer(control, take_question().client, "{}");
	assert_string_equal(hear_all(fd), "{}\n");
	(void)state;
}

static void control_is_not_disturbed_by_children_that_hold_its_descriptors(void **state)
{
	int fd = ask_question("{\"ask\":\"status\"}\n");
	struct control_request request = take_question();
	pid_t child = fork();
	if (!child)
		for (;;)
			pause();
	control_answer(control, request.client, "{}");
	/* Gone for us; for the kernel the connection is open still. */
	shutdown(fd, SHUT_RDWR);
	close(fd);
	assert_false(is_readable(control_fd(control), 0));
	close(ask_question("{\"ask\":\"status\"}\n"));
	assert_int_equal(take_question().what, CONTROL_STATUS);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	(void)state;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_TESTS(control_server)
{
	const struct CMUnitTest tests[] = {
		TEST(control_listen_makes_socket_and_directory_for_the_owner_alone),
		TEST(control_listen_refuses_where_another_recorder_is_armed),
		TEST(control_listen_refuses_where_the_line_of_another_recorder_is_full),
		TEST(control_listen_replaces_the_socket_of_a_dead_recorder),
		TEST(control_listen_leaves_a_file_that_is_no_socket_alone),
		TEST(control_listen_refuses_a_path_that_no_socket_can_have),
		TEST(control_close_removes_its_own_socket_and_no_other),
		TEST(control_take_understands_trigger),
		TEST(control_take_understands_status),
		TEST(control_take_makes_the_reason_one_line),
		TEST(control_take_names_who_asked_where_no_reason_is_given),
		TEST(control_take_cuts_a_long_reason_between_characters),
		TEST(control_take_hears_a_question_that_comes_in_pieces),
		TEST(control_take_says_what_is_wrong_with_a_question),
		TEST(control_take_survives_deep_nesting),
		TEST(control_take_drops_a_question_that_is_too_long),
		TEST(control_take_drops_the_slow_and_hears_others_meanwhile),
		TEST(control_take_does_not_drop_one_that_waits_for_its_capture),
		TEST(control_take_serves_many_at_once_and_lets_the_rest_queue),
		TEST(control_take_keeps_room_for_status_beside_those_that_wait),
		TEST(control_answer_does_nothing_for_a_client_that_is_gone),
		TEST(control_answer_never_waits_for_a_client_that_does_not_read),
		TEST(control_answer_error_may_hold_any_bytes),
		TEST(control_turns_other_users_away),
		TEST(control_answers_root),
		TEST(control_sleeps_while_no_descriptor_is_left_and_hears_later),
		TEST(control_is_not_disturbed_by_children_that_hold_its_descriptors),
	};
	return run_unit_tests(tests, NULL, NULL);
}
