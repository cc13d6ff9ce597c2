#!/bin/bash
# The cron line and the watchdog of recorder(1), as they are printed there, see a
# Redis and a PostgreSQL that answer no more, and have one capture written.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test
need_program runuser
page=${srcdir:-.}/man/recorder.1
bin=$work/bin # what the examples call, of this test
mkdir "$bin"

# example FIRST: the example of the page whose first line begins so
example() {
    awk -v first="$1" '/^\.nf$/ { getline; on = index($0, first) == 1 } /^\.fi$/ { on = 0 } on' "$page" |
        sed 's/\\-/-/g'
}

# stand_in NAME COMMAND
stand_in() {
    printf '#!/bin/sh\nexec %s\n' "$2" >"$bin/$1"
    chmod +x "$bin/$1"
}

# one_capture KIND REASON: there is one more since the last call, and it says so
one_capture() {
    captured=$((captured + 1))
    await 60 has_captures "$captured" || fail "no capture: $(cat "$work/arm.err")"
    report "${files[-1]}"
    expect findings.0.kind "$1"
    [[ $(report_of capture.trigger.reason) =~ $2 ]] ||
        fail "the reason is $(report_of capture.trigger.reason)"
}

no_further_capture() {
    find_captures
    [ "${#files[@]}" = "$captured" ] || fail "more captures than freezes: ${files[*]}"
}

# frozen COMMAND...: the target is stopped until it ends
frozen() {
    local status=0
    kill -STOP "$target_pid"
    "$@" || status=$?
    kill -CONT "$target_pid"
    return "$status"
}

# start_watchdog: of the page, or what the test made of it; sets $watchdog
start_watchdog() {
    PATH=$bin:$PATH sh "$work/watchdog" >"$work/watchdog.out" 2>&1 9>&- &
    watchdog=$!
    children+=("$watchdog")
}

end_watchdog() {
    kill -KILL -- "-$watchdog"
    reap "$watchdog" 2>/dev/null
    ! grep -v '^trigger [0-9]* accepted$' "$work/watchdog.out" || fail "the watchdog says otherwise"
}

stand_in recorder "$recorder \"\$@\" --control=$control"
captured=0

echo "== the cron line"
start_redis
stand_in redis-cli "$(command -v redis-cli) -s $shm/redis \"\$@\""
arm -p "$target_pid" -d 500ms
example PATH= >"$work/cron"
path=$(sed -n 's/^PATH=//p' "$work/cron")
line=$(sed -n 's/^\* \* \* \* \* root //p' "$work/cron")
[ -n "$path" ] && [ -n "$line" ] || fail "no cron line in $page"
as_cron() { env -i HOME=/root LOGNAME=root SHELL=/bin/sh PATH="$bin:$path" /bin/sh -c "$line" >"$work/mail" 9>&-; }
as_cron
no_further_capture
[ ! -s "$work/mail" ] || fail "cron would mail: $(cat "$work/mail")"
frozen as_cron
one_capture process-stopped '^no pong for 2 s$'

echo "== the watchdog, for Redis"
example '#!/bin/sh' |
    sed "s|timeout 2 runuser -u postgres -- psql -XqAt -c 'SELECT 1'|timeout 2 redis-cli ping|" >"$work/watchdog"
grep -q 'redis-cli ping' "$work/watchdog" || fail "the watchdog of $page asks otherwise"
start_watchdog
for _ in 1 2; do # one capture each
    sleep 1.5 # it is answered
    no_further_capture
    frozen sleep 5
    one_capture process-stopped 'no answer for [0-9]+ ms$'
done
end_watchdog
no_further_capture
disarm
reap_redis() { kill -KILL "$target_pid" && reap "$target_pid" 2>/dev/null; }
reap_redis

echo "== the watchdog, for PostgreSQL"
programs=$(find /usr/lib/postgresql -name initdb 2>/dev/null | sort -V | tail -n 1)
if [ -z "$programs" ] || ! id postgres >/dev/null 2>&1; then
    echo "not tried: PostgreSQL is not installed"
    exit 0
fi
programs=$(dirname "$programs")
example '#!/bin/sh' >"$work/watchdog"
chmod 711 "$shm"
mkdir "$shm/pg"
chown postgres "$shm/pg"
export PGHOST=$shm/pg PGPORT=5432
cd /
runuser -u postgres -- "$programs/initdb" -A trust -D "$shm/pg/data" >"$work/postgres.out" 2>&1 ||
    fail "initdb: $(cat "$work/postgres.out")"
runuser -u postgres -- "$programs/postgres" -D "$shm/pg/data" -k "$shm/pg" -c listen_addresses= \
    -c shared_buffers=4MB >"$work/postgres.out" 2>&1 9>&- &
children+=($!)
answers() { [ "$(runuser -u postgres -- psql -XqAt -c 'SELECT 1' 2>/dev/null)" = 1 ]; }
await 30 answers || fail "PostgreSQL does not start: $(cat "$work/postgres.out")"
cd - >/dev/null || exit
target_pid=$(head -n 1 "$shm/pg/data/postmaster.pid")
captures=$work/captures-pg
captured=0
arm -p "$target_pid" -d 500ms
start_watchdog
sleep 1.5
no_further_capture
frozen sleep 6
one_capture process-stopped '^psql: no answer for [0-9]+ ms$'
end_watchdog
no_further_capture
disarm
