# SPDX-License-Identifier: Apache-2.0
"""Threads share a lock; told so, one has it and sleeps."""
import ctypes
import sys
import threading
import time

lock = threading.Lock()


def name_thread(name):
    ctypes.CDLL(None).prctl(15, name.encode(), 0, 0, 0)


def work(name):
    name_thread(name)
    while True:
        with lock:
            sum(range(2000))
        time.sleep(0.004)


def hold():
    name_thread("holder")
    for _ in sys.stdin:
        with lock:
            time.sleep(2)
        print("thawed", flush=True)


for i in range(5):
    threading.Thread(target=work, args=(f"worker{i}",), daemon=True).start()
holder = threading.Thread(target=hold)
holder.start()
print("ready", flush=True)
holder.join()
