#!/bin/bash
# Who has the other end of a full pipe, or of a connection, is the culprit though it wakes nobody and the capture
# lies within the freeze.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
live_test
need_program python3

# await_blocked PID WCHAN: until its thread sleeps there.
await_blocked() {
    local tries
    for ((tries = 0; tries < 1200; tries++)); do
        grep -qs "$2" "/proc/$1/wchan" && return
        sleep 0.05
    done
    fail "process $1 does not wait in $2 but in $(cat "/proc/$1/wchan")"
}

# record PID NAME TEXT: a report that has TEXT. A few seconds of it are enough; where the host is too busy, more are tried.
record() {
    local seconds
    for seconds in 2 8 30; do
        "$recorder" capture -q -f -p "$1" -d ${seconds}s -o "$work/$2.dat" || fail "recorder: exit status $?"
        "$analyze" "$work/$2.dat" >"$work/$2.txt" || fail "analyze: exit status $?"
        tr -s ' \n' ' ' <"$work/$2.txt" >"$work/$2.line"
        grep -q "$3" "$work/$2.line" && return
    done
    cat "$work/$2.txt" >&2
    fail "the report does not say: $3"
}

# A pipe: its reader is stopped. By its own name it is no process of the target.
mkfifo "$work/ready"
python3 -c '
import os, signal, sys
ends = os.pipe()
child = os.fork()
if not child:
    os.close(ends[1])
    open("/proc/self/comm", "w").write("logship")
    os.kill(os.getpid(), signal.SIGSTOP)
os.close(ends[0])
os.waitpid(child, os.WUNTRACED)
with open(sys.argv[1], "w") as ready:
    print(child, file=ready)
while True:
    os.write(ends[1], b"x" * 4096)
' "$work/ready" 9>&- &
writer=$!
children+=("$writer")
read -r reader <"$work/ready"
await_blocked "$writer" pipe_write
record "$writer" pipe "at pipe:.* Process $reader (logship), which alone has its other end, was stopped"
grep -q 'backpressure-stall' "$work/pipe.txt" || fail "the stall is of another kind"

# Two loopback connections: their other end reads nothing. Of a single one that is slow nobody says that it matters.
python3 -c '
import os, signal, socket, sys, threading
listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
child = os.fork()
if not child:
    open("/proc/self/comm", "w").write("backend")
    peers = [listener.accept() for _ in range(2)]
    while True:
        signal.pause()
listener.close()
def send():
    connection = socket.create_connection(("127.0.0.1", port))
    while True:
        connection.sendall(b"x" * 65536)
threading.Thread(target=send, daemon=True).start()
with open(sys.argv[1], "w") as ready:
    print(child, port, file=ready)
send()
' "$work/ready" 9>&- &
sender=$!
children+=("$sender")
read -r receiver port <"$work/ready"
await_blocked "$sender" 'wait_woken\|sk_stream_wait_memory'
record "$sender" tcp "at tcp 127.0.0.1:$port.* Process $receiver (backend), which alone has its other end, was"
