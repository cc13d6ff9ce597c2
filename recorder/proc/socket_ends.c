/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/socket_ends.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/base/read_file.h"
#include "recorder/proc/unix_peer.h"

#define TABLE_BYTES_MAX (4u << 20) /* about 28,000 sockets: a host with more is not looked at */
#define LISTENS		0x0a /* TCP_LISTEN */

static const char *const table_names[] = { "tcp", "tcp6", "udp", "udp6" };
#define TABLES (sizeof(table_names) / sizeof(table_names[0]))

/* IPv4 as IPv6 has it, so that one table finds what is in the other. */
struct endpoint {
	uint8_t address[16];
	uint16_t port;
};

struct row {
	struct endpoint local, remote;
	unsigned int state;
	uint64_t inode;
};

void socket_tables_free(struct socket_tables *tables)
{
	for (size_t i = 0; i < TABLES; i++)
		free(tables->texts[i]);
	*tables = (struct socket_tables){ .read = false };
}

/* "0100007F:2328": words in the byte order of the host. Return: behind it; NULL where not understood. */
static const char *parse_endpoint(const char *text, struct endpoint *ret_endpoint)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	size_t digits = strspn(text, "0123456789ABCDEFabcdef");
	unsigned int port;
	int used = 0;

	if ((digits != 8 && digits != 32) || text[digits] != ':' ||
	    sscanf(text + digits + 1, "%4x%n", &port, &used) != 1)
		return NULL;
	memcpy(ret_endpoint->address, mapped, sizeof(mapped));
	for (size_t word = 0; word < digits / 8; word++) {
		char hex[9] = "";
		uint32_t value;

		memcpy(hex, text + word * 8, 8);
		value = (uint32_t)strtoul(hex, NULL, 16);
		memcpy(&ret_endpoint->address[digits == 8 ? 12 : word * 4], &value, 4);
	}
	ret_endpoint->port = (uint16_t)port;
	return text + digits + 1 + used;
}

/* "0: 0100007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 12345 ..." */
static bool parse_row(const char *line, struct row *ret_row)
{
	const char *rest = strchr(line, ':');

	if (!rest)
		return false;
	rest++;
	rest = parse_endpoint(rest + strspn(rest, " "), &ret_row->local);
	if (rest)
		rest = parse_endpoint(rest + strspn(rest, " "), &ret_row->remote);
	return rest && sscanf(rest, "%x %*s %*s %*s %*s %*s %" SCNu64, &ret_row->state,
			      &ret_row->inode) == 2;
}

/* Return: the row behind the one that *@at is at; false at the end. */
static bool next_row(const char **at, struct row *ret_row)
{
	while (*at && **at) {
		const char *line = *at, *end = strchr(line, '\n');

		*at = end ? end + 1 : NULL;
		if (parse_row(line, ret_row))
			return true;
	}
	return false;
}

static bool find_inode(const struct socket_tables *tables, uint64_t inode, size_t *ret_table,
		       struct row *ret_row)
{
	for (size_t i = 0; i < TABLES; i++) {
		const char *at = tables->texts[i];

		*ret_table = i;
		while (next_row(&at, ret_row))
			if (ret_row->inode == inode)
				return true;
	}
	return false;
}

static bool is_any(const struct endpoint *endpoint)
{
	static const struct in6_addr any = IN6ADDR_ANY_INIT;
	static const uint8_t any_mapped[16] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(endpoint->address, &any, 16) || !memcmp(endpoint->address, any_mapped, 16);
}

static bool is_same(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && !memcmp(a->address, b->address, sizeof(a->address));
}

/* One that listens at any address may be of another network: it is the other end only where it has a connection there,
 * or the address is one of this host, as that of the loopback network is. */
static bool is_local(const struct endpoint *endpoint)
{
	static const struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;

	return !memcmp(endpoint->address, &loopback, 16) ||
	       (endpoint->address[10] == 0xff && endpoint->address[11] == 0xff &&
		endpoint->address[12] == 127);
}

static void find_other_end(const struct socket_tables *tables, size_t table, const struct row *own,
			   struct socket_ends *ends)
{
	uint64_t listener = 0;
	bool here = is_local(&own->remote) || !memcmp(own->remote.address, own->local.address, 16);

	/* The other end may be in the table of the other family. */
	for (size_t i = table & ~(size_t)1; i < (table | 1) + 1; i++) {
		const char *at = tables->texts[i];
		struct row row;

		while (next_row(&at, &row)) {
			if (!row.inode || row.inode == own->inode)
				continue;
			if (is_same(&row.local, &own->remote) && is_same(&row.remote, &own->local)) {
				ends->other = row.inode;
				return;
			}
			bool waits = row.state == LISTENS || table >= 2;
			if (waits && !row.remote.port && row.local.port == own->remote.port &&
			    (is_same(&row.local, &own->remote) || (here && is_any(&row.local))))
				listener = row.inode;
		}
	}
	ends->other = listener;
	ends->listens = listener && table < 2;
}

static void print_name(const struct endpoint *endpoint, const char *protocol,
		       struct socket_ends *ends)
{
	bool mapped = endpoint->address[10] == 0xff && endpoint->address[11] == 0xff &&
		      !endpoint->address[0];
	char address[INET6_ADDRSTRLEN] = "";

	inet_ntop(mapped ? AF_INET : AF_INET6, endpoint->address + (mapped ? 12 : 0), address,
		  sizeof(address));
	snprintf(ends->name, sizeof(ends->name), mapped ? "%s %s:%u" : "%s [%s]:%u", protocol,
		 address, endpoint->port);
}

static void read_tables(const char *proc, int32_t tgid, struct socket_tables *tables)
{
	for (size_t i = 0; i < TABLES; i++) {
		char path[128];
		size_t bytes;

		snprintf(path, sizeof(path), "%s/%d/net/%s", proc, tgid, table_names[i]);
		if (read_file(AT_FDCWD, path, TABLE_BYTES_MAX, &tables->texts[i], &bytes))
			tables->texts[i] = NULL;
	}
	tables->read = true;
}

static void read_space(const char *proc, const char *process, char ret_space[64])
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s/ns/net", proc, process);
	ssize_t bytes = readlink(path, ret_space, 63);
	ret_space[bytes > 0 ? bytes : 0] = '\0';
}

static bool find_unix(const char *space, const char *proc, uint64_t inode, struct socket_ends *ends)
{
	char own_space[64], path[120];
	uint64_t back;

	read_space(proc, "self", own_space);
	if (strcmp(space, own_space) != 0 || !unix_peer_find(inode, &ends->other, path, sizeof(path)))
		return false;
	/* As a rule only the server's end has a name. */
	if (!*path && ends->other)
		unix_peer_find(ends->other, &back, path, sizeof(path));
	if (*path)
		snprintf(ends->name, sizeof(ends->name), "unix %s", path);
	return true;
}

bool socket_ends_find(const char *proc, int32_t tgid, uint64_t inode, struct socket_tables *tables,
		      struct socket_ends *ret_ends)
{
	char process[16], space[64];
	struct row row;
	size_t table;

	*ret_ends = (struct socket_ends){ .name = "" };
	snprintf(process, sizeof(process), "%d", tgid);
	read_space(proc, process, space);
	if (*space && find_unix(space, proc, inode, ret_ends))
		return true;
	if (tables->read && strcmp(space, tables->space) != 0)
		socket_tables_free(tables);
	if (!tables->read) {
		memcpy(tables->space, space, sizeof(space));
		read_tables(proc, tgid, tables);
	}
	if (!find_inode(tables, inode, &table, &row))
		return false;
	/* One that listens, or takes from anybody, has no other end. */
	print_name(row.remote.port ? &row.remote : &row.local, table < 2 ? "tcp" : "udp", ret_ends);
	if (row.remote.port)
		find_other_end(tables, table, &row, ret_ends);
	return true;
}
