#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
PostgreSQL and its sessions. Modes: lock (a session has a table locked and sleeps, others wait for it); idle, and alone (a
session sleeps and nobody needs it), which are healthy.
"""
import os
import pwd
import subprocess
import time

import service_truth as truth


class Session(truth.LineClient):
    """A psql."""

    say_done = "\\echo done"

    def __init__(self, scenario):
        self.process = scenario.spawn(truth.need("psql"), "-XqAt", "-h", scenario.directory, "-U", "postgres", "postgres",
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = int(self.ask("SELECT pg_backend_pid();"))


class Postgres(truth.Scenario):
    kinds = ["standstill", "slow-producer"]
    sessions = 4

    def start(self):
        server, initdb = truth.need("postgres"), truth.need("initdb")
        truth.need("psql")
        try:
            owner = pwd.getpwnam("postgres")
        except KeyError:
            truth.cannot("there is no user postgres")
        os.chown(self.directory, owner.pw_uid, owner.pw_gid)
        data = os.path.join(self.directory, "data")
        subprocess.run([initdb, "-D", data, "-A", "trust", "--no-sync", "-U", "postgres"], check=True, user="postgres",
                       group="postgres", cwd=self.directory, stdout=subprocess.DEVNULL, env={**os.environ, "HOME": self.directory})
        main = self.spawn(server, "-D", data, "-k", self.directory, "-c", "listen_addresses=", "-c", "fsync=off",
                          user="postgres", group="postgres")
        truth.wait_until(lambda: os.path.exists(os.path.join(self.directory, ".s.PGSQL.5432")) and
                         subprocess.run([truth.need("psql"), "-h", self.directory, "-U", "postgres", "-c", "SELECT 1"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0,
                         "postgres")
        self.holder = Session(self)
        self.holder.ask("CREATE TABLE accounts (id int PRIMARY KEY, value int);")
        self.holder.ask("INSERT INTO accounts SELECT i, 0 FROM generate_series(1, 100) i;")
        for i in range(self.sessions):
            session = Session(self)
            self.client(self.ask_often, session, i + 1)
        self.target = [main.pid, *truth.find_children(main.pid)]
        self.blame(self.holder.pid)

    def ask_often(self, session, i):
        start_ns = truth.now_ns()
        session.ask(f"UPDATE accounts SET value = value + 1 WHERE id = {i};")
        self.waited(session.pid, start_ns)
        time.sleep(0.003)

    def freeze(self):
        self.holder.ask(f"BEGIN; LOCK TABLE accounts; SELECT pg_sleep({self.seconds}); COMMIT;")


class Alone(truth.Healthy, Postgres):
    seconds = 4.0

    def freeze(self):
        self.holder.ask(f"SELECT pg_sleep({self.seconds});")


class Idle(truth.Healthy, Postgres):
    def ask_often(self, session, i):
        session.ask("SELECT count(*) FROM accounts;")
        time.sleep(0.7 * i)

    freeze = truth.Scenario.freeze


truth.run({"lock": Postgres, "alone": Alone, "idle": Idle})
