/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At what threads wait, and who has the other end: from a made-up /proc, and from the real one for what only the
 * kernel can make up.
 */
#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorder/proc/fd_ends.h"
#include "recorder/proc/file_device.h"
#include "recorder/proc/socket_ends.h"
#include "recorder/proc/sysv_queue.h"
#include "recorder/proc/wait_call.h"
#include "recorder/proc/wait_objects.h"
#include "tests/unit/support/unit_test.h"

#define ENOUGH_CPU_NS 1000000000ull

static char proc[64];

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
	(void)stat, (void)type, (void)walk;
	return remove(path);
}

static int make_proc(void **state)
{
	(void)state;
	strcpy(proc, "/tmp/freezetrap-proc.XXXXXX");
	return mkdtemp(proc) ? 0 : -1;
}

static int remove_proc(void **state)
{
	(void)state;
	return nftw(proc, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* The path in the made-up /proc, with all directories above it. */
static const char *make_path(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", proc, name);
	for (char *slash = path + strlen(proc) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	return path;
}

static void put_file(const char *name, const char *text)
{
	FILE *file = fopen(make_path(name), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void put_link(const char *name, const char *target)
{
	unlink(make_path(name));
	assert_int_equal(symlink(target, make_path(name)), 0);
}

/* Thread 101 of process 100 is in call @number with descriptor 3, which leads to @target. */
static void put_waiter(long number, const char *target)
{
	char text[128];

	snprintf(text, sizeof(text), "%ld 0x3 0x1 0x2 0x3 0x4 0x5 0x7ffd00000000 0x7f0000000000\n", number);
	put_file("100/task/101/syscall", text);
	put_file("100/task/101/comm", "worker\n");
	put_file("100/comm", "service\n");
	put_link("100/task/101/fd/3", target);
	put_link("100/fd/3", target);
}

static size_t read_one(struct wait_object *ret_object)
{
	const struct ft_task task = { .tid = 101, .tgid = 100 };
	struct wait_objects_cache cache = { .next = 0 };

	return wait_objects_read(proc, &task, 1, &cache, ret_object);
}

static void calls_with_an_object_are_known(void **state)
{
	(void)state;
	assert_int_equal(wait_call_find(SYS_read), WAIT_CALL_READS);
	assert_int_equal(wait_call_find(SYS_accept4), WAIT_CALL_READS);
	assert_int_equal(wait_call_find(SYS_write), WAIT_CALL_WRITES);
	assert_int_equal(wait_call_find(SYS_connect), WAIT_CALL_WRITES);
	assert_int_equal(wait_call_find(SYS_fsync), WAIT_CALL_CHANGES);
	assert_int_equal(wait_call_find(SYS_msgsnd), WAIT_CALL_SENDS);
	assert_int_equal(wait_call_find(SYS_msgrcv), WAIT_CALL_RECEIVES);
	assert_int_equal(wait_call_find(SYS_semtimedop), WAIT_CALL_SEMAPHORES);
	assert_int_equal(wait_call_find(SYS_openat), WAIT_CALL_OPENS);
	assert_int_equal(wait_call_find(SYS_futex), WAIT_CALL_NONE);
	assert_int_equal(wait_call_find(SYS_ppoll), WAIT_CALL_NONE);
	assert_int_equal(wait_call_find(-1), WAIT_CALL_NONE);
	assert_true(wait_call_has_descriptor(WAIT_CALL_CHANGES));
	assert_false(wait_call_has_descriptor(WAIT_CALL_OPENS));
	assert_false(wait_call_has_descriptor(WAIT_CALL_SENDS));
}

static void pipe_is_told_with_the_processes_at_its_other_end(void **state)
{
	struct wait_object object;

	(void)state;
	put_waiter(SYS_write, "pipe:[8123]");
	put_file("200/comm", "log ship\n");
	put_link("200/fd/0", "pipe:[8123]");
	put_link("200/fd/7", "pipe:[8123]"); /* is counted once */
	put_file("300/comm", "other\n");
	put_link("300/fd/0", "pipe:[81234]");
	assert_int_equal(read_one(&object), 1);
	assert_int_equal(object.object, FT_OBJECT_PIPE);
	assert_string_equal(object.name, "pipe:[8123]");
	assert_string_equal(object.task.comm, "worker");
	assert_int_equal(object.inode, 8123);
	assert_int_equal(object.number, 3);
	assert_true(object.flags & FT_OBJECT_ENDS_KNOWN);
	assert_int_equal(object.ends.count, 1);
	assert_int_equal(object.ends.found[0].tgid, 200);
	assert_string_equal(object.ends.found[0].comm, "log ship");
}

static void own_process_is_told_where_nobody_else_has_the_other_end(void **state)
{
	struct wait_object object;

	(void)state;
	put_waiter(SYS_read, "pipe:[55]");
	assert_int_equal(read_one(&object), 1);
	assert_int_equal(object.ends.count, 1);
	assert_int_equal(object.ends.found[0].tgid, 100);
}

static void links_that_only_look_alike_are_no_pipes(void **state)
{
	static const char *const links[] = { "pipe:[x]", "pipe:[12", "pipe:[12]x", "pipe:[]",
					     "pipe:", "socket:[-]", "anon_inode:[eventfd]" };
	struct wait_object object;

	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		put_waiter(SYS_read, links[i]);
		assert_int_equal(read_one(&object), 1);
		assert_int_equal(object.object, FT_OBJECT_OTHER);
		assert_string_equal(object.name, links[i]);
		assert_int_equal(object.ends.count, 0);
	}
	put_waiter(SYS_read, "/tmp/pipe:[12]\n\033[31m");
	assert_int_equal(read_one(&object), 1);
	assert_int_equal(object.object, FT_OBJECT_FILE);
	assert_string_equal(object.name, "/tmp/pipe:[12]\n\033[31m");
}

static void a_long_name_is_cut(void **state)
{
	struct wait_object object;
	char path[FT_NAME_BYTES_MAX + 100];

	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	put_waiter(SYS_read, path);
	assert_int_equal(read_one(&object), 1);
	assert_int_equal(strlen(object.name), FT_NAME_BYTES_MAX - 1);
}

static void file_is_told_with_its_device(void **state)
{
	struct wait_object object;

	(void)state;
	put_waiter(SYS_fsync, "/var/log/a b");
	put_file("100/fdinfo/3", "pos:\t0\nflags:\t0100001\nmnt_id:\t28\nino:\t77\n");
	put_file("100/mountinfo", "27 1 8:2 / / rw - ext4 /dev/sda2 rw\n"
				  "28 27 8:17 / /var rw,noatime shared:1 - xfs /dev/sdb1 rw\n");
	assert_int_equal(read_one(&object), 1);
	assert_int_equal(object.object, FT_OBJECT_FILE);
	assert_string_equal(object.device, "/dev/sdb1");
	assert_int_equal(object.major, 8);
	assert_int_equal(object.minor, 17);
	assert_int_equal(object.inode, 77);
	put_file("100/fdinfo/3", "mnt_id:\t29\n");
	assert_int_equal(read_one(&object), 1);
	assert_string_equal(object.device, "");
	assert_int_equal(object.major, 0);
}

static void named_pipe_is_told_by_where_the_thread_sleeps(void **state)
{
	struct wait_object object;

	(void)state;
	put_waiter(SYS_write, "/run/log.fifo");
	put_file("100/task/101/wchan", "anon_pipe_write");
	put_file("201/comm", "reader\n");
	put_link("201/fd/0", "/run/log.fifo");
	assert_int_equal(read_one(&object), 1);
	assert_int_equal(object.object, FT_OBJECT_PIPE);
	assert_int_equal(object.ends.found[0].tgid, 201);
	put_file("100/task/101/wchan", "0");
	assert_int_equal(read_one(&object), 1);
	assert_int_equal(object.object, FT_OBJECT_FILE);
	assert_int_equal(object.ends.count, 0);
}

static void thread_that_runs_or_waits_for_a_lock_has_no_object(void **state)
{
	struct wait_object object;

	(void)state;
	put_waiter(SYS_futex, "pipe:[1]");
	assert_int_equal(read_one(&object), 0);
	put_file("100/task/101/syscall", "running\n");
	assert_int_equal(read_one(&object), 0);
	put_file("100/task/101/syscall", "-1 0x7ffd00000000 0x7f0000000000\n");
	assert_int_equal(read_one(&object), 0);
	/* A program of 32 bits numbers its calls differently. */
	put_file("100/task/101/syscall", "1 0x3 0x1 0x2 0x3 0x4 0x5 0xffd00000 0xf7000000\n");
	assert_int_equal(read_one(&object), 0);
	put_waiter(SYS_openat, "pipe:[1]");
	assert_int_equal(read_one(&object), 0);
}

static void who_scans_files_is_told_of_one_who_waits_to_open(void **state)
{
	struct wait_object object;

	(void)state;
	put_waiter(SYS_openat, "pipe:[1]");
	put_file("100/task/101/wchan", "fanotify_handle_event");
	put_file("400/comm", "avscan\n");
	put_link("400/fd/9", "anon_inode:[fanotify]");
	assert_int_equal(read_one(&object), 1);
	assert_int_equal(object.object, FT_OBJECT_PERMISSION);
	assert_int_equal(object.ends.found[0].tgid, 400);
	unlink(make_path("400/fd/9"));
	unlink(make_path("100/task/101/wchan"));
}

/* As Linux shows them, on a host of little-endian words. */
#define HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define REST " 00000000:00000000 00:00000000 00000000     0        0 "

static void other_end_of_a_connection_is_told(void **state)
{
	struct socket_tables tables = { .read = false };
	struct socket_ends ends;

	(void)state;
	if (htonl(1) == 1)
		skip();
	put_file("100/net/tcp", HEAD "   0: 00000000:2328 00000000:0000 0A" REST "70 1\n"
				     "   1: 0100007F:C350 0100007F:2328 01" REST "71 1\n"
				     "   2: 0100007F:2328 0100007F:C350 01" REST "72 1\n"
				     "   3: 0100007F:C351 0100007F:2328 02" REST "73 1\n"
				     "   4: 0100007F:C352 08080808:0035 01" REST "74 1\n"
				     "   5: 0100007F:zz\n"
				     "6: 0100007F:C353 0100007F:1F40 01" REST "75 1\n");
	put_file("100/net/tcp6",
		 HEAD "   0: 0000000000000000FFFF00000100007F:1F40 "
		      "0000000000000000FFFF00000100007F:C353 01" REST "80 1\n");
	assert_true(socket_ends_find(proc, 100, 71, &tables, &ends));
	assert_string_equal(ends.name, "tcp 127.0.0.1:9000");
	assert_int_equal(ends.other, 72);
	assert_false(ends.listens);
	/* Nobody has accepted it. */
	assert_true(socket_ends_find(proc, 100, 73, &tables, &ends));
	assert_int_equal(ends.other, 70);
	assert_true(ends.listens);
	assert_true(socket_ends_find(proc, 100, 74, &tables, &ends));
	assert_string_equal(ends.name, "tcp 8.8.8.8:53");
	assert_int_equal(ends.other, 0);
	/* The server has a socket of IPv6. */
	assert_true(socket_ends_find(proc, 100, 75, &tables, &ends));
	assert_int_equal(ends.other, 80);
	/* One that listens is named by where. */
	assert_true(socket_ends_find(proc, 100, 70, &tables, &ends));
	assert_string_equal(ends.name, "tcp 0.0.0.0:9000");
	assert_int_equal(ends.other, 0);
	assert_false(socket_ends_find(proc, 100, 99, &tables, &ends));
	socket_tables_free(&tables);
}

static void last_one_at_a_message_queue_is_told(void **state)
{
	(void)state;
	put_link("self/ns/ipc", "ipc:[1]");
	put_link("100/ns/ipc", "ipc:[1]");
	put_link("101/ns/ipc", "ipc:[2]");
	put_file("sysvipc/msg",
		 "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid\n"
		 "         0          5   600        1000          1   11   22     0     0\n"
		 "        -3          6   600        1000          1   33   44     0     0\n");
	assert_int_equal(sysv_queue_last(proc, 100, 6, true), 44);
	assert_int_equal(sysv_queue_last(proc, 100, 6, false), 33);
	assert_int_equal(sysv_queue_last(proc, 100, 7, false), 0);
	assert_int_equal(sysv_queue_last(proc, 101, 6, false), 0);
}

static void walk_ends_where_its_time_does(void **state)
{
	struct fd_ends end = { .link = "pipe:[8123]" };

	(void)state;
	put_link("200/fd/0", "pipe:[8123]");
	put_file("200/comm", "logship\n");
	assert_true(fd_ends_find(proc, &end, 1, ENOUGH_CPU_NS));
	assert_true(end.count >= 1);
	assert_false(fd_ends_find(proc, &end, 1, 0));
	assert_false(fd_ends_find("/nowhere", &end, 1, ENOUGH_CPU_NS));
}

static void what_was_found_is_believed_while_its_process_lives(void **state)
{
	const struct ft_task task = { .tid = 101, .tgid = 100 };
	struct wait_objects_cache cache = { .next = 0 };
	struct wait_object object;

	(void)state;
	put_waiter(SYS_write, "pipe:[900]");
	put_file("500/comm", "reader\n");
	put_link("500/fd/0", "pipe:[900]");
	assert_int_equal(wait_objects_read(proc, &task, 1, &cache, &object), 1);
	unlink(make_path("500/fd/0"));
	assert_int_equal(wait_objects_read(proc, &task, 1, &cache, &object), 1);
	assert_int_equal(object.ends.found[0].tgid, 500);
	unlink(make_path("500/comm"));
	assert_int_equal(wait_objects_read(proc, &task, 1, &cache, &object), 1);
	assert_int_equal(object.ends.found[0].tgid, 100);
}

struct seen {
	size_t objects, peers;
	struct ft_event last;
};

static void see_event(void *context, const struct ft_event *event)
{
	struct seen *seen = context;

	seen->objects += event->kind == FT_EVENT_OBJECT;
	seen->peers += event->kind == FT_EVENT_PEER;
	assert_int_equal(event->cpu, FT_NO_CPU);
	assert_int_equal(event->time_ns, 5);
}

static void object_and_each_peer_are_an_event(void **state)
{
	struct wait_object object = { .time_ns = 5, .name = "x" };
	struct seen seen = { 0 };

	(void)state;
	object.ends.count = 7;
	for (int i = 0; i < FD_ENDS_KEPT; i++)
		object.ends.found[i] = (struct ft_task){ .tid = i + 1, .tgid = i + 1 };
	wait_objects_visit(&object, see_event, &seen);
	assert_int_equal(seen.objects, 1);
	assert_int_equal(seen.peers, FD_ENDS_KEPT);
}

/* The real /proc: a child that blocks, whose other end is this process. */

static pid_t start_child(void (*block)(int fd), int fd, int close_fd)
{
	pid_t child = fork();

	if (child)
		return child;
	close(close_fd);
	block(fd);
	_exit(0);
}

/* Return: once it is known at what @child waits. Ends it. */
static void read_child(pid_t child, struct wait_object *ret_object)
{
	const struct ft_task task = { .tid = child, .tgid = child };
	size_t known = 0;

	for (int tries = 0; tries < 2000 && !(known && ret_object->object); tries++) {
		struct wait_objects_cache cache = { .next = 0 };

		known = wait_objects_read("/proc", &task, 1, &cache, ret_object);
		usleep(5000);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(known, 1);
}

static void write_on(int fd)
{
	static char page[4096];

	while (write(fd, page, sizeof(page)) > 0)
		;
}

static void read_on(int fd)
{
	char byte;

	while (read(fd, &byte, 1) > 0)
		;
}

static void reader_of_a_full_pipe_is_told_and_no_writer(void **state)
{
	struct wait_object object;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid_t child = start_child(write_on, ends[1], ends[0]);
	read_child(child, &object);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(object.object, FT_OBJECT_PIPE);
	assert_int_equal(object.flags & (FT_OBJECT_READABLE | FT_OBJECT_WRITABLE),
			 FT_OBJECT_WRITABLE);
	assert_int_equal(object.ends.count, 1);
	assert_int_equal(object.ends.found[0].tgid, getpid());
}

static void other_end_of_a_unix_socket_is_told(void **state)
{
	struct wait_object object;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	pid_t child = start_child(read_on, ends[1], ends[0]);
	close(ends[1]);
	read_child(child, &object);
	close(ends[0]);
	assert_int_equal(object.object, FT_OBJECT_SOCKET);
	assert_int_equal(object.ends.count, 1);
	assert_int_equal(object.ends.found[0].tgid, getpid());
}

static void other_end_of_a_loopback_connection_is_told(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	struct wait_object object;

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&address, bytes), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &bytes), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, bytes), 0);
	pid_t child = start_child(read_on, fd, listener);
	close(fd);
	read_child(child, &object);
	close(listener);
	assert_int_equal(object.object, FT_OBJECT_SOCKET);
	assert_memory_equal(object.name, "tcp 127.0.0.1:", 14);
	assert_true(object.peer_flags & FT_PEER_LISTENS);
	assert_int_equal(object.ends.count, 1);
	assert_int_equal(object.ends.found[0].tgid, getpid());
}

UNIT_TESTS(wait_objects)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_with_an_object_are_known),
		cmocka_unit_test(pipe_is_told_with_the_processes_at_its_other_end),
		cmocka_unit_test(own_process_is_told_where_nobody_else_has_the_other_end),
		cmocka_unit_test(links_that_only_look_alike_are_no_pipes),
		cmocka_unit_test(a_long_name_is_cut),
		cmocka_unit_test(file_is_told_with_its_device),
		cmocka_unit_test(named_pipe_is_told_by_where_the_thread_sleeps),
		cmocka_unit_test(thread_that_runs_or_waits_for_a_lock_has_no_object),
		cmocka_unit_test(who_scans_files_is_told_of_one_who_waits_to_open),
		cmocka_unit_test(other_end_of_a_connection_is_told),
		cmocka_unit_test(last_one_at_a_message_queue_is_told),
		cmocka_unit_test(walk_ends_where_its_time_does),
		cmocka_unit_test(what_was_found_is_believed_while_its_process_lives),
		cmocka_unit_test(object_and_each_peer_are_an_event),
		cmocka_unit_test(reader_of_a_full_pipe_is_told_and_no_writer),
		cmocka_unit_test(other_end_of_a_unix_socket_is_told),
		cmocka_unit_test(other_end_of_a_loopback_connection_is_told),
	};

	return run_unit_tests(tests, make_proc, remove_proc);
}
