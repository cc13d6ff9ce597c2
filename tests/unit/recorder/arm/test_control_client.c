/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "recorder/arm/control_client.h"
#include "recorder/arm/control_server.h"
#include "tests/unit/support/unit_test.h"

#define PATIENCE_MS 10000

static char dir[64], path[128];

/* This host may have a recorder armed, and need not get one from this test: /run is out of reach. */
static int run_error;
int __real_connect(int fd, const struct sockaddr *address, socklen_t bytes);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t bytes);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t bytes)
{
	const struct sockaddr_un *to = (const struct sockaddr_un *)address;
	if (strncmp(to->sun_path, dir, strlen(dir))) {
		errno = strncmp(to->sun_path, "/run/", 5) ? ENOENT : run_error;
		return -1;
	}
	return __real_connect(fd, address, bytes);
}

int __real_mkdir(const char *name, mode_t mode);
int __wrap_mkdir(const char *name, mode_t mode);
int __wrap_mkdir(const char *name, mode_t mode)
{
	if (strncmp(name, dir, strlen(dir))) {
		errno = EROFS;
		return -1;
	}
	return __real_mkdir(name, mode);
}

static int set_up(void **state)
{
	char run[96];

	strcpy(dir, "/tmp/freezetrap-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(run, sizeof(run), "%s/freezetrap", dir);
	snprintf(path, sizeof(path), "%s/control", run);
	assert_int_equal(mkdir(run, 0700), 0);
	assert_int_equal(setenv("XDG_RUNTIME_DIR", dir, 1), 0);
	run_error = ENOENT;
	(void)state;
	return 0;
}

static int tear_down(void **state)
{
	char run[96];

	unlink(path);
	snprintf(run, sizeof(run), "%s/freezetrap", dir);
	rmdir(run);
	assert_int_equal(rmdir(dir), 0);
	(void)state;
	return 0;
}

/* Stands for a recorder: hears one client's line, answers @answer and hangs up. */
struct server {
	int fd;
	const char *answer; /* NULL: hangs up without one */
	size_t times;
	char question[256];
	pthread_t thread;
};

static void *answer_client(void *context)
{
	struct server *server = context;
	int fd = accept(server->fd, NULL, NULL);
	ssize_t bytes = recv(fd, server->question, sizeof(server->question) - 1, 0);

	server->question[bytes > 0 ? bytes : 0] = '\0';
	for (size_t i = 0; server->answer && i < server->times; i++)
		if (send(fd, server->answer, strlen(server->answer), MSG_NOSIGNAL) < 0)
			break;
	close(fd);
	return NULL;
}

static void server_start(struct server *server)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, path);
	server->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(server->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(server->fd, 1), 0);
	assert_int_equal(pthread_create(&server->thread, NULL, answer_client, server), 0);
}

static void server_end(struct server *server)
{
	assert_int_equal(pthread_join(server->thread, NULL), 0);
	close(server->fd);
}

static void control_ask_sends_a_line_and_returns_a_line(void **state)
{
	struct server server = { .answer = "{\"a\":1}\n", .times = 1 };
	char *answer = NULL;

	server_start(&server);
	assert_int_equal(control_ask(path, "{\"ask\":\"status\"}", PATIENCE_MS, &answer), 0);
	server_end(&server);
	assert_string_equal(server.question, "{\"ask\":\"status\"}\n");
	assert_string_equal(answer, "{\"a\":1}");
	free(answer);
	(void)state;
}

static void control_ask_returns_a_long_line_whole(void **state)
{
	struct server server = { .answer = "0123456789abcdef\n", .times = 1 };
	char *much = malloc(300001), *answer = NULL;

	memset(much, 'y', 299999);
	strcpy(much + 299999, "\n");
	server.answer = much;
	server_start(&server);
	assert_int_equal(control_ask(path, "x", PATIENCE_MS, &answer), 0);
	server_end(&server);
	assert_int_equal(strlen(answer), 299999);
	free(answer);
	free(much);
	(void)state;
}

static void control_ask_finds_the_default_path(void **state)
{
	struct server server = { .answer = "here\n", .times = 1 };
	char *answer = NULL;

	run_error = EACCES; /* root's is out of bounds; one's own answers */
	server_start(&server);
	assert_int_equal(control_ask(NULL, "x", PATIENCE_MS, &answer), 0);
	server_end(&server);
	assert_string_equal(answer, "here");
	free(answer);
	(void)state;
}

static void control_ask_says_that_nobody_is_armed(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char *answer = NULL;

	assert_int_equal(control_ask(path, "x", PATIENCE_MS, &answer), -ENOENT);
	assert_int_equal(control_ask(NULL, "x", PATIENCE_MS, &answer), -ENOENT);
	/* one that was killed left its socket */
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(control_ask(path, "x", PATIENCE_MS, &answer), -ECONNREFUSED);
	assert_int_equal(control_ask(NULL, "x", PATIENCE_MS, &answer), -ENOENT);
	assert_null(answer);
	(void)state;
}

static void control_ask_says_that_it_is_not_permitted(void **state)
{
	struct server server = { .answer = CONTROL_NOT_PERMITTED "\n", .times = 1 };
	char *answer = NULL;

	server_start(&server);
	assert_int_equal(control_ask(path, "x", PATIENCE_MS, &answer), -EACCES);
	server_end(&server);
	unlink(path);
	run_error = EACCES;
	assert_int_equal(control_ask(NULL, "x", PATIENCE_MS, &answer), -EACCES);
	assert_null(answer);
	(void)state;
}

static void control_ask_gives_up_at_its_timeout(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char *answer = NULL;

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 0), 0);
	/* The first is never accepted, the others find the line full. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(control_ask(path, "x", 50, &answer), -ETIMEDOUT);
	assert_null(answer);
	close(fd);
	(void)state;
}

static void control_ask_says_that_the_recorder_ended(void **state)
{
	struct server server = { .answer = NULL };
	char *answer = NULL;

	server_start(&server);
	assert_int_equal(control_ask(path, "x", PATIENCE_MS, &answer), -ECONNRESET);
	server_end(&server);
	assert_null(answer);
	(void)state;
}

static void control_ask_does_not_take_an_endless_answer(void **state)
{
	struct server server = { .answer = "no line end in this ", .times = 1000000 };
	char *answer = NULL;

	server_start(&server);
	assert_int_equal(control_ask(path, "x", PATIENCE_MS, &answer), -EPROTO);
	server_end(&server);
	assert_null(answer);
	(void)state;
}

static void control_ask_refuses_a_path_that_no_socket_can_have(void **state)
{
	char longer[200], *answer = NULL;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(control_ask(longer, "x", PATIENCE_MS, &answer), -ENAMETOOLONG);
	(void)state;
}

static void control_default_path_takes_a_directory_of_ones_own(void **state)
{
	char found[128] = "";

	assert_int_equal(control_default_path(found, sizeof(found)), 0);
	assert_string_equal(found, path);
	assert_int_equal(control_default_path(found, 10), -ENAMETOOLONG);
	(void)state;
}

static void control_default_path_refuses_a_directory_where_others_may_write(void **state)
{
	char run[96], found[128] = "";

	snprintf(run, sizeof(run), "%s/freezetrap", dir);
	assert_int_equal(chmod(run, 0770), 0);
	assert_int_not_equal(control_default_path(found, sizeof(found)), 0);
	assert_int_equal(rmdir(run), 0);
	assert_int_equal(symlink("/tmp", run), 0);
	assert_int_not_equal(control_default_path(found, sizeof(found)), 0);
	assert_string_equal(found, "");
	assert_int_equal(unlink(run), 0);
	(void)state;
}

static void control_candidates_are_known_paths(void **state)
{
	char candidate[128], wanted[128];

	assert_true(control_candidate(0, candidate, sizeof(candidate)));
	assert_string_equal(candidate, "/run/freezetrap/control");
	assert_true(control_candidate(1, candidate, sizeof(candidate)));
	assert_string_equal(candidate, path);
	assert_true(control_candidate(2, candidate, sizeof(candidate)));
	snprintf(wanted, sizeof(wanted), "/dev/shm/freezetrap-%u/control", geteuid());
	assert_string_equal(candidate, wanted);
	assert_false(control_candidate(3, candidate, sizeof(candidate)));
	unsetenv("XDG_RUNTIME_DIR");
	assert_true(control_candidate(1, candidate, sizeof(candidate)));
	assert_string_equal(candidate, wanted);
	assert_false(control_candidate(2, candidate, sizeof(candidate)));
	(void)state;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_TESTS(control_client)
{
	const struct CMUnitTest tests[] = {
		TEST(control_ask_sends_a_line_and_returns_a_line),
		TEST(control_ask_returns_a_long_line_whole),
		TEST(control_ask_finds_the_default_path),
		TEST(control_ask_says_that_nobody_is_armed),
		TEST(control_ask_says_that_it_is_not_permitted),
		TEST(control_ask_gives_up_at_its_timeout),
		TEST(control_ask_says_that_the_recorder_ended),
		TEST(control_ask_does_not_take_an_endless_answer),
		TEST(control_ask_refuses_a_path_that_no_socket_can_have),
		TEST(control_default_path_takes_a_directory_of_ones_own),
		TEST(control_default_path_refuses_a_directory_where_others_may_write),
		TEST(control_candidates_are_known_paths),
	};
	return run_unit_tests(tests, NULL, NULL);
}
