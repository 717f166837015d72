"""A cluster under measurement, what its processes cost, and the load program."""
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "harness" / "interop"))
from kit import cluster as clusters, remoting  # noqa: E402

JVM = ["-XX:+UseG1GC", "-Xms2g", "-Xmx2g", "-XX:MaxDirectMemorySize=2g"]
TICKS = os.sysconf("SC_CLK_TCK")


class Failed(RuntimeError):
    """A work that could not be measured; the text says why."""


class Bench(clusters.Cluster):
    """A cluster with the defaults of production instead of those of tests."""

    def __init__(self, kind, folder, keys, files=None, more_namesrv=""):
        super().__init__(kind, folder=folder)
        self.files, self.more_namesrv = files, more_namesrv
        self.keys = {"brokerClusterName": "Bench", "brokerName": "broker-a", "brokerId": 0, "brokerIP1": "127.0.0.1",
                     "diskMaxUsedSpaceRatio": 95, **keys}

    def _command(self, role, release, main, arguments):
        command, env = super()._command(role, release, main, arguments)
        if release != "ours":
            flags = JVM if role == "broker" else ["-XX:+UseG1GC", "-Xms256m", "-Xmx512m"]
            small = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel", "-Xms", "-Xmx", "-Xmn", "-XX:MaxDirectMemorySize")
            command = ["java", *flags, *(c for c in command[1:] if not str(c).startswith(small))]
        if self.files and role == "broker":
            command = ["prlimit", f"--nofile={self.files}:{self.files}", *command]
        return command, env

    def _write(self, path, keys):
        if "namesrvAddr" in keys:
            keys = {**keys, "namesrvAddr": keys["namesrvAddr"] + self.more_namesrv}
        return super()._write(path, keys)

    def pid(self, role):
        return self.processes[role].child.pid

    def cpu_s(self, role="broker"):
        fields = Path(f"/proc/{self.pid(role)}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def cpu_fine_s(self, role="broker"):
        """The same of the threads that live, to the nanosecond."""
        return sum(int(p.read_text().split()[0]) for p in Path(f"/proc/{self.pid(role)}/task").glob("*/schedstat")) / 1e9

    def memory_mb(self, field, role="broker"):
        """`field` of /proc/PID/status: VmRSS, RssAnon."""
        for line in Path(f"/proc/{self.pid(role)}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
        return 0.0

    def stop(self, timeout=300):
        """Seconds that a clean stop of the broker takes."""
        begin = time.monotonic()
        self.processes["broker"].stop(timeout=timeout)
        return time.monotonic() - begin

    def start(self):
        """Seconds from exec to the route at the name server and an open port (looked at each 50 ms)."""
        begin = time.monotonic()
        self.start_broker()
        return time.monotonic() - begin


def mqload_command(work, cluster, topic, *options):
    return [str(c) for c in (clusters.BIN / "mqload", work, "-n", cluster.namesrv, "-t", topic, "--json", "--quiet", *options)]


def mqload(work, cluster, topic, *options):
    """The result of one run of mqload."""
    command = mqload_command(work, cluster, topic, *options)
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise Failed(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr[-800:]}") from None


def ask(cluster, code, ext=None, body=b""):
    """One request to the broker; its answer must be good."""
    header, answer = remoting.call(cluster.broker_port, code, ext, body, timeout=60)
    if header["code"]:
        raise Failed(f"request {code}: {header}")
    return header, answer
