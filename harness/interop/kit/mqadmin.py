"""The command lines of mqadmin.tsv, one after the other: Apache's mqadmin in one JVM per release, and ours."""
import base64
import os
import subprocess
import threading
import time

from . import cases as caselist
from . import deps
from .cluster import BIN, BROKER, CLUSTER, _die_with_parent
from .java import jvm


def rows():
    """[(name, arguments, [expected parts])] of mqadmin.tsv."""
    found = []
    for number, line in enumerate((deps.HERE / "mqadmin.tsv").read_text().splitlines(), 1):
        if line.strip() and not line.startswith("# ") and line != "#":
            fields = line.split("\t")
            if len(fields) != 3:
                raise ValueError(f"mqadmin.tsv line {number}: {len(fields)} fields where 3 were expected")
            found.append((fields[0], fields[1].split(" "), fields[2].split(" && ")))
    return found


def judge(text, parts, values):
    """Text of what is wrong, or ''."""
    for part in parts:
        wanted = part.lstrip("!").format_map(values)
        if (wanted in text) == part.startswith("!"):
            thrown = " ".join(line for line in text.splitlines() if "Exception" in line and not line.startswith("\tat"))
            return f"{'found' if part.startswith('!') else 'missing'} {wanted!r} in: {thrown or text[-600:]!r}"
    return ""


def of_ours(parts):
    """What our tool prints for the same: the code in brackets behind its name; and its exit code says whether it went wrong."""
    wrong = any(part.startswith("CODE: ") or part in ("not exist", "no message") for part in parts)
    return [f"({part[6:]})" if part.startswith("CODE: ") else part for part in parts] + ["!exit code 0" if wrong else "exit code 0"]


def commands(cluster, release, unfit):
    """release: of Apache's tool, or "ours"; a JVM keeps a producer and a consumer connected meanwhile. -> (line's name, ok, ms, text)"""
    name = f"m{release.replace('.', '')}"
    command, env = jvm(deps.CLIENTS[0] if release == "ours" else release, "Mqadmin", [cluster.namesrv, cluster.broker_address, name], folder=cluster.folder)
    log = open(cluster.folder / f"mqadmin-{release}.err", "wb")
    child = subprocess.Popen([str(c) for c in command], env={**os.environ, **env}, cwd=cluster.folder, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=log, text=True, preexec_fn=_die_with_parent)
    alarm = threading.Timer(240, child.kill)
    alarm.start()
    try:
        def answer(tag):
            for line in child.stdout:
                if line.startswith(tag + "\t"):
                    return line.rstrip("\n").split("\t")[1:]
            raise RuntimeError(f"mqadmin of {release} ended; see {log.name}")
        def run(words):
            if release == "ours":
                done = subprocess.run([BIN / "mqadmin", *words], cwd=cluster.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                      timeout=60, env={**os.environ, "HOME": str(cluster.folder)})
                return f"{done.stdout}\nexit code {done.returncode}"
            child.stdin.write("\t".join(words) + "\n")
            child.stdin.flush()
            return base64.b64decode(answer("OUT")[0]).decode(errors="replace")

        unique, offset, client = answer("READY")
        values = {"n": cluster.namesrv, "b": cluster.broker_address, "B": BROKER, "c": CLUSTER, "t": f"T_{name}", "g": f"G_{name}",
                  "p": f"P_{name}", "i": unique, "o": offset, "d": client, "a": f"T_{name}_new", "s": f"G_{name}_new"}
        for label, arguments, parts in rows():
            plain, _, only = label.partition("@")
            if (only and release not in only.split(",")) or f"{release}:{plain}@{cluster.kinds[1]}" in unfit:
                continue
            parts = of_ours(parts) if release == "ours" else parts
            begin, text, wrong = time.monotonic(), "", "-"
            end = begin + 20
            while wrong and time.monotonic() < end:         # what a name server or a statistic learns a moment later
                text = run([a.format_map(values) for a in arguments])
                wrong = judge(text, parts, values)
                if wrong and plain not in PATIENT:
                    break
            yield plain, not wrong, int((time.monotonic() - begin) * 1000), wrong
    finally:
        alarm.cancel()
        child.kill()
        child.wait()


PATIENT = ("consumerProgressGroup", "consumerProgressClients", "producerConnection", "producer", "queryMsgByKey", "queryMsgByUniqueKey",
           "topicStatus", "sendMessage", "brokerStatus", "brokerStatusCluster", "statsAll", "statsAllTopic", "topicRouteDeleted", "topicListCluster", "consumerProgress", "brokerConsumeStats")


def run(cluster, cases, releases=deps.CLIENTS):
    for release in releases:
        for name, ok, ms, text in commands(cluster, release, cases[0].unfit):
            row = caselist.Case(name, "mqadmin", ["json"], [], cases[0].state, [])
            yield f"mqadmin-{release}", row, ok, ms, text
