/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/unix_peer.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_BYTES 4096
#define PATIENCE_US  200000

static bool ask_kernel(int fd, uint64_t inode)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} message = {
		.header = { .nlmsg_len = sizeof(message),
			    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST },
		.request = { .sdiag_family = AF_UNIX,
			     .udiag_states = ~0u,
			     .udiag_ino = (uint32_t)inode,
			     .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER,
			     .udiag_cookie = { ~0u, ~0u } },
	};

	return send(fd, &message, sizeof(message), 0) == sizeof(message);
}

/* A name that begins with a zero is abstract; as others do, show that as "@". */
static void copy_name(const char *from, size_t from_bytes, char *ret_name, size_t name_bytes)
{
	size_t bytes = 0;

	for (; bytes < from_bytes && bytes + 1 < name_bytes; bytes++) {
		if (!from[bytes] && bytes)
			break;
		ret_name[bytes] = from[bytes] ? from[bytes] : '@';
	}
	ret_name[bytes] = '\0';
}

static void read_attributes(const struct nlmsghdr *header, uint64_t *ret_peer, char *ret_name,
			    size_t name_bytes)
{
	const struct unix_diag_msg *answer = NLMSG_DATA(header);
	const struct rtattr *attribute = (const struct rtattr *)(const void *)(answer + 1);
	unsigned int left = header->nlmsg_len - (unsigned int)NLMSG_LENGTH(sizeof(*answer));

	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		uint32_t peer;

		if (attribute->rta_type == UNIX_DIAG_PEER && RTA_PAYLOAD(attribute) >= sizeof(peer)) {
			memcpy(&peer, RTA_DATA(attribute), sizeof(peer));
			*ret_peer = peer;
		} else if (attribute->rta_type == UNIX_DIAG_NAME) {
			copy_name(RTA_DATA(attribute), RTA_PAYLOAD(attribute), ret_name, name_bytes);
		}
	}
}

bool unix_peer_find(uint64_t inode, uint64_t *ret_peer, char *ret_name, size_t name_bytes)
{
	_Alignas(struct nlmsghdr) char answer[ANSWER_BYTES];
	const struct timeval patience = { .tv_usec = PATIENCE_US };
	const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
	bool found = false;
	int fd;

	*ret_peer = 0;
	*ret_name = '\0';
	if (inode > UINT32_MAX)
		return false;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ssize_t bytes = ask_kernel(fd, inode) ? recv(fd, answer, sizeof(answer), 0) : -1;
	if (bytes > 0 && NLMSG_OK(header, (size_t)bytes) &&
	    header->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
	    header->nlmsg_len >= NLMSG_LENGTH(sizeof(struct unix_diag_msg))) {
		read_attributes(header, ret_peer, ret_name, name_bytes);
		found = true;
	}
	close(fd);
	return found;
}
