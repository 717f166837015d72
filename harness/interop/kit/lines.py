"""Programs that print RESULT lines: how they are started and read (java.py reads the same lines)."""
import os
import subprocess

from . import deps
from .cluster import _die_with_parent


def parse(out, code, names):
    """Lines RESULT -> {case: (ok, ms, text)}; a case without a line failed."""
    found = {}
    for line in (out or "").splitlines():
        fields = line.split("\t")
        if fields[0] == "RESULT" and len(fields) == 5:
            found[fields[1]] = (fields[2] == "ok", int(fields[3]), fields[4])
    return {name: found.get(name, (False, 0, f"no result (exit code {code}); output ends: {(out or '')[-300:]!r}")) for name in names}


def finish(child, names, limit):
    try:
        out, _ = child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        child.kill()
        out, _ = child.communicate()
    return parse(out, child.returncode, names)


def marked(cluster, cases):
    """Names for a command line; a question mark before what is not expected to pass, so that it gives up early."""
    return ["?" * (case.pending and cluster.kinds[1] == "ours") + case.name for case in cases]


def start(cluster, label, command, env=None):
    log = open(cluster.folder / f"{label}.err", "wb")
    return subprocess.Popen([str(c) for c in command], env={**os.environ, "HOME": str(cluster.folder), **(env or {})}, cwd=cluster.folder,
                            stdout=subprocess.PIPE, stderr=log, text=True, preexec_fn=_die_with_parent)


def run(cluster, who, command, cases, limit=150):
    """-> (who, case, ok, ms, text) of each case of one program."""
    child = start(cluster, who.split()[0], [*command, cluster.namesrv, cluster.broker_address, who.split()[0].replace("-", ""),
                                            *marked(cluster, cases)])
    found = finish(child, [case.name for case in cases], limit)
    return [(who, case, *found[case.name]) for case in cases]


def go(cluster, cases):
    return run(cluster, "go v2.1.2", [deps.go_program()], cases)


def node(cluster, cases):
    for case in cases:
        cluster.topic(f"T_alions_{case.name}", 2)         # this client does not send to a topic without a route
    return run(cluster, "ali-ons 3.12.0", ["node", deps.node_program()], cases)
