#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Programs of other languages. Modes: python_lock (threads wait for a threading.Lock whose holder sleeps), node_sync (an event
loop computes while its clients wait), java_synchronized (a monitor is held over a sleep), go_mutex (a sync.Mutex too).
"""
import os
import socket
import subprocess
import sys
import threading
import time

import service_truth as truth

HERE = os.path.dirname(os.path.abspath(__file__))


class Runtime(truth.Scenario):
    """Reads a line and then freezes; says a line when it has."""

    kinds = ["standstill", "futex-convoy"]
    victim_names = ""
    holder_name = ""

    def command(self):
        raise NotImplementedError

    def start(self):
        self.process = self.spawn(*self.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().strip()
        if line != "ready":
            raise RuntimeError(f"it said {line!r}")
        self.target = [self.process.pid]
        time.sleep(1)
        self.find_parts()

    def find_parts(self):
        self.victims = truth.find_threads(self.process.pid, self.victim_names)
        for tid in truth.find_threads(self.process.pid, self.holder_name):
            self.blame(tid)

    def freeze(self):
        start_ns = truth.now_ns()
        self.process.stdin.write("freeze\n")
        self.process.stdin.flush()
        self.process.stdout.readline()
        for tid in self.victims:
            self.waited(tid, start_ns)


class Python(Runtime):
    victim_names, holder_name = "worker", "holder"
    unnamed = False

    def command(self):
        return sys.executable, os.path.join(HERE, "held_lock.py")


class Java(Runtime):
    victim_names, holder_name = "worker", "holder"
    unnamed = False

    def command(self):
        subprocess.run([truth.need("javac"), "-d", self.directory, os.path.join(HERE, "HeldMonitor.java")], check=True)
        return truth.need("java"), "-XX:+UseSerialGC", "-Xmx128m", "-cp", self.directory, "HeldMonitor"


class Go(Runtime):
    """Its goroutines move between threads, which wait for work meanwhile."""

    any_thread = True

    def command(self):
        program = os.path.join(self.directory, "held_mutex")
        subprocess.run([truth.need("go"), "build", "-o", program, os.path.join(HERE, "held_mutex.go")], check=True,
                       env={**os.environ, "GOCACHE": os.path.join(self.directory, "cache"), "GOFLAGS": "", "GO111MODULE": "off"})
        return (program,)

    def find_parts(self):
        self.victims = [self.process.pid]
        self.blame(self.process.pid, process=True)


class Node(Runtime):
    kinds = ["busy-thread"]
    grade = "strong"
    unnamed = False

    def command(self):
        self.path = os.path.join(self.directory, "sock")
        return truth.need("node"), os.path.join(HERE, "event_loop.js"), self.path

    def find_parts(self):
        self.victims = []
        self.blame(self.process.pid)
        for _ in range(4):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(self.path)
            self.client(self.ask_often, connection)
        time.sleep(1)

    def ask_often(self, connection):
        start_ns = truth.now_ns()
        connection.sendall(b"who?")
        if not connection.recv(64):
            raise OSError("it is gone")
        self.waited(threading.get_native_id(), start_ns)
        time.sleep(0.003)


truth.run({"python_lock": Python, "java_synchronized": Java, "go_mutex": Go, "node_sync": Node})
