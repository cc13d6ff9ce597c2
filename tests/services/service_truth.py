# SPDX-License-Identifier: Apache-2.0
"""The life of a scenario with a real service, and what it says of itself: the lines of tests/workloads/truth.h.

A scenario is a subclass of Scenario. Its clients are threads or processes of this script, which is no target.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time


def cannot(reason):
    """This host cannot show it."""
    print(reason, file=sys.stderr)
    sys.exit(77)


def need(*programs):
    """The path of the first of these programs that is installed, also where Debian hides a server's."""
    places = os.environ["PATH"] + ":/usr/sbin:/usr/lib/postgresql/15/bin:/usr/lib/postgresql/16/bin:/usr/local/bin"
    for program in programs:
        path = shutil.which(program, path=places)
        if path:
            return path
    cannot(f"{programs[0]} is not installed")
    return None


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def say(**line):
    print(json.dumps(line, separators=(",", ":")), flush=True)


def read_comm(tid):
    try:
        with open(f"/proc/{tid}/comm", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return "-"


def find_threads(pid, name):
    """The threads of a process whose name begins so."""
    found = []
    for tid in sorted(map(int, os.listdir(f"/proc/{pid}/task"))):
        if read_comm(tid).startswith(name):
            found.append(tid)
    return found


def find_children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        return [int(child) for child in file.read().split()]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(ready, what, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if ready():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"{what} did not come up")


def watch_host():
    """Says when this process, and so the service, was kept from a CPU for long."""
    said_ns = 50_000_000
    while True:
        start_ns = now_ns()
        time.sleep(0.01)
        kept_ns = now_ns() - start_ns - 10_000_000
        if kept_ns > said_ns:
            said_ns = kept_ns * 3 // 2
            say(event="kept", tid=os.getpid(), kept_ns=kept_ns)


class Scenario:
    """One service with its clients. A mode says which of its freezes."""

    kinds = ["standstill"]
    verdicts = "frozen|not-sure"
    grade = "plausible"
    unnamed = True  # naming nobody is right, too
    seconds = 2.0
    any_thread = False  # which threads of the service stood still cannot be said

    def __init__(self, mode):
        self.mode = mode
        self.directory = tempfile.mkdtemp(prefix="freezetrap-lab-")
        os.chmod(self.directory, 0o755)
        self.processes = []
        self.target = []
        self.stopping = False
        self.start_ns = self.end_ns = 0
        self.blocked = {}  # of a thread: ns
        self.culprits = []

    def start(self):
        """Starts the service and its clients; sets self.target."""
        raise NotImplementedError

    def freeze(self):
        time.sleep(self.seconds)

    def spawn(self, *command, **options):
        options.setdefault("stdout", subprocess.DEVNULL)
        options.setdefault("stderr", subprocess.DEVNULL)
        process = subprocess.Popen(command, cwd=self.directory, start_new_session=False, **options)
        self.processes.append(process)
        return process

    def client(self, run, *arguments):
        """A thread that asks until the end."""

        def serve():
            try:
                while not self.stopping:
                    run(*arguments)
            except (OSError, ValueError, RuntimeError):
                if not self.stopping:
                    raise

        threading.Thread(target=serve, daemon=True).start()

    def waited(self, tid, since_ns):
        """Thread @tid, of the service or a client, has waited since then: a victim, if that is long and in the freeze."""
        until_ns = now_ns()
        if not self.start_ns or until_ns - since_ns < 50_000_000 or (self.end_ns and since_ns > self.end_ns):
            return
        self.blocked[tid] = self.blocked.get(tid, 0) + until_ns - max(since_ns, self.start_ns)

    def blame(self, tid, process=False):
        """Thread @tid held the others up; or any thread of the process."""
        self.culprits.append({"tid": tid, "comm": read_comm(tid), "process": process})

    def tell(self):
        victims = [{"tid": tid, "comm": read_comm(tid), "blocked_ns": ns, "since_ns": 0, "process": self.any_thread} for tid, ns in self.blocked.items()]
        cause = os.path.basename(sys.argv[0])[:-3] + ("." + self.mode if self.mode else "")
        say(event="truth", cause=cause, pid=os.getpid(), kinds=self.kinds, culprits=self.culprits,
            start_ns=self.start_ns, end_ns=self.end_ns, hold_ns=self.end_ns - self.start_ns, victims=victims,
            blocked_ns=sum(self.blocked.values()), verdicts=self.verdicts, grade=self.grade, unnamed=self.unnamed,
            syscall=None, bytes=0)

    def stop(self):
        self.stopping = True
        for process in reversed(self.processes):
            # Workers of a service that is killed do not end by themselves.
            workers = find_children(process.pid) if process.poll() is None else []
            process.kill()
            for worker in workers:
                try:
                    os.kill(worker, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        for process in self.processes:
            process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


class LineClient:
    """A client program, self.process, that is told what to do line by line."""

    say_done = ""  # the command that prints the line "done"
    process = None

    def ask(self, command):
        """Its last line."""
        self.process.stdin.write(f"{command}\n{self.say_done}\n")
        self.process.stdin.flush()
        last = ""
        while True:
            line = self.process.stdout.readline().strip()
            if line == "done":
                return last
            if not line and self.process.poll() is not None:
                raise OSError(f"{self.process.args[0]} ended")
            last = line


class Healthy(Scenario):
    """Nothing freezes."""

    kinds = ["no-stall"]
    verdicts = "no-stall|not-sure"
    seconds = 6.0


def run(scenarios):
    """@scenarios: by mode."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=list(scenarios), required=True)
    parser.add_argument("--start-after", type=float, default=2)
    parser.add_argument("--healthy", type=float, default=2)
    options = parser.parse_args()
    signals = {signal.SIGUSR1, signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    scenario = scenarios[options.mode](options.mode)
    try:
        scenario.start()
        threading.Thread(target=watch_host, daemon=True).start()
        time.sleep(1)  # of health: its caches are filled, its clients are at their pace
        say(event="ready", pid=os.getpid(), target=",".join(map(str, scenario.target)))
        got = signal.sigtimedwait(signals, options.start_after)
        if got and got.si_signo != signal.SIGUSR1:
            return
        scenario.start_ns = now_ns()
        scenario.freeze()
        scenario.end_ns = now_ns()
        time.sleep(0.3)  # the clients notice
        say(event="thawed", pid=os.getpid())
        signal.sigtimedwait(signals, options.healthy)
        scenario.tell()
    finally:
        scenario.stop()
