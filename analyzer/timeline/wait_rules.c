/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of kernel function names, and no code: they are one file, however long, as the order of
 * the rows decides.
 */
#include "analyzer/timeline/wait_rules.h"

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define ROW(class_, detail_, any_, ...) \
	{ .class = class_, .detail = detail_, .any = any_, __VA_ARGS__ }
#define WORDS(...) (&(const struct wait_words){ __VA_ARGS__ })
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Lists that several rows use. A lock's list holds its slow paths and the functions
 * between them and whoever wants the lock, so that "caller" means the latter.
 */
static const char *const rwsem[] = {
	"rwsem_down_read_slowpath", "rwsem_down_write_slowpath",	/* 5.3 and later */
	"rwsem_down_read_failed", "rwsem_down_read_failed_killable",
	"rwsem_down_write_failed", "rwsem_down_write_failed_killable",
	"call_rwsem_down_read_failed", "call_rwsem_down_read_failed_killable",
	"call_rwsem_down_write_failed", "call_rwsem_down_write_failed_killable",
	"rwbase_read_lock", "__rwbase_read_lock", "rwbase_write_lock",	/* PREEMPT_RT */
	"__down_read", "__down_read_killable", "__down_read_interruptible",
	"__down_write", "__down_write_killable", "down_read", "down_read_killable",
	"down_read_interruptible", "down_write", "down_write_killable", "down_read_nested",
	"down_write_nested", "__down_read_common", "__down_write_common", NULL
};

static const char *const mutex[] = {
	"__mutex_lock", "__mutex_lock_slowpath", "__mutex_lock_killable_slowpath",
	"__mutex_lock_interruptible_slowpath", "__mutex_lock_common", "mutex_lock",
	"mutex_lock_killable", "mutex_lock_interruptible", "mutex_lock_io", "mutex_lock_nested",
	"__ww_mutex_lock*", "ww_mutex_lock", "ww_mutex_lock_interruptible",
	"rt_mutex_slowlock", "rt_mutex_slowlock_block", "__rt_mutex_slowlock_locked",
	"rt_mutex_lock", "__rt_mutex_lock", NULL
};

static const char *const semaphore[] = {
	"down", "down_interruptible", "down_killable", "down_timeout", "__down",
	"__down_common", "___down_common", "__down_interruptible", "__down_killable",
	"__down_timeout", NULL
};

static const char *const percpu_rwsem[] = {
	"percpu_down_write", "__percpu_down_read", "percpu_rwsem_wait", "percpu_down_read", NULL
};

static const char *const completion[] = {
	"wait_for_completion*", "__wait_for_common", "wait_for_common", "do_wait_for_common", NULL
};

static const char *const spin[] = {
	"native_queued_spin_lock_slowpath", "__pv_queued_spin_lock_slowpath",
	"queued_spin_lock_slowpath", "queued_read_lock_slowpath", "queued_write_lock_slowpath",
	"rqspinlock", "resilient_queued_spin_lock_slowpath", NULL
};

static const char *const memcg_reclaim[] = { "try_to_free_mem_cgroup_pages", NULL };

static const char *const direct_reclaim[] = {
	"try_to_free_pages", "do_try_to_free_pages", "throttle_direct_reclaim",
	"reclaim_throttle", "node_reclaim", "__node_reclaim", "shrink_node", "shrink_lruvec",
	"shrink_inactive_list", "shrink_page_list", "shrink_folio_list", "shrink_active_list",
	"isolate_lru_pages", "isolate_lru_folios", "lru_gen_shrink_lruvec",
	"lru_gen_shrink_node", "try_to_shrink_lruvec", "shrink_one", "evict_folios",
	"shrink_slab", "do_shrink_slab", "too_many_isolated", "__alloc_pages_direct_reclaim", NULL
};

static const char *const compaction[] = {
	"__alloc_pages_direct_compact", "try_to_compact_pages", "compact_zone",
	"compact_zone_order", NULL
};

/* A page fault that needs the lock itself. */
static const char *const fault_callers[] = {
	"do_user_addr_fault", "exc_page_fault", "asm_exc_page_fault", "__do_page_fault",
	"do_page_fault", "lock_mm_and_find_vma", "do_translation_fault", "do_mem_abort", NULL
};

/* Whoever takes mmap_lock of the own process; which way, the down_ function says. */
static const char *const mm_callers[] = {
	/* writers */
	"vm_mmap_pgoff", "vm_munmap", "__vm_munmap", "do_mprotect_pkey", "do_mlock",
	"sys_mlockall", "sys_munlock", "sys_munlockall", "sys_brk", "sys_mremap", "do_mremap",
	"sys_munmap", "sys_mprotect", "sys_mlock", "sys_mlock2", "vm_brk_flags", "do_madvise",
	"madvise_lock", "do_mbind", "mpol_rebind_mm", "do_mseal", "sys_pkey_alloc",
	"sys_pkey_free", "sys_prctl", "prctl_set_vma", "prctl_set_mm_map", "prctl_set_mm",
	"prctl_set_thp_disable", "sys_set_mempolicy_home_node", "sys_remap_file_pages", "do_shmat",
	"sys_shmdt", "dup_mmap", "exit_mmap", "__khugepaged_exit", "__ksm_exit",
	"madvise_collapse", "aio_setup_ring", "setup_arg_pages", "create_elf_tables",
	"expand_stack", "upgrade_mmap_lock_carefully", "userfaultfd_register",
	"userfaultfd_unregister", "userfaultfd_release", "userfaultfd_release_all",
	"uffd_move_lock", "mmu_notifier_register", "xol_add_vma", "account_locked_vm",
	"dump_vma_snapshot", "coredump_wait", "replace_mm_exe_file", "vm_mmap_shadow_stack",
	/* readers */
	"__get_user_pages_locked", "__gup_longterm_unlocked", "__gup_longterm_locked",
	"get_user_pages_unlocked", "get_user_pages_fast_only", "internal_get_user_pages_fast",
	"gup_fast_fallback", "pin_user_pages*", "fixup_user_fault", "fault_in_user_writeable",
	"fault_in_safe_writeable", "__mm_populate", "populate_vma_page_range", "madvise_willneed",
	"madvise_remove", "madvise_dontneed_free", "madvise_populate", "do_mincore", "sys_mincore",
	"sys_msync", "do_get_mempolicy", "migrate_to_node", "do_pages_stat_array",
	"add_folio_for_migration", "exit_mm", "do_exit", "acct_collect", "exec_mmap",
	"get_arg_page", "task_numa_work", "hva_to_pfn", "kvm_host_page_size", "uffd_mfill_lock",
	"mwriteprotect_range", "__mcopy_atomic", "find_active_uprobe", "find_active_uprobe_rcu",
	"find_tcp_vma", "tcp_zerocopy_receive", "stack_map_get_build_id_offset", NULL
};

/* Of another process, which only the arguments of the system call name. */
static const char *const remote_mm_callers[] = {
	"__access_remote_vm", "access_remote_vm", "process_vm_rw_single_vec", "process_vm_rw_core",
	"process_vm_rw", "m_start", "lock_next_vma", "proc_get_vma", "show_smap*",
	"pagemap_read", "do_pagemap_scan", "query_vma_setup", "do_procmap_query",
	"proc_map_files_*", "map_files_get_link", "proc_pid_*", "clear_refs_write",
	"khugepaged_scan_mm_slot", "collapse_scan_mm_slot", "collapse_huge_page",
	"retract_page_tables", "scan_get_next_rmap_item", "cmp_and_merge_page", "break_cow",
	"unuse_mm", "damon_va_*", "async_pf_execute", "register_for_each_vma",
	"perf_event_addr_filters_apply", NULL
};

static const struct wait_words frozen_words = {
	"was frozen by its control group", NULL,
	"Find who froze the control group (cgroup.freeze, freezer.state): a container that was paused, a backup, a "
	"migration. Writing 0 (v1: THAWED) lets it go on."
};

static const struct wait_words dump_words = {
	"crashed and dumped core", NULL,
	"Look at the crash first: the core, and the kernel log, name the signal and the place. While the core is written "
	"the process holds all that it had: make that shorter with a smaller core (coredump_filter, ulimit -c), a faster "
	"disk, or a helper in core_pattern that does not compress on the way."
};

/* In order of priority: what is specific before what is generic. */
const struct wait_rule wait_rules[] = {
	/* Memory. Whatever reclaim itself waits for, a lock or a device, memory is the reason. */
	ROW(WAIT_MEM_MEMORY_HIGH, "throttled above memory.high",
	    NAMES("mem_cgroup_handle_over_high", "__mem_cgroup_handle_over_high",
		"reclaim_high"), .kernels = "with the underscores from 6.18", .yields = true,
	    .sliced = true),
	ROW(WAIT_MEM_MEMCG_RECLAIM, "limit being lowered",
	    NAMES("memory_max_write", "memory_high_write", "mem_cgroup_resize_max"),
	    .yields = true),
	ROW(WAIT_MEM_MEMCG_RECLAIM, "memory cgroup out of memory",
	    NAMES("mem_cgroup_oom_synchronize", "mem_cgroup_out_of_memory", "mem_cgroup_oom"),
	    .yields = true,
	    .words = WORDS("memory: its control group is at its limit, and nothing can be reclaimed", NULL,
		"Raise the group's limit, or end something in it. Where its OOM killer is off "
		"(oom_kill_disable in memory.oom_control) whoever needs memory sleeps until somebody "
		"does so: switch the killer on, unless a manager is there to act.")),
	ROW(WAIT_MEM_MEMCG_RECLAIM, "spinning on a lock", spin, .under = memcg_reclaim,
	    .yields = true, .sliced = true),
	ROW(WAIT_MEM_MEMCG_RECLAIM, NULL, memcg_reclaim, .yields = true, .sliced = true),
	ROW(WAIT_MEM_COMPACTION, "background compaction",
	    NAMES("kcompactd_do_work", "proactive_compact_node"), .yields = true),
	ROW(WAIT_MEM_COMPACTION, NULL, compaction, .yields = true, .sliced = true),
	ROW(WAIT_MEM_DIRECT_RECLAIM, "background reclaim", direct_reclaim,
	    .under = NAMES("kswapd", "balance_pgdat"), .yields = true),
	ROW(WAIT_MEM_DIRECT_RECLAIM, "spinning on a lock", spin, .under = direct_reclaim,
	    .yields = true, .sliced = true),
	ROW(WAIT_MEM_DIRECT_RECLAIM, NULL, direct_reclaim, .yields = true, .sliced = true),
	ROW(WAIT_MEM_DIRECT_RECLAIM, "out of memory",
	    NAMES("out_of_memory", "oom_kill_process", "oom_reap_task_mm"), .yields = true),
	ROW(WAIT_MEM_DIRECT_RECLAIM, "emptying per-CPU page lists",
	    NAMES("lru_add_drain_all", "__lru_add_drain_all", "drain_all_pages",
		"__drain_all_pages", "lru_cache_disable")),
	ROW(WAIT_MEM_DIRECT_RECLAIM, "allocation slow path",
	    NAMES("__alloc_pages_slowpath", "psi_memstall_enter", "psi_memstall_leave")),

	/* Not blocked at all. */
	ROW(WAIT_CPU_THROTTLED, NULL, NAMES("throttle_cfs_rq_work"),
	    .kernels = "6.18; older ones only leave the run queue", .yields = true),
	ROW(WAIT_LOCK_SPIN, NULL, spin, .within = 1, .yields = true),
	ROW(WAIT_LOCK_SPIN, "spinning for a mutex or rwsem",
	    NAMES("mutex_spin_on_owner", "osq_lock", "mutex_optimistic_spin",
		"rwsem_spin_on_owner", "rwsem_optimistic_spin", "__rwsem_spin_on_owner"),
	    .within = 1, .yields = true),
	ROW(WAIT_LOCK_SPIN, "sleeping spinlock",
	    NAMES("rtlock_slowlock_locked", "rtlock_slowlock", "rt_spin_lock"),
	    .kernels = "PREEMPT_RT"),
	ROW(WAIT_CPU_RUNQUEUE, "yielded",
	    NAMES("do_sched_yield", "sys_sched_yield", "yield_to", "kvm_vcpu_on_spin"),
	    .yields = true),
	ROW(WAIT_CPU_RUNQUEUE, "task work: a CPU quota, if it lasts", NAMES("__cond_resched"),
	    .caller = NAMES("task_work_run"), .kernels = "6.18 throttles there", .yields = true),
	ROW(WAIT_CPU_RUNQUEUE, NULL,
	    NAMES("preempt_schedule", "preempt_schedule_irq", "preempt_schedule_common",
		"preempt_schedule_notrace", "__cond_resched", "_cond_resched",
		"__cond_resched_lock", "raw_irqentry_exit_cond_resched",
		"exit_to_user_mode_loop", "exit_to_usermode_loop", "irqentry_exit",
		"irqentry_exit_to_user_mode", "prepare_exit_to_usermode"), .within = 1,
	    .yields = true),

	/* Kernel threads that wait for work. */
	ROW(WAIT_SLEEP, "idle kernel thread",
	    NAMES("worker_thread", "rescuer_thread", "kthread_worker_fn", "smpboot_thread_fn",
		"kthreadd", "rcu_gp_kthread", "rcu_gp_fqs_loop", "kswapd",
		"kswapd_try_to_sleep", "kcompactd", "khugepaged", "khugepaged_wait_work",
		"ksmd", "ksm_scan_thread", "kauditd_thread", "kjournald2", "xfsaild",
		"transaction_kthread", "cleaner_kthread", "io_wq_worker", "io_wqe_worker",
		"io_sq_thread", "cpu_startup_entry", "do_idle", "kthread_parkme",
		"__kthread_parkme"), .within = 1),
	ROW(WAIT_SLEEP, "idle kernel thread", NAMES("kthread"), .within = 2),

	/* Held back on purpose. */
	ROW(WAIT_STOPPED, "freezer", NAMES("do_freezer_trap"), .words = &frozen_words,
	    .kernels = "control groups v2"),
	ROW(WAIT_STOPPED, NULL,
	    NAMES("do_signal_stop", "ptrace_stop", "ptrace_notify", "do_jobctl_trap",
		"get_signal"), .within = 1),
	ROW(WAIT_STOPPED, "freezer", NAMES("__refrigerator"), .within = 1, .words = &frozen_words,
	    .kernels = "6.0 and older; then a state of its own"),
	ROW(WAIT_STOPPED, "job control", NAMES("job_control", "__tty_check_change"),
	    .words = WORDS("was stopped by job control of its terminal", NULL,
		"Bring it to the foreground (fg), or start it without a terminal (setsid, a service manager).")),
	ROW(WAIT_STOPPED, "core dump",
	    NAMES("coredump_task_exit", "synchronize_group_exit", "do_exit", "zap_threads",
		"wait_for_dump_helpers"), .within = 1, .words = &dump_words),

	/* The kernel waits for itself. Also where a writer's lock begins with it. */
	ROW(WAIT_RCU, NULL,
	    NAMES("synchronize_rcu", "synchronize_rcu_normal", "synchronize_rcu_expedited",
		"__wait_rcu_gp", "rcu_barrier", "rcu_barrier_tasks", "__synchronize_srcu",
		"synchronize_srcu", "synchronize_srcu_expedited", "synchronize_rcu_tasks",
		"synchronize_rcu_tasks_generic", "rcu_sync_enter",
		"percpu_ref_switch_to_atomic_sync", "percpu_ref_kill_and_confirm")),
	ROW(WAIT_RCU, "membarrier", NAMES("membarrier_private_expedited", "sys_membarrier")),

	/* Locks with readers and writers. */
	ROW(WAIT_LOCK_PERCPU, "cgroup membership", percpu_rwsem,
	    .caller = NAMES("cgroup_procs_write_start", "cgroup_attach_*", "copy_process",
		"cgroup_can_fork", "cgroup_css_set_fork", "cgroup_threadgroup_change_begin",
		"exit_signals", "begin_new_exec")),
	ROW(WAIT_LOCK_PERCPU, "filesystem frozen", percpu_rwsem,
	    .caller = NAMES("sb_start_write", "__sb_start_write", "mnt_want_write",
		"mnt_want_write_file", "file_start_write", "freeze_super", "sb_wait_write",
		"vfs_write", "vfs_fallocate", "do_iter_write", "vfs_iter_write",
		"sb_start_pagefault", "sb_start_intwrite")),
	ROW(WAIT_LOCK_PERCPU, "CPU hotplug", percpu_rwsem,
	    .caller = NAMES("cpus_read_lock", "cpus_write_lock", "get_online_cpus",
		"cpu_hotplug_begin")),
	ROW(WAIT_LOCK_PERCPU, NULL, percpu_rwsem),
	ROW(WAIT_LOCK_MMAP, NULL, rwsem, .caller = remote_mm_callers, .remote_mm = true),
	ROW(WAIT_LOCK_MMAP, "page fault", rwsem, .caller = fault_callers),
	ROW(WAIT_LOCK_MMAP, NULL, rwsem, .caller = mm_callers,
	    .kernels = "mmap_read_lock() and its like are inline, so the caller decides"),
	ROW(WAIT_LOCK_RWSEM, "vma lock", rwsem,
	    .caller = NAMES("vma_start_write", "__vma_start_write", "vma_mark_detached"),
	    .kernels = "6.4 to 6.14; the waiter goes on holding mmap_lock"),
	ROW(WAIT_LOCK_RWSEM, "vma lock",
	    NAMES("__vma_start_write", "__vma_enter_locked", "__vma_start_exclude_readers",
		"vma_mark_detached"), .within = 1,
	    .kernels = "6.15 and later; the waiter goes on holding mmap_lock"),
	ROW(WAIT_LOCK_INODE, "inode directory", rwsem,
	    .caller = NAMES("iterate_dir", "lookup_slow", "__lookup_slow", "walk_component",
		"path_openat", "do_last", "open_last_lookups", "lock_rename",
		"lock_two_directories", "do_unlinkat", "do_rmdir", "do_mkdirat", "do_renameat2",
		"filename_create", "vfs_rename", "lookup_one_unlocked",
		"lookup_one_positive_unlocked", "lookup_positive_unlocked", "kern_path_locked",
		"start_dirop", "__start_dirop", "simple_recursive_removal", "vfs_rmdir",
		"vfs_unlink")),
	ROW(WAIT_LOCK_INODE, "ext4 block map", rwsem,
	    .caller = NAMES("ext4_map_blocks", "ext4_map_create_blocks",
		"ext4_da_get_block_prep", "ext4_da_map_blocks", "ext4_truncate",
		"ext4_punch_hole", "ext4_discard_preallocations", "ext4_fiemap")),
	ROW(WAIT_LOCK_INODE, "inode", rwsem,
	    .caller = NAMES("ext4_file_write_iter", "ext4_file_read_iter",
		"ext4_buffered_write_iter", "ext4_dio_write_iter", "ext4_fallocate",
		"ext4_llseek", "xfs_ilock", "xfs_ilock_iocb", "xfs_ilock_nowait", "inode_lock",
		"lock_two_nondirectories", "do_truncate", "chmod_common", "chown_common",
		"vfs_utimes", "vfs_setxattr", "vfs_removexattr", "generic_file_write_iter",
		"blkdev_write_iter", "btrfs_inode_lock", "f2fs_file_write_iter",
		"shmem_fallocate", "generic_file_llseek_size", "nfs_start_io_read",
		"nfs_start_io_write")),
	ROW(WAIT_LOCK_RWSEM, "exec_update_lock", rwsem,
	    .caller = NAMES("bprm_execve", "de_thread", "begin_new_exec", "lock_trace",
		"mm_access")),
	ROW(WAIT_LOCK_RWSEM, "superblock", rwsem,
	    .caller = NAMES("super_lock", "__super_lock", "freeze_super", "thaw_super",
		"deactivate_super", "iterate_supers", "__iterate_supers", "grab_super",
		"get_super", "lock_mount", "do_lock_mount", "namespace_lock")),
	ROW(WAIT_LOCK_RWSEM, "kernfs", rwsem, .caller = NAMES("kernfs_*")),
	ROW(WAIT_LOCK_RWSEM, "reverse map", rwsem,
	    .caller = NAMES("unlink_anon_vmas", "anon_vma_clone", "anon_vma_fork",
		"__anon_vma_prepare", "rmap_walk_anon", "rmap_walk_file", "__rmap_walk_file",
		"vma_link", "i_mmap_lock_write", "unlink_file_vma",
		"unlink_file_vma_batch_process", "unmap_mapping_range", "unmap_mapping_pages",
		"vma_prepare", "folio_lock_anon_vma_read", "__vma_adjust", "free_pgtables"),
	    .kernels = "anon_vma and i_mmap"),
	ROW(WAIT_LOCK_RWSEM, "shrinker list", rwsem,
	    .caller = NAMES("register_shrinker", "shrinker_register", "unregister_shrinker",
		"prealloc_shrinker")),
	ROW(WAIT_LOCK_RWSEM, "network namespaces", rwsem,
	    .caller = NAMES("copy_net_ns", "register_pernet_subsys", "unregister_pernet_subsys",
		"register_netdevice_notifier")),
	ROW(WAIT_LOCK_RWSEM, "writeback of the superblock", rwsem,
	    .caller = NAMES("sync_inodes_sb", "__writeback_inodes_sb_nr")),
	ROW(WAIT_LOCK_RWSEM, "f2fs", rwsem,
	    .caller = NAMES("f2fs_down_read", "f2fs_down_write")),
	ROW(WAIT_LOCK_RWSEM, "btrfs tree", rwsem,
	    .caller = NAMES("btrfs_tree_lock*", "btrfs_tree_read_lock*", "__btrfs_tree_lock",
		"__btrfs_tree_read_lock")),
	ROW(WAIT_LOCK_RWSEM, NULL, rwsem),

	/* Locks with one holder. */
	ROW(WAIT_LOCK_FUTEX, "priority-inheriting futex",
	    NAMES("futex_lock_pi"), .direction = DIRECTION_NEEDS),
	ROW(WAIT_LOCK_FUTEX, "priority-inheriting futex",
	    NAMES("rt_mutex_wait_proxy_lock", "futex_wait_requeue_pi"),
	    .kernels = "a condition variable's wait is in both"),
	ROW(WAIT_LOCK_MUTEX, "rtnl", mutex,
	    .caller = NAMES("rtnl_lock", "rtnl_lock_killable", "rtnetlink_rcv_msg",
		"netlink_dump", "rtnl_dumpit", "__rtnl_newlink", "rtnl_newlink", "dev_ioctl"),
	    .kernels = "all network configuration of the host"),
	ROW(WAIT_LOCK_MUTEX, "cgroup_mutex", mutex,
	    .caller = NAMES("cgroup_kn_lock_live", "cgroup_lock",
		"cgroup_lock_and_drain_offline", "proc_cgroup_show", "cgroup_mkdir",
		"css_release_work_fn", "css_killed_work_fn", "cgroup_post_fork")),
	ROW(WAIT_LOCK_MUTEX, "pipe", mutex,
	    .caller = NAMES("pipe_read", "pipe_write", "anon_pipe_*", "pipe_lock",
		"pipe_double_lock", "pipe_poll", "pipe_release", "pipe_ioctl", "do_splice",
		"splice_to_socket")),
	ROW(WAIT_LOCK_MUTEX, "epoll", mutex,
	    .caller = NAMES("do_epoll_ctl", "ep_*", "__ep_*", "eventpoll_*")),
	ROW(WAIT_LOCK_MUTEX, "terminal", mutex,
	    .caller = NAMES("tty_*", "n_tty_*", "file_tty_*")),
	ROW(WAIT_LOCK_MUTEX, "f_pos", mutex,
	    .caller = NAMES("__fdget_pos", "fdget_pos", "__f_lock_pos"),
	    .kernels = "threads that share one file position"),
	ROW(WAIT_LOCK_MUTEX, "kernel text patching", mutex,
	    .caller = NAMES("static_key_slow_inc", "static_key_slow_dec", "jump_label_lock",
		"jump_label_update", "text_mutex", "arch_jump_label_transform_queue",
		"static_key_enable", "static_key_disable", "__static_key_slow_dec")),
	ROW(WAIT_LOCK_MUTEX, "cpuset", mutex, .caller = NAMES("cpuset_*")),
	ROW(WAIT_LOCK_MUTEX, "graphics", mutex, .caller = NAMES("drm_*")),
	ROW(WAIT_LOCK_MUTEX, "perf events", mutex,
	    .caller = NAMES("perf_event_ctx_lock*", "perf_read", "perf_ioctl", "perf_mmap",
		"perf_poll", "perf_event_release_kernel", "perf_trace_init",
		"perf_trace_destroy")),
	ROW(WAIT_LOCK_MUTEX, "md", mutex, .caller = NAMES("md_*", "mddev_*")),
	ROW(WAIT_LOCK_MUTEX, "superblock", mutex,
	    .caller = NAMES("sync_inodes_sb", "sync_filesystem")),
	ROW(WAIT_LOCK_MUTEX, "futex exit", mutex,
	    .caller = NAMES("futex_exit_release", "futex_exec_release")),
	ROW(WAIT_LOCK_MUTEX, NULL, mutex),
	ROW(WAIT_LOCK_MUTEX, "socket", NAMES("__lock_sock", "lock_sock_nested")),
	ROW(WAIT_LOCK_MUTEX, "XFS buffer", semaphore, .caller = NAMES("xfs_buf_lock")),
	ROW(WAIT_LOCK_MUTEX, "kernel console", semaphore,
	    .caller = NAMES("console_lock", "do_con_write", "vprintk_emit", "console_device")),
	ROW(WAIT_LOCK_MUTEX, "semaphore", semaphore),
	ROW(WAIT_LOCK_FILE, "flock or POSIX lock",
	    NAMES("locks_lock_inode_wait", "flock_lock_inode_wait", "posix_lock_inode_wait",
		"fcntl_setlk", "do_lock_file_wait", "sys_flock", "fcntl_setlk64")),
	ROW(WAIT_LOCK_FILE, "lease", NAMES("__break_lease"), .direction = DIRECTION_ASKS,
	    .words = WORDS("another process to give back its lease of a file", "the holder of the lease",
		"Look at the process that holds the lease (/proc/locks, LEASE): it must give it back, or the kernel "
		"takes it after fs.lease-break-time seconds.")),

	/* Filesystems that say who is slow. */
	ROW(WAIT_IO_FUSE, NULL,
	    NAMES("request_wait_answer", "__fuse_request_send", "fuse_simple_request",
		"__fuse_simple_request", "fuse_get_req", "fuse_flush",
		"fuse_wait_on_page_writeback"), .kernels = "the daemon is to blame"),
	ROW(WAIT_POLL, "fuse daemon", NAMES("fuse_dev_do_read")),
	ROW(WAIT_OTHER, "fanotify permission",
	    NAMES("fanotify_handle_event", "fanotify_get_response", "fsnotify",
		"__fsnotify_parent"), .kernels = "a virus scanner, most often",
	    .direction = DIRECTION_ASKS,
	    .words = WORDS("permission to open a file (fanotify)", "the on-access scanner",
		"Look at the process that must allow each access (a virus scanner, most often): it answers late. "
		"Exclude the service's directories there, or give the scanner more threads.")),
	ROW(WAIT_IO_NETWORK_FS, "NFS",
	    NAMES("rpc_wait_bit_killable", "__rpc_execute", "rpc_run_task", "rpc_call_sync",
		"rpc_wait_for_completion_task", "__rpc_wait_for_completion_task",
		"nfs_wait_bit_killable", "nfs_wait_on_request", "nfs4_handle_exception",
		"nfs4_delay", "nfs4_wait_clnt_recover", "nfs4_call_sync_sequence",
		"nfs_file_fsync", "nfs_commit_inode", "nfs_iocounter_wait",
		"nfs_page_group_lock", "nfs_getattr", "nfs_lookup_revalidate", "xprt_reserve",
		"xprt_transmit")),
	ROW(WAIT_IO_NETWORK_FS, "SMB",
	    NAMES("wait_for_response", "cifs_send_recv", "compound_send_recv",
		"wait_for_free_credits")),
	ROW(WAIT_IO_NETWORK_FS, "Ceph",
	    NAMES("ceph_mdsc_do_request", "ceph_mdsc_wait_request", "ceph_get_caps",
		"try_get_cap_refs", "ceph_wait_on_conflict_unlink")),
	ROW(WAIT_IO_NETWORK_FS, "9p", NAMES("p9_client_rpc")),
	ROW(WAIT_IO_NETWORK_FS, "netfs",
	    NAMES("netfs_wait_for_read", "netfs_wait_for_in_progress",
		"netfs_unbuffered_read")),
	ROW(WAIT_IO_NETWORK_FS, "automount", NAMES("autofs_wait", "autofs4_wait"),
	    .words = WORDS("a file system to be mounted", "the automounter",
		"Look at the automounter and at the server that it mounts from.")),

	/* Journals: a commit that everybody waits for. */
	ROW(WAIT_IO_JOURNAL, "journal full",
	    NAMES("__jbd2_log_wait_for_space", "jbd2_log_do_checkpoint", "xlog_grant_head_wait",
		"xlog_grant_head_check", "xfs_log_reserve", "xfs_log_regrant",
		"xlog_state_get_iclog_space")),
	ROW(WAIT_IO_JOURNAL, "commit running",
	    NAMES("wait_transaction_locked", "add_transaction_credits", "start_this_handle",
		"jbd2__journal_start", "jbd2_journal_start", "wait_current_trans",
		"start_transaction")),
	ROW(WAIT_IO_JOURNAL, "commit",
	    NAMES("jbd2_log_wait_commit", "jbd2_complete_transaction", "ext4_fc_commit",
		"jbd2_fc_begin_commit", "jbd2_fc_wait_bufs", "jbd2_journal_commit_transaction",
		"jbd2_journal_wait_updates", "btrfs_commit_transaction", "wait_for_commit",
		"btrfs_wait_for_commit", "btrfs_sync_log", "f2fs_issue_checkpoint",
		"f2fs_wait_on_all_pages", "txg_wait_synced", "txg_wait_open")),
	ROW(WAIT_IO_JOURNAL, "journalled buffer",
	    NAMES("do_get_write_access", "jbd2_journal_get_write_access")),
	ROW(WAIT_IO_JOURNAL, "XFS log",
	    NAMES("xlog_wait_on_iclog", "xlog_force_lsn", "xfs_log_force_seq",
		"xfs_log_force_lsn", "xfs_log_force", "xlog_cil_force_seq",
		"xlog_cil_push_work", "xlog_cil_commit", "xfs_iunpin_wait",
		"xfs_extent_busy_flush", "xfs_ail_push_all_sync", "xfs_inodegc_flush")),
	ROW(WAIT_IO_BLOCK, "metadata buffer",
	    NAMES("xfs_buf_lock", "xfs_buf_iowait", "xfs_buf_get_map", "xfs_buf_find",
		"xfs_buf_read_map", "xfs_buf_delwri_submit")),
	ROW(WAIT_IO_JOURNAL, "btrfs space",
	    NAMES("handle_reserve_ticket", "__reserve_bytes", "wait_reserve_ticket")),
	ROW(WAIT_IO_WRITEBACK, "btrfs ordered extent",
	    NAMES("btrfs_wait_ordered_range", "btrfs_start_ordered_extent")),
	ROW(WAIT_IO_PAGECACHE, "btrfs extent lock",
	    NAMES("btrfs_lock_extent_bits", "lock_extent", "lock_extent_bits",
		"wait_extent_bit")),

	/* Pages. */
	ROW(WAIT_IO_PAGECACHE, "userfaultfd", NAMES("handle_userfault"),
	    .kernels = "live migration, CRIU, a virtual machine monitor",
	    .direction = DIRECTION_ASKS,
	    .words = WORDS("pages that another thread must supply (userfaultfd)", "the userfaultfd handler",
		"Look at the thread that handles userfaultfd for this process: live migration, a restore from a "
		"checkpoint, a virtual machine monitor, a garbage collector.")),
	ROW(WAIT_IO_PAGECACHE, "page migration",
	    NAMES("migration_entry_wait", "__migration_entry_wait",
		"migration_entry_wait_on_locked", "softleaf_entry_wait_on_locked",
		"do_numa_page")),
	ROW(WAIT_IO_SWAP, "guest memory swapped out by the host",
	    NAMES("kvm_async_pf_task_wait_schedule", "kvm_async_pf_task_wait")),
	ROW(WAIT_IO_SWAP, NULL,
	    NAMES("do_swap_page", "swapin_readahead", "swap_readpage", "swap_read_folio")),
	ROW(WAIT_IO_WRITEBACK, "dirty throttling",
	    NAMES("balance_dirty_pages", "balance_dirty_pages_ratelimited",
		"balance_dirty_pages_ratelimited_flags", "wait_iff_congested",
		"congestion_wait"), .sliced = true,
	    .words = WORDS("the limit of dirty pages: writers are slowed down until the disk has caught up", NULL,
		"Find who writes most to that disk (the findings name writers that were seen): slow it down, "
		"or give it dirty limits or a disk of its own (io.max, vm.dirty_bytes).")),
	ROW(WAIT_IO_BLOCK, "I/O throttled by cgroup",
	    NAMES("__blk_throtl_bio", "ioc_rqos_throttle", "iocg_throttle",
		"blkcg_maybe_throttle_current"), .sliced = true,
	    .words = WORDS("its control group's share of a block device", NULL,
		"Raise the limit (io.max, io.weight, blkio.throttle), or let the group do less.")),
	ROW(WAIT_IO_BLOCK, "writeback throttled by latency target", NAMES("wbt_wait")),
	ROW(WAIT_IO_BLOCK, "queue frozen",
	    NAMES("__bio_queue_enter", "blk_queue_enter", "blk_mq_freeze_queue_wait")),
	ROW(WAIT_IO_BLOCK, "device saturated",
	    NAMES("blk_mq_get_tag", "__blk_mq_alloc_requests", "blk_mq_get_request",
		"rq_qos_wait", "__rq_qos_throttle", "blk_mq_submit_bio",
		"blk_mq_make_request")),
	ROW(WAIT_IO_BLOCK, "RAID",
	    NAMES("md_super_wait", "md_write_start", "md_flush_request",
		"raid5_get_active_stripe", "wait_barrier", "__drbd_make_request")),
	ROW(WAIT_IO_BLOCK, "device mapper", NAMES("dm_*", "new_read", "__dm_*")),
	ROW(WAIT_IO_BLOCK, "device flush", NAMES("blkdev_issue_flush")),
	ROW(WAIT_IO_BLOCK, "device discard", NAMES("blkdev_issue_discard")),
	ROW(WAIT_IO_BLOCK, "device command",
	    NAMES("blk_execute_rq", "nvme_submit_user_cmd", "nvme_execute_rq",
		"__nvme_submit_sync_cmd", "submit_bio_wait", "bio_await", "blk_wait_io")),
	ROW(WAIT_IO_WRITEBACK, NULL,
	    NAMES("folio_wait_writeback", "wait_on_page_writeback", "__filemap_fdatawait_range",
		"inode_wait_for_writeback", "sync_inodes_sb", "wb_wait_for_completion",
		"inode_sleep_on_writeback", "f2fs_wait_on_page_writeback")),
	ROW(WAIT_IO_BLOCK, "direct I/O",
	    NAMES("iomap_dio_rw", "__iomap_dio_rw", "__blkdev_direct_IO_simple",
		"do_blockdev_direct_IO", "dio_await_one", "inode_dio_wait")),
	ROW(WAIT_IO_BLOCK, "buffer",
	    NAMES("__wait_on_buffer", "__lock_buffer", "sync_dirty_buffer",
		"__sync_dirty_buffer", "__bread_gfp", "__bread_slow", "fsync_buffers_list",
		"__block_write_full_folio", "ext4_read_bh", "__ext4_get_inode_loc",
		"__ext4_find_entry")),
	ROW(WAIT_IO_PAGECACHE, NULL,
	    NAMES("__lock_page", "__lock_page_killable", "__lock_page_or_retry", "__folio_lock",
		"__folio_lock_killable", "__folio_lock_or_retry", "wait_on_page_bit",
		"wait_on_page_bit_common", "wait_on_page_bit_killable", "folio_wait_bit",
		"folio_wait_bit_common", "folio_wait_bit_killable",
		"put_and_wait_on_page_locked", "folio_put_wait_locked", "filemap_fault",
		"generic_file_buffered_read", "filemap_read", "filemap_get_pages",
		"filemap_update_page", "__filemap_get_folio", "page_cache_sync_readahead",
		"page_cache_sync_ra", "read_cache_folio")),
	ROW(WAIT_LOCK_INODE, "dentry being looked up",
	    NAMES("d_alloc_parallel", "d_wait_lookup")),
	ROW(WAIT_LOCK_INODE, "inode being freed or read",
	    NAMES("__wait_on_freeing_inode", "find_inode_fast", "iget_locked")),
	ROW(WAIT_IO_BLOCK, "ZFS", NAMES("zio_wait", "dmu_tx_wait", "cv_wait_common", "taskq_*"),
	    .kernels = "a module of its own"),

	/* Services of the kernel. */
	ROW(WAIT_OTHER, "moving to another CPU",
	    NAMES("affine_move_task", "migration_cpu_stop", "set_cpus_allowed_ptr",
		"sched_exec", "stop_one_cpu")),
	ROW(WAIT_OTHER, "all CPUs stopped",
	    NAMES("stop_machine", "stop_machine_cpuslocked", "multi_cpu_stop")),
	ROW(WAIT_OTHER, "other CPUs interrupted",
	    NAMES("smp_call_function_many_cond", "smp_call_function_many", "on_each_cpu*")),
	ROW(WAIT_CHILD, "vfork", completion,
	    .caller = NAMES("kernel_clone", "_do_fork", "wait_for_vfork_done"),
	    .direction = DIRECTION_ASKS,
	    .words = WORDS("its vfork child to call execve or exit", "the child",
		"Look at what the child does before execve: it shares the parent's memory, and the parent sleeps "
		"meanwhile.")),
	ROW(WAIT_OTHER, "work queue",
	    NAMES("__flush_work", "flush_work", "__flush_workqueue", "flush_workqueue",
		"drain_workqueue", "__cancel_work_timer", "__cancel_work_sync")),
	ROW(WAIT_OTHER, "kernel thread stopping", NAMES("kthread_stop", "kthread_park")),
	ROW(WAIT_OTHER, "user-mode helper or module",
	    NAMES("call_usermodehelper_exec", "__request_module",
		"idempotent_wait_for_completion"), .direction = DIRECTION_ASKS,
	    .words = WORDS("a helper program of the kernel, or a module", "the helper",
		"Look at what the kernel started (modprobe, a core_pattern helper) and why it takes so long.")),
	ROW(WAIT_STOPPED, "core dump", NAMES("coredump_wait", "do_coredump", "vfs_coredump"),
	    .words = &dump_words),
	ROW(WAIT_OTHER, "audit backlog", NAMES("audit_log_start", "audit_receive"),
	    .kernels = "auditd does not keep up", .direction = DIRECTION_ASKS,
	    .words = WORDS("room in the audit backlog", "auditd",
		"auditd does not keep up: look at its disk, at the rules (auditctl -s, -b), and at the wait time "
		"(--backlog_wait_time).")),
	ROW(WAIT_OTHER, "virtual machine memory",
	    NAMES("kvm_mmu_notifier_invalidate_range_start", "kvm_swap_active_memslots",
		"install_new_memslots", "async_pf_execute")),
	ROW(WAIT_OTHER, "graphics fence",
	    NAMES("dma_fence_default_wait", "dma_fence_wait_timeout", "dma_resv_wait_timeout",
		"drm_*")),
	ROW(WAIT_OTHER, "random numbers", NAMES("wait_for_random_bytes", "crng_reseed")),
	ROW(WAIT_OTHER, "key being made",
	    NAMES("wait_for_key_construction", "request_key_and_link"), .direction = DIRECTION_ASKS,
	    .words = WORDS("a key that a helper makes", "request-key",
		"Look at the helper that makes keys (/etc/request-key.conf), and at the server that it asks.")),
	ROW(WAIT_OTHER, "seccomp supervisor", NAMES("seccomp_do_user_notification"),
	    .direction = DIRECTION_ASKS,
	    .words = WORDS("a system call to be allowed (seccomp notification)", "the seccomp supervisor",
		"Look at the supervisor that must answer each notified system call (a container runtime, a sandbox): "
		"it answers late.")),
	ROW(WAIT_OTHER, "fsnotify teardown",
	    NAMES("fsnotify_destroy_group", "fsnotify_wait_marks_destroyed")),
	ROW(WAIT_OTHER, "io_uring teardown",
	    NAMES("io_uring_cancel_generic", "__io_uring_cancel", "io_ring_exit_work",
		"io_uring_del_tctx_node", "io_rsrc_ref_quiesce")),
	ROW(WAIT_OTHER, "AF_UNIX garbage collection",
	    NAMES("wait_for_unix_gc", "__unix_gc", "unix_gc", "unix_schedule_gc")),

	/* Threads that wait for others' data, an event or a time: often nobody is hurt. */
	ROW(WAIT_LOCK_FUTEX, NULL,
	    NAMES("futex_wait_queue_me", "futex_wait_queue", "futex_do_wait", "futex_wait",
		"__futex_wait", "futex_wait_multiple", "futex_wait_restart", "do_futex",
		"sys_futex", "sys_futex_waitv", "sys_futex_wait"),
	    .kernels = "the leaf is futex_do_wait from 6.16, futex_wait_queue from 5.16"),
	ROW(WAIT_POLL, "epoll",
	    NAMES("do_epoll_wait", "do_epoll_pwait", "ep_poll", "sys_epoll_wait",
		"sys_epoll_pwait", "sys_epoll_pwait2")),
	ROW(WAIT_POLL, NULL,
	    NAMES("do_sys_poll", "do_poll", "do_select", "core_sys_select", "do_pselect",
		"poll_schedule_timeout")),
	ROW(WAIT_POLL, "eventfd", NAMES("eventfd_read")),
	ROW(WAIT_POLL, "eventfd, counter full", NAMES("eventfd_write"), .direction = DIRECTION_GIVES,
	    .words = WORDS("somebody to read an eventfd whose counter is full", "the reader of the eventfd",
		"Look at the thread that should read the eventfd.")),
	ROW(WAIT_POLL, "timerfd", NAMES("timerfd_read", "timerfd_read_iter")),
	ROW(WAIT_POLL, "signalfd", NAMES("signalfd_read", "signalfd_read_iter")),
	ROW(WAIT_POLL, "file notification", NAMES("inotify_read", "fanotify_read")),
	ROW(WAIT_POLL, "io_uring",
	    NAMES("io_cqring_wait", "io_cqring_wait_schedule", "__io_cqring_wait_schedule")),
	ROW(WAIT_POLL, "asynchronous I/O", NAMES("read_events", "do_io_getevents")),
	ROW(WAIT_POLL, "kernel log", NAMES("do_syslog", "syslog_print", "devkmsg_read")),
	ROW(WAIT_POLL, "trace reader",
	    NAMES("ring_buffer_wait", "tracing_wait_pipe", "perf_read", "perf_poll")),
	ROW(WAIT_POLL, "binder", NAMES("binder_thread_read", "binder_wait_for_work")),
	ROW(WAIT_POLL, "halted virtual CPU",
	    NAMES("kvm_vcpu_block", "kvm_vcpu_halt", "kvm_vcpu_check_block", "vcpu_run",
		"kvm_arch_vcpu_ioctl_run")),
	ROW(WAIT_IPC_PIPE, "reader",
	    NAMES("pipe_read", "anon_pipe_read", "fifo_pipe_read", "pipe_wait_readable")),
	ROW(WAIT_IPC_PIPE, "writer, pipe full",
	    NAMES("pipe_write", "anon_pipe_write", "fifo_pipe_write", "pipe_wait_writable",
		"splice_to_pipe"), .direction = DIRECTION_GIVES,
	    .words = WORDS("room in a full pipe", "the reader of the pipe",
		"Look at the process that reads the pipe: it was stopped, slow or stuck. Log through a pipe only with "
		"O_NONBLOCK or a thread of its own, so that a reader cannot stop the service.")),
	ROW(WAIT_IPC_PIPE, NULL, NAMES("pipe_wait")),
	ROW(WAIT_IPC_PIPE, "FIFO without partner", NAMES("wait_for_partner", "fifo_open")),
	ROW(WAIT_IPC_SEMAPHORE, "SysV semaphore", NAMES("do_semtimedop", "__do_semtimedop")),
	ROW(WAIT_IPC_PIPE, "message queue full", NAMES("do_msgsnd", "do_mq_timedsend"),
	    .direction = DIRECTION_GIVES,
	    .words = WORDS("room in a full message queue", "the receiver of the queue",
		"Look at the process that receives from the queue (ipcs -q -p): it was stopped, slow or stuck.")),
	ROW(WAIT_IPC_PIPE, "message queue",
	    NAMES("do_msgrcv", "wq_sleep", "do_mq_timedreceive")),
	ROW(WAIT_IPC_PIPE, "terminal output", NAMES("n_tty_write", "tty_wait_until_sent"),
	    .direction = DIRECTION_GIVES,
	    .words = WORDS("a terminal to take its output", "the terminal",
		"Look at the terminal: output held with Ctrl-S, a slow serial line, a stopped terminal emulator or "
		"log collector.")),
	ROW(WAIT_IPC_PIPE, "terminal input", NAMES("n_tty_read")),
	ROW(WAIT_NET_SOCKET, "send buffer full",
	    NAMES("sk_stream_wait_memory", "tcp_sendmsg_locked", "sock_alloc_send_pskb",
		"sock_wait_for_wmem", "unix_wait_for_peer", "vsock_connectible_sendmsg",
		"vsock_stream_sendmsg"), .direction = DIRECTION_GIVES,
	    .words = WORDS("room in the send buffer of a socket", "the receiver",
		"Look at the process at the other end of the socket: it does not read. Send with a time limit, so that one "
		"receiver cannot hold up the others.")),
	ROW(WAIT_NET_SOCKET, "connect",
	    NAMES("__inet_stream_connect", "inet_stream_connect", "sk_stream_wait_connect",
		"unix_stream_connect", "vsock_connect", "vsock_stream_connect"),
	    .direction = DIRECTION_GIVES, .sliced = true,
	    .words = WORDS("a server to accept its connection", "the server",
		"Look at the server that should accept: is it up, is its queue of connections full (ss -lt), does it take "
		"minutes over each? Give connect() a time limit.")),
	ROW(WAIT_NET_SOCKET, "accept",
	    NAMES("inet_csk_accept", "inet_csk_wait_for_connect", "unix_accept",
		"vsock_accept")),
	ROW(WAIT_NET_SOCKET, "close",
	    NAMES("sk_stream_wait_close", "__tcp_close", "tcp_close"),
	    .direction = DIRECTION_GIVES,
	    .words = WORDS("data to be acknowledged before its socket closes (SO_LINGER)", "the receiver",
		"Look at the other end of the connection, and at the service's use of SO_LINGER.")),
	ROW(WAIT_NET_SOCKET, "backlog", NAMES("__release_sock")),
	ROW(WAIT_NET_SOCKET, "busy polling", NAMES("napi_busy_loop", "ep_busy_loop")),
	ROW(WAIT_NET_SOCKET, "receive",
	    NAMES("sk_wait_data", "tcp_recvmsg", "tcp_recvmsg_locked",
		"__skb_wait_for_more_packets", "__skb_recv_datagram", "skb_recv_datagram",
		"__skb_recv_udp", "udp_recvmsg", "__unix_dgram_recvmsg",
		"unix_stream_read_generic", "netlink_recvmsg", "vsock_connectible_recvmsg",
		"vsock_connectible_wait_data", "vsock_stream_recvmsg")),
	ROW(WAIT_CHILD, NULL, NAMES("do_wait", "kernel_wait4", "kernel_waitid")),
	ROW(WAIT_SIGNAL, NULL, NAMES("do_sigtimedwait", "sigsuspend", "do_pause", "sys_pause")),

	/* What remains: a path is known, but not the thing in it that is waited for. */
	ROW(WAIT_MEM_MEMCG_RECLAIM, "charging memory",
	    NAMES("try_charge", "try_charge_memcg", "mem_cgroup_try_charge",
		"mem_cgroup_charge", "__mem_cgroup_charge", "charge_memcg",
		"mem_cgroup_swapin_charge_folio", "obj_cgroup_charge",
		"obj_cgroup_charge_pages", "__memcg_kmem_charge_page", "drain_all_stock")),
	ROW(WAIT_IO_WRITEBACK, "fsync or sync",
	    NAMES("file_write_and_wait_range", "filemap_write_and_wait_range", "ext4_sync_file",
		"ext4_fsync_journal", "btrfs_sync_file", "vfs_fsync_range", "do_fsync",
		"sys_sync", "sys_fsync", "sys_fdatasync", "sys_syncfs")),
	ROW(WAIT_IO_BLOCK, "filesystem",
	    NAMES("ext4_map_blocks", "ext4_writepages", "ext4_do_writepages", "ext4_truncate",
		"ext4_punch_hole", "ext4_evict_inode", "xfs_file_buffered_aio_write",
		"xfs_file_buffered_write", "f2fs_balance_fs")),
	ROW(WAIT_OTHER, "kernel console", NAMES("vprintk_emit", "console_unlock")),
	ROW(WAIT_OTHER, "completion", completion),
	ROW(WAIT_LOCK_FUTEX, "robust list at exit",
	    NAMES("futex_exit_release", "mm_release", "exit_robust_list"),
	    .direction = DIRECTION_NEEDS),
	ROW(WAIT_OTHER, "exec or fork",
	    NAMES("de_thread", "bprm_execve", "copy_process", "dup_mmap", "kernel_clone")),
	ROW(WAIT_SLEEP, NULL,
	    NAMES("hrtimer_nanosleep", "do_nanosleep", "common_nsleep", "common_nsleep_timens",
		"alarm_timer_nsleep")),
	ROW(WAIT_SLEEP, "in the kernel",
	    NAMES("msleep", "msleep_interruptible", "usleep_range", "usleep_range_state",
		"schedule_timeout_uninterruptible", "schedule_timeout_killable",
		"schedule_timeout_interruptible", "schedule_timeout_idle")),
	ROW(WAIT_IO_BLOCK, "not recognised",
	    NAMES("io_schedule", "io_schedule_timeout", "bit_wait_io", "blk_io_schedule")),
};
const size_t wait_rules_count = COUNT(wait_rules);

const char *const wait_plumbing[] = {
	"__schedule", "schedule", "schedule_timeout", "schedule_preempt_disabled", "schedule_idle",
	"io_schedule", "io_schedule_timeout", "schedule_hrtimeout_range",
	"schedule_hrtimeout_range_clock", "schedule_rtlock", "rt_mutex_schedule", "bit_wait",
	"bit_wait_io", "__wait_on_bit", "__wait_on_bit_lock", "out_of_line_wait_on_bit",
	"out_of_line_wait_on_bit_lock", "wait_woken", "blk_io_schedule", NULL
};

const char *const wait_for_reading[] = {
	"rwsem_down_read_slowpath", "rwsem_down_read_failed", "rwsem_down_read_failed_killable",
	"call_rwsem_down_read_failed", "call_rwsem_down_read_failed_killable",
	"rwbase_read_lock", "__rwbase_read_lock", "__down_read", "__down_read_killable",
	"__down_read_interruptible", "down_read", "down_read_killable", "down_read_interruptible",
	"down_read_nested", "__down_read_common", "__percpu_down_read", "percpu_down_read",
	NULL
};

const char *const wait_for_writing[] = {
	"rwsem_down_write_slowpath", "rwsem_down_write_failed", "rwsem_down_write_failed_killable",
	"call_rwsem_down_write_failed", "call_rwsem_down_write_failed_killable",
	"rwbase_write_lock", "__down_write", "__down_write_killable", "down_write",
	"down_write_killable", "down_write_nested", "__down_write_common", "percpu_down_write",
	"__vma_start_write", "__vma_enter_locked", "__vma_start_exclude_readers",
	"vma_mark_detached", NULL
};

const struct release_rule release_rules[] = {
	/* percpu first: letting one go may wake through an rwsem */
	{ WAIT_LOCK_PERCPU, NAMES("percpu_up_write", "percpu_up_read", "__percpu_up_read",
		"percpu_rwsem_wake_function"), percpu_rwsem },
	{ WAIT_LOCK_RWSEM,
	  NAMES("up_write", "up_read", "__up_write", "__up_read", "downgrade_write", "rwsem_wake",
		"rwsem_downgrade_wake", "call_rwsem_wake", "call_rwsem_downgrade_wake",
		"rwbase_write_unlock", "rwbase_write_downgrade", "__rwbase_read_unlock",
		"vma_end_read", "vma_refcount_put",
		"rcuwait_wake_up"), rwsem }, /* the last two, inlined: readers of a VMA (6.15) */
	{ WAIT_LOCK_MUTEX,
	  NAMES("mutex_unlock", "__mutex_unlock_slowpath", "ww_mutex_unlock", "rt_mutex_unlock",
		"rt_mutex_slowunlock", "up", "__up", "release_sock", "rtnl_unlock",
		"__rtnl_unlock"), mutex },
	{ WAIT_LOCK_FUTEX,
	  NAMES("futex_wake", "futex_wake_op", "futex_requeue", "futex_unlock_pi",
		"wake_futex_pi", "handle_futex_death", "exit_robust_list"),
	  NAMES("futex_wait", "__futex_wait", "futex_lock_pi") },
	{ WAIT_LOCK_FILE,
	  NAMES("__locks_wake_up_blocks", "locks_wake_up_blocks", "locks_delete_block",
		"locks_delete_lock_ctx", "locks_unlink_lock_ctx"),
	  NAMES("locks_lock_inode_wait", "fcntl_setlk") },
	{ WAIT_IO_WRITEBACK, NAMES("folio_end_writeback", "end_page_writeback",
		"folio_end_writeback_no_dropbehind"), NAMES("folio_wait_writeback") },
	{ WAIT_IO_PAGECACHE,
	  NAMES("folio_unlock", "unlock_page", "folio_wake_bit", "wake_up_page_bit",
		"folio_end_read"), NAMES("folio_wait_bit_common", "wait_on_page_bit_common") },
};
const size_t release_rules_count = COUNT(release_rules);

const char *const wait_interrupt_entries[] = {
	"asm_common_interrupt", "asm_sysvec_*", "sysvec_*", "asm_exc_nmi", "common_interrupt",
	/* softirqs that were put off until an interrupt ended, or to their own thread */
	"__irq_exit_rcu", "irq_exit_rcu", "irq_exit", "run_ksoftirqd",
	"ret_from_intr", "apic_timer_interrupt", "reschedule_interrupt", "call_function_interrupt",
	"call_function_single_interrupt", "el1_irq", "el1h_64_irq", "el0_irq", "el0t_64_irq", NULL
};

const char *const wait_mmap_sections[] = {
	/* written: the names that show while unmapping, mapping, moving and protecting */
	"vm_mmap_pgoff", "vm_munmap", "__vm_munmap", "do_mprotect_pkey", "do_mlock", "sys_mlockall",
	"sys_munlock", "sys_munlockall", "sys_brk", "sys_mremap", "do_mremap", "sys_munmap",
	"vm_brk_flags", "do_madvise", "do_mbind", "do_mseal", "sys_pkey_free", "do_shmat",
	"sys_shmdt", "dup_mmap", "setup_arg_pages", "madvise_collapse",
	"userfaultfd_register", "userfaultfd_unregister",
	"unmap_region", "unmap_vmas", "unmap_page_range", "zap_pte_range", "free_pgtables",
	"do_vmi_munmap", "do_vmi_align_munmap", "__do_munmap", "do_munmap", "mmap_region",
	"__mmap_region", "do_mmap", "move_page_tables", "move_vma", "change_protection",
	"mprotect_fixup", "copy_page_range", "vma_merge", "mas_*", "vm_area_alloc",
	"clear_huge_page", "folio_zero_user", "tlb_flush_mmu", "tlb_finish_mmu",
	"flush_tlb_mm_range",
	/* read: populating, pinning and faulting */
	"__mm_populate", "populate_vma_page_range", "__get_user_pages", "__get_user_pages_locked",
	"faultin_page", "fixup_user_fault", "handle_mm_fault", "__handle_mm_fault", NULL
};

const char *const wait_foreign_mmap_sections[] = {
	"__access_remote_vm", "access_remote_vm", "get_user_pages_remote", "pin_user_pages_remote",
	"process_vm_rw_single_vec", "process_vm_rw_core", "process_vm_rw", "unuse_mm",
	"khugepaged", "ksm_scan_thread", "async_pf_execute", "oom_reap_task_mm",
	"exit_mmap", "__mmput", NULL
};

/* Only what a system call's wrapper would not tell: the loop sees that by itself. */
const struct operation_rule operation_rules[] = {
	{ "asm_exc_page_fault", NULL, "page fault" },
	{ "exc_page_fault", NULL, "page fault" },
	{ "do_user_addr_fault", NULL, "page fault" },
	{ "asm_page_fault", NULL, "page fault" },
	{ "async_page_fault", NULL, "page fault" },
	{ "page_fault", NULL, "page fault" },
	{ "do_page_fault", NULL, "page fault" },
	{ "__do_page_fault", NULL, "page fault" },
	{ "do_translation_fault", NULL, "page fault" },
	{ "do_mem_abort", NULL, "page fault" },
	{ "el0_da", NULL, "page fault" },
	{ "el0_ia", NULL, "page fault" },
	{ "exit_to_user_mode_loop", "get_signal", "signal delivery" },
	{ "exit_to_user_mode_loop", "arch_do_signal_or_restart", "signal delivery" },
	{ "exit_to_user_mode_loop", "__fput", "close" },
	{ "exit_to_user_mode_loop", NULL, "return to user space" },
	{ "exit_to_usermode_loop", "get_signal", "signal delivery" },
	{ "exit_to_usermode_loop", "__fput", "close" },
	{ "exit_to_usermode_loop", NULL, "return to user space" },
	{ "irqentry_exit_to_user_mode", "get_signal", "signal delivery" },
	{ "irqentry_exit_to_user_mode", NULL, "return to user space" },
	{ "get_signal", NULL, "signal delivery" },
	{ "asm_common_interrupt", NULL, "interrupt" },
	{ "asm_sysvec_apic_timer_interrupt", NULL, "interrupt" },
	{ "asm_sysvec_reschedule_ipi", NULL, "interrupt" },
	/* wrappers that end in a jump leave no frame of their own */
	{ "vm_mmap_pgoff", NULL, "mmap" },
	{ "__vm_munmap", NULL, "munmap" },
	{ "vm_munmap", NULL, "munmap" },
	{ "do_mprotect_pkey", NULL, "mprotect" },
	{ "do_madvise", NULL, "madvise" },
	{ "do_mlock", NULL, "mlock" },
	{ "do_mremap", NULL, "mremap" },
	{ "kernel_wait4", NULL, "wait4" },
	{ "kernel_waitid", NULL, "waitid" },
	{ "kernel_clone", NULL, "clone" },
	{ "_do_fork", NULL, "clone" },
	{ "do_execveat_common", NULL, "execve" },
	{ "do_exit", NULL, "exit" },
	{ "do_group_exit", NULL, "exit" },
	{ "do_msgrcv", NULL, "msgrcv" },
	{ "do_msgsnd", NULL, "msgsnd" },
	{ "do_semtimedop", NULL, "semtimedop" },
	{ "do_futex", NULL, "futex" },
	{ "do_epoll_wait", NULL, "epoll_wait" },
	{ "do_fsync", NULL, "fsync" },
	{ "do_syslog", NULL, "syslog" },
	{ "do_mkdirat", NULL, "mkdir" },
	{ "do_rmdir", NULL, "rmdir" },
	{ "do_unlinkat", NULL, "unlink" },
	{ "do_renameat2", NULL, "rename" },
	{ "do_filp_open", NULL, "open" },
	{ "kthreadd", NULL, "kthreadd" },
	{ "io_wq_worker", NULL, "io_uring worker" },
	{ "io_wqe_worker", NULL, "io_uring worker" },
	{ "io_sq_thread", NULL, "io_uring poller" },
	{ "cpu_startup_entry", NULL, "idle" },
};
const size_t operation_rules_count = COUNT(operation_rules);

const char *const wait_kthread_roots[] = {
	"ret_from_fork", "ret_from_fork_asm", "kthread", "kernel_thread_helper", NULL
};
