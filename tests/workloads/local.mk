# Programs that freeze in a known way and say the truth. Never sanitized: their
# stacks are part of what the tests look at, so they keep every frame.
WORKLOAD_CFLAGS = -std=gnu17 -Wall -Wextra -Wshadow $(WERROR_CFLAGS) \
	-fno-omit-frame-pointer -fno-optimize-sibling-calls

check_PROGRAMS += tests/workloads/hashmap_resize
tests_workloads_hashmap_resize_SOURCES = \
	tests/workloads/hashmap_resize.c \
	tests/workloads/truth.h
tests_workloads_hashmap_resize_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_hashmap_resize_LDFLAGS = -pthread

# The lab: one program a cause, what they share, and tests/lab.sh which runs them.
check_LIBRARIES += tests/workloads/libworkload.a
tests_workloads_libworkload_a_SOURCES = \
	tests/workloads/file_lock.c tests/workloads/file_lock.h \
	tests/workloads/fuse_disk.c tests/workloads/fuse_disk.h \
	tests/workloads/mm_service.c tests/workloads/mm_service.h \
	tests/workloads/mutex_service.c tests/workloads/mutex_service.h \
	tests/workloads/pingpong.c tests/workloads/pingpong.h \
	tests/workloads/slow_disk.c tests/workloads/slow_disk.h \
	tests/workloads/truth.c tests/workloads/truth.h
tests_workloads_libworkload_a_CFLAGS = $(WORKLOAD_CFLAGS)

LAB_WORKLOADS = \
	tests/workloads/mmap_populate \
	tests/workloads/mprotect_large \
	tests/workloads/munmap_large \
	tests/workloads/mremap_move \
	tests/workloads/fork_large \
	tests/workloads/mlock_large \
	tests/workloads/mlockall_grow \
	tests/workloads/smaps_reader \
	tests/workloads/mutex_sleep \
	tests/workloads/mutex_cpu \
	tests/workloads/mutex_io \
	tests/workloads/mutex_chain \
	tests/workloads/condvar_herd \
	tests/workloads/deadlock_abba \
	tests/workloads/deadlock_timed \
	tests/workloads/deadlock_killed \
	tests/workloads/deadlock_pipe \
	tests/workloads/deadlock_call \
	tests/workloads/spin_user \
	tests/workloads/flock_abba \
	tests/workloads/flock_killed \
	tests/workloads/flock_convoy \
	tests/workloads/fcntl_convoy \
	tests/workloads/inode_write \
	tests/workloads/dir_create \
	tests/workloads/fsync_slow \
	tests/workloads/direct_read_slow \
	tests/workloads/fuse_slow \
	tests/workloads/stopped \
	tests/workloads/rt_hog \
	tests/workloads/rt_limit \
	tests/workloads/producer_pipe \
	tests/workloads/producer_cond \
	tests/workloads/busy_server \
	tests/workloads/exit_huge \
	tests/workloads/idle_pool \
	tests/workloads/lock_inversion \
	tests/workloads/pipes_idle \
	tests/workloads/pingpong_pipe \
	tests/workloads/pingpong_socket
check_PROGRAMS += $(LAB_WORKLOADS)
tests_workloads_mmap_populate_SOURCES = tests/workloads/mmap_populate.c
tests_workloads_mmap_populate_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_mmap_populate_LDADD = tests/workloads/libworkload.a
tests_workloads_mmap_populate_LDFLAGS = -pthread
tests_workloads_mprotect_large_SOURCES = tests/workloads/mprotect_large.c
tests_workloads_mprotect_large_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_mprotect_large_LDADD = tests/workloads/libworkload.a
tests_workloads_mprotect_large_LDFLAGS = -pthread
tests_workloads_munmap_large_SOURCES = tests/workloads/munmap_large.c
tests_workloads_munmap_large_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_munmap_large_LDADD = tests/workloads/libworkload.a
tests_workloads_munmap_large_LDFLAGS = -pthread
tests_workloads_mremap_move_SOURCES = tests/workloads/mremap_move.c
tests_workloads_mremap_move_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_mremap_move_LDADD = tests/workloads/libworkload.a
tests_workloads_mremap_move_LDFLAGS = -pthread
tests_workloads_fork_large_SOURCES = tests/workloads/fork_large.c
tests_workloads_fork_large_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_fork_large_LDADD = tests/workloads/libworkload.a
tests_workloads_fork_large_LDFLAGS = -pthread
tests_workloads_mlock_large_SOURCES = tests/workloads/mlock_large.c
tests_workloads_mlock_large_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_mlock_large_LDADD = tests/workloads/libworkload.a
tests_workloads_mlock_large_LDFLAGS = -pthread
tests_workloads_mlockall_grow_SOURCES = tests/workloads/mlockall_grow.c
tests_workloads_mlockall_grow_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_mlockall_grow_LDADD = tests/workloads/libworkload.a
tests_workloads_mlockall_grow_LDFLAGS = -pthread
tests_workloads_smaps_reader_SOURCES = tests/workloads/smaps_reader.c
tests_workloads_smaps_reader_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_smaps_reader_LDADD = tests/workloads/libworkload.a
tests_workloads_smaps_reader_LDFLAGS = -pthread
tests_workloads_mutex_sleep_SOURCES = tests/workloads/mutex_sleep.c
tests_workloads_mutex_sleep_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_mutex_sleep_LDADD = tests/workloads/libworkload.a
tests_workloads_mutex_sleep_LDFLAGS = -pthread
tests_workloads_mutex_cpu_SOURCES = tests/workloads/mutex_cpu.c
tests_workloads_mutex_cpu_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_mutex_cpu_LDADD = tests/workloads/libworkload.a
tests_workloads_mutex_cpu_LDFLAGS = -pthread
tests_workloads_mutex_io_SOURCES = tests/workloads/mutex_io.c
tests_workloads_mutex_io_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_mutex_io_LDADD = tests/workloads/libworkload.a
tests_workloads_mutex_io_LDFLAGS = -pthread
tests_workloads_mutex_chain_SOURCES = tests/workloads/mutex_chain.c
tests_workloads_mutex_chain_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_mutex_chain_LDADD = tests/workloads/libworkload.a
tests_workloads_mutex_chain_LDFLAGS = -pthread
tests_workloads_condvar_herd_SOURCES = tests/workloads/condvar_herd.c
tests_workloads_condvar_herd_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_condvar_herd_LDADD = tests/workloads/libworkload.a
tests_workloads_condvar_herd_LDFLAGS = -pthread
tests_workloads_deadlock_abba_SOURCES = tests/workloads/deadlock_abba.c
tests_workloads_deadlock_abba_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_deadlock_abba_LDADD = tests/workloads/libworkload.a
tests_workloads_deadlock_abba_LDFLAGS = -pthread
tests_workloads_spin_user_SOURCES = tests/workloads/spin_user.c
tests_workloads_spin_user_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_spin_user_LDADD = tests/workloads/libworkload.a
tests_workloads_spin_user_LDFLAGS = -pthread
tests_workloads_flock_abba_SOURCES = tests/workloads/flock_abba.c
tests_workloads_flock_abba_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_flock_abba_LDADD = tests/workloads/libworkload.a
tests_workloads_flock_abba_LDFLAGS = -pthread

tests_workloads_flock_convoy_SOURCES = tests/workloads/flock_convoy.c
tests_workloads_flock_convoy_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_flock_convoy_LDADD = tests/workloads/libworkload.a
tests_workloads_flock_convoy_LDFLAGS = -pthread
tests_workloads_fcntl_convoy_SOURCES = tests/workloads/fcntl_convoy.c
tests_workloads_fcntl_convoy_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_fcntl_convoy_LDADD = tests/workloads/libworkload.a
tests_workloads_fcntl_convoy_LDFLAGS = -pthread
tests_workloads_inode_write_SOURCES = tests/workloads/inode_write.c
tests_workloads_inode_write_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_inode_write_LDADD = tests/workloads/libworkload.a
tests_workloads_inode_write_LDFLAGS = -pthread
tests_workloads_dir_create_SOURCES = tests/workloads/dir_create.c
tests_workloads_dir_create_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_dir_create_LDADD = tests/workloads/libworkload.a
tests_workloads_dir_create_LDFLAGS = -pthread
tests_workloads_fsync_slow_SOURCES = tests/workloads/fsync_slow.c
tests_workloads_fsync_slow_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_fsync_slow_LDADD = tests/workloads/libworkload.a
tests_workloads_fsync_slow_LDFLAGS = -pthread
tests_workloads_direct_read_slow_SOURCES = tests/workloads/direct_read_slow.c
tests_workloads_direct_read_slow_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_direct_read_slow_LDADD = tests/workloads/libworkload.a
tests_workloads_direct_read_slow_LDFLAGS = -pthread
tests_workloads_fuse_slow_SOURCES = tests/workloads/fuse_slow.c
tests_workloads_fuse_slow_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_fuse_slow_LDADD = tests/workloads/libworkload.a
tests_workloads_fuse_slow_LDFLAGS = -pthread
tests_workloads_stopped_SOURCES = tests/workloads/stopped.c
tests_workloads_stopped_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_stopped_LDADD = tests/workloads/libworkload.a
tests_workloads_stopped_LDFLAGS = -pthread
tests_workloads_rt_hog_SOURCES = tests/workloads/rt_hog.c
tests_workloads_rt_hog_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_rt_hog_LDADD = tests/workloads/libworkload.a
tests_workloads_rt_hog_LDFLAGS = -pthread
tests_workloads_rt_limit_SOURCES = tests/workloads/rt_limit.c
tests_workloads_rt_limit_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_rt_limit_LDADD = tests/workloads/libworkload.a
tests_workloads_rt_limit_LDFLAGS = -pthread
tests_workloads_producer_pipe_SOURCES = tests/workloads/producer_pipe.c
tests_workloads_producer_pipe_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_producer_pipe_LDADD = tests/workloads/libworkload.a
tests_workloads_producer_pipe_LDFLAGS = -pthread
tests_workloads_producer_cond_SOURCES = tests/workloads/producer_cond.c
tests_workloads_producer_cond_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_producer_cond_LDADD = tests/workloads/libworkload.a
tests_workloads_producer_cond_LDFLAGS = -pthread
tests_workloads_busy_server_SOURCES = tests/workloads/busy_server.c
tests_workloads_busy_server_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_busy_server_LDADD = tests/workloads/libworkload.a
tests_workloads_busy_server_LDFLAGS = -pthread
tests_workloads_exit_huge_SOURCES = tests/workloads/exit_huge.c
tests_workloads_exit_huge_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_exit_huge_LDADD = tests/workloads/libworkload.a
tests_workloads_exit_huge_LDFLAGS = -pthread
tests_workloads_idle_pool_SOURCES = tests/workloads/idle_pool.c
tests_workloads_idle_pool_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_idle_pool_LDADD = tests/workloads/libworkload.a
tests_workloads_idle_pool_LDFLAGS = -pthread
tests_workloads_pingpong_pipe_SOURCES = tests/workloads/pingpong_pipe.c
tests_workloads_pingpong_pipe_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_pingpong_pipe_LDADD = tests/workloads/libworkload.a
tests_workloads_pingpong_pipe_LDFLAGS = -pthread
tests_workloads_pingpong_socket_SOURCES = tests/workloads/pingpong_socket.c
tests_workloads_pingpong_socket_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_pingpong_socket_LDADD = tests/workloads/libworkload.a
tests_workloads_pingpong_socket_LDFLAGS = -pthread
tests_workloads_deadlock_timed_SOURCES = tests/workloads/deadlock_timed.c
tests_workloads_deadlock_timed_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_deadlock_timed_LDADD = tests/workloads/libworkload.a
tests_workloads_deadlock_timed_LDFLAGS = -pthread
tests_workloads_deadlock_killed_SOURCES = tests/workloads/deadlock_killed.c
tests_workloads_deadlock_killed_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_deadlock_killed_LDADD = tests/workloads/libworkload.a
tests_workloads_deadlock_killed_LDFLAGS = -pthread
tests_workloads_deadlock_pipe_SOURCES = tests/workloads/deadlock_pipe.c
tests_workloads_deadlock_pipe_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_deadlock_pipe_LDADD = tests/workloads/libworkload.a
tests_workloads_deadlock_pipe_LDFLAGS = -pthread
tests_workloads_flock_killed_SOURCES = tests/workloads/flock_killed.c
tests_workloads_flock_killed_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_flock_killed_LDADD = tests/workloads/libworkload.a
tests_workloads_flock_killed_LDFLAGS = -pthread
tests_workloads_lock_inversion_SOURCES = tests/workloads/lock_inversion.c
tests_workloads_lock_inversion_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_lock_inversion_LDADD = tests/workloads/libworkload.a
tests_workloads_lock_inversion_LDFLAGS = -pthread
tests_workloads_pipes_idle_SOURCES = tests/workloads/pipes_idle.c
tests_workloads_pipes_idle_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_pipes_idle_LDADD = tests/workloads/libworkload.a
tests_workloads_pipes_idle_LDFLAGS = -pthread
tests_workloads_deadlock_call_SOURCES = tests/workloads/deadlock_call.c
tests_workloads_deadlock_call_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_deadlock_call_LDADD = tests/workloads/libworkload.a
tests_workloads_deadlock_call_LDFLAGS = -pthread
