/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/perf/permission.h"

#include <cap-ng.h>
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "recorder/base/message.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38 /* since 5.8 */
#endif

static int read_sysctl(const char *path)
{
	int value;
	FILE *file = fopen(path, "re");
	if (!file)
		return INT_MIN;
	if (fscanf(file, "%d", &value) != 1)
		value = INT_MIN;
	fclose(file);
	return value;
}

/* "none [integrity] confidentiality": the mode in brackets is set. */
static void read_lockdown(char *ret_lockdown, size_t bytes)
{
	char line[128] = "";
	ret_lockdown[0] = '\0';
	FILE *file = fopen("/sys/kernel/security/lockdown", "re");
	if (!file)
		return;
	if (fgets(line, sizeof(line), file)) {
		char *start = strchr(line, '['), *end = start ? strchr(start, ']') : NULL;
		if (end) {
			*end = '\0';
			snprintf(ret_lockdown, bytes, "%s", start + 1);
		}
	}
	fclose(file);
}

static bool is_in_user_namespace(void)
{
	unsigned long inside, outside, count;
	bool whole = true;
	FILE *file = fopen("/proc/self/uid_map", "re");
	if (!file)
		return false;
	if (fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3)
		whole = !inside && !outside && count == UINT_MAX;
	fclose(file);
	return !whole;
}

static bool has_seccomp_filter(void)
{
	char line[256];
	int mode = 0;
	FILE *file = fopen("/proc/self/status", "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Seccomp: %d", &mode) == 1)
			break;
	fclose(file);
	return mode == 2;
}

void permission_read(struct permission *ret_permission)
{
	struct permission *permission = ret_permission;
	memset(permission, 0, sizeof(*permission));
	permission->paranoid = read_sysctl("/proc/sys/kernel/perf_event_paranoid");
	permission->kptr_restrict = read_sysctl("/proc/sys/kernel/kptr_restrict");
	read_lockdown(permission->lockdown, sizeof(permission->lockdown));
	permission->root = geteuid() == 0;
	permission->user_namespace = is_in_user_namespace();
	permission->seccomp = has_seccomp_filter();
	if (capng_get_caps_process())
		return;
	permission->sys_admin = capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN);
	permission->perfmon = capng_have_capability(CAPNG_EFFECTIVE, CAP_PERFMON);
	permission->syslog = capng_have_capability(CAPNG_EFFECTIVE, CAP_SYSLOG);
	permission->ipc_lock = capng_have_capability(CAPNG_EFFECTIVE, CAP_IPC_LOCK);
	permission->sys_nice = capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_NICE);
	permission->sys_ptrace = capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_PTRACE);
	permission->sys_resource = capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_RESOURCE);
	permission->dac_read_search = capng_have_capability(CAPNG_EFFECTIVE, CAP_DAC_READ_SEARCH);
}

void permission_capabilities(const struct permission *permission, char *ret_text, size_t text_bytes)
{
	const struct {
		bool held;
		const char *name;
	} CAPABILITIES[] = {
		{ permission->sys_admin, "SYS_ADMIN" },
		{ permission->perfmon, "PERFMON" },
		{ permission->syslog, "SYSLOG" },
		{ permission->ipc_lock, "IPC_LOCK" },
		{ permission->sys_nice, "SYS_NICE" },
		{ permission->sys_ptrace, "SYS_PTRACE" },
		{ permission->sys_resource, "SYS_RESOURCE" },
		{ permission->dac_read_search, "DAC_READ_SEARCH" },
	};
	size_t used = 0;
	snprintf(ret_text, text_bytes, "none");
	for (size_t i = 0; i < sizeof(CAPABILITIES) / sizeof(CAPABILITIES[0]); i++) {
		if (!CAPABILITIES[i].held || used >= text_bytes)
			continue;
		int wrote = snprintf(ret_text + used, text_bytes - used, "%s%s", used ? ", " : "",
				     CAPABILITIES[i].name);
		used += wrote > 0 ? (size_t)wrote : 0;
	}
}

static bool is_refusal(int error)
{
	return error == -EACCES || error == -EPERM || error == -ENOSYS;
}

bool permission_explain(const struct permission *permission, int error, char *ret_text,
			size_t text_bytes)
{
	bool privileged = permission->sys_admin || permission->perfmon;

	if (!strcmp(permission->lockdown, "confidentiality") &&
	    (is_refusal(error) || error == -EINVAL || error == -ENODATA)) {
		snprintf(ret_text, text_bytes,
			 "The kernel is locked down (confidentiality), which refuses tracepoints "
			 "to everybody;"
			 " boot with lockdown=integrity to record.");
		return true;
	}
	if (error == -EMFILE || error == -ENFILE) {
		snprintf(ret_text, text_bytes,
			 "Too many open files: one is needed for each event on each CPU."
			 " Raise the limit (ulimit -n) and try again.");
		return false;
	}
	if (!is_refusal(error)) {
		snprintf(ret_text, text_bytes, "%s.", strerror(-error));
		return false;
	}
	if (permission->seccomp && (privileged || error == -ENOSYS))
		snprintf(ret_text, text_bytes,
			 "A seccomp filter on this process refuses perf_event_open, as container "
			 "runtimes do;"
			 " give the container CAP_PERFMON or seccomp=unconfined, or run on the "
			 "host.");
	else if (error == -ENOSYS)
		snprintf(ret_text, text_bytes,
			 "This kernel was built without CONFIG_PERF_EVENTS: nothing can be "
			 "recorded on it.");
	else if (permission->user_namespace && permission->root)
		snprintf(ret_text, text_bytes,
			 "Root of a user namespace is not root of the host; run as the host's "
			 "root.");
	else if (privileged && !permission->sys_admin && permission->paranoid > 2)
		snprintf(ret_text, text_bytes,
			 "kernel.perf_event_paranoid is %d, which refuses CAP_PERFMON too; run as "
			 "root, or:"
			 " sysctl kernel.perf_event_paranoid=2.",
			 permission->paranoid);
	else if (privileged)
		snprintf(ret_text, text_bytes,
			 "The capabilities are there (perf_event_paranoid is %d), so a security "
			 "module or"
			 " the mount of tracefs refuses it; see the audit log and run recorder "
			 "check.",
			 permission->paranoid);
	else
		snprintf(ret_text, text_bytes,
			 "kernel.perf_event_paranoid is %d; recording other users' processes needs "
			 "root,"
			 " or CAP_PERFMON and read access to tracefs: run it with sudo.",
			 permission->paranoid);
	return true;
}

void permission_explain_names(const struct permission *permission, int error, char *ret_text,
			      size_t text_bytes)
{
	if (error != -EACCES)
		snprintf(ret_text, text_bytes, "/proc/kallsyms: %s.", strerror(-error));
	else if (permission->kptr_restrict > 1)
		snprintf(ret_text, text_bytes,
			 "kernel.kptr_restrict is %d, which hides them from everybody; as root:"
			 " sysctl kernel.kptr_restrict=1.%s",
			 permission->kptr_restrict,
			 permission->syslog ? "" : " And this process lacks CAP_SYSLOG.");
	else if (permission->user_namespace)
		snprintf(ret_text, text_bytes,
			 "CAP_SYSLOG of a user namespace does not show them; run as the host's "
			 "root.");
	else if (!permission->syslog)
		snprintf(ret_text, text_bytes,
			 "This process lacks CAP_SYSLOG: run as root with it, or for a container "
			 "--cap-add SYSLOG; or, as root:"
			 " sysctl kernel.kptr_restrict=0 kernel.perf_event_paranoid=1.");
	else
		snprintf(ret_text, text_bytes,
			 "/proc/kallsyms shows no address although CAP_SYSLOG is there: a security "
			 "module or a container's mount hides them; run on the host.");
}

void permission_warn_of_names(int error)
{
	struct permission permission;
	char remedy[512];

	if (!error)
		return;
	permission_read(&permission);
	permission_explain_names(&permission, error, remedy, sizeof(remedy));
	message_error("%s.\n  %s", PERMISSION_NO_NAMES, remedy);
}
