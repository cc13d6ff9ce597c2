/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client of the control socket, and the default paths that client and server share.
 */
#include "config.h"

#include "recorder/arm/control_client.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "recorder/base/clock.h"
#include "recorder/arm/control_server.h"
#include "recorder/base/exit_status.h"
#include "recorder/base/message.h"

#define ANSWER_BYTES_MAX (1u << 20)
#define READ_BYTES	 4096
#define LINE_FULL_NS	 5000000 /* pause before the next try, if the listen queue is full */

bool control_candidate(size_t index, char *ret_path, size_t path_bytes)
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");

	if (index > 0 && (!runtime_dir || runtime_dir[0] != '/'))
		index++;
	switch (index) {
	case 0:
		snprintf(ret_path, path_bytes, "/run/freezetrap/control");
		return true;
	case 1:
		snprintf(ret_path, path_bytes, "%s/freezetrap/control", runtime_dir);
		return true;
	case 2:
		snprintf(ret_path, path_bytes, "/dev/shm/freezetrap-%u/control",
			 (unsigned int)geteuid());
		return true;
	default:
		return false;
	}
}

/* Everybody may write to /dev/shm, so the directory must be ours: its owner can replace what is
 * in it. */
static int make_own_directory(const char *dir)
{
	struct stat status;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(dir, &status) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || status.st_mode & 022)
		return -EPERM;
	return faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

int control_default_path(char *ret_path, size_t path_bytes)
{
	char path[PATH_MAX], dir[PATH_MAX];
	int err = -ENOENT;

	for (size_t i = 0; control_candidate(i, path, sizeof(path)); i++) {
		strcpy(dir, path);
		err = make_own_directory(dirname(dir));
		if (err)
			continue;
		if (strlen(path) >= path_bytes)
			return -ENAMETOOLONG;
		strcpy(ret_path, path);
		return 0;
	}
	return err;
}

static int get_left_ms(uint64_t deadline_ns)
{
	uint64_t now_ns = clock_now_ns();
	if (now_ns >= deadline_ns)
		return 0;
	uint64_t ms = (deadline_ns - now_ns) / 1000000 + 1;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

static int connect_until(int fd, const char *path, uint64_t deadline_ns)
{
	const struct timespec pause = { .tv_nsec = LINE_FULL_NS };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	while (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (!get_left_ms(deadline_ns))
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Return: a descriptor, or -errno. */
static int open_connection(const char *path, uint64_t deadline_ns)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int err = connect_until(fd, path, deadline_ns);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

/* A directory without permission is a better diagnosis than one that does not exist. */
static int open_default(uint64_t deadline_ns)
{
	char path[PATH_MAX];
	int result = -ENOENT;

	for (size_t i = 0; control_candidate(i, path, sizeof(path)); i++) {
		int fd = open_connection(path, deadline_ns);
		if (fd >= 0)
			return fd;
		if (fd != -ENOENT && fd != -ECONNREFUSED)
			result = fd;
	}
	return result;
}

/* A request fits into the buffer of a fresh socket. */
static int send_line(int fd, const char *request)
{
	struct iovec parts[] = {
		{ .iov_base = (void *)(uintptr_t)request, .iov_len = strlen(request) },
		{ .iov_base = (void *)(uintptr_t) "\n", .iov_len = 1 },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t bytes = sendmsg(fd, &message, MSG_NOSIGNAL);
	if (bytes < 0)
		/* The server turned us away before it read the request: its answer says why. */
		return errno == EPIPE ? 0 : -errno;
	return (size_t)bytes == parts[0].iov_len + 1 ? 0 : -EMSGSIZE;
}

/* Return: 1 if the line is complete, 0 if not yet, or -errno. */
static int receive_more(int fd, char *line, size_t *bytes)
{
	ssize_t more = recv(fd, line + *bytes, READ_BYTES, 0);
	if (more < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!more)
		return -ECONNRESET;
	char *end = memchr(line + *bytes, '\n', (size_t)more);
	*bytes += (size_t)more;
	if (!end)
		return 0;
	*end = '\0';
	return 1;
}

static int receive_line(int fd, uint64_t deadline_ns, char **ret_line)
{
	char *line = NULL;
	size_t bytes = 0;
	int result = 0;

	while (!result) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		int ms = get_left_ms(deadline_ns);
		if (bytes > ANSWER_BYTES_MAX) {
			result = -EPROTO;
			break;
		}
		if (!ms) {
			result = -ETIMEDOUT;
			break;
		}
		if (poll(&poll_fd, 1, ms) <= 0)
			continue;
		char *longer = realloc(line, bytes + READ_BYTES);
		if (!longer) {
			result = -ENOMEM;
			break;
		}
		line = longer;
		result = receive_more(fd, line, &bytes);
	}
	if (result < 0) {
		free(line);
		return result;
	}
	*ret_line = line;
	return 0;
}

int control_ask(const char *path, const char *request, int timeout_ms, char **ret_answer)
{
	uint64_t deadline_ns = clock_now_ns() + (uint64_t)timeout_ms * 1000000;
	char *answer = NULL;

	int fd = path ? open_connection(path, deadline_ns) : open_default(deadline_ns);
	if (fd < 0)
		return fd;
	int err = send_line(fd, request);
	if (!err)
		err = receive_line(fd, deadline_ns, &answer);
	close(fd);
	if (!err && !strcmp(answer, CONTROL_NOT_PERMITTED))
		err = -EACCES;
	if (err) {
		free(answer);
		return err;
	}
	*ret_answer = answer;
	return 0;
}

int control_error(const char *path, int err)
{
	const char *colon = path ? ": " : "";

	if (!path)
		path = "";
	switch (err) {
	case -ENOENT:
	case -ECONNREFUSED:
		message_error("%s%sno recorder is armed: start it with recorder arm, "
			      "see recorder arm --help.\n"
			      "  If one is armed with --control PATH, give the same here.",
			      path, colon);
		return EXIT_FAILED;
	case -EACCES:
	case -EPERM:
		message_error("%s%snot permitted to ask, if a recorder is armed at all.\n"
			      "  It answers root and the user that it runs as.",
			      path, colon);
		return EXIT_NOT_PERMITTED;
	case -ETIMEDOUT:
		message_error("%s%sthe armed recorder did not answer in time.\n"
			      "  Whether it is alive: recorder status. More time: recorder trigger "
			      "--timeout.",
			      path, colon);
		return EXIT_FAILED;
	case -ECONNRESET:
	case -EPIPE:
		message_error("%s%sthe armed recorder ended before it answered.\n"
			      "  What it had recorded is in its ring file, which analyze reads.",
			      path, colon);
		return EXIT_FAILED;
	default:
		message_error("%s%scannot ask the armed recorder: %s.", path, colon,
			      strerror(-err));
		return EXIT_FAILED;
	}
}
