# shellcheck shell=bash
# What the guest tests share: boot a Debian kernel in qemu, with the programs of
# the build directory and of this host in its initramfs, and run live tests there.
# Nothing is installed, and nothing of the host is changed. Sourced, by bash, in the
# build directory.
#
#	GUEST_KERNEL=FILE	this kernel, and not Debian's newest
#	GUEST_ACCEL=kvm		not emulated: faster, where the host can do it

set -u
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
guest_package=linux-image-cloud-amd64
guest_cpus=2
guest_mb=1024
guest_seconds=600
guest_init=/init
guest_extra() { :; } # puts more into $root
guest_options=() # of qemu, more
guest_host() { :; } # on the host, while the guest runs, and $guest; qemu's pid is in $work/pid
# Of this host, with the libraries they need. Those that are not here are missed by who needs them.
guest_programs=(awk basename bash cat chmod cmp cp cut date dd df dirname env find flock getconf grep
    head hostname id ip kill ln ls mkdir mkfifo mktemp mount mountpoint mv nproc pgrep ps
    readlink redis-cli redis-server rm rmdir sed seq setpriv sh sleep sort stat strace stress-ng stty
    sync tail taskset tee timeout touch tr true truncate umount uname uniq wc yes)
guest_built=(recorder/recorder analyzer/analyze tests/live/compare_truth
    tests/live/modes_lose_nothing tests/workloads/hashmap_resize)

# guest_test: skips where there can be no guest; a directory of its own ($work).
guest_test() {
    [ "$(uname -m)" = x86_64 ] || skip "the guest is an x86_64"
    need_program qemu-system-x86_64
    command -v cpio busybox >/dev/null || skip "neither cpio nor busybox is installed"
    find_kernel
    mkdir -p tests/guest
    work=$(mktemp -d "$PWD/tests/guest/$(basename "$0" .sh).XXXXXX")
    trap live_cleanup EXIT
    trap 'exit 1' INT TERM HUP
}

# find_kernel: sets $kernel. Debian's is fetched once, and unpacked beside the tests.
find_kernel() {
    local cache=$PWD/tests/guest/kernel package
    kernel=${GUEST_KERNEL-}
    if [ -z "$kernel" ]; then
        if ! compgen -G "$cache/boot/vmlinuz-*" >/dev/null; then
            need_program apt-get
            need_program dpkg-deb
            mkdir -p "$cache"
            package=$(apt-cache depends "$guest_package" 2>/dev/null |
                awk '/Depends: linux-image/ { print $2 }')
            (cd "$cache" && [ -n "$package" ] && apt-get download "$package" &&
                dpkg-deb -x "$package"_*.deb .) >"$cache/log" 2>&1 ||
                skip "no kernel: apt-get cannot download $guest_package"
            rm -rf "${cache:?}"/*.deb "${cache:?}/lib" "${cache:?}/usr"
        fi
        kernel=$(compgen -G "$cache/boot/vmlinuz-*" | sort -V | tail -n 1)
    fi
    [ -r "$kernel" ] || skip "no kernel: $kernel cannot be read"
}

# copy_with_libraries FILE...: each to its own path under $root.
copy_with_libraries() {
    local file
    for file; do
        cp -L --parents "$file" "$root" || return
        ldd "$file" 2>/dev/null | grep -o '/[^ ]*'
    done | sort -u | xargs -r cp -Lu --parents -t "$root"
}

# make_initramfs TEST...: $work/initramfs, which runs these.
make_initramfs() {
    local program path
    root=$work/root
    mkdir -p "$root"/{bin,dev,proc,sys,run,tmp,etc,var/tmp,build,source/tests}
    for program in "${guest_programs[@]}"; do
        path=$(type -P "$program") || continue
        copy_with_libraries "$path" || return
        [ "$path" = "/bin/$program" ] || ln -sf "$path" "$root/bin/$program"
    done
    copy_with_libraries "$(ldconfig -p | sed -n 's/.*libgcc_s.so.1 .*x86-64.* => //p' | head -n 1)"
    for program in "${guest_built[@]}"; do
        copy_with_libraries "$PWD/$program"
        mkdir -p "$root/build/$(dirname "$program")"
        mv "$root/$PWD/$program" "$root/build/$program" || return
    done
    cp -r "${srcdir:-.}/tests/live" "${srcdir:-.}/tests/guest" "$root/source/tests/"
    cp /etc/passwd /etc/group "$root/etc/"
    cp "${srcdir:-.}/tests/guest/init" "$root/init"
    printf '%s\n' "$@" >"$root/tests"
    guest_extra || return
    (cd "$root" && find . -print0 | if command -v cpio >/dev/null; then
        cpio -0 -o -H newc --quiet
    else
        tr '\0' '\n' | busybox cpio -o -H newc
    fi) >"$work/initramfs" && rm -rf "$root"
}

# run_in_guest TEST...: tests/live/x.sh or such; each must pass there.
run_in_guest() {
    local test status failed=0 guest
    make_initramfs "$@" || fail "no initramfs"
    timeout -k 5 "$guest_seconds" qemu-system-x86_64 -machine q35 \
        -accel "${GUEST_ACCEL:-tcg,thread=multi}" -cpu max -smp "$guest_cpus" -m "$guest_mb" \
        -kernel "$kernel" -initrd "$work/initramfs" -append "console=ttyS0 quiet panic=-1 rdinit=$guest_init" \
        -nic none -display none -monitor none -no-reboot \
        -serial "file:$work/console" -serial "file:$work/results" -pidfile "$work/pid" \
        ${guest_options[@]+"${guest_options[@]}"} </dev/null >"$work/qemu" 2>&1 &
    guest=$!
    children+=("$guest")
    guest_host
    reap "$guest" || echo "qemu: exit status $?: $(cat "$work/qemu")"
    tr -d '\r' <"$work/console"
    for test; do
        status=$(tr -d '\r' <"$work/results" | sed -n "s|^$test ||p")
        echo "== $test: ${status:-not ended}"
        [ "$status" = 0 ] || failed=$((failed + 1))
    done
    [ "$failed" = 0 ] || fail "$failed of $# failed in the guest"
}
