"""One name server and one broker, each ours or Apache's, on ports and in folders of their own.

A kind is "NAMESRV+BROKER", each of them "ours" or a release of Apache ("4.9.7", "5.3.3"); "ours" alone and "apache-4.9.7" mean both.
Nothing sleeps a fixed time: readiness is the name server's own answer about the broker's route.
"""
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from . import deps, remoting

PROJECT = deps.HERE.parent.parent
BIN = Path(os.environ.get("WINDTUNNEL_BIN", PROJECT / "build" / "release" / "bin"))
CLUSTER, BROKER = "InteropCluster", "broker-a"
NAMESRV_MAIN = "org.apache.rocketmq.namesrv.NamesrvStartup"
BROKER_MAIN = "org.apache.rocketmq.broker.BrokerStartup"
# what every broker here gets: small files, short times; all of them keys of both releases (consume queue files of 307 units, a prime: 4.9.7's
# cleanExpiredCQ fails while some queue's last file is full)
BROKER_KEYS = {
    "brokerClusterName": CLUSTER, "brokerName": BROKER, "brokerId": 0, "brokerIP1": "127.0.0.1",
    "mappedFileSizeCommitLog": 1 << 22, "mappedFileSizeConsumeQueue": 6140, "maxHashSlotNum": 100, "maxIndexNum": 400,
    "maxMessageSize": 131072, "waitTimeMillsInSendQueue": 5000, "diskMaxUsedSpaceRatio": 95, "defaultTopicQueueNums": 8, "enablePropertyFilter": "true",
    "messageDelayLevel": "1s 2s 3s 4s 5s 6s 7s 8s 9s 10s 20s 30s 1m 2m 3m 4m 5m 6m",
    "transactionTimeOut": 1500, "transactionCheckInterval": 2000, "transactionCheckMax": 3,
}
LOGBACK = """<configuration><appender name="F" class="ch.qos.logback.core.FileAppender"><file>{log}</file><encoder>
<pattern>%d %p %t - %m%n</pattern></encoder></appender><root level="INFO"><appender-ref ref="F"/></root></configuration>"""


def parse_kind(kind):
    """kind -> (name server, broker)."""
    if kind == "ours":
        return "ours", "ours"
    if kind.startswith("apache-"):
        return (kind[7:],) * 2
    namesrv, plus, broker = kind.partition("+")
    if not plus or any(part not in ("ours", *deps.SERVERS) for part in (namesrv, broker)):
        raise ValueError(f"kind '{kind}': expected ours, apache-RELEASE or NAMESRV+BROKER of ours, {', '.join(deps.SERVERS)}")
    return namesrv, broker


def free_ports():
    """A port p with p-2 (fast) and p+1 (replication) free as well; below the range that connections take theirs from."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        low = int(file.read().split()[0])
    start = 12000 + (os.getpid() * 97 + time.monotonic_ns() // 1000) % max(low - 13000, 1000)
    for step in range(4000):
        port = 12000 + (start - 12000 + step * 7) % max(low - 13000, 1000)
        try:
            held = []
            for other in (port, port - 2, port + 1):
                sock = socket.socket()
                held.append(sock)
                sock.bind(("127.0.0.1", other))
            return port
        except OSError:
            continue
        finally:
            for sock in held:
                sock.close()
    raise RuntimeError("no free ports")


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    os.nice(5)


class Process:
    """A child that dies with us, its output in a file."""

    def __init__(self, name, command, folder, env=None):
        self.name, self.log = name, folder / f"{name}.out"
        self.file = open(self.log, "ab")
        self.child = subprocess.Popen([str(c) for c in command], cwd=folder, stdout=self.file, stderr=subprocess.STDOUT,
                                      stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}, preexec_fn=_die_with_parent)

    def dead(self):
        return self.child.poll() is not None

    def tail(self, size=2000):
        return self.log.read_bytes()[-size:].decode(errors="replace")

    def stop(self, how=signal.SIGTERM, timeout=40):
        """Ends it and returns its exit code."""
        if not self.dead():
            self.child.send_signal(how)
            try:
                self.child.wait(timeout)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
                raise RuntimeError(f"{self.name} did not end within {timeout} s of signal {how}") from None
            finally:
                self.file.close()
        return self.child.returncode


def wait_until(what, ask, timeout, *processes):
    """Calls ask() until it is true; an exception of connection means not yet. A dead process ends the wait at once."""
    end, why = time.monotonic() + timeout, "no answer"
    while time.monotonic() < end:
        for process in processes:
            if process.dead():
                raise RuntimeError(f"{process.name} ended with code {process.child.returncode} before {what}:\n{process.tail()}")
        try:
            answer = ask()
            if answer:
                return answer
        except (OSError, ValueError) as error:
            why = repr(error)
        time.sleep(0.05)
    raise RuntimeError(f"no {what} within {timeout} s ({why}):\n" + "\n".join(p.tail() for p in processes))


class Cluster:
    """with Cluster(kind) as c: c.namesrv is "127.0.0.1:port", c.broker_address the broker's. folder stays if the block fails."""

    def __init__(self, kind, keys=None, keep=False, folder=None, heap="256m"):
        self.kind, self.keep, self.heap = kind, keep, heap
        self.kinds = parse_kind(kind)
        self.folder = Path(folder or tempfile.mkdtemp(prefix="windtunnel-interop-"))
        self.own = folder is None
        self.keys = {**BROKER_KEYS, **(keys or {})}
        self.processes = {}
        self.java_options = []                  # more options for Apache's processes
        self.namesrv_port = self.broker_port = None

    def __enter__(self):
        try:
            self.start_namesrv()
            self.start_broker()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, kind, *_):
        for process in reversed(list(self.processes.values())):
            try:
                process.stop()
            except RuntimeError as error:
                print(f"interop: {error}", flush=True)
        if self.own and not self.keep and kind is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        elif kind is not None:
            print(f"interop: logs of {self.kind} are in {self.folder}", flush=True)

    @property
    def namesrv(self):
        return f"127.0.0.1:{self.namesrv_port}"

    @property
    def broker_address(self):
        return f"127.0.0.1:{self.broker_port}"

    @property
    def store(self):
        return self.folder / "store"

    def _home(self, role):
        home = self.folder / f"{role}-home"
        (home / "conf").mkdir(parents=True, exist_ok=True)
        for name in ("namesrv", "broker", "tools"):
            (home / "conf" / f"logback_{name}.xml").write_text(LOGBACK.format(log=home / f"{name}.log"))
        return home

    def _command(self, role, release, main, arguments):
        home = self._home(role)
        if release == "ours":
            program = BIN / ("mqnamesrv" if role == "namesrv" else "mqbroker")
            if not program.exists():
                raise deps.Missing(f"{program} is not built (cmake --build --preset release)")
            return [program, *arguments], {"HOME": str(home)}
        command = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xms64m", f"-Xmx{self.heap}", "-Xmn64m",
                   "-XX:MaxDirectMemorySize=256m", *deps.JAVA_OPENS, f"-Duser.home={home}", "-Duser.timezone=UTC",
                   "-Drocketmq.client.logUseSlf4j=false", *self.java_options, "-cp", f"{deps.jars(release)}/*", main, *arguments]
        return command, {"ROCKETMQ_HOME": str(home), "HOME": str(home)}

    @staticmethod
    def _write(path, keys):
        path.write_text("".join(f"{k}={v}\n" for k, v in keys.items()))
        return path

    def start_namesrv(self):
        release = self.kinds[0]
        self.namesrv_port = self.namesrv_port or free_ports()
        home = self._home("namesrv")
        config = self._write(self.folder / "namesrv.properties", {"listenPort": self.namesrv_port, "rocketmqHome": home,
                             "kvConfigPath": home / "kvConfig.json", "configStorePath": self.folder / "namesrv.properties"})
        command, env = self._command("namesrv", release, NAMESRV_MAIN, ["-c", config])
        process = self.processes["namesrv"] = Process("namesrv", command, self.folder, env)
        wait_until("answer of the name server", lambda: remoting.call(self.namesrv_port, 106)[0], 90, process)

    def start_broker(self, keys=None):
        """Starts (again) and waits until the name server lists it."""
        release = self.kinds[1]
        if keys:
            self.keys.update(keys)
        self.broker_port = self.broker_port or free_ports()
        home = self._home("broker")
        config = self._write(self.folder / "broker.conf", {
            **self.keys, "rocketmqHome": home, "namesrvAddr": self.namesrv, "listenPort": self.broker_port,
            "haListenPort": self.broker_port + 1, "storePathRootDir": self.store, "storePathCommitLog": self.store / "commitlog"})
        command, env = self._command("broker", release, BROKER_MAIN, ["-c", config])
        process = self.processes["broker"] = Process("broker", command, self.folder, env)
        wait_until("route of the broker", self.registered, 120, process, self.processes["namesrv"])
        return process

    def registered(self):
        header, body = remoting.call(self.namesrv_port, 105, {"topic": "TBW102"})
        if header["code"] != 0 or f'"{self.broker_address}"'.encode() not in body:
            return False
        remoting.call(self.broker_port, 105, {"topic": "TBW102"})        # it listens
        return True

    def stop_broker(self, how=signal.SIGTERM):
        code = self.processes["broker"].stop(how)
        return code

    def topic(self, name, queues=4, perm=6, order="false"):
        """Creates a topic (17) and waits for its route at the name server."""
        header, _ = remoting.call(self.broker_port, 17, {
            "topic": name, "defaultTopic": "TBW102", "readQueueNums": str(queues), "writeQueueNums": str(queues), "perm": str(perm),
            "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": order})
        if header["code"]:
            raise RuntimeError(f"create topic {name}: {header}")
        wait_until(f"route of {name}", lambda: remoting.call(self.namesrv_port, 105, {"topic": name})[0]["code"] == 0, 30)
