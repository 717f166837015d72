"""Runs cases of java/ in JVMs: one per header serialization, both at once, then one for request code 10, then what must be last."""
from . import deps, lines

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
               "-Drocketmq.client.rebalance.waitInterval=3000",      # 20 s by default: what a member could not lock is tried again then
               *options, "-cp", deps.classes(release), main, *map(str, arguments)]
    return command, {"ROCKETMQ_HOME": str(home), "HOME": str(home)}


def _start(cluster, release, mode, names):
    prefix = f"j{release.replace('.', '')}{mode}"
    threads = 1 if mode in ("v1", "last") else 8
    command, env = jvm(release, "Suite", [cluster.namesrv, cluster.broker_address, prefix, threads, *names], MODES[mode], cluster.folder)
    return lines.start(cluster, f"java-{release}-{mode}", command, env)


def run(cluster, release, cases, last, limit=240):
    """-> [(case, mode, ok, ms, text)]."""
    results = []
    for group in GROUPS[last]:
        running = []
        for mode in group:
            mine = [case for case in cases if mode in case.modes]
            if mine:
                running.append((mode, mine, _start(cluster, release, mode, lines.marked(cluster, mine))))
        for mode, mine, child in running:
            found = lines.finish(child, [case.name for case in mine], limit)
            results += [(case, mode, *found[case.name]) for case in mine]
    return results
