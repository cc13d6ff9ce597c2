/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks as a kernel wrote them get the class, mode and operation a person would give.
 */
#include <string.h>

#include "analyzer/timeline/wait_rules.h"
#include "tests/unit/support/kstack.h"
#include "tests/unit/support/unit_test.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Stacks that a 6.18 kernel wrote while the things they are named for went on. */
struct real {
	const char *stack;
	enum ft_task_state state;
	enum wait_class class;
	enum lock_mode mode;
	const char *detail;
	const char *operation;
	bool remote_mm;
};

#define D FT_STATE_DISK
#define S FT_STATE_SLEEPING
#define R FT_STATE_PREEMPTED
#define LOCK_R LOCK_MODE_READ
#define LOCK_W LOCK_MODE_WRITE
#define RWSEM_R "__schedule schedule schedule_preempt_disabled rwsem_down_read_slowpath "
#define RWSEM_W "__schedule schedule schedule_preempt_disabled rwsem_down_write_slowpath "
#define MUTEX "__schedule schedule schedule_preempt_disabled __mutex_lock "
#define TIMED "__schedule schedule schedule_timeout "
#define BIT "__schedule schedule io_schedule bit_wait_io __wait_on_bit out_of_line_wait_on_bit "
#define HRTIMED "__schedule schedule schedule_hrtimeout_range_clock "
#define YIELDS "__schedule __cond_resched "
#define FSYNC "ext4_sync_file do_fsync __x64_sys_fsync " CALL
#define FAULT "handle_mm_fault exc_page_fault asm_exc_page_fault"
#define CHARGE "try_charge_memcg charge_memcg __mem_cgroup_charge do_anonymous_page " \
	       "__handle_mm_fault " FAULT

static const struct real real_stacks[] = {
	/* from /proc/PID/stack, which leaves out the slow paths of sleeping locks */
	{ "vm_mmap_pgoff " CALL, D, WAIT_LOCK_MMAP, LOCK_MODE_NONE, NULL, "mmap", false },
	{ "__vm_munmap __x64_sys_munmap " CALL, D, WAIT_LOCK_MMAP, LOCK_MODE_NONE, NULL, "munmap",
	  false },
	{ "lock_mm_and_find_vma exc_page_fault asm_exc_page_fault", D, WAIT_LOCK_MMAP,
	  LOCK_MODE_NONE, "page fault", "page fault", false },
	/* mmap_lock, wanted by its own process */
	{ RWSEM_W "down_write_killable vm_mmap_pgoff " CALL, D, WAIT_LOCK_MMAP, LOCK_W, NULL,
	  "mmap", false },
	{ RWSEM_W "down_write_killable __vm_munmap __x64_sys_munmap " CALL, D, WAIT_LOCK_MMAP,
	  LOCK_W, NULL, "munmap", false },
	{ RWSEM_W "down_write_killable do_mprotect_pkey __x64_sys_mprotect " CALL, D,
	  WAIT_LOCK_MMAP, LOCK_W, NULL, "mprotect", false },
	{ RWSEM_W "down_write_killable __do_sys_brk " CALL, D, WAIT_LOCK_MMAP, LOCK_W, NULL, "brk",
	  false },
	{ RWSEM_W "down_write_killable do_mremap __do_sys_mremap " CALL, D, WAIT_LOCK_MMAP, LOCK_W,
	  NULL, "mremap", false },
	{ RWSEM_W "down_write_killable do_mlock __x64_sys_mlock " CALL, D, WAIT_LOCK_MMAP, LOCK_W,
	  NULL, "mlock", false },
	{ RWSEM_W "down_write_killable dup_mmap copy_process kernel_clone __do_sys_clone " CALL, D,
	  WAIT_LOCK_MMAP, LOCK_W, NULL, "clone", false },
	{ RWSEM_R "down_read __mm_populate vm_mmap_pgoff " CALL, D, WAIT_LOCK_MMAP, LOCK_R, NULL,
	  "mmap", false },
	{ RWSEM_R "down_read_killable lock_mm_and_find_vma exc_page_fault asm_exc_page_fault", D,
	  WAIT_LOCK_MMAP, LOCK_R, "page fault", "page fault", false },
	{ RWSEM_R "down_read_killable lock_mm_and_find_vma exc_page_fault asm_exc_page_fault "
		  "__put_user_8 __rseq_handle_notify_resume exit_to_user_mode_loop " CALL,
	  D, WAIT_LOCK_MMAP, LOCK_R, "page fault", "return to user space", false },
	{ RWSEM_R "down_read_killable lock_mm_and_find_vma exc_page_fault asm_exc_page_fault "
		  "__put_user_4 mm_release do_exit do_group_exit get_signal "
		  "arch_do_signal_or_restart exit_to_user_mode_loop " CALL,
	  D, WAIT_LOCK_MMAP, LOCK_R, "page fault", "signal delivery", false },
	{ RWSEM_R "down_read do_exit do_group_exit get_signal arch_do_signal_or_restart "
		  "exit_to_user_mode_loop " CALL,
	  D, WAIT_LOCK_MMAP, LOCK_R, NULL, "signal delivery", false },
	/* ... and by another */
	{ RWSEM_R "down_read_killable __access_remote_vm proc_pid_cmdline_read vfs_read ksys_read "
	  CALL, D, WAIT_LOCK_MMAP, LOCK_R, NULL, "read", true },
	{ RWSEM_R "down_read_killable show_smaps_rollup seq_read_iter seq_read vfs_read ksys_read "
	  CALL, D, WAIT_LOCK_MMAP, LOCK_R, NULL, "read", true },
	{ RWSEM_R "down_read_killable lock_next_vma proc_get_vma seq_read_iter seq_read vfs_read "
		  "ksys_read " CALL, D, WAIT_LOCK_MMAP, LOCK_R, NULL, "read", true },
	{ RWSEM_R "down_read process_vm_rw_core process_vm_rw __x64_sys_process_vm_readv " CALL, D,
	  WAIT_LOCK_MMAP, LOCK_R, NULL, "process_vm_readv", true },
	{ "__schedule schedule __vma_start_write __split_vma vma_modify vma_modify_flags "
	  "mprotect_fixup do_mprotect_pkey __x64_sys_mprotect " CALL, D, WAIT_LOCK_RWSEM, LOCK_W,
	  "vma lock", "mprotect", false },
	/* other rwsems and mutexes */
	{ RWSEM_W "down_write do_renameat2 __x64_sys_rename " CALL, D, WAIT_LOCK_INODE, LOCK_W,
	  "inode directory", "rename", false },
	{ RWSEM_W "down_write path_openat do_filp_open do_sys_openat2 __x64_sys_openat " CALL, D,
	  WAIT_LOCK_INODE, LOCK_W, "inode directory", "openat", false },
	{ RWSEM_W "down_write ext4_buffered_write_iter vfs_write __x64_sys_pwrite64 " CALL, D,
	  WAIT_LOCK_INODE, LOCK_W, "inode", "pwrite", false },
	{ RWSEM_W "down_write ext4_da_get_block_prep ext4_block_write_begin ext4_da_write_begin "
		  "generic_perform_write ext4_buffered_write_iter vfs_write ksys_write " CALL,
	  D, WAIT_LOCK_INODE, LOCK_W, "ext4 block map", "write", false },
	{ RWSEM_W "down_write sync_inodes_sb sync_filesystem __x64_sys_syncfs " CALL, D,
	  WAIT_LOCK_RWSEM, LOCK_W, "writeback of the superblock", "syncfs", false },
	{ MUTEX "fdget_pos ksys_lseek " CALL, D, WAIT_LOCK_MUTEX, 0, "f_pos", "lseek", false },
	{ MUTEX "sync_inodes_sb __iterate_supers ksys_sync __x64_sys_sync " CALL, D,
	  WAIT_LOCK_MUTEX, 0, "superblock", "sync", false },
	{ "__schedule rt_mutex_schedule rt_mutex_slowlock_block rt_mutex_wait_proxy_lock "
	  "futex_lock_pi do_futex __x64_sys_futex " CALL, S, WAIT_LOCK_FUTEX, 0,
	  "priority-inheriting futex", "futex", false },
	{ "__schedule schedule futex_do_wait __futex_wait futex_wait do_futex __x64_sys_futex "
	  CALL, S, WAIT_LOCK_FUTEX, 0, NULL, "futex", false },
	{ "__schedule schedule futex_wait_multiple __do_sys_futex_waitv " CALL, S, WAIT_LOCK_FUTEX,
	  0, NULL, "futex_waitv", false },
	{ "__schedule schedule locks_lock_inode_wait __do_sys_flock " CALL, S, WAIT_LOCK_FILE, 0,
	  "flock or POSIX lock", "flock", false },
	{ "__schedule schedule fcntl_setlk do_fcntl __x64_sys_fcntl " CALL, S, WAIT_LOCK_FILE, 0,
	  "flock or POSIX lock", "fcntl", false },
	{ "__schedule schedule __lock_sock lock_sock_nested tcp_recvmsg sock_recvmsg "
	  "__sys_recvfrom __x64_sys_recvfrom " CALL, D, WAIT_LOCK_MUTEX, 0, "socket", "recvfrom",
	  false },
	/* input and output */
	{ BIT "__sync_dirty_buffer ext4_write_inode ext4_fsync_nojournal " FSYNC, D, WAIT_IO_BLOCK,
	  0, "buffer", "fsync", false },
	{ TIMED "io_schedule_timeout wait_for_completion_io_timeout submit_bio_wait "
		"blkdev_issue_flush " FSYNC, D, WAIT_IO_BLOCK, 0, "device flush", "fsync", false },
	{ "__schedule schedule io_schedule folio_wait_bit folio_wait_writeback "
	  "__filemap_fdatawait_range file_write_and_wait_range generic_buffers_fsync_noflush "
	  "ext4_fsync_nojournal " FSYNC, D, WAIT_IO_WRITEBACK, 0, NULL, "fsync", false },
	{ "__schedule schedule wb_wait_for_completion sync_inodes_sb __iterate_supers ksys_sync "
	  "__x64_sys_sync " CALL, D, WAIT_IO_WRITEBACK, 0, NULL, "sync", false },
	{ TIMED "io_schedule_timeout __iomap_dio_rw iomap_dio_rw ext4_file_read_iter vfs_read "
		"__x64_sys_pread64 " CALL, D, WAIT_IO_BLOCK, 0, "direct I/O", "pread", false },
	{ "__schedule schedule io_schedule folio_wait_bit_common filemap_get_pages filemap_read "
	  "vfs_read ksys_read " CALL, D, WAIT_IO_PAGECACHE, 0, NULL, "read", false },
	{ "__schedule schedule io_schedule folio_wait_bit_common filemap_fault __do_fault do_fault "
	  "__handle_mm_fault " FAULT, D, WAIT_IO_PAGECACHE, 0, NULL, "page fault", false },
	{ BIT "__ext4_find_entry ext4_lookup path_openat do_filp_open do_sys_openat2 "
	      "__x64_sys_openat " CALL, D, WAIT_IO_BLOCK, 0, "buffer", "openat", false },
	{ "__schedule schedule io_schedule __folio_lock mpage_prepare_extent_to_map "
	  "ext4_do_writepages ext4_writepages do_writepages __writeback_single_inode "
	  "writeback_sb_inodes wb_writeback wb_workfn process_one_work worker_thread " KTHREAD,
	  D, WAIT_IO_PAGECACHE, 0, NULL, "worker_thread", false },
	/* memory */
	{ YIELDS "shrink_node do_try_to_free_pages try_to_free_mem_cgroup_pages " CHARGE, R,
	  WAIT_MEM_MEMCG_RECLAIM, 0, NULL, "page fault", false },
	/* runnable, whatever it was about to wait for */
	{ YIELDS "__get_user_pages populate_vma_page_range __mm_populate vm_mmap_pgoff " CALL, R,
	  WAIT_CPU_RUNQUEUE, 0, NULL, "mmap", false },
	{ YIELDS "task_work_run exit_to_user_mode_loop " CALL, R, WAIT_CPU_RUNQUEUE, 0,
	  "task work: a CPU quota, if it lasts", "return to user space", false },
	{ "__schedule schedule exit_to_user_mode_loop " CALL, FT_STATE_RUNNING, WAIT_CPU_RUNQUEUE,
	  0, NULL, "return to user space", false },
	{ "__schedule schedule __x64_sys_sched_yield " CALL, FT_STATE_RUNNING, WAIT_CPU_RUNQUEUE,
	  0, "yielded", "sched_yield", false },
	{ MUTEX "fdget_pos ksys_write " CALL, FT_STATE_RUNNING, WAIT_CPU_RUNQUEUE, 0, NULL,
	  "write", false },
	{ "__schedule schedule irqentry_exit_to_user_mode asm_sysvec_apic_timer_interrupt",
	  FT_STATE_RUNNING, WAIT_CPU_RUNQUEUE, 0, NULL, "interrupt", false },
	/* others */
	{ TIMED "wait_for_completion synchronize_rcu_normal __x64_sys_membarrier " CALL, D,
	  WAIT_RCU, 0, NULL, "membarrier", false },
	{ TIMED "wait_for_completion affine_move_task __set_cpus_allowed_ptr __sched_setaffinity "
		"sched_setaffinity __x64_sys_sched_setaffinity " CALL, D, WAIT_OTHER, 0,
	  "moving to another CPU", "sched_setaffinity", false },
	{ TIMED "wait_for_completion __flush_workqueue ext4_sync_fs __iterate_supers ksys_sync "
		"__x64_sys_sync " CALL, D, WAIT_OTHER, 0, "work queue", "sync", false },
	{ TIMED "__wait_for_common wait_for_completion_state kernel_clone __x64_sys_vfork " CALL,
	  D, WAIT_CHILD, 0, "vfork", "vfork", false },
	{ "__schedule schedule do_signal_stop get_signal arch_do_signal_or_restart "
	  "exit_to_user_mode_loop " CALL, FT_STATE_STOPPED, WAIT_STOPPED, 0, NULL,
	  "signal delivery", false },
	{ "__schedule schedule ptrace_stop get_signal arch_do_signal_or_restart "
	  "exit_to_user_mode_loop " CALL, FT_STATE_TRACED, WAIT_STOPPED, 0, "traced",
	  "signal delivery", false },
	/* threads without work */
	{ HRTIMED "do_epoll_wait __x64_sys_epoll_wait " CALL, S, WAIT_POLL, 0, "epoll",
	  "epoll_wait", false },
	{ HRTIMED "poll_schedule_timeout do_sys_poll __x64_sys_ppoll " CALL, S, WAIT_POLL, 0, NULL,
	  "ppoll", false },
	{ HRTIMED "poll_schedule_timeout do_select core_sys_select do_pselect __x64_sys_pselect6 "
	  CALL, S, WAIT_POLL, 0, NULL, "pselect6", false },
	{ "__schedule schedule do_wait_intr_irq eventfd_read vfs_read ksys_read " CALL, S,
	  WAIT_POLL, 0, "eventfd", "read", false },
	{ "__schedule schedule do_wait_intr_irq timerfd_read_iter vfs_read ksys_read " CALL, S,
	  WAIT_POLL, 0, "timerfd", "read", false },
	{ TIMED "wait_woken inotify_read vfs_read ksys_read " CALL, S, WAIT_POLL, 0,
	  "file notification", "read", false },
	{ "__schedule schedule devkmsg_read vfs_read ksys_read " CALL, S, WAIT_POLL, 0,
	  "kernel log", "read", false },
	{ "__schedule schedule do_nanosleep hrtimer_nanosleep common_nsleep "
	  "__x64_sys_clock_nanosleep " CALL, S, WAIT_SLEEP, 0, NULL, "clock_nanosleep", false },
	{ HRTIMED "do_sigtimedwait __x64_sys_rt_sigtimedwait " CALL, S, WAIT_SIGNAL, 0, NULL,
	  "rt_sigtimedwait", false },
	{ "__schedule schedule __x64_sys_pause " CALL, S, WAIT_SIGNAL, 0, NULL, "pause", false },
	{ "__schedule schedule do_wait kernel_wait4 " CALL, S, WAIT_CHILD, 0, NULL, "wait4",
	  false },
	{ "__schedule schedule anon_pipe_read vfs_read ksys_read " CALL, S, WAIT_IPC_PIPE, 0,
	  "reader", "read", false },
	{ "__schedule schedule anon_pipe_write vfs_write ksys_write " CALL, S, WAIT_IPC_PIPE, 0,
	  "writer, pipe full", "write", false },
	{ "__schedule schedule wait_for_partner fifo_open do_dentry_open vfs_open path_openat "
	  "do_filp_open do_sys_openat2 __x64_sys_openat " CALL, S, WAIT_IPC_PIPE, 0,
	  "FIFO without partner", "openat", false },
	{ HRTIMED "__do_semtimedop do_semtimedop __x64_sys_semtimedop " CALL, S, WAIT_IPC_SEMAPHORE, 0,
	  "SysV semaphore", "semtimedop", false },
	{ "__schedule schedule do_msgrcv " CALL, S, WAIT_IPC_PIPE, 0, "message queue", "msgrcv",
	  false },
	{ TIMED "wait_woken n_tty_read tty_read vfs_read ksys_read " CALL, S, WAIT_IPC_PIPE, 0,
	  "terminal input", "read", false },
	{ TIMED "inet_csk_accept inet_accept do_accept __sys_accept4 __x64_sys_accept " CALL, S,
	  WAIT_NET_SOCKET, 0, "accept", "accept", false },
	{ TIMED "wait_woken sk_wait_data tcp_recvmsg_locked tcp_recvmsg sock_recvmsg "
		"__sys_recvfrom __x64_sys_recvfrom " CALL, S, WAIT_NET_SOCKET, 0, "receive",
	  "recvfrom", false },
	{ TIMED "wait_woken sk_stream_wait_memory tcp_sendmsg_locked tcp_sendmsg __sys_sendto "
		"__x64_sys_sendto " CALL, S, WAIT_NET_SOCKET, 0, "send buffer full", "sendto",
	  false },
	{ TIMED "wait_woken __inet_stream_connect inet_stream_connect __sys_connect "
		"__x64_sys_connect " CALL, S, WAIT_NET_SOCKET, 0, "connect", "connect", false },
	{ TIMED "__skb_wait_for_more_packets __unix_dgram_recvmsg sock_recvmsg __sys_recvfrom "
		"__x64_sys_recvfrom " CALL, S, WAIT_NET_SOCKET, 0, "receive", "recvfrom", false },
	{ "__schedule schedule worker_thread " KTHREAD, FT_STATE_IDLE, WAIT_SLEEP, 0,
	  "idle kernel thread", "worker_thread", false },
	{ TIMED "rcu_gp_fqs_loop rcu_gp_kthread " KTHREAD, FT_STATE_IDLE, WAIT_SLEEP, 0,
	  "idle kernel thread", "rcu_gp_kthread", false },
	{ TIMED "kdamond_fn " KTHREAD, FT_STATE_IDLE, WAIT_SLEEP, 0, "idle kernel thread",
	  "kdamond_fn", false },
	{ TIMED "watchdog " KTHREAD, S, WAIT_SLEEP, 0, "idle kernel thread", "watchdog", false },
};

static void real_stacks_get_the_class_a_person_would_give(void **state)
{
	char buffer[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(real_stacks); i++) {
		const struct real *real = &real_stacks[i];
		const struct wait_reason reason = kstack_reason(real->stack, real->state);
		const struct kstack *stack = kstack_of(real->stack);
		const char *operation = wait_operation(stack->frames, stack->count, buffer,
						       sizeof(buffer));

		if (reason.class != real->class)
			fail_msg("class is %s, expected %s: %s", wait_class_name(reason.class),
				 wait_class_name(real->class), real->stack);
		if (reason.mode != real->mode || reason.remote_mm != real->remote_mm)
			fail_msg("mode %d, remote %d: %s", reason.mode, reason.remote_mm,
				 real->stack);
		kstack_assert_detail(real->stack, reason.detail, real->detail);
		if (strcmp(operation, real->operation) != 0)
			fail_msg("operation is %s, expected %s: %s", operation, real->operation,
				 real->stack);
	}
}

static void reclaim_is_the_reason_also_where_it_waits_for_a_lock_or_device(void **state)
{
	(void)state;
	assert_int_equal(kstack_class(BIT "folio_wait_bit shrink_folio_list evict_folios "
				      "shrink_one try_to_free_mem_cgroup_pages " CHARGE, D),
			 WAIT_MEM_MEMCG_RECLAIM);
	assert_int_equal(kstack_class(RWSEM_R "down_read rmap_walk_anon folio_referenced "
				      "shrink_folio_list shrink_node try_to_free_pages "
				      "__alloc_pages_slowpath " FAULT, D), WAIT_MEM_DIRECT_RECLAIM);
	assert_int_equal(kstack_class(TIMED "schedule_timeout_killable "
				      "__mem_cgroup_handle_over_high exit_to_user_mode_loop " CALL, S), WAIT_MEM_MEMORY_HIGH);
	assert_int_equal(kstack_class(YIELDS "compact_zone try_to_compact_pages "
				      "__alloc_pages_direct_compact __alloc_pages_slowpath "
				      FAULT, R),
			 WAIT_MEM_COMPACTION);
	assert_string_equal(kstack_reason("native_queued_spin_lock_slowpath _raw_spin_lock_irq "
					  "evict_folios shrink_node try_to_free_mem_cgroup_pages "
					  CHARGE, R).detail, "spinning on a lock");
}

static void a_file_lock_taken_within_munmap_is_not_mmap_lock(void **state)
{
	const struct wait_reason reason = kstack_reason(
		RWSEM_W "down_write unlink_file_vma free_pgtables unmap_region do_vmi_align_munmap "
		"do_vmi_munmap __vm_munmap __x64_sys_munmap " CALL, D);

	(void)state;
	assert_int_equal(reason.class, WAIT_LOCK_RWSEM);
	assert_string_equal(reason.detail, "reverse map");
}

static void older_and_real_time_kernels_name_mmap_lock_otherwise(void **state)
{
	(void)state;
	assert_int_equal(kstack_class("__schedule schedule rwsem_down_read_failed "
				      "call_rwsem_down_read_failed down_read __do_page_fault "
				      "do_page_fault page_fault", D), WAIT_LOCK_MMAP);
	assert_int_equal(kstack_reason("__schedule schedule rwsem_down_write_failed_killable "
				       "call_rwsem_down_write_failed_killable down_write_killable "
				       "vm_mmap_pgoff SyS_mmap_pgoff " CALL, D).mode,
			 LOCK_MODE_WRITE);
	assert_int_equal(kstack_reason("__schedule rt_mutex_schedule rt_mutex_slowlock_block "
				       "rwbase_write_lock down_write_killable __vm_munmap "
				       "__arm64_sys_munmap invoke_syscall el0_svc", D).mode,
			 LOCK_MODE_WRITE);
	assert_int_equal(kstack_class("__schedule rt_mutex_schedule __rwbase_read_lock down_read "
				      "lock_mm_and_find_vma do_page_fault do_translation_fault "
				      "do_mem_abort el0_da", D), WAIT_LOCK_MMAP);
}

static void runnable_threads_wait_for_a_cpu_unless_a_quota_or_lock_says_more(void **state)
{
	(void)state;
	assert_int_equal(kstack_class("", FT_STATE_PREEMPTED), WAIT_CPU_RUNQUEUE);
	assert_int_equal(kstack_class(SLEEP "throttle_cfs_rq_work task_work_run "
				      "exit_to_user_mode_loop " CALL, FT_STATE_RUNNING),
			 WAIT_CPU_THROTTLED);
	assert_int_equal(kstack_class("native_queued_spin_lock_slowpath _raw_spin_lock do_futex "
				      "__x64_sys_futex " CALL, FT_STATE_RUNNING), WAIT_LOCK_SPIN);
	assert_int_equal(kstack_class("__schedule preempt_schedule_irq "
				      "raw_irqentry_exit_cond_resched native_queued_spin_lock_slowpath do_futex", R),
			 WAIT_CPU_RUNQUEUE);
}

static void stopped_threads_are_stopped_whatever_their_stack(void **state)
{
	(void)state;
	assert_int_equal(kstack_class(SLEEP "anon_pipe_read vfs_read", FT_STATE_STOPPED),
			 WAIT_STOPPED);
	assert_int_equal(kstack_class("", FT_STATE_TRACED), WAIT_STOPPED);
}

static void what_no_row_knows_is_other_only_where_it_must_end_soon(void **state)
{
	struct frame unnamed[2] = { { .address = 1, .kernel = true },
				    { .address = 2, .symbol = "do_swap_page" } };

	(void)state;
	assert_int_equal(kstack_class("", S), WAIT_UNKNOWN);
	assert_int_equal(kstack_class("", D), WAIT_OTHER);
	assert_int_equal(kstack_class(SLEEP "some_driver_wait some_ioctl " CALL, D), WAIT_OTHER);
	assert_int_equal(kstack_class(SLEEP "some_driver_wait some_read " CALL, S), WAIT_UNKNOWN);
	assert_int_equal(kstack_class(SLEEP "virtballoon_free_page_report page_reporting_process "
				      "process_one_work worker_thread " KTHREAD, D), WAIT_UNKNOWN);
	/* neither frames without names nor the user's own functions count */
	assert_int_equal(wait_reason_of(unnamed, 2, D).class, WAIT_UNKNOWN);
}

static void wakers_in_a_softirq_of_their_own_are_told_from_interrupted_ones(void **state)
{
	struct frame sends[] = {
		{ .kernel = true, .symbol = "try_to_wake_up" },
		{ .kernel = true, .symbol = "sock_def_readable" },
		{ .kernel = true, .symbol = "process_backlog" },
		{ .kernel = true, .symbol = "handle_softirqs" },
		{ .kernel = true, .symbol = "do_softirq" },
		{ .kernel = true, .symbol = "__local_bh_enable_ip" },
	};
	struct frame interrupted[] = {
		{ .kernel = true, .symbol = "try_to_wake_up" },
		{ .kernel = true, .symbol = "sock_def_readable" },
		{ .kernel = true, .symbol = "process_backlog" },
		{ .kernel = true, .symbol = "handle_softirqs" },
		{ .kernel = true, .symbol = "__irq_exit_rcu" },
		{ .kernel = true, .symbol = "asm_common_interrupt" },
	};

	(void)state;
	assert_true(wait_own_softirq(sends, ARRAY_SIZE(sends)));
	assert_true(wait_own_softirq(sends, 3));
	assert_false(wait_own_softirq(sends, 2));
	assert_false(wait_own_softirq(interrupted, ARRAY_SIZE(interrupted)));
	assert_false(wait_own_softirq(NULL, 0));
}

static void stacks_deeper_than_any_kernel_writes_are_read_to_the_limit(void **state)
{
	struct frame frames[FT_STACK_FRAMES_MAX + 50];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
		frames[i] = (struct frame){ .kernel = true, .symbol = "down_read" };
	assert_int_equal(wait_reason_of(frames, ARRAY_SIZE(frames), D).class, WAIT_LOCK_RWSEM);
	assert_int_equal(wait_releases(frames, ARRAY_SIZE(frames)), WAIT_UNKNOWN);
	assert_false(wait_holds_mmap(frames, ARRAY_SIZE(frames)));
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
		frames[i].symbol = "";
	assert_int_equal(wait_reason_of(frames, ARRAY_SIZE(frames), D).class, WAIT_OTHER);
}

static void only_waits_for_work_are_idle(void **state)
{
	static const enum wait_class idle[] = { WAIT_POLL, WAIT_SLEEP, WAIT_CHILD, WAIT_SIGNAL,
						WAIT_IPC_PIPE, WAIT_NET_SOCKET, WAIT_LOCK_FUTEX,
						WAIT_UNKNOWN, WAIT_IPC_SEMAPHORE };
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(idle); i++)
		assert_true(wait_direction_idle(wait_class_direction(idle[i])));
	for (int class = 0; class < WAIT_CLASSES; class++)
		count += wait_direction_idle(wait_class_direction(class));
	assert_int_equal(count, ARRAY_SIZE(idle));
	assert_true(wait_class_lock(WAIT_LOCK_MMAP));
	assert_true(wait_class_lock(WAIT_LOCK_FILE));
	assert_false(wait_class_lock(WAIT_LOCK_SPIN));
	assert_false(wait_class_lock(WAIT_IO_BLOCK));
}

static enum wait_class classify_release(const char *names)
{
	const struct kstack *stack = kstack_of(names);

	return wait_releases(stack->frames, stack->count);
}

static void wakers_release_the_family_of_their_lock(void **state)
{
	(void)state;
	assert_int_equal(classify_release(
				 "try_to_wake_up wake_up_q rwsem_wake up_write do_mprotect_pkey "
				 "__x64_sys_mprotect " CALL),
			 WAIT_LOCK_RWSEM);
	assert_int_equal(classify_release("wake_up_q rwsem_downgrade_wake downgrade_write "
					  "vms_complete_munmap_vmas __vm_munmap"), WAIT_LOCK_RWSEM);
	assert_int_equal(classify_release("wake_up_q __mutex_unlock_slowpath ksys_write"),
			 WAIT_LOCK_MUTEX);
	assert_int_equal(
		classify_release("try_to_wake_up wake_up_q futex_wake do_futex __x64_sys_futex"),
		WAIT_LOCK_FUTEX);
	assert_int_equal(classify_release("__wake_up percpu_up_write cgroup_attach_task"),
			 WAIT_LOCK_PERCPU);
	assert_int_equal(classify_release("try_to_wake_up up xfs_buf_unlock"), WAIT_LOCK_MUTEX);
	assert_int_equal(
		classify_release("__wake_up_common folio_wake_bit folio_end_writeback bio_endio"),
		WAIT_IO_WRITEBACK);
	assert_int_equal(
		classify_release("__wake_up_common folio_wake_bit folio_unlock filemap_fault"),
		WAIT_IO_PAGECACHE);
	assert_int_equal(
		classify_release("__wake_up __locks_wake_up_blocks posix_lock_inode fcntl_setlk"),
		WAIT_LOCK_FILE);
	assert_int_equal(classify_release("__wake_up_sync_key anon_pipe_write vfs_write"),
			 WAIT_UNKNOWN);
	assert_int_equal(classify_release(""), WAIT_UNKNOWN);
}

static void every_release_name_is_found(void **state)
{
	(void)state;
	for (size_t row = 0; row < release_rules_count; row++) {
		for (const char *const *name = release_rules[row].release; *name != NULL; name++)
			assert_int_equal(classify_release(*name), release_rules[row].family);
	}
}

static void a_reader_that_passes_a_grant_on_releases_nothing(void **state)
{
	(void)state;
	assert_int_equal(classify_release(
				 "try_to_wake_up wake_up_q rwsem_down_read_slowpath down_read "
				 "__mm_populate vm_mmap_pgoff " CALL),
			 WAIT_UNKNOWN);
	assert_int_equal(classify_release(
				 "try_to_wake_up wake_up_q rwsem_down_write_slowpath down_write "
				 "something up_read somebody"),
			 WAIT_UNKNOWN);
	/* interrupted while it released: the interrupt did the waking */
	assert_int_equal(classify_release(
				 "try_to_wake_up hrtimer_wakeup __hrtimer_run_queues "
				 "asm_sysvec_apic_timer_interrupt up_write do_mprotect_pkey"),
			 WAIT_UNKNOWN);
	/* a mutex let go on the way to an rwsem is still a mutex let go */
	assert_int_equal(classify_release("wake_up_q __mutex_unlock_slowpath x down_write"),
			 WAIT_LOCK_MUTEX);
}

static const char *name_operation(const char *names)
{
	static char buffer[16];
	const struct kstack *stack = kstack_of(names);

	return wait_operation(stack->frames, stack->count, buffer, sizeof(buffer));
}

static void operations_are_what_the_thread_asked_for(void **state)
{
	(void)state;
	assert_string_equal(name_operation("do_task_dead do_exit __x64_sys_exit_group x64_sys_call "
					   CALL), "exit");
	assert_string_equal(name_operation(SLEEP
					   "do_sys_poll __arm64_sys_ppoll invoke_syscall el0_svc "
					   "el0t_64_sync_handler el0t_64_sync"),
			    "ppoll");
	assert_string_equal(name_operation("evict dput __fput task_work_run exit_to_user_mode_loop "
					   CALL), "close");
	assert_string_equal(name_operation(SLEEP "kswapd " KTHREAD), "kswapd");
	assert_string_equal(name_operation(SLEEP "kthreadd ret_from_fork ret_from_fork_asm"),
			    "kthreadd");
	assert_string_equal(name_operation("sock_recvmsg __sys_recvfrom " CALL), "recvfrom");
	assert_string_equal(name_operation("x SyS_name_of_more_than_fifteen"), "name_of_more_th");
	assert_string_equal(name_operation("exc_page_fault copy_to_user ksys_read " CALL), "read");
	assert_string_equal(name_operation("one two"), "");
	assert_string_equal(name_operation(""), "");
	assert_string_equal(wait_operation(kstack_of("ksys_x")->frames, 1, NULL, 0), "");
}

static bool holds_mmap(const char *names)
{
	const struct kstack *stack = kstack_of(names);

	return wait_holds_mmap(stack->frames, stack->count);
}

static void threads_inside_address_space_calls_may_hold_mmap_lock(void **state)
{
	(void)state;
	assert_true(holds_mmap(YIELDS "__get_user_pages populate_vma_page_range __mm_populate "
			       "vm_mmap_pgoff " CALL));
	assert_true(holds_mmap(
		YIELDS "unmap_page_range unmap_vmas vms_clear_ptes "
		       "vms_complete_munmap_vmas do_vmi_align_munmap do_vmi_munmap __vm_munmap "
		       "__x64_sys_munmap " CALL));
	assert_true(holds_mmap(YIELDS "shrink_node try_to_free_mem_cgroup_pages " CHARGE));
	assert_true(holds_mmap(YIELDS "copy_page_range dup_mmap copy_process kernel_clone "
			       "__do_sys_clone " CALL));
	assert_true(
		holds_mmap("__schedule schedule __vma_start_write dup_mmap copy_process " CALL));
	/* waits for it */
	assert_false(holds_mmap(RWSEM_R "down_read __mm_populate vm_mmap_pgoff " CALL));
	assert_false(holds_mmap(RWSEM_W "down_write_killable dup_mmap copy_process " CALL));
	assert_false(holds_mmap(RWSEM_R "down_read_killable lock_mm_and_find_vma exc_page_fault"));
	/* nobody's but its own, or another's */
	assert_false(holds_mmap(YIELDS "unmap_page_range unmap_vmas exit_mmap __mmput do_exit"));
	assert_false(holds_mmap(YIELDS "handle_mm_fault __get_user_pages get_user_pages_remote "
				"__access_remote_vm proc_pid_cmdline_read"));
	assert_false(holds_mmap(SLEEP "anon_pipe_read vfs_read ksys_read " CALL));
	assert_false(holds_mmap(""));
}

/* Rows whose direction is not that of their class, by class and detail. */
static const struct {
	enum wait_class class;
	const char *detail;
	enum wait_direction direction;
} own_directions[] = {
	{ WAIT_LOCK_FUTEX, "priority-inheriting futex", DIRECTION_NEEDS },
	{ WAIT_LOCK_FUTEX, "robust list at exit", DIRECTION_NEEDS },
	{ WAIT_LOCK_FILE, "lease", DIRECTION_ASKS },
	{ WAIT_OTHER, "fanotify permission", DIRECTION_ASKS },
	{ WAIT_IO_PAGECACHE, "userfaultfd", DIRECTION_ASKS },
	{ WAIT_CHILD, "vfork", DIRECTION_ASKS },
	{ WAIT_OTHER, "user-mode helper or module", DIRECTION_ASKS },
	{ WAIT_OTHER, "audit backlog", DIRECTION_ASKS },
	{ WAIT_OTHER, "key being made", DIRECTION_ASKS },
	{ WAIT_OTHER, "seccomp supervisor", DIRECTION_ASKS },
	{ WAIT_POLL, "eventfd, counter full", DIRECTION_GIVES },
	{ WAIT_IPC_PIPE, "writer, pipe full", DIRECTION_GIVES },
	{ WAIT_IPC_PIPE, "message queue full", DIRECTION_GIVES },
	{ WAIT_IPC_PIPE, "terminal output", DIRECTION_GIVES },
	{ WAIT_NET_SOCKET, "send buffer full", DIRECTION_GIVES },
	{ WAIT_NET_SOCKET, "connect", DIRECTION_GIVES },
	{ WAIT_NET_SOCKET, "close", DIRECTION_GIVES },
};

static enum wait_direction find_direction(const struct wait_rule *rule)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_directions); i++)
		if (own_directions[i].class == rule->class && rule->detail &&
		    !strcmp(own_directions[i].detail, rule->detail) && rule->direction)
			return own_directions[i].direction;
	return wait_class_direction(rule->class);
}

static void every_row_has_the_direction_that_a_person_would_give(void **state)
{
	bool met[ARRAY_SIZE(own_directions)] = { false };

	(void)state;
	for (size_t row = 0; row < wait_rules_count; row++) {
		const struct wait_rule *rule = &wait_rules[row];
		enum wait_direction direction =
			rule->direction ? rule->direction : wait_class_direction(rule->class);

		if (direction != find_direction(rule))
			fail_msg("row %zu (%s) has another direction than is expected of it", row,
				 rule->detail ? rule->detail : wait_class_name(rule->class));
		for (size_t i = 0; i < ARRAY_SIZE(own_directions); i++)
			met[i] |= own_directions[i].class == rule->class && rule->detail &&
				  !strcmp(own_directions[i].detail, rule->detail);
	}
	for (size_t i = 0; i < ARRAY_SIZE(own_directions); i++)
		if (!met[i])
			fail_msg("there is no row for %s", own_directions[i].detail);
}

/* Whether detect/resource_wait.c makes findings of such waits. */
static bool needs_words(enum wait_class class, enum wait_direction direction)
{
	return direction == DIRECTION_GIVES || direction == DIRECTION_ASKS ||
	       (class >= WAIT_IO_BLOCK && class <= WAIT_MEM_MEMORY_HIGH);
}

static void assert_words(const struct wait_words *words, const char *what, bool answered)
{
	if (!words || !words->wanted || !*words->wanted || !words->advice || !*words->advice)
		fail_msg("%s has no words", what);
	if (answered && (!words->answerer || !*words->answerer))
		fail_msg("%s does not say who answers", what);
	if (words->advice[strlen(words->advice) - 1] != '.')
		fail_msg("the advice of %s is no sentence", what);
}

/* An NFS server is not on the host, so nobody is named. */
static void every_row_that_a_finding_may_be_about_has_words(void **state)
{
	(void)state;
	for (size_t row = 0; row < wait_rules_count; row++) {
		const struct wait_rule *rule = &wait_rules[row];
		enum wait_direction direction =
			rule->direction ? rule->direction : wait_class_direction(rule->class);
		const struct wait_words *words =
			rule->words ? rule->words : wait_class_words(rule->class);

		if (words || needs_words(rule->class, direction))
			assert_words(words, rule->detail ? rule->detail : wait_class_name(rule->class),
				     rule->class != WAIT_IO_NETWORK_FS &&
					     (direction == DIRECTION_GIVES ||
					      direction == DIRECTION_ASKS));
	}
	for (int class = 0; class < WAIT_CLASSES; class++)
		if (needs_words(class, wait_class_direction(class)))
			assert_words(wait_class_words(class), wait_class_name(class), false);
	assert_null(wait_class_words(WAIT_SLEEP));
	assert_null(wait_class_words((enum wait_class)12345));
}

static void direction_and_words_come_with_the_stack(void **state)
{
	const struct wait_reason full = kstack_reason(SLEEP "anon_pipe_write vfs_write " CALL, S);
	const struct wait_reason empty = kstack_reason(SLEEP "anon_pipe_read vfs_read " CALL, S);
	const struct wait_reason disk = kstack_reason(SLEEP "blk_io_schedule " CALL, D);

	(void)state;
	assert_int_equal(full.class, empty.class);
	assert_int_equal(full.direction, DIRECTION_GIVES);
	assert_string_equal(full.words->answerer, "the reader of the pipe");
	assert_int_equal(empty.direction, DIRECTION_TAKES);
	assert_null(empty.words);
	assert_int_equal(disk.direction, DIRECTION_NEEDS);
	assert_ptr_equal(disk.words, wait_class_words(WAIT_IO_BLOCK));
	assert_int_equal(kstack_reason("", FT_STATE_STOPPED).direction, DIRECTION_PARKED);
	assert_int_equal(kstack_reason(SLEEP "do_nanosleep " CALL, S).direction, DIRECTION_SLEEPS);
	assert_true(kstack_reason(SLEEP "inet_stream_connect " CALL, S).sliced);
	assert_false(full.sliced);
	for (int direction = 0; direction <= DIRECTION_PARKED; direction++)
		assert_int_equal(wait_direction_idle(direction), direction == DIRECTION_TAKES ||
								 direction == DIRECTION_SLEEPS);
}

UNIT_TESTS(wait_class)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_stacks_get_the_class_a_person_would_give),
		cmocka_unit_test(reclaim_is_the_reason_also_where_it_waits_for_a_lock_or_device),
		cmocka_unit_test(a_file_lock_taken_within_munmap_is_not_mmap_lock),
		cmocka_unit_test(older_and_real_time_kernels_name_mmap_lock_otherwise),
		cmocka_unit_test(runnable_threads_wait_for_a_cpu_unless_a_quota_or_lock_says_more),
		cmocka_unit_test(stopped_threads_are_stopped_whatever_their_stack),
		cmocka_unit_test(what_no_row_knows_is_other_only_where_it_must_end_soon),
		cmocka_unit_test(wakers_in_a_softirq_of_their_own_are_told_from_interrupted_ones),
		cmocka_unit_test(stacks_deeper_than_any_kernel_writes_are_read_to_the_limit),
		cmocka_unit_test(only_waits_for_work_are_idle),
		cmocka_unit_test(wakers_release_the_family_of_their_lock),
		cmocka_unit_test(every_release_name_is_found),
		cmocka_unit_test(a_reader_that_passes_a_grant_on_releases_nothing),
		cmocka_unit_test(operations_are_what_the_thread_asked_for),
		cmocka_unit_test(threads_inside_address_space_calls_may_hold_mmap_lock),
		cmocka_unit_test(every_row_has_the_direction_that_a_person_would_give),
		cmocka_unit_test(every_row_that_a_finding_may_be_about_has_words),
		cmocka_unit_test(direction_and_words_come_with_the_stack),
	};

	return run_unit_tests(tests, NULL, NULL);
}
