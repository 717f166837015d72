"""Exchange of stores: Apache's broker and ours take turns on one store; each lists the same records, consumers continue at their offsets,
and what ours does not use yet stays as it was. Apache fills it first (so retry, dead letter, delayed and half records are there)."""
import hashlib
import re
import signal
import subprocess

from . import cases as caselist
from . import cluster as clusters
from . import deps, java, remoting

FILE = 1 << 20
KEYS = {"mappedFileSizeCommitLog": FILE, "mappedFileSizeConsumeQueue": 6000, "maxHashSlotNum": 100, "maxIndexNum": 400,
        "transactionCheckInterval": 600000, "flushConsumerOffsetInterval": 500, "flushDelayOffsetInterval": 500, "fileReservedTime": 72}
# files and queues that nothing here gives ours a reason to change: it must leave them byte for byte
UNUSED = ("config/consumerFilter.json", "consumequeue/SCHEDULE_TOPIC_XXXX", "consumequeue/RMQ_SYS_TRANS_HALF_TOPIC",
          "consumequeue/RMQ_SYS_TRANS_OP_HALF_TOPIC")
CLIENT = deps.CLIENTS[0]              # what fills and reads
HOW = {"clean": signal.SIGTERM, "kill": signal.SIGKILL}


class Wrong(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Wrong(what)


def tool(cluster, *words):
    """Runs java/Store.java and returns its lines."""
    command, env = java.jvm(CLIENT, "Store", [cluster.namesrv, cluster.broker_address, "store", *words], folder=cluster.folder)
    done = subprocess.run([str(c) for c in command], env={**deps.os.environ, **env}, cwd=cluster.folder, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=300)
    if done.returncode:
        wrong = [line for line in done.stdout.splitlines() if line.startswith("WRONG")]
        raise Wrong(f"{' '.join(map(str, words))}: {wrong or done.stderr[-1500:]}")
    return done.stdout.splitlines()


def listing(lines):
    """{(topic, queue, offset): fields} of every record, and {(topic, queue): (min, max)}, of each word "list" of one run of the tool."""
    found = []
    for line in lines:
        fields = line.split("\t")
        if fields[0] == "LIST":
            found.append(({}, {}))
        elif fields[0] == "RECORD":
            found[-1][0][fields[1], int(fields[2]), int(fields[3])] = fields[4:]
        elif fields[0] == "QUEUE":
            found[-1][1][fields[1], int(fields[2])] = int(fields[3]), int(fields[4])
    return found


def same(before, after, what):
    (old, _), (new, _) = before, after
    for key in sorted(set(old) ^ set(new))[:1]:
        raise Wrong(f"{what}: record {key} is only {'before' if key in old else 'after'} ({len(old)} before, {len(new)} after)")
    for key, fields in old.items():
        check(fields == new[key], f"{what}: record {key} was {fields}, is {new[key]}")


def delay_offsets(store):
    """{level: offset} of delayOffset.json, which each maker writes its own way."""
    text = (store / "config" / "delayOffset.json").read_text()
    return dict(re.findall(r'[{,]\s*"?(\d+)"?\s*:\s*(\d+)', text))


def pending_work():
    """What ours cannot do yet and so must warn of at the start, as cases.tsv says."""
    return [word for case, word in (("delay", "delayed"), ("transaction", "half"))
            if any(c.name == case and c.client == "java" and c.pending for c in caselist.load())]


def unused(store):
    """{path: sha1} of what ours has no reason to change."""
    found = {"config/delayOffset.json": delay_offsets(store)}
    for name in UNUSED:
        path = store / name
        for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
            found[str(file.relative_to(store))] = hashlib.sha1(file.read_bytes()).hexdigest()
    return found


def written(cluster, name, pattern, value):
    """Waits until a configuration file of the broker holds a number: what is not written down is rightly lost by a kill."""
    file = cluster.store / "config" / name

    def ask():
        found = re.search(pattern + r"\s*:\s*(\d+)", file.read_text())
        return found and int(found.group(1)) == value
    clusters.wait_until(f"{value} behind {pattern} in {name}", ask, 20, cluster.processes["broker"])


def committed(cluster, offset):
    written(cluster, "consumerOffset.json", r'"T_store@G_store"\s*:\s*\{\s*"?0"?', offset)


def shape(store):
    """The store must be of the size that the comparison is worth something."""
    logs = sorted(p.name for p in (store / "commitlog").iterdir() if p.name.isdigit())
    units = sorted(p.name for p in (store / "consumequeue" / "T_store" / "0").iterdir())
    index = sorted(p.name for p in (store / "index").iterdir())
    check(len(logs) >= 3 and len(units) >= 2 and len(index) >= 2, f"too small a store: {logs} {units} {index}")
    return logs


def turn(cluster, kind, signal_number):
    """Stops the broker one way, unless it has been stopped, and lets another maker's take its place, store and address."""
    cluster.stop_broker(signal_number)
    clusters.wait_until("end of the route", lambda: remoting.call(cluster.namesrv_port, 105, {"topic": "TBW102"})[0]["code"] == 17, 20)
    before = unused(cluster.store)
    cluster.kinds = (cluster.kinds[0], kind)
    cluster.start_broker()
    return before


def exchange(release, how, turns=4):
    """Apache fills, ours goes on, Apache, ours, Apache: each time the other's records, and more of its own. -> (what is wrong, what was seen)."""
    step, shown = "start", []
    with clusters.Cluster(f"ours+{release}", KEYS) as cluster:
        try:
            cluster.topic("T_store", 1)
            step = "fill by Apache"
            records = listing(tool(cluster, "fill", 0, 1000, "consume", 0, 1000, "dead", "list", "open"))[0]
            committed(cluster, 1000)
            written(cluster, "delayOffset.json", r'[{,]\s*"?1"?', 1)        # else Apache would deliver the retry once more
            logs = shape(cluster.store)
            check(any("%DLQ%" in key[0] for key in records[0]) and any("%RETRY%" in key[0] for key in records[0]), "no retry or dead letter record")
            sent = 1000
            for number, kind in enumerate(("ours", release) * (turns // 2)):
                step = f"turn {number + 1}, {kind}"
                if number == 0:                               # the first file goes as retention would take it, while nobody runs
                    cluster.stop_broker(HOW[how])
                    (cluster.store / "commitlog" / logs[0]).unlink()
                    records = {k: v for k, v in records[0].items() if int(v[0]) >= FILE}, records[1]
                before = turn(cluster, kind, HOW[how])
                # exactly 120: the committed offset was taken over
                now, records_after = listing(tool(cluster, "list", "query", sent - 1, "fill", sent, 120, "consume", sent, 120, "list"))
                same(records, now, step)
                if number == 0:
                    check(now[1]["T_store", 0][0] > 0, f"min offset {now[1]['T_store', 0]} after the first file is gone")
                    # ours logs below HOME/logs, Apache's where their logback file here says
                    log = "".join(p.read_text(errors="replace") for p in cluster.folder.glob("broker-home/logs/rocketmqlogs/broker.log"))
                    for word in pending_work():
                        check(re.search(rf"(?im)^.*\bwarn.* [1-9]\d* {word}\b", log), f"no warning about pending {word} messages at the start")
                records, sent = records_after, sent + 120
                committed(cluster, sent)
                shown.append(f"{kind} {len(now[0])}")
                if kind == "ours":
                    after = unused(cluster.store)
                    changed = {p for p in before.keys() | after.keys() if before.get(p) != after.get(p)}
                    check(not changed, f"ours changed {sorted(changed)}")
            return "", "records listed: " + ", ".join(shown)
        except (Wrong, RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            cluster.keep = True
            return f"{step}: {error}"[:1500] + f" (logs in {cluster.folder})", ""
