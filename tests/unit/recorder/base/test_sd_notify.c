/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "recorder/base/sd_notify.h"
#include "tests/unit/support/unit_test.h"

/* @name: '@' for the abstract name space. */
static int listen_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t bytes = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, name, bytes);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes)),
			 0);
	return fd;
}

static void assert_told(int fd, const char *wanted)
{
	char text[64];
	ssize_t got = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	assert_true(got > 0);
	text[got] = '\0';
	assert_string_equal(text, wanted);
}

static void manager_is_told_through_its_socket(void **state)
{
	char directory[] = "/tmp/test_notify.XXXXXX", path[64];
	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	int fd = listen_at(path);
	setenv("NOTIFY_SOCKET", path, 1);
	sd_notify_send("READY=1");
	assert_told(fd, "READY=1");
	close(fd);
	sd_notify_send("STOPPING=1"); /* nobody listens: nothing happens */
	unlink(path);
	rmdir(directory);
}

static void abstract_socket_is_found(void **state)
{
	char name[64];
	(void)state;
	snprintf(name, sizeof(name), "@test_notify.%d", (int)getpid());
	int fd = listen_at(name);
	setenv("NOTIFY_SOCKET", name, 1);
	sd_notify_send("WATCHDOG=1");
	assert_told(fd, "WATCHDOG=1");
	close(fd);
}

static void watchdog_is_fed_twice_as_often_as_it_wants(void **state)
{
	char pid[16];
	(void)state;
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	assert_int_equal(sd_notify_watchdog_ns(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(sd_notify_watchdog_ns(), 15000000000);
	setenv("WATCHDOG_PID", "1", 1); /* of another process */
	assert_int_equal(sd_notify_watchdog_ns(), 0);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(sd_notify_watchdog_ns(), 15000000000);
	setenv("WATCHDOG_USEC", "soon", 1);
	assert_int_equal(sd_notify_watchdog_ns(), 0);
}

UNIT_TESTS(sd_notify)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manager_is_told_through_its_socket),
		cmocka_unit_test(abstract_socket_is_found),
		cmocka_unit_test(watchdog_is_fed_twice_as_often_as_it_wants),
	};
	return run_unit_tests(tests, NULL, NULL);
}
