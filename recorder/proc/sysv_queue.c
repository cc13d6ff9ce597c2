/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/sysv_queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_same_space(const char *proc, int32_t waiter)
{
	char path[160], own[64] = "", its[64] = "";

	snprintf(path, sizeof(path), "%s/self/ns/ipc", proc);
	bool known = readlink(path, own, sizeof(own) - 1) > 0;
	snprintf(path, sizeof(path), "%s/%d/ns/ipc", proc, waiter);
	return known && readlink(path, its, sizeof(its) - 1) > 0 && !strcmp(own, its);
}

int32_t sysv_queue_last(const char *proc, int32_t waiter, uint64_t queue, bool sends)
{
	char path[160], line[512];
	int32_t last = 0;
	FILE *file;

	if (!is_same_space(proc, waiter))
		return 0;
	snprintf(path, sizeof(path), "%s/sysvipc/msg", proc);
	file = fopen(path, "re");
	if (!file)
		return 0;
	/* key, msqid, perms, cbytes, qnum, lspid, lrpid */
	while (!last && fgets(line, sizeof(line), file)) {
		uint64_t number;
		int32_t sender, receiver;

		if (sscanf(line, "%*d %" SCNu64 " %*s %*s %*s %" SCNd32 " %" SCNd32, &number,
			   &sender, &receiver) == 3 &&
		    number == queue)
			last = sends ? receiver : sender;
	}
	fclose(file);
	return last > 0 ? last : 0;
}
