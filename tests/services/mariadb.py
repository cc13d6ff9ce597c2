#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""MariaDB. Mode metadata: ALTER TABLE waits behind a long SELECT of that table, and all that come later wait behind it."""
import os
import subprocess
import time

import service_truth as truth


class Session(truth.LineClient):
    """A client of MariaDB; @tid is the server's thread."""

    say_done = "SELECT 'done';"

    def __init__(self, scenario):
        self.process = scenario.spawn(truth.need("mariadb", "mysql"), "--no-defaults", "-S", scenario.path, "-BNn", "--unbuffered", "lab",
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.tid = int(self.ask("SELECT tid FROM information_schema.processlist WHERE id = connection_id();"))


class Metadata(truth.Scenario):
    def start(self):
        server = truth.need("mariadbd", "mysqld")
        install = truth.need("mariadb-install-db", "mysql_install_db")
        data = os.path.join(self.directory, "data")
        self.path = os.path.join(self.directory, "sock")
        subprocess.run([install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", "--user=root",
                        "--skip-test-db"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        main = self.spawn(server, "--no-defaults", f"--datadir={data}", f"--socket={self.path}", "--skip-networking",
                          "--user=root", "--innodb-flush-log-at-trx-commit=0", "--thread-handling=one-thread-per-connection")
        truth.wait_until(lambda: subprocess.run([truth.need("mariadb", "mysql"), "--no-defaults", "-S", self.path, "-e",
                                                 "CREATE DATABASE IF NOT EXISTS lab"], stderr=subprocess.DEVNULL,
                                                check=False).returncode == 0, "mariadbd")
        self.target = [main.pid]
        self.reader = Session(self)
        self.changer = Session(self)
        self.reader.ask("CREATE TABLE items (id int PRIMARY KEY, value int);")
        self.reader.ask("INSERT INTO items VALUES (1, 0), (2, 0), (3, 0), (4, 0);")
        for i in range(4):
            session = Session(self)
            self.client(self.ask_often, session, i + 1)
        self.blame(self.reader.tid)
        self.blame(self.changer.tid)  # who queues in between is right, too

    def ask_often(self, session, i):
        start_ns = truth.now_ns()
        session.ask(f"SELECT value FROM items WHERE id = {i};")
        self.waited(session.tid, start_ns)
        time.sleep(0.003)

    def freeze(self):
        self.reader.process.stdin.write(f"SELECT id, sleep({self.seconds}) FROM items WHERE id = 1;\n")
        self.reader.process.stdin.flush()
        time.sleep(0.1)
        start_ns = truth.now_ns()
        self.changer.ask("ALTER TABLE items ADD COLUMN more int;")
        self.waited(self.changer.tid, start_ns)


truth.run({"metadata": Metadata})
