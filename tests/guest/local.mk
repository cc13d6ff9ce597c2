# Tests in a guest of qemu, each some minutes where it is emulated: make guest-check,
# and a part of make soak. They skip, with the reason, without qemu or its kernel.
GUEST_TESTS = \
	tests/guest/another-kernel.sh \
	tests/guest/cpu-goes-and-comes.sh \
	tests/guest/host-paused.sh \
	tests/guest/systemd-unit.sh
EXTRA_DIST += $(GUEST_TESTS) tests/guest/lib.sh tests/guest/init
CLEANFILES += tests/guest/*.soak.log

# On the host, for host-paused.sh.
check_PROGRAMS += tests/guest/pause_thread
tests_guest_pause_thread_SOURCES = tests/guest/pause_thread.c
