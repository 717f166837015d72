"""Our own tools on any cluster: mqadmin and mqload, with what must be in their output; mqadmin with the lines of mqadmin.tsv, too."""
import os
import subprocess
import time

from . import cases as caselist
from . import mqadmin
from .cluster import BIN, BROKER, CLUSTER

LINES = (
    ("ours_clusterList", "clusterList -n {n}", ("{B}", "{b}")),
    ("ours_updateTopic", "updateTopic -c {c} -t T_ours -r 4 -w 4 -n {n}", ("{b}",)),
    ("ours_topicRoute", "topicRoute -t T_ours -n {n}", ("{b}",)),
    ("ours_sendMessage", "sendMessage -t T_ours -p body -k akey -c atag -n {n}", ("SEND_OK",)),
    ("ours_topicStatus", "topicStatus -t T_ours -n {n}", ("{B}",)),
    ("ours_queryMsgByKey", "queryMsgByKey -t T_ours -k akey -n {n}", ("#Message ID",)),
    ("ours_mqload_produce", "mqload produce -n {n} -t T_ours -c 2 -i 8 -b 1024 -w 0 -N 2000 -q -j", ("2000",)),
    ("ours_mqload_consume", "mqload consume -n {n} -t T_ours -N 2000 -q -j", ('"consumed"',)),
    ("ours_getBrokerConfig", "getBrokerConfig -b {b} -n {n}", ("brokerName",)),
)


def run(cluster, cases):
    values = {"n": cluster.namesrv, "b": cluster.broker_address, "B": BROKER, "c": CLUSTER}
    lines = {name: (line, wanted) for name, line, wanted in LINES}
    for case in cases:
        if case.name == "ours_commands":
            for name, ok, ms, text in mqadmin.commands(cluster, "ours", case.unfit):
                yield "our mqadmin", caselist.Case(name, "ours", ["json"], [], case.state, []), ok, ms, text
            continue
        line, wanted = lines[case.name]
        program, words = ("mqload", line.split()[1:]) if line.startswith("mqload ") else ("mqadmin", line.split())
        begin, text, missing = time.monotonic(), "", "-"
        while missing and time.monotonic() < begin + 15:      # routes and indexes follow a moment later
            try:
                done = subprocess.run([BIN / program, *(w.format_map(values) for w in words)], cwd=cluster.folder, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, timeout=60, env={**os.environ, "HOME": str(cluster.folder)})
            except subprocess.TimeoutExpired:
                missing = ["an end within 60 s"]
                break
            text = done.stdout
            missing = [w for w in wanted if w.format_map(values) not in text] or ([f"exit code {done.returncode}"] if done.returncode else [])
        yield f"our {program}", case, not missing, int((time.monotonic() - begin) * 1000), f"missing {missing}: {text[-400:]!r}" if missing else ""
