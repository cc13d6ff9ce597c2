#!/bin/bash
# A service that forks a process for each connection, meant by the ID of its first one: the processes
# that were there, the one that comes while armed, and the one that comes after the trigger.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test
programs=$(find /usr/lib/postgresql -name initdb 2>/dev/null | sort -V | tail -n 1)
[ -n "$programs" ] && id postgres >/dev/null 2>&1 || skip "PostgreSQL is not installed"
programs=$(dirname "$programs")
chmod 711 "$shm"
mkdir "$shm/pg"
chown postgres "$shm/pg"

pg_serves() { "$programs/psql" -h "$shm/pg" -U postgres -XAtqc 'SELECT 1' >/dev/null 2>&1; }

# connect NAME: a session that stays; sets $backend to the ID of the process that serves it.
connect() {
    mkfifo "$work/$1.fifo"
    "$programs/psql" -h "$shm/pg" -U postgres -XAtq <"$work/$1.fifo" >"$work/$1.pid" 2>&1 9>&- &
    children+=("$!")
    exec {session}>"$work/$1.fifo"
    echo 'SELECT pg_backend_pid();' >&"$session"
    await 20 [ -s "$work/$1.pid" ] || fail "no session"
    backend=$(cat "$work/$1.pid")
}

in_target() { status && [[ ,$(status_of target), == *,"$1",* ]]; }
in_report() { "$analyze" --json "$1" | tr -d ' \n' | grep -q "\"target\":\[[^]]*\b$2\b[^]]*\]"; }

runuser -u postgres -- "$programs/initdb" -A trust -D "$shm/pg/data" >"$work/postgres.out" 2>&1 ||
    fail "initdb: $(cat "$work/postgres.out")"
runuser -u postgres -- "$programs/postgres" -D "$shm/pg/data" -k "$shm/pg" -c listen_addresses= \
    -c fsync=off -c dynamic_shared_memory_type=mmap >>"$work/postgres.out" 2>&1 9>&- &
children+=("$!")
await 60 pg_serves || fail "PostgreSQL does not start: $(cat "$work/postgres.out")"
master=$(head -n 1 "$shm/pg/data/postmaster.pid")

connect before
before=$backend
arm -p "$master" -d 3s
in_target "$master" && in_target "$before" ||
    fail "not of the target when armed: $(status_of target), of $master and $before"
connect later
later=$backend
await 20 in_target "$later" || fail "a process that was forked while armed is not of the target"
trigger --reason "a look at the target" || fail "no trigger"
connect last
last=$backend
await 60 has_captures 1 || fail "no capture"
for pid in "$master" "$before" "$later" "$last"; do
    in_report "${files[0]}" "$pid" ||
        fail "$pid is not of the target in the report: master $master, $before, $later, $last"
done
! in_report "${files[0]}" $$ || fail "others are of the target too"

# The same, recorded by hand.
start_recorder "$work/capture.dat" -p "$master" -d 60s || fail "no recording"
connect hand
stop_recorder || fail "recorder capture"
for pid in "$master" "$last" "$backend"; do
    in_report "$work/capture.dat" "$pid" || fail "$pid is not of the target of a capture by hand"
done
"$analyze" "$work/capture.dat" | head -n 12
disarm
kill -INT "$master" # killed, it would leave its shared memory behind
await 20 not_running "$master" || fail "PostgreSQL does not end"
