"""What Python asks itself: routes after registration of all kinds, hand-made registrations and hand-made frames."""
import json
import signal
import socket
import struct
import time
import zlib

from . import remoting
from .cluster import BROKER, CLUSTER, wait_until


class Wrong(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Wrong(what)


def cluster_info(cluster):
    header, body = remoting.call(cluster.namesrv_port, 106)
    check(header["code"] == 0, f"106: {header}")
    return body


def restart_broker(cluster, keys=None, options=()):
    before = dict(cluster.keys), list(cluster.java_options)
    check(cluster.stop_broker() in (0, 143), "exit code of the broker")
    gone(cluster)
    cluster.java_options = [*cluster.java_options, *options]
    try:
        cluster.start_broker(keys)
    finally:
        cluster.keys, cluster.java_options = before
    boot(cluster)


def gone(cluster):
    wait_until("end of the route", lambda: remoting.call(cluster.namesrv_port, 105, {"topic": "TBW102"})[0]["code"] == 17, 10)


def boot(cluster):
    """The name server lists the broker, its cluster and its topics."""
    info = cluster_info(cluster)
    for text in (BROKER, CLUSTER, cluster.broker_address):
        check(text.encode() in info, f"106 lacks {text}: {info!r}")
    header, body = remoting.call(cluster.namesrv_port, 105, {"topic": BROKER})
    check(header["code"] == 0 and cluster.broker_address.encode() in body, f"route of the broker's own topic: {header} {body!r}")


def boot_binary(cluster):
    """The same with the binary header serialization (of Apache's side; ours has it by key where it is a client)."""
    restart_broker(cluster, options=["-Drocketmq.serialize.type=ROCKETMQ"])


def boot_compressed(cluster):
    """A compressed registration body; 5.3.3 marks it as plain and its name server fails, so only releases before it."""
    if cluster.kinds[1] == "5.3.3":
        return
    restart_broker(cluster, {"compressedRegister": "true"})


def unregister(cluster):
    """A clean stop takes the route away at once, a kill as soon as the channel is closed; both come back."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        cluster.stop_broker(how)
        gone(cluster)
        cluster.start_broker()
        boot(cluster)


def register(cluster):
    """A broker made by hand registers on one connection, is in the route, and leaves."""
    topic, name = "T_probe_register", "broker-probe"          # 5.3.3's name server refuses a newcomer with one topic alone
    body = json.dumps({"topicConfigSerializeWrapper": {
        "topicConfigTable": {t: {"topicName": t, "readQueueNums": 3, "writeQueueNums": 3, "perm": 6, "order": False,
                                 "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0} for t in (topic, topic + "2")},
        "dataVersion": {"counter": 1, "stateVersion": 0, "timestamp": int(time.time() * 1000)}}, "filterServerList": []}).encode()
    fields = {"brokerName": name, "brokerAddr": "127.0.0.1:19999", "clusterName": "ProbeCluster", "haServerAddr": "127.0.0.1:20000",
              "brokerId": "0", "compressed": "false", "bodyCrc32": str(zlib.crc32(body) & 0x7fffffff)}
    with remoting.Connection(cluster.namesrv_port) as connection:
        header, _ = connection.call(103, {**fields, "bodyCrc32": "1"}, body)
        check(header["code"] != 0, f"a wrong checksum was taken: {header}")
        header, _ = connection.call(103, fields, body)
        check(header["code"] == 0, f"103: {header}")
        header, route = connection.call(105, {"topic": topic})
        check(header["code"] == 0 and b"127.0.0.1:19999" in route, f"105: {header} {route!r}")
        header, _ = connection.call(104, {k: fields[k] for k in ("brokerName", "brokerAddr", "clusterName", "brokerId")})
        check(header["code"] == 0, f"104: {header}")
        wait_until("end of the route", lambda: connection.call(105, {"topic": topic})[0]["code"] == 17, 10)


def frames(cluster):
    """Good and bad frames: an unknown code is answered, three frames in one segment too, bytes one by one too, nonsense closes."""
    ask = {"topic": "T_probe_none"}                   # a name server answers 17, a broker 3 or 17
    for port in (cluster.namesrv_port, cluster.broker_port):
        with remoting.Connection(port) as connection:
            if port == cluster.broker_port or cluster.kinds[0] != "4.9.7":      # whose name server never answers an unknown code
                header, _ = connection.call(9999)
                check(header["code"] == 3, f"unknown code: {header}")
            header, _ = connection.call(105, ask, version=399)
            check(header["code"] in (3, 17), f"105 of an old client: {header}")
            connection.send(b"".join(remoting.frame(105, ask, opaque=n) for n in (71, 72, 73)))
            check({connection.receive()[0]["opaque"] for _ in range(3)} == {71, 72, 73}, "three frames in one segment")
            for byte in remoting.frame(105, ask, opaque=74):
                connection.send(bytes([byte]))
            check(connection.receive()[0]["opaque"] == 74, "a frame byte by byte")
        for bad in (struct.pack(">I", 0x7fffffff), struct.pack(">i", -5)):
            with remoting.Connection(port) as connection:
                connection.send(bad + b"x" * 64)
                connection.sock.shutdown(socket.SHUT_WR)
                try:
                    check(connection.sock.recv(100) == b"", "an answer to a bad length")
                except ConnectionResetError:
                    pass
        check(remoting.call(port, 105, ask)[0]["code"] in (3, 17), "alive after bad frames")


def run(cluster, cases):
    for case in cases:
        begin, ok, text = time.monotonic(), True, ""
        try:
            globals()[case.name](cluster)
        except (Wrong, RuntimeError, OSError) as error:
            ok, text = False, f"{type(error).__name__}: {error}"[:500]
        yield "probe", case, ok, int((time.monotonic() - begin) * 1000), text
