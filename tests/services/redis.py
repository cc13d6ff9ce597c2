#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""redis-server and its clients. Modes: sleep, keys, lua (one command takes long, the other clients wait); idle (healthy)."""
import os
import socket
import threading
import time

import service_truth as truth


class Connection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def ask(self, *words):
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            word = str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self.socket.sendall(b"".join(parts))
        return self.read_reply()

    def read_reply(self):
        line = self.file.readline()
        if not line:
            raise OSError("the server is gone")
        kind, text = line[:1], line[1:].strip()
        if kind == b"$" and int(text) >= 0:
            return self.file.read(int(text) + 2)[:-2]
        if kind == b"*":
            return [self.read_reply() for _ in range(int(text))]
        return text


class Redis(truth.Scenario):
    kinds = ["busy-thread", "slow-producer"]
    grade = "strong"
    unnamed = False
    clients = 4

    def start(self):
        self.path = os.path.join(self.directory, "redis.sock")
        server = self.spawn(truth.need("redis-server"), "--port", "0", "--unixsocket", self.path, "--save", "",
                            "--enable-debug-command", "yes")
        truth.wait_until(lambda: Connection(self.path).ask("PING") == b"PONG", "redis-server")
        self.target = [server.pid]
        self.blame(server.pid)
        if self.mode == "keys":
            Connection(self.path).ask("DEBUG", "POPULATE", 1_500_000)
        for _ in range(self.clients):
            self.client(self.ask_often, Connection(self.path))

    def ask_often(self, connection):
        start_ns = truth.now_ns()
        connection.ask("GET", "key:1")
        self.waited(threading.get_native_id(), start_ns)
        time.sleep(0.003)

    def freeze(self):
        connection = Connection(self.path)
        if self.mode == "sleep":
            connection.ask("DEBUG", "SLEEP", self.seconds)
        elif self.mode == "keys":
            connection.ask("KEYS", "*no*such*key*at*all*")
        else:
            connection.ask("EVAL", "local sum = 0 for i = 1, 60000000 do sum = sum + i % 7 end return sum", 0)


class Idle(truth.Healthy, Redis):
    clients = 1

    def ask_often(self, connection):
        connection.ask("GET", "key:1")
        time.sleep(0.9)

    freeze = truth.Scenario.freeze


truth.run({"sleep": Redis, "keys": Redis, "lua": Redis, "idle": Idle})
