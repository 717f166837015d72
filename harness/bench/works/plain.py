"""The works of one broker and one name server: start, memory, sends, a backlog, the way to a consumer, sync flush, registrations."""
import json
import sys
import time

from works.common import Bench, clusters, mqload, remoting


def produce(cluster, topic, seconds, warmup):
    """messages/s, CPU seconds of the broker per million; failed sends are counted and told."""
    before = cluster.cpu_s()
    result = mqload("produce", cluster, topic, "-c", 16, "-i", 32, "-b", 1024, "-s", seconds, "-w", warmup)
    total = result["per_second"] * (seconds + warmup)  # the warm-up costs too
    cpu = cluster.cpu_s() - before
    if result["failed"]:
        print(f"real: {cluster.kind}: {result['failed']} sends failed: {result.get('first_error')}", file=sys.stderr)
    return result["per_second"], cpu / (total / 1e6)


def _measure(cluster, opened, options):
    figures = {}
    result = mqload("produce", cluster, "First", "-c", 1, "-i", 1, "-m", "sync", "-N", 1, "-w", 0)
    figures["start_to_first_send"] = time.monotonic() - opened - result["seconds"]
    time.sleep(2)  # what a start leaves to do
    figures["idle_rss_namesrv"] = cluster.memory_mb("VmRSS", "namesrv")
    figures["idle_rss_broker"] = cluster.memory_mb("VmRSS")
    cluster.topic("Load", queues=8)
    cluster.topic("Depth", queues=8)
    cluster.topic("Way", queues=8)
    rate, cpu = produce(cluster, "Load", options.seconds, options.warmup)
    figures["produce_async"], figures["produce_async_broker_cpu"] = rate, cpu
    figures["rss_anonymous_after"] = cluster.memory_mb("RssAnon")
    depth = mqload("produce", cluster, "Depth", "-c", 1, "-i", 1, "-m", "sync", "-s", options.seconds, "-w", 2)["latency_us"]
    figures["produce_depth1_p50"], figures["produce_depth1_p99"] = depth["p50"], depth["p99"]
    count = int(min(rate * options.seconds, options.backlog))
    figures["consume_backlog"] = mqload("consume", cluster, "Load", "-g", "bench", "-k", 4, "-N", count,
                                        "--set", "pullBatchSize=32")["consumed_per_second"]
    way = mqload("both", cluster, "Way", "-r", 1000, "-c", 1, "-k", 1, "-s", options.seconds, "-w", 3)["produce_to_consume_us"]
    figures["produce_to_consume_p50"], figures["produce_to_consume_p99"] = way["p50"], way["p99"]
    return figures


def measure(kind, folder, options):
    opened = time.monotonic()
    with Bench(kind, folder, {}) as cluster:
        return _measure(cluster, opened, options)


def measure_sync_flush(kind, folder, options):
    with Bench(kind, folder, {"flushDiskType": "SYNC_FLUSH"}) as cluster:
        cluster.topic("Load", queues=8)
        rate, cpu = produce(cluster, "Load", options.seconds, options.warmup)
    return {"produce_sync_flush": rate, "produce_sync_flush_broker_cpu": cpu}


class Registrations:
    """Brokers as a name server sees them: a connection each, and the same 100 topics."""

    def __init__(self, port, brokers, topics):
        table = {f"Topic{i}": {"order": False, "perm": 6, "readQueueNums": 8, "topicFilterType": "SINGLE_TAG",
                               "topicName": f"Topic{i}", "topicSysFlag": 0, "writeQueueNums": 8} for i in range(topics)}
        self.body = json.dumps({"filterServerList": [], "topicConfigSerializeWrapper": {
            "dataVersion": {"counter": 12, "timestamp": 1700000000000}, "topicConfigTable": table}}).encode()
        self.connections = [remoting.Connection(port, 60) for _ in range(brokers)]

    def register(self):
        for number, connection in enumerate(self.connections):
            address = f"10.1.{number >> 8}.{number & 255}:10911"
            header, _ = connection.call(103, {
                "brokerName": f"broker-{number}", "brokerAddr": address, "clusterName": "Bench", "haServerAddr": address,
                "brokerId": "0", "compressed": "false", "bodyCrc32": "0"}, self.body)
            if header["code"] != 0:
                raise RuntimeError(f"registration {number}: {header}")

    def close(self):
        for connection in self.connections:
            connection.sock.close()


def _measure_namesrv(cluster):
    """1,000 brokers with 100 topics each register four times over connections of their own."""
    figures = {}
    connections = Registrations(cluster.namesrv_port, 1000, 100)
    for _ in range(2):
        connections.register()
    before = cluster.cpu_s("namesrv")
    for _ in range(2):
        connections.register()
    figures["namesrv_cpu_per_1000_registrations"] = (cluster.cpu_s("namesrv") - before) / 2
    figures["namesrv_rss_1000_brokers"] = cluster.memory_mb("VmRSS", "namesrv")
    begin = time.monotonic()
    connections.close()
    clusters.wait_until("end of the route", lambda: remoting.call(cluster.namesrv_port, 105, {"topic": "Topic0"})[0]["code"] == 17,
                        60)
    figures["namesrv_route_gone"] = time.monotonic() - begin
    return figures


def measure_namesrv(kind, folder, _options):
    with Bench(kind, folder, {}) as cluster:
        return _measure_namesrv(cluster)
