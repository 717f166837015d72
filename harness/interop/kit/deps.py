"""Brings the peers' programs here, through Maven, npm and Go, into a cache outside the project.

The cache is $WINDTUNNEL_CACHE or ~/.cache/windtunnel; nothing in it is ever committed. A lock file makes two runs at once wait
for each other; a folder's name has the hash of what it was made from, and a stamp in it says that it is whole.
"""
import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("WINDTUNNEL_CACHE", Path.home() / ".cache" / "windtunnel")) / "interop"
SERVERS = ("4.9.7", "5.3.3")           # releases whose brokers are on Maven Central
CLIENTS = ("4.9.8", "5.3.3")           # releases of the Java client and of mqadmin
JAVA_OPENS = [f"--add-opens=java.base/{p}=ALL-UNNAMED" for p in
              ("java.nio", "sun.nio.ch", "java.lang", "java.util", "sun.nio.cs", "java.net", "jdk.internal.ref", "jdk.internal.misc")]

class Missing(Exception):
    """A tool or a download is missing; the text says which."""

def _run(command, cwd, env=None):
    done = subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Missing(f"'{' '.join(map(str, command))}' failed (exit code {done.returncode}):\n{done.stdout[-3000:]}")

def _once(folder, inputs, make):
    """The folder of that name for these inputs (files, or texts), made by make(folder) if it is not there."""
    digest = hashlib.sha1()
    for item in inputs:
        digest.update(item.read_bytes() if isinstance(item, Path) else str(item).encode())
    folder = folder.with_name(f"{folder.name}-{digest.hexdigest()[:10]}")     # two checkouts do not disturb each other
    stamp = folder / ".whole"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            make(folder)
            stamp.touch()
    return folder

def _load(registry, command, cwd):
    """The same for a command that downloads: nothing can be tested without, and the text says what could not be reached."""
    try:
        _run(command, cwd)
    except Missing as error:
        raise Missing(f"cannot load what the cases need from {registry} (is it reachable from here?): {error}") from None

def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            raise Missing(f"'{tool}' is not installed (Debian 12: see harness/lib/packages.sh, COMMANDS_INTEROP)")

def jars(release):
    """Folder with the jars of one release, servers among them where there are any."""
    need("java", "javac", "mvn")
    servers = ["-Pservers"] if release in SERVERS else []

    def make(folder):
        _load("Maven Central", ["mvn", "-q", "-B", "-f", HERE / "pom.xml", f"-Drmq={release}", *servers,
                                "dependency:copy-dependencies", f"-DoutputDirectory={folder}"], folder)
    return _once(CACHE / f"jars-{release}", [HERE / "pom.xml", release, *servers], make)

def classes(release):
    """Class path: our Java programs compiled against one release, and its jars."""
    lib = jars(release)
    sources = sorted((HERE / "java").glob("*.java"))

    def make(folder):
        _run(["javac", "-nowarn", "-proc:none", "-cp", f"{lib}/*", "-d", folder, *sources], folder)
    return f"{_once(CACHE / f'classes-{release}', [*sources, release], make)}:{lib}/*"

def go_program():
    need("go")

    def make(folder):
        _load("the Go module proxy", ["go", "mod", "download"], HERE / "go")
        _run(["go", "build", "-mod=readonly", "-o", folder / "interop", "."], HERE / "go")
    return _once(CACHE / "go", sorted((HERE / "go").glob("*")), make) / "interop"

def node_program():
    """Path of main.js beside an installed node_modules."""
    need("node", "npm")

    def make(folder):
        for name in ("package.json", "package-lock.json", "main.js"):
            shutil.copy(HERE / "node" / name, folder)
        _load("the npm registry", ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], folder)
    return _once(CACHE / "node", [HERE / "node" / n for n in ("package.json", "package-lock.json", "main.js")], make) / "main.js"
