#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
nginx before a back end, a process of Python. Modes: upstream (the back end is stopped for a while, and the clients of
nginx wait); idle (healthy, files, a request now and then).
"""
import http.client
import os
import signal
import sys
import threading
import time

import service_truth as truth

BACK_END = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "3"); self.end_headers(); self.wfile.write(b"ok\\n")
    def log_message(self, *arguments): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""

CONFIGURATION = """
daemon off; worker_processes 1; pid {directory}/pid; error_log /dev/null;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{back}; }} location = /file {{ return 200 "ok"; }} }}
}}
"""


class Upstream(truth.Scenario):
    kinds = ["slow-producer", "standstill"]
    clients = 4
    pause_s = 0.003
    path = "/"

    def start(self):
        server = truth.need("nginx")
        self.port, back = truth.free_port(), truth.free_port()
        self.back_end = self.spawn(sys.executable, "-c", BACK_END, str(back))
        name = os.path.join(self.directory, "nginx.conf")
        with open(name, "w", encoding="utf-8") as file:
            file.write("user root;" + CONFIGURATION.format(directory=self.directory, port=self.port, back=back))
        main = self.spawn(server, "-e", "/dev/null", "-c", name)
        truth.wait_until(self.ask_once, "nginx")
        workers = truth.find_children(main.pid)
        self.target = [main.pid, *workers]
        self.blame(self.back_end.pid, process=True)
        self.blame(workers[0], process=True)  # the clients' own server is as far as some can see
        self.blame(os.getpid(), process=True)  # who stopped it
        for _ in range(self.clients):
            self.client(self.ask_often)

    def ask_once(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", self.path)
        status = connection.getresponse().status
        connection.close()
        return status == 200

    def ask_often(self):
        start_ns = truth.now_ns()
        self.ask_once()
        self.waited(threading.get_native_id(), start_ns)
        time.sleep(self.pause_s)

    def freeze(self):
        self.back_end.send_signal(signal.SIGSTOP)
        time.sleep(self.seconds)
        self.back_end.send_signal(signal.SIGCONT)

    def tell(self):
        # The clients are no target; that nginx itself waits for work looks like want of it.
        self.blocked = {self.target[1]: self.end_ns - self.start_ns}
        super().tell()


class Idle(truth.Healthy, Upstream):
    clients = 1
    pause_s = 0.8
    path = "/file"
    freeze = truth.Scenario.freeze
    tell = truth.Scenario.tell


truth.run({"upstream": Upstream, "idle": Idle})
