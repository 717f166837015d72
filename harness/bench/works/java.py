"""Apache's Java client as load for all subjects: java/Load.java against the jars of one release, from the cache of harness/interop."""
import subprocess
from pathlib import Path

from works.common import Bench, Failed
from kit import deps

SOURCE = Path(__file__).resolve().parent.parent / "java" / "Load.java"


def classes(release):
    lib = deps.jars(release)

    def make(folder):
        deps._run(["javac", "-nowarn", "-proc:none", "-cp", f"{lib}/*", "-d", folder, SOURCE], folder)
    return f"{deps._once(deps.CACHE / f'bench-{release}', [SOURCE, release], make)}:{lib}/*"


def load(cluster, release, topic, how, warmup, seconds, width):
    """The numbers of Load's line."""
    home = cluster.folder / "java-home"
    home.mkdir(exist_ok=True)
    command = ["java", "-XX:+UseG1GC", "-Xms1g", "-Xmx1g", *deps.JAVA_OPENS, f"-Duser.home={home}", "-Drocketmq.client.logLevel=ERROR",
               "-cp", classes(release), "Load", cluster.namesrv, topic, how, str(warmup), str(seconds), str(width)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=warmup + seconds + 180, cwd=home)
    try:
        return [int(number) for number in done.stdout.split()[-4:]]
    except ValueError:
        raise Failed(f"java Load {how}: exit code {done.returncode}: {done.stderr[-800:]}") from None


def measure(kind, folder, options):
    figures, release = {}, options.java_client
    with Bench(kind, folder, {}) as cluster:
        cluster.topic("Java", queues=8)
        cluster.topic("JavaSync", queues=8)
        for name, topic, how, width in (("java_async", "Java", "async", 512), ("java_sync", "JavaSync", "sync", 16)):
            numbers = load(cluster, release, topic, how, options.warmup, options.seconds, width)
            if not numbers or numbers[0] == 0:
                raise Failed(f"java Load {how} sent nothing")
            figures[name] = numbers[0]
            if len(numbers) == 4:
                figures["java_sync_p50"], figures["java_sync_p99"] = numbers[2:]
        figures["java_consume"] = load(cluster, release, "Java", "consume", 0, options.seconds, 20)[0]
    return figures
