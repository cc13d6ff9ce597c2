/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/arm/control_server.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "recorder/base/clock.h"
#include "recorder/base/text.h"

#define CLIENTS_MAX	16
#define WAITING_MAX	12 /* clients that may wait for a capture; the others are answered at once */
#define REQUEST_BYTES	4096
#define SLOW_NS		2000000000u
#define ACCEPT_PAUSE_NS 1000000000u /* pause if accept4() fails, as without free descriptors */
#define STEPS_MAX	64 /* in one control_take(): the caller has other work */
#define LOCK_TRIES	100
#define LOCK_PAUSE_NS	10000000

/* data.u32 of epoll events that are of no client. */
enum { ABOUT_LISTEN = CLIENTS_MAX, ABOUT_TIMER };

struct client {
	int fd; /* -1: none */
	int id; /* unique, unlike the index in the table */
	pid_t pid;
	bool asked, waits;
	uint64_t deadline_ns; /* for its request to be complete */
	size_t bytes;
	char request[REQUEST_BYTES];
};

struct control {
	struct sockaddr_un address;
	dev_t device; /* of the socket's file, so that only our own is unlinked */
	ino_t inode;
	int listen_fd, epoll_fd, timer_fd;
	bool listening;
	uint64_t accept_again_ns;
	int last_id;
	struct client clients[CLIENTS_MAX];
};

/* Return: 0 nobody is there, -EADDRINUSE somebody listens, -EEXIST no socket, or another errno. */
static int remove_stale(const struct sockaddr_un *address)
{
	struct stat status;
	if (lstat(address->sun_path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;

	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int err = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? errno : 0;
	close(fd);
	if (!err || err == EAGAIN) /* EAGAIN: its listen queue is full */
		return -EADDRINUSE;
	if (err != ECONNREFUSED)
		return -err;
	return unlink(address->sun_path) < 0 ? -errno : 0;
}

int32_t control_holder(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ucred peer = { .pid = 0 };
	socklen_t bytes = sizeof(peer);

	if (strlen(path) >= sizeof(address.sun_path))
		return 0;
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return 0;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0)
		peer.pid = 0;
	close(fd);
	return peer.pid > 0 ? peer.pid : 0;
}

static int bind_and_listen(struct control *control)
{
	const struct sockaddr *address = (const struct sockaddr *)&control->address;
	struct stat status;

	/* fchmod() before bind() sets the mode of the file; the umask is shared by all threads. */
	if (fchmod(control->listen_fd, 0600) < 0 ||
	    bind(control->listen_fd, address, sizeof(control->address)) < 0)
		return -errno;
	if (lstat(control->address.sun_path, &status) < 0)
		return -errno;
	control->device = status.st_dev;
	control->inode = status.st_ino;
	return listen(control->listen_fd, CLIENTS_MAX) < 0 ? -errno : 0;
}

/* Two recorders that find the same stale socket must not remove each other's new one. */
static int lock_directory(const char *dir, int *ret_fd)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		int err = errno;
		if ((err != EWOULDBLOCK && err != EINTR) || i == LOCK_TRIES) {
			close(fd);
			return err == EWOULDBLOCK ? -EADDRINUSE : -err;
		}
		nanosleep(&pause, NULL);
	}
	*ret_fd = fd;
	return 0;
}

static int bind_path(struct control *control, const char *path)
{
	char copy[sizeof(control->address.sun_path)];
	int dir_fd = -1, err;

	control->address.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(control->address.sun_path))
		return -ENAMETOOLONG;
	strcpy(control->address.sun_path, path);
	strcpy(copy, path);
	const char *dir = dirname(copy);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	err = lock_directory(dir, &dir_fd);
	if (err)
		return err;
	err = remove_stale(&control->address);
	if (!err)
		err = bind_and_listen(control);
	close(dir_fd);
	return err;
}

static int watch_fd(struct control *control, int operation, int fd, uint32_t about, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u32 = about };
	return epoll_ctl(control->epoll_fd, operation, fd, &event) < 0 ? -errno : 0;
}

static int open_descriptors(struct control *control)
{
	control->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	control->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	control->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (control->listen_fd < 0 || control->epoll_fd < 0 || control->timer_fd < 0)
		return -errno;
	return watch_fd(control, EPOLL_CTL_ADD, control->timer_fd, ABOUT_TIMER, EPOLLIN);
}

int control_listen(const char *path, struct control **ret_control)
{
	struct control *control = calloc(1, sizeof(*control));
	if (!control)
		return -ENOMEM;
	control->listen_fd = control->epoll_fd = control->timer_fd = -1;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		control->clients[i].fd = -1;

	int err = open_descriptors(control);
	if (!err)
		err = bind_path(control, path);
	if (!err)
		err = watch_fd(control, EPOLL_CTL_ADD, control->listen_fd, ABOUT_LISTEN, EPOLLIN);
	if (err) {
		control_close(control);
		return err;
	}
	control->listening = true;
	*ret_control = control;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void control_close(struct control *control)
{
	struct stat status;

	if (!control)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		close_fd(control->clients[i].fd);
	if (control->inode && !lstat(control->address.sun_path, &status) &&
	    status.st_dev == control->device && status.st_ino == control->inode)
		unlink(control->address.sun_path);
	close_fd(control->listen_fd);
	close_fd(control->epoll_fd);
	close_fd(control->timer_fd);
	free(control);
}

int control_fd(const struct control *control)
{
	return control->epoll_fd;
}

static struct client *find_free_client(struct control *control)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].fd < 0)
			return &control->clients[i];
	return NULL;
}

/* Set the timer to the next deadline, and listen only while there is room for a client. */
static void update_wakeups(struct control *control)
{
	bool listening = !control->accept_again_ns && find_free_client(control);
	uint64_t next_ns = control->accept_again_ns ? control->accept_again_ns : UINT64_MAX;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *client = &control->clients[i];
		if (client->fd >= 0 && !client->asked && client->deadline_ns < next_ns)
			next_ns = client->deadline_ns;
	}
	struct itimerspec timer = { .it_value = { 0, 0 } };
	if (next_ns != UINT64_MAX) {
		timer.it_value.tv_sec = (time_t)(next_ns / 1000000000);
		timer.it_value.tv_nsec = (long)(next_ns % 1000000000);
	}
	timerfd_settime(control->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL);
	if (listening != control->listening && !watch_fd(control, EPOLL_CTL_MOD, control->listen_fd,
							 ABOUT_LISTEN, listening ? EPOLLIN : 0))
		control->listening = listening;
}

static void drop_client(struct control *control, struct client *client)
{
	/* A child of the recorder may still have this file open, so that close() alone keeps it in epoll. */
	epoll_ctl(control->epoll_fd, EPOLL_CTL_DEL, client->fd, NULL);
	close(client->fd);
	client->fd = -1;
	update_wakeups(control);
}

/* If the line does not fit into the socket's buffer, the client does not read: it is lost. */
static void send_json(int fd, const char *json)
{
	struct iovec parts[] = {
		{ .iov_base = (void *)(uintptr_t)json, .iov_len = strlen(json) },
		{ .iov_base = (void *)(uintptr_t) "\n", .iov_len = 1 },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	while (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static void answer_and_drop(struct control *control, struct client *client, const char *json)
{
	send_json(client->fd, json);
	drop_client(control, client);
}

static void answer_error_and_drop(struct control *control, struct client *client, const char *text)
{
	json_t *object = json_pack("{s:o}", "error", json_text(text));
	char *line = json_dumps(object, JSON_COMPACT);
	answer_and_drop(control, client, line ? line : "{\"error\":\"no memory\"}");
	free(line);
	json_decref(object);
}

static struct client *find_client(struct control *control, int id)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].fd >= 0 && control->clients[i].id == id)
			return &control->clients[i];
	return NULL;
}

void control_answer(struct control *control, int client, const char *json)
{
	struct client *found = find_client(control, client);
	if (found)
		answer_and_drop(control, found, json);
}

void control_answer_error(struct control *control, int client, const char *text)
{
	struct client *found = find_client(control, client);
	if (found)
		answer_error_and_drop(control, found, text);
}

void control_answer_trigger(struct control *control, int client, uint64_t number, const char *file)
{
	json_t *object =
		json_pack("{s:I, s:o}", "accepted", (json_int_t)number, "file", json_text(file));
	char *line = json_dumps(object, JSON_COMPACT);
	control_answer(control, client, line ? line : "{\"error\":\"no memory\"}");
	free(line);
	json_decref(object);
}

static void drop_slow(struct control *control)
{
	uint64_t now_ns = clock_now_ns(), count;

	while (read(control->timer_fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	if (control->accept_again_ns <= now_ns)
		control->accept_again_ns = 0;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];
		if (client->fd >= 0 && !client->asked && client->deadline_ns <= now_ns)
			answer_error_and_drop(control, client, "the question took too long");
	}
	update_wakeups(control);
}

/* May this client ask? @ret_pid: its pid in this pid namespace. */
static bool is_permitted(int fd, pid_t *ret_pid)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0 || bytes != sizeof(peer))
		return false;
	*ret_pid = peer.pid;
	return peer.uid == 0 || peer.uid == geteuid();
}

static void accept_client(struct control *control)
{
	struct client *client = find_free_client(control);
	if (!client)
		return; /* update_wakeups() stopped listening */

	int fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		/* No descriptor may be left: clients in the listen queue must not wake us all the time. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			control->accept_again_ns = clock_now_ns() + ACCEPT_PAUSE_NS;
			update_wakeups(control);
		}
		return;
	}
	pid_t pid = 0;
	bool permitted = is_permitted(fd, &pid);
	if (!permitted)
		send_json(fd, CONTROL_NOT_PERMITTED);
	if (!permitted ||
	    watch_fd(control, EPOLL_CTL_ADD, fd, (uint32_t)(client - control->clients), EPOLLIN)) {
		close(fd);
		return;
	}
	control->last_id = control->last_id == INT32_MAX ? 1 : control->last_id + 1;
	client->fd = fd;
	client->id = control->last_id;
	client->pid = pid;
	client->asked = client->waits = false;
	client->bytes = 0;
	client->deadline_ns = clock_now_ns() + SLOW_NS;
	update_wakeups(control);
}

/* Makes any text one line of whole characters that is not empty. */
static void copy_reason(struct control_request *request, const char *text)
{
	text_cut(text, request->reason, sizeof(request->reason));
	for (char *c = request->reason; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	if (!request->reason[strspn(request->reason, " ")])
		snprintf(request->reason, sizeof(request->reason), "asked for by process %d",
			 request->pid);
}

/* Return: NULL, or what is wrong with it. */
static const char *parse_request(const struct client *client, size_t line_bytes,
				 struct control_request *ret_request)
{
	struct control_request request = { .client = client->id, .pid = client->pid };
	const char *ask = NULL, *reason = "", *problem = NULL;
	int wait = 0;

	json_t *object = json_loadb(client->request, line_bytes, JSON_REJECT_DUPLICATES, NULL);
	if (!object ||
	    json_unpack(object, "{s:s, s?s, s?b}", "ask", &ask, "reason", &reason, "wait", &wait))
		problem = "not a question: a line of JSON such as {\"ask\":\"status\"} is";
	else if (!strcmp(ask, "status"))
		request.what = CONTROL_STATUS;
	else if (!strcmp(ask, "trigger"))
		request.what = CONTROL_TRIGGER;
	else
		problem = "there is no such question; there are trigger and status";
	if (!problem && request.what == CONTROL_TRIGGER) {
		request.wait = wait;
		copy_reason(&request, reason);
	}
	if (!problem)
		*ret_request = request;
	json_decref(object);
	return problem;
}

static size_t count_waiting(const struct control *control)
{
	size_t count = 0;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		count += control->clients[i].fd >= 0 && control->clients[i].waits;
	return count;
}

static bool handle_line(struct control *control, struct client *client, size_t line_bytes,
			struct control_request *ret_request)
{
	struct control_request request;
	const char *problem = parse_request(client, line_bytes, &request);

	if (!problem && request.what == CONTROL_TRIGGER && request.wait) {
		if (count_waiting(control) == WAITING_MAX)
			problem = "too many wait for a capture; ask without waiting";
		else
			client->waits = true;
	}
	if (problem) {
		answer_error_and_drop(control, client, problem);
		return false;
	}
	/* From now on only its hang-up matters. */
	client->asked = true;
	watch_fd(control, EPOLL_CTL_MOD, client->fd, (uint32_t)(client - control->clients), 0);
	update_wakeups(control);
	*ret_request = request;
	return true;
}

static bool read_client(struct control *control, struct client *client,
			struct control_request *ret_request)
{
	if (client->asked) {
		drop_client(control, client); /* it hung up */
		return false;
	}
	char *end, *into = client->request + client->bytes;
	ssize_t bytes = read(client->fd, into, REQUEST_BYTES - client->bytes);
	if (bytes < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (bytes <= 0) {
		drop_client(control, client);
		return false;
	}
	client->bytes += (size_t)bytes;
	end = memchr(into, '\n', (size_t)bytes);
	if (end)
		return handle_line(control, client, (size_t)(end - client->request), ret_request);
	if (client->bytes == REQUEST_BYTES)
		answer_error_and_drop(control, client, "the question is too long");
	return false;
}

int control_take(struct control *control, struct control_request *ret_request)
{
	for (int i = 0; i < STEPS_MAX; i++) {
		struct epoll_event event;
		if (epoll_wait(control->epoll_fd, &event, 1, 0) != 1)
			return 0;
		if (event.data.u32 == ABOUT_LISTEN)
			accept_client(control);
		else if (event.data.u32 == ABOUT_TIMER)
			drop_slow(control);
		else if (read_client(control, &control->clients[event.data.u32], ret_request))
			return 1;
	}
	return 0;
}
