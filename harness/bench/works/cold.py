"""Readers of a log that is not in the page cache: how long do sends take meanwhile?

The log is written, the broker stopped, its files are dropped from the page cache, and it starts again (pages that a process has mapped
cannot be dropped from outside). Then sends at a fixed rate are measured alone and beside one disturbance; the same again, from the stop
on, for each: a consumer from offset 0, queries by key, printMsg, deletion of files.
"""
import json
import os
import subprocess
import threading
import time

from works.common import Bench, Failed, ask, clusters, mqload, mqload_command, remoting

RATE = 2000
FILES = 8               # of the log
HOURS = 100             # how old its files look: more than fileReservedTime
KEYS = 10000
CLEAN_AFTER_S = 62      # brokers look for old files from 60 s after their start on


def evict(folder):
    """Drops the files below `folder` from the page cache, as vmtouch -e does."""
    for root, _, names in os.walk(folder):
        for name in names:
            fd = os.open(os.path.join(root, name), os.O_RDONLY)
            try:
                os.fsync(fd)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(fd)


def make_old(folder):
    """All of the log but the last file looks as if written long ago."""
    then = time.time() - HOURS * 3600
    for path in sorted((folder / "commitlog").iterdir())[:-2]:
        os.utime(path, (then, then))


def sends(cluster, seconds):
    """p99 of sends at a fixed rate, from when each was due; us."""
    result = mqload("produce", cluster, "Live", "-r", RATE, "-c", 4, "-i", 64, "-b", 1024, "-s", seconds, "-w", 1)
    return result["latency_us"]["p99"], result["failed"]


def beside(cluster, seconds, what):
    """The same while `what(stop)` runs in a thread; its result too."""
    stop, results = threading.Event(), []
    thread = threading.Thread(target=lambda: results.append(what(stop)))
    thread.start()
    try:
        p99, _ = sends(cluster, seconds)
    finally:
        stop.set()
        thread.join(120)
    if not results:
        raise Failed("the disturbance ended with an error, see above")
    return p99, results[0]


def consume(cluster):
    """Messages per second of one consumer from offset 0."""
    def run(stop):
        command = mqload_command("consume", cluster, "Cold", "-g", f"cold{time.monotonic_ns()}", "-k", 1, "--from", "first", "-s", 3600,
                                 "--set", "pullBatchSize=32")
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        stop.wait()
        child.terminate()
        text = child.communicate(timeout=60)[0]
        try:
            return json.loads(text).get("consumed_per_second", 0)
        except ValueError:
            return 0
    return run


def query(cluster):
    """Queries by key (12) per second; each looks for one of the keys that mqload draws."""
    def run(stop):
        begin, count = time.monotonic(), 0
        with remoting.Connection(cluster.broker_port, 120) as connection:
            while not stop.is_set():
                connection.call(12, {"topic": "Cold", "key": f"k{count * 7919 % KEYS}", "maxNum": "32", "beginTimestamp": "0",
                                     "endTimestamp": str(int(time.time() * 1000) + 60000)})
                count += 1
        return count / (time.monotonic() - begin)
    return run


def print_messages(cluster):
    """Bytes per second that mqadmin printMsg prints."""
    def run(stop):
        command = [str(clusters.BIN / "mqadmin"), "printMsg", "-n", cluster.namesrv, "-t", "Cold", "-d", "false"]
        begin, size = time.monotonic(), 0
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            while not stop.is_set() and (piece := child.stdout.read1(1 << 16)):
                size += len(piece)
            child.terminate()
        return size / (time.monotonic() - begin)
    return run


def delete(cluster):
    """Files of the log that go when their deletion is asked for (329)."""
    def run(stop):
        log = cluster.store / "commitlog"
        before = len(list(log.iterdir()))
        ask(cluster, 329)
        stop.wait()
        return before - len(list(log.iterdir()))
    return run


def measure(kind, folder, options):
    size = int(options.cold_gib * (1 << 30))
    keys = {"mappedFileSizeCommitLog": max(size // FILES, 16 << 20) // 4096 * 4096, "cleanResourceInterval": 1000}
    figures, before = {}, []
    with Bench(kind, folder, keys) as cluster:
        for topic in ("Cold", "Live"):
            cluster.topic(topic, queues=4)
        count = size // 1300
        # few in flight: a cold or loaded Apache refuses what waits for 200 ms
        filled = mqload("produce", cluster, "Cold", "-c", 4, "-i", 16, "-b", 1024, "-N", count, "--keys", KEYS)
        if filled["failed"] > count // 5:
            raise Failed(f"{filled['failed']} of {count} messages for the log failed: {filled.get('first_error')}")
        mqload("produce", cluster, "Live", "-c", 4, "-i", 64, "-s", 2)
        for name, disturb in (("consume", consume), ("query", query), ("print", print_messages), ("delete", delete)):
            cluster.stop()
            if name == "delete":
                make_old(cluster.store)
            evict(cluster.store)
            cluster.start()
            begin = time.monotonic()
            sends(cluster, options.warmup)
            alone, _ = sends(cluster, options.seconds)
            if name == "delete":
                time.sleep(max(0, CLEAN_AFTER_S - (time.monotonic() - begin)))
            p99, result = beside(cluster, options.seconds, disturb(cluster))
            before.append(alone)
            figures[f"cold_{name}_p99"] = p99
            figures[f"cold_{name}_p99_to_before"] = p99 / alone
            figures[f"cold_{name}_rate"] = result
        figures["cold_before_p99"] = sorted(before)[1]
    return figures
