"""Runs cases of java/ in JVMs: one per header serialization, both at once, then one for request code 10, then what must be last."""
import os
import subprocess

from . import deps
from .cluster import _die_with_parent

MODES = {"json": [], "binary": ["-Drocketmq.serialize.type=ROCKETMQ"], "v1": ["-Dorg.apache.rocketmq.client.sendSmartMsg=false"],
         "last": []}
GROUPS = (("json", "binary"), ("v1",)), (("last",),)      # what runs at once; the second part after all other clients


def jvm(release, main, arguments, options=(), folder=".", heap="256m"):
    """Command and environment of one of our Java programs against one release."""
    home = folder / f"client-{release}"
    home.mkdir(exist_ok=True)
    (home / "conf").mkdir(exist_ok=True)
    (home / "conf" / "logback_tools.xml").write_text("<configuration/>")
    command = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Xmx{heap}", *deps.JAVA_OPENS, f"-Duser.home={home}",
               "-Duser.timezone=UTC", f"-Drocketmq.home.dir={home}", "-Drocketmq.client.logLevel=WARN", "-Drocketmq.client.pull.pullMaxIdleTime=120000",
               *options, "-cp", deps.classes(release), main, *map(str, arguments)]
    return command, {**os.environ, "ROCKETMQ_HOME": str(home), "HOME": str(home)}


def _start(cluster, release, mode, names):
    prefix = f"j{release.replace('.', '')}{mode}"
    threads = 1 if mode in ("v1", "last") else 8
    command, env = jvm(release, "Suite", [cluster.namesrv, cluster.broker_address, prefix, threads, *names], MODES[mode], cluster.folder)
    log = open(cluster.folder / f"java-{release}-{mode}.err", "wb")
    return subprocess.Popen(command, env=env, cwd=cluster.folder, stdout=subprocess.PIPE, stderr=log, text=True,
                            preexec_fn=_die_with_parent)


def _collect(child, names, limit):
    """Lines RESULT of a suite -> {case: (ok, ms, text)}; a case without a line failed."""
    try:
        out, _ = child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        child.kill()
        out, _ = child.communicate()
    found = {}
    for line in (out or "").splitlines():
        fields = line.split("\t")
        if fields[0] == "RESULT" and len(fields) == 5:
            found[fields[1]] = (fields[2] == "ok", int(fields[3]), fields[4])
    return {name: found.get(name, (False, 0, f"no result (exit code {child.returncode}); output ends: {(out or '')[-300:]!r}"))
            for name in names}


def run(cluster, release, cases, last, limit=240):
    """-> [(case, mode, ok, ms, text)]."""
    results = []
    for group in GROUPS[last]:
        running = []
        for mode in group:
            names = [c.name for c in cases if mode in c.modes]
            if names:
                running.append((mode, names, _start(cluster, release, mode, names)))
        for mode, names, child in running:
            found = _collect(child, names, limit)
            results += [(case, mode, *found[case.name]) for case in cases if mode in case.modes and case.name in found]
    return results
