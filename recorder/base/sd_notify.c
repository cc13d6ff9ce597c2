/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/base/sd_notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void sd_notify_send(const char *text)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t bytes = path ? strlen(path) : 0;

	if (bytes < 2 || bytes >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, bytes);
	if (path[0] == '@')
		address.sun_path[0] = '\0'; /* a socket in the abstract name space */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	ssize_t sent =
		sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address,
		       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes));
	(void)sent; /* do not wait for a manager that does not listen */
	close(fd);
}

uint64_t sd_notify_watchdog_ns(void)
{
	const char *text = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	char *end;

	if (!text || (pid && strtol(pid, NULL, 10) != getpid()))
		return 0;
	errno = 0;
	unsigned long long us = strtoull(text, &end, 10);
	return errno || *end || us > UINT64_MAX / 1000 ? 0 : us * 1000 / 2;
}
