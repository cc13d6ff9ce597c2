#!/bin/sh
# Makes ./configure. With --install-deps, installs the packages needed instead.
set -eu
cd "$(dirname "$0")"

# Keep these lists and the ones in README.md the same.
debian_build="gcc libc6-dev make autoconf automake pkgconf xz-utils
    zlib1g-dev libdw-dev libtraceevent-dev libcap-ng-dev libunwind-dev
    libpfm4-dev libiberty-dev uthash-dev libcmocka-dev libjansson-dev libcurl4-openssl-dev"
debian_tests="clang strace stress-ng redis-server"
fedora_build="gcc make autoconf automake pkgconf-pkg-config xz diffutils
    zlib-devel elfutils-devel libtraceevent-devel libcap-ng-devel libunwind-devel
    libpfm-devel binutils-devel uthash-devel libcmocka-devel jansson-devel libcurl-devel"
fedora_tests="clang strace stress-ng redis libasan libubsan"

usage() {
    cat <<USAGE
Usage: ./autogen.sh                         make ./configure with autoreconf
       ./autogen.sh --install-deps [tests]  install what building needs; with
                                            "tests", also what the tests run
USAGE
}

# Prints which of the packages given are not installed.
debian_missing() {
    for package; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            printf '%s ' "$package"
    done
}

fedora_missing() {
    for package; do
        rpm -q --quiet --whatprovides "$package" || printf '%s ' "$package"
    done
}

# need_root COMMAND: only root installs.
need_root() {
    [ "$(id -u)" = 0 ] && return
    echo "autogen.sh: packages are missing and only root can install them. As root:" >&2
    echo "  $1" >&2
    exit 1
}

install_deps() {
    # Word splitting of the lists is wanted.
    # shellcheck disable=SC2086
    if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
        missing=$(debian_missing $debian_build ${1:+$debian_tests})
        install="apt-get install --yes --no-install-recommends $missing"
    elif command -v dnf >/dev/null; then
        missing=$(fedora_missing $fedora_build ${1:+$fedora_tests})
        install="dnf install --assumeyes $missing"
    else
        echo "autogen.sh: neither apt-get nor dnf is here. Install what these packages hold:" >&2
        echo "  Debian, Ubuntu:" $debian_build ${1:+$debian_tests} >&2
        echo "  Fedora, RHEL:  " $fedora_build ${1:+$fedora_tests} >&2
        exit 1
    fi
    [ -n "$missing" ] || return 0
    need_root "$install"
    echo "autogen.sh: $install"
    case $install in
    apt-get*)
        export DEBIAN_FRONTEND=noninteractive
        apt-get update --quiet --quiet ||
            echo "autogen.sh: apt-get update failed; trying with the package lists there are." >&2
        install="apt-get install --yes --quiet --quiet --no-install-recommends $missing"
        ;;
    dnf*)
        install="dnf install --assumeyes --quiet $missing"
        ;;
    esac
    # shellcheck disable=SC2086
    if ! $install </dev/null; then
        echo "autogen.sh: could not install: $missing" >&2
        case $install in
        apt-get*) echo "  Ubuntu needs the universe component." >&2 ;;
        dnf*) echo "  RHEL and its relatives need the CRB and EPEL repositories." >&2 ;;
        esac
        exit 1
    fi
}

case ${1-} in
"")
    if ! command -v autoreconf >/dev/null; then
        echo "autogen.sh: autoreconf is missing: run ./autogen.sh --install-deps as root first." >&2
        exit 1
    fi
    exec autoreconf --install --force
    ;;
--install-deps)
    case ${2-} in
    "" | tests) install_deps "${2-}" ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
    ;;
--help)
    usage
    ;;
*)
    usage >&2
    exit 2
    ;;
esac
