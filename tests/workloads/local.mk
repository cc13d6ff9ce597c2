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
	tests/workloads/truth.c tests/workloads/truth.h \
	tests/workloads/truth_private.h tests/workloads/truth_victims.c
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
# Programs with several causes, each a scenario NAME.MODE of the lab.
LAB_MODE_WORKLOADS = \
	tests/workloads/asked \
	tests/workloads/full_accept \
	tests/workloads/full_queue \
	tests/workloads/healthy_feed \
	tests/workloads/healthy_pace \
	tests/workloads/held_semaphore \
	tests/workloads/late_answer \
	tests/workloads/lock_forms \
	tests/workloads/memory_limit \
	tests/workloads/parked \
	tests/workloads/queue_lock \
	tests/workloads/vfork_slow
LAB_SCENARIOS = \
	asked.fanotify asked.lease asked.seccomp asked.userfault \
	full_accept.tcp full_accept.unix \
	full_queue.dgram full_queue.mq full_queue.pipe full_queue.pty full_queue.socket full_queue.stopped full_queue.sysv \
	healthy_feed.bursty healthy_feed.long_poll healthy_feed.pool healthy_feed.pressure healthy_feed.slow_client healthy_feed.typist \
	healthy_pace.batches healthy_pace.compile healthy_pace.copy healthy_pace.follower healthy_pace.phase_once healthy_pace.phases healthy_pace.steps healthy_pace.timers \
	held_semaphore.posix held_semaphore.sysv held_semaphore.threads \
	late_answer.burn late_answer.tcp late_answer.udp \
	lock_forms.lost lock_forms.owner_killed lock_forms.polled lock_forms.starved lock_forms.timed \
	memory_limit \
	parked.core parked.freezer parked.ptrace \
	queue_lock.burn queue_lock.sleep \
	vfork_slow
# With real services, which tests/services/ starts.
LAB_SERVICES = \
	redis.sleep redis.keys redis.lua redis.idle \
	postgres.lock postgres.alone postgres.idle \
	mariadb.metadata nginx.upstream nginx.idle \
	runtimes.python_lock runtimes.node_sync runtimes.java_synchronized runtimes.go_mutex
EXTRA_DIST += \
	tests/services/service_truth.py tests/services/redis.py tests/services/postgres.py \
	tests/services/mariadb.py tests/services/nginx.py tests/services/runtimes.py \
	tests/services/held_lock.py tests/services/HeldMonitor.java tests/services/held_mutex.go \
	tests/services/event_loop.js

# One of each kind, for lab.sh -q.
LAB_QUICK = \
	munmap_large mutex_sleep flock_convoy stopped producer_pipe idle_pool \
	full_queue.pipe full_accept.unix asked.seccomp queue_lock.sleep lock_forms.polled lock_forms.lost late_answer.burn \
	redis.sleep parked.ptrace healthy_feed.bursty healthy_feed.slow_client healthy_pace.batches
check_PROGRAMS += $(LAB_WORKLOADS) $(LAB_MODE_WORKLOADS)
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
tests_workloads_asked_SOURCES = tests/workloads/asked.c
tests_workloads_asked_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_asked_LDADD = tests/workloads/libworkload.a
tests_workloads_asked_LDFLAGS = -pthread
tests_workloads_full_accept_SOURCES = tests/workloads/full_accept.c
tests_workloads_full_accept_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_full_accept_LDADD = tests/workloads/libworkload.a
tests_workloads_full_accept_LDFLAGS = -pthread
tests_workloads_full_queue_SOURCES = tests/workloads/full_queue.c
tests_workloads_full_queue_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_full_queue_LDADD = tests/workloads/libworkload.a
tests_workloads_full_queue_LDFLAGS = -pthread
tests_workloads_healthy_feed_SOURCES = tests/workloads/healthy_feed.c
tests_workloads_healthy_feed_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_healthy_feed_LDADD = tests/workloads/libworkload.a
tests_workloads_healthy_feed_LDFLAGS = -pthread
tests_workloads_healthy_pace_SOURCES = tests/workloads/healthy_pace.c
tests_workloads_healthy_pace_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_healthy_pace_LDADD = tests/workloads/libworkload.a
tests_workloads_healthy_pace_LDFLAGS = -pthread
tests_workloads_held_semaphore_SOURCES = tests/workloads/held_semaphore.c
tests_workloads_held_semaphore_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_held_semaphore_LDADD = tests/workloads/libworkload.a
tests_workloads_held_semaphore_LDFLAGS = -pthread
tests_workloads_late_answer_SOURCES = tests/workloads/late_answer.c
tests_workloads_late_answer_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_late_answer_LDADD = tests/workloads/libworkload.a
tests_workloads_late_answer_LDFLAGS = -pthread
tests_workloads_lock_forms_SOURCES = tests/workloads/lock_forms.c
tests_workloads_lock_forms_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_lock_forms_LDADD = tests/workloads/libworkload.a
tests_workloads_lock_forms_LDFLAGS = -pthread
tests_workloads_memory_limit_SOURCES = tests/workloads/memory_limit.c
tests_workloads_memory_limit_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_memory_limit_LDADD = tests/workloads/libworkload.a
tests_workloads_memory_limit_LDFLAGS = -pthread
tests_workloads_parked_SOURCES = tests/workloads/parked.c
tests_workloads_parked_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_parked_LDADD = tests/workloads/libworkload.a
tests_workloads_parked_LDFLAGS = -pthread
tests_workloads_queue_lock_SOURCES = tests/workloads/queue_lock.c
tests_workloads_queue_lock_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_queue_lock_LDADD = tests/workloads/libworkload.a
tests_workloads_queue_lock_LDFLAGS = -pthread
tests_workloads_vfork_slow_SOURCES = tests/workloads/vfork_slow.c
tests_workloads_vfork_slow_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_vfork_slow_LDADD = tests/workloads/libworkload.a
tests_workloads_vfork_slow_LDFLAGS = -pthread
