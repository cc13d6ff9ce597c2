/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/trigger/sleep_kind.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* An idle thread is in none of these. */
static const char *const HURTS[] = {
	"do_freezer_trap", "get_signal", "__refrigerator", /* the control group is frozen */
	"request_wait_answer", "fanotify_handle_event", "fanotify_get_response",
	"handle_userfault", "seccomp_do_user_notification", /* a process has to answer */
	"locks_lock_inode_wait", "fcntl_setlk", "futex_lock_pi", "rt_mutex_wait_proxy_lock",
	"pipe_write", "anon_pipe_write", "sock_alloc_send_pskb", "sk_stream_wait_memory",
	"unix_wait_for_peer", "inet_wait_for_connect", "do_tcp_connect",
};

static const char *const IDLE[] = {
	"ep_poll", "do_epoll_wait", "do_sys_poll", "do_poll", "poll_schedule_timeout", "do_select",
	"inet_csk_accept", "inet_csk_wait_for_connect", "unix_accept", "sk_wait_data",
	"wait_woken", "__skb_wait_for_more_packets", "skb_wait_for_more_packets",
	"unix_stream_read_generic", "unix_stream_data_wait", "tcp_recvmsg_locked",
	"pipe_read", "anon_pipe_read", "n_tty_read", "eventfd_read", "timerfd_read_iter",
	"timerfd_read", "inotify_read", "fanotify_read", "signalfd_dequeue", "signalfd_read_iter",
	"do_sigtimedwait", "sigsuspend", "__do_sys_pause", "sys_pause", "io_cqring_wait",
	"read_events", "do_io_getevents", "do_wait", "kernel_wait4", "do_msgrcv", "wq_sleep",
	"hrtimer_nanosleep", "do_nanosleep", "common_nsleep", "schedule_hrtimeout_range_clock",
};

/* The compiler's copies of a function have a suffix: "do_select.constprop.0". */
static bool is_one_of(const char *function, const char *const *names, size_t count)
{
	size_t bytes = strcspn(function, ".");

	for (size_t i = 0; i < count; i++)
		if (strlen(names[i]) == bytes && !strncmp(names[i], function, bytes))
			return true;
	return false;
}

enum sleep_kind sleep_kind_of(const struct proc_task_wait *wait)
{
	if (wait->state == FT_STATE_DISK || wait->state == FT_STATE_STOPPED ||
	    wait->state == FT_STATE_TRACED)
		return SLEEP_CHANGED;
	if (wait->state != FT_STATE_SLEEPING)
		return SLEEP_IDLE; /* it goes on */
	if (is_one_of(wait->function, HURTS, sizeof(HURTS) / sizeof(*HURTS)))
		return SLEEP_HURTS;
	return is_one_of(wait->function, IDLE, sizeof(IDLE) / sizeof(*IDLE)) ? SLEEP_IDLE
									     : SLEEP_OPEN;
}
