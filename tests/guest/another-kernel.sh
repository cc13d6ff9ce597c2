#!/bin/bash
# Live tests of a host, on another kernel: Debian's, as servers have it.
if [ -z "${IN_GUEST-}" ]; then
    # shellcheck source=tests/guest/lib.sh
    . "${srcdir:-.}/tests/guest/lib.sh"
    guest_mb=3072
    guest_test
    # The first is this file, in the guest.
    run_in_guest tests/guest/another-kernel.sh tests/live/law-of-conservation.sh \
        tests/live/no-bpf-syscall.sh tests/live/bad-input.sh tests/live/stress-loses-nothing.sh \
        tests/live/arm-survives.sh tests/live/demo-names-the-culprit.sh
    exit
fi
recorder/recorder check
