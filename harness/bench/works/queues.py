"""Many queues: 5,000 topics x 8 with a message each, so that each queue has its file.

Start after a clean stop, the stop itself, and what registrations cost, with few topics and with all.
"""
import json
import socket
import struct
import threading
import time

from works.common import Bench, Failed, ask, clusters, remoting

CALLS = 20


class Sink:
    """A name server that says yes to everything and counts bodies of registrations (103)."""

    def __init__(self):
        self.lock, self.count, self.bytes = threading.Lock(), 0, 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            while len(head := stream.read(8)) == 8:
                length, mark = struct.unpack(">II", head)
                header = json.loads(stream.read(mark & 0xffffff))
                body = stream.read(length - 4 - (mark & 0xffffff))
                if header["code"] == 103:
                    with self.lock:
                        self.count, self.bytes = self.count + 1, self.bytes + length + 4
                if header["flag"] & 2 == 0:
                    connection.sendall(remoting.frame(0, flag=1, opaque=header["opaque"]))
                del body

    def taken(self):
        with self.lock:
            count, size = self.count, self.bytes
            self.count = self.bytes = 0
            return count, size

    def wait(self, least):
        """(registrations, bytes) once `least` came and none followed for half a second."""
        end, seen, since = time.monotonic() + 60, -1, 0
        while time.monotonic() < end:
            with self.lock:
                count = self.count
            if count != seen:
                seen, since = count, time.monotonic()
            elif count >= least and time.monotonic() - since > 0.5:
                break
            time.sleep(0.02)
        return self.taken()


def _frames(first, last):
    return b"".join(remoting.frame(310, {"a": "bench", "b": f"Topic{i // 8:04}", "c": "TBW102", "d": "4", "e": str(i % 8), "f": "0",
                                         "g": "1700000000000", "h": "0", "i": "", "j": "0", "k": "false"}, b"x" * 100)
                    for i in range(first, last))


def _fill(cluster, topics, limit=180):
    """A message into each queue; returns when the last one can be read."""
    with remoting.Connection(cluster.broker_port, 60) as connection:
        for first in range(0, topics * 8, 100):
            end = time.monotonic() + 30
            while True:                       # Apache refuses some when it is slow: those batches come again
                connection.send(_frames(first, first + 100))
                answers = [connection.receive()[0] for _ in range(100)]
                if not any(a["code"] for a in answers):
                    break
                if time.monotonic() > end:
                    raise Failed(f"sends to {topics * 8} queues: {next(a for a in answers if a['code'])}")
    last = {"topic": f"Topic{topics - 1:04}", "queueId": "7"}

    def readable():
        _, answer = None, remoting.call(cluster.broker_port, 30, last)[0]
        return int(answer.get("extFields", {}).get("offset", 0)) >= 1
    clusters.wait_until("dispatch of the last queue", readable, limit, cluster.processes["broker"])


def _registrations(cluster, sink, prefix):
    """Full registrations (each to two name servers), and such of a new topic."""
    sink.wait(0)
    figures, cpu = {}, cluster.cpu_fine_s()
    for _ in range(CALLS):
        ask(cluster, 25, body=b"brokerPermission=6\n")
    count, size = sink.wait(1)
    if count:
        figures[f"{prefix}_registration_cpu"] = (cluster.cpu_fine_s() - cpu) / count * 1000
        figures[f"{prefix}_registration_bytes"] = size / count
    cpu = cluster.cpu_fine_s()
    for i in range(CALLS):
        ask(cluster, 17, {"topic": f"{prefix}New{i}", "defaultTopic": "TBW102", "readQueueNums": "8", "writeQueueNums": "8",
                          "perm": "6", "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false"})
    _, size = sink.wait(1)
    figures[f"{prefix}_topic_cpu"] = (cluster.cpu_fine_s() - cpu) / CALLS * 1000
    figures[f"{prefix}_topic_bytes"] = size / CALLS
    return figures


def measure(kind, folder, options, prefix, topics, files=None):
    sink = Sink()
    figures = {}
    with Bench(kind, folder, {}, files, f";127.0.0.1:{sink.port}") as cluster:
        if files is None:
            figures.update(_registrations(cluster, sink, "few"))
        cluster.stop()
        table = {f"Topic{i:04}": {"order": False, "perm": 6, "readQueueNums": 8, "topicFilterType": "SINGLE_TAG",
                                  "topicName": f"Topic{i:04}", "topicSysFlag": 0, "writeQueueNums": 8} for i in range(topics)}
        config = cluster.store / "config"
        config.mkdir(parents=True, exist_ok=True)
        (config / "topics.json.bak").unlink(missing_ok=True)
        (config / "topics.json").write_text(json.dumps({"dataVersion": {"counter": 100, "timestamp": 1700000000000},
                                                        "topicConfigTable": table}))
        cluster.start()
        _fill(cluster, topics)
        figures[f"{prefix}_stop"] = cluster.stop()
        figures[f"{prefix}_start"] = cluster.start()
        figures[f"{prefix}_rss_anonymous"] = cluster.memory_mb("RssAnon")
        if files is None:
            figures.update(_registrations(cluster, sink, prefix))
    sink.socket.close()
    return figures


def measure_queues(kind, folder, options):
    return measure(kind, folder, options, "queues", options.topics)


def measure_few_files(kind, folder, options):
    return measure(kind, folder, options, "few_files", options.topics, files=4096)


def measure_8000(kind, folder, options):
    return measure(kind, folder, options, "queues8000", min(options.topics, 1000))
