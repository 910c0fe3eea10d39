# SPDX-License-Identifier: Apache-2.0
"""What the scripts of bench/ share: building, PostgreSQL, peers, the driver, counters, ledgers.

    rig.die_cleanly()                                   # signals become exceptions, so that `with` cleans up
    rig.build()                                         # build/bench/: bpmnd, bench-driver, bench-floor
    with rig.Postgres() as postgres:
        postgres.create("bench")
        with rig.Peer("bpmnd", postgres, "bench", {"lanes": 2}) as peer:
            peer.deploy("seq10")
            counters = rig.Counters(postgres, "bench", peer)
            result = rig.drive(peer, "seq10", workers=64, fetch=10, seconds=3, ledger="/tmp/x/ledger")
            counters.stop()                             # CPU, statements, WAL and RSS until here
            difference = peer.compare_ledger("/tmp/x/ledger")
        counted = counters.result()                     # rows and transactions: known once the backends are gone

Everything that is started dies with the script, however that ends.  Needs nothing but Python and PostgreSQL's programs.
$BENCH_BUILD is another build directory than build/bench.
"""
import collections
import fcntl
import http.client
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = pathlib.Path(os.environ.get("BENCH_BUILD", ROOT / "build" / "bench")).resolve()
OURS = "bpmnd"
TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")
# What psql puts between columns and rows: in no name, id or statement.
COLUMN, ROW = "\x1f", "\x1e"


class Failure(Exception):
    """Something the script cannot go on without; its text is all that the user needs."""


def load_script(path):
    """A Python script without .py at its end, as a module."""
    loader = importlib.machinery.SourceFileLoader(path.name.replace("-", "_"), str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


with_postgres = load_script(ROOT / "tools" / "with-postgres")


# ---- the script itself -----------------------------------------------------------------------------------------------


def die_cleanly():
    """SIGTERM and SIGHUP end the script as Ctrl-C does: through every `with` and `finally`."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda n, frame: sys.exit(128 + n))


def main(function):
    """Runs a script's main function: a Failure is its message and exit code 1, Ctrl-C is 130."""
    die_cleanly()
    try:
        sys.exit(function())
    except Failure as failure:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)


def start_process(command, **options):
    """A Popen that gets SIGTERM when we end, and no Ctrl-C of the terminal: we stop it ourselves, in order."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True,
                            preexec_fn=with_postgres.dies_with_us(signal.SIGTERM), **options)


def stop_process(process, number=signal.SIGTERM, seconds=30):
    """Ends a child, at last by SIGKILL; its exit code."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tail(path, lines=30):
    try:
        with open(path, errors="replace") as file:
            return "".join(collections.deque(file, lines))
    except OSError as problem:
        return f"({problem})"


# ---- building --------------------------------------------------------------------------------------------------------


def build(*targets):
    """Builds `targets` (default: what bench/run needs) in BUILD; quiet, unless it fails."""
    targets = targets or ("bpmnd", "bench/driver/bench-driver", "bench/bench-floor")
    BUILD.mkdir(parents=True, exist_ok=True)
    log_path = BUILD / "build.log"
    with open(BUILD / "build.lock", "w") as lock, open(log_path, "w") as log:
        fcntl.flock(lock, fcntl.LOCK_EX)
        steps = [([str(ROOT / "tools" / "install-packages"), "run", "check"], ROOT)]
        if not (ROOT / "configure").exists():
            steps.append((["./autogen.sh"], ROOT))
        if not (BUILD / "Makefile").exists():
            steps.append(([str(ROOT / "configure"), "-q"], BUILD))
        steps.append((["make", "-s", f"-j{os.cpu_count()}", *targets], BUILD))
        for command, folder in steps:
            environment = {name: value for name, value in os.environ.items()
                           if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
            if subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                              stderr=subprocess.STDOUT).returncode != 0:
                raise Failure(f"'{' '.join(command)}' failed ({log_path}):\n{tail(log_path)}")


# ---- PostgreSQL ------------------------------------------------------------------------------------------------------


class Postgres:
    """A server on a data directory of its own, durable, with pg_stat_statements; user bpmnd, no password.

    `where` holds the data; it must be a disk.  With tcp=True it listens on 127.0.0.1 as well, at the port that its
    socket has too.  `settings` are added to, and win over, the ones below."""

    SETTINGS = {
        "shared_buffers": "1GB", "max_wal_size": "4GB", "max_connections": "200", "autovacuum": "on",
        "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
        "shared_preload_libraries": "pg_stat_statements", "track_wal_io_timing": "off",
    }
    DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
    SEGMENT_MB = 16     # initdb's own default

    def __init__(self, tcp=False, settings=None, where="/var/tmp"):
        self.tcp = tcp
        self.settings = dict(self.SETTINGS, **(settings or {}))
        self.where = where
        self.host = "127.0.0.1"
        self.port = free_port()
        self.user = "bpmnd"
        self.folder = None      # socket, data and log
        self.process = None
        self.programs = None    # where initdb, postgres and psql are

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exception):
        self.stop()

    def start(self):
        self.programs = with_postgres.find_bin()
        kind = subprocess.run(["stat", "-f", "-c", "%T", self.where], capture_output=True, text=True).stdout.strip()
        if kind in ("", "tmpfs", "ramfs"):
            raise Failure(f"{self.where} is {kind or 'missing'}: fsync there says nothing; name a folder on a disk")
        self.folder = tempfile.mkdtemp(prefix="bpmnd-bench-", dir=self.where)
        user, options = with_postgres.as_server_user()
        options["start_new_session"] = True
        if user:
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        else:
            os.chmod(self.folder, 0o755)
        log_path = os.path.join(self.folder, "log")
        data = os.path.join(self.folder, "data")
        with open(log_path, "ab") as log:
            with_postgres.initdb(self.programs, data, options, log, self.SEGMENT_MB)
            self.process = with_postgres.start(self.programs, self.folder, data, self._arguments(), options, log)
        self._await_ready(log_path)
        self.run("create extension pg_stat_statements")
        self.durability()

    def _arguments(self):
        """The options of with-postgres, as its start() wants them."""
        settings = dict(self.settings, port=self.port, listen_addresses=self.host if self.tcp else "")
        pairs = [f"{name}={value}" for name, value in settings.items()]
        return collections.namedtuple("Arguments", "durable set")(True, pairs)

    def _await_ready(self, log_path, seconds=30):
        ready = [os.path.join(self.programs, "pg_isready"), "-q", "-h", self.folder, "-p", str(self.port)]
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            if subprocess.run(ready).returncode == 0:
                return
            time.sleep(0.025)
        raise Failure("PostgreSQL does not start:\n" + tail(log_path))

    def stop(self):
        """Ends the server (SIGINT: its connections with it) and removes its data."""
        if self.process is not None:
            stop_process(self.process, signal.SIGINT)
            self.process = None
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    @property
    def pid(self):
        return self.process.pid

    def conninfo(self, database):
        """libpq's connection string, by Unix socket."""
        return f"host={self.folder} port={self.port} user={self.user} dbname={database}"

    def script(self, text, database="postgres"):
        """Runs a psql script in one session; the rows it prints, each a list of strings ('' for null)."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        command = [os.path.join(self.programs, "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-F", COLUMN, "-R", ROW,
                   "-d", self.conninfo(database)]
        done = subprocess.run(command, input=text, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise Failure(f"psql, database {database}: {done.stderr.strip()}")
        if not done.stdout:
            return []
        return [row.split(COLUMN) for row in done.stdout.removesuffix("\n").split(ROW)]

    def run(self, *statements, database="postgres"):
        for statement in statements:
            self.script(statement + ";", database)

    def query(self, sql, database="postgres"):
        """The rows of one query, each a list of strings."""
        return self.script(sql + ";", database)

    def durability(self):
        """What the server says of its durability, asked of it; a Failure unless all of it is on."""
        shown = {name: self.query(f"show {name}")[0][0] for name in self.DURABLE}
        if set(shown.values()) != {"on"}:
            raise Failure(f"PostgreSQL is not durable: {shown}")
        return shown

    def show(self):
        """Version and settings as the server has them, for the record."""
        names = sorted(set(self.settings) | {"jit", "wal_segment_size", "checkpoint_timeout"})
        shown = {name: self.query(f"show {name}")[0][0] for name in names}
        return dict(shown, version=self.query("show server_version")[0][0], data_below=self.where)

    def create(self, database):
        """A fresh database in place of one of that name."""
        self.drop(database)
        self.run(f'create database "{database}"')

    def drop(self, database):
        self.run(f'drop database if exists "{database}" with (force)')

    def settle(self, database):
        """Vacuum, statistics and a checkpoint: a run does not pay for what was before it."""
        self.run("vacuum analyze", database=database)
        self.run("checkpoint")


# ---- CPU of processes ------------------------------------------------------------------------------------------------


Times = collections.namedtuple("Times", "parent own_us reaped_us")


def processes():
    """{pid: Times} of everything that lives, zombies included; taken again when something ended meanwhile."""
    for _ in range(20):
        pids = {int(name) for name in os.listdir("/proc") if name.isdigit()}
        found = {}
        for pid in pids:
            try:
                with open(f"/proc/{pid}/stat", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            own, reaped = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
            found[pid] = Times(int(fields[1]), own * TICK_US, reaped * TICK_US)
        if {int(name) for name in os.listdir("/proc") if name.isdigit()} == pids == found.keys():
            break
    return found


def tree_us(root, found=None):
    """CPU that a process, its living descendants and all they have waited for have used, in us.  A backend that has
    ended is in its postmaster's share of reaped time."""
    found = processes() if found is None else found
    children = collections.defaultdict(list)
    for pid, times in found.items():
        children[times.parent].append(pid)
    total, left = 0, [root] if root in found else []
    while left:
        pid = left.pop()
        total += found[pid].own_us + found[pid].reaped_us
        left += children[pid]
    return total


def machine_us():
    """CPU of the whole machine from /proc/stat, in us: (user + nice + system, stolen by the hypervisor)."""
    with open("/proc/stat") as file:
        fields = [int(field) for field in file.readline().split()[1:]]
    return (fields[0] + fields[1] + fields[2]) * TICK_US, fields[7] * TICK_US


class ProcessClock:
    """CPU used since it was made, split by root process: {"engine": pid, "postgres": pid}, and by strangers.

    Strangers are neither our script's tree nor the kernel's threads, which flush and deliver for us.  They are counted
    process by process; what the machine spent beyond all that is visible (another container's work) counts too."""
    KERNEL = 2

    def __init__(self, roots):
        self.roots = roots
        self.began = self._read()

    def _read(self):
        found = processes()
        busy, stolen = machine_us()
        now = {name: tree_us(pid, found) for name, pid in self.roots.items()}
        now["at"] = time.monotonic()
        now["ours"] = tree_us(os.getpid(), found)
        now["kernel"] = tree_us(self.KERNEL, found)
        now["visible"] = sum(times.own_us + times.reaped_us for times in found.values())
        now["busy"], now["stolen"] = busy, stolen
        return now

    def read(self):
        """{NAME_us ..., "seconds", "foreign_cores", "stolen_cores"}; the roots must still live."""
        now = self._read()
        spent = {name: now[name] - self.began[name] for name in now}
        seconds = spent["at"]
        strangers = max(spent["visible"], spent["busy"]) - spent["ours"] - spent["kernel"]
        result = {f"{name}_us": spent[name] for name in self.roots}
        return dict(result, seconds=seconds, foreign_cores=max(0, strangers) / seconds / 1e6,
                    stolen_cores=spent["stolen"] / seconds / 1e6)


def memory_kb(pid):
    """{"rss_kb", "peak_rss_kb"} of one process: VmRSS and VmHWM."""
    with open(f"/proc/{pid}/status") as file:
        fields = dict(line.split(":", 1) for line in file)
    return {"rss_kb": int(fields["VmRSS"].split()[0]), "peak_rss_kb": int(fields["VmHWM"].split()[0])}


# ---- peers -----------------------------------------------------------------------------------------------------------


class Peer:
    """An engine under test: bench/peers/NAME/start on a database that exists.

    start --database CONNINFO --host H --dbport P --dbname D --dbuser U --port PORT --work DIR [--set NAME=VALUE]...
    prepares quietly, serves in the foreground, and says one line when it is ready:
        ready http://127.0.0.1:PORT/engine-rest pid=N
    It logs to DIR/log and ends on SIGTERM.  CPU and memory are those of process N and its children.  peer.json:
        {"title", "kind": "rest" or "program", "ledger": file or null, "warm_up": seconds, "workers": [counts]}
    "warm_up" is what its first run needs, "workers" the counts worth running, which differ between engines.  A
    "program" brings its own load: see program()."""
    START_SECONDS = 1800    # the first time it may have to be built

    def __init__(self, name, postgres, database, settings=None):
        self.name = name
        self.about = peer_about(name)
        self.postgres = postgres
        self.database = database
        self.settings = settings or {}
        self.arguments = []     # of a program
        self.process = None
        self.pid = None
        self.host, self.port, self.base = "127.0.0.1", free_port(), ""
        self.work = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exception):
        self.stop()

    def command(self):
        postgres = self.postgres
        command = [str(HERE / "peers" / self.name / "start"), "--database", postgres.conninfo(self.database),
                   "--host", postgres.host, "--dbport", str(postgres.port), "--dbname", self.database,
                   "--dbuser", postgres.user, "--port", str(self.port), "--work", self.work]
        for name, value in self.settings.items():
            command += ["--set", f"{name}={value}"]
        return command + self.arguments

    def spawn(self):
        self.work = tempfile.mkdtemp(prefix=f"bench-{self.name}-")
        with open(os.path.join(self.work, "log"), "ab") as log:
            self.process = start_process(self.command(), stdout=subprocess.PIPE, stderr=log, text=True)

    def start(self):
        """Starts it; the seconds until its ready line."""
        began = time.monotonic()
        self.spawn()
        if not select.select([self.process.stdout], [], [], self.START_SECONDS)[0]:
            raise Failure(f"{self.name} is not ready after {self.START_SECONDS} s:\n{self.log_tail()}")
        line = self.process.stdout.readline().strip()
        ready = re.fullmatch(r"ready http://([^:/]+):(\d+)(/\S*)? pid=(\d+)", line)
        if not ready:
            raise Failure(f"peers/{self.name}/start said '{line}', not 'ready URL pid=N':\n{self.log_tail()}")
        self.host, self.port, self.base = ready[1], int(ready[2]), ready[3] or ""
        self.pid = int(ready[4])
        return time.monotonic() - began

    def stop(self):
        """SIGTERM, and its folder is gone; its exit code, None when it never ran."""
        code = None
        if self.process is not None:
            code = stop_process(self.process)
            self.process.stdout.close()
            self.process = None
        if self.work is not None:
            shutil.rmtree(self.work, ignore_errors=True)
            self.work = None
        return code

    def log_tail(self, lines=30):
        return tail(os.path.join(self.work, "log"), lines)

    def call(self, method, path, body=None, content_type="application/json", timeout=60):
        """One request to the root of the server: (status, text)."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path, data, {} if data is None else {"Content-Type": content_type})
            reply = connection.getresponse()
            return reply.status, reply.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as problem:
            raise Failure(f"{self.name}: {method} {path}: {problem!r}\n{self.log_tail()}") from None
        finally:
            connection.close()

    def deploy(self, workload):
        """Deploys workloads/WORKLOAD.bpmn."""
        self.deploy_xml(workload, (HERE / "workloads" / f"{workload}.bpmn").read_text())

    def deploy_xml(self, name, xml):
        head = '--cut\r\nContent-Disposition: form-data; name='
        parts = (f'{head}"deployment-name"\r\n\r\n{name}\r\n'
                 f'{head}"{name}"; filename="{name}.bpmn"\r\n\r\n{xml}\r\n--cut--\r\n')
        status, text = self.call("POST", f"{self.base}/deployment/create", parts.encode(),
                                 "multipart/form-data; boundary=cut")
        if status != 200:
            raise Failure(f"{self.name}: deploying {name}: {status} {text}")

    def metrics(self):
        """GET /metrics of bpmnd as {name: number}, labels being part of the name; {} from an engine that has none."""
        status, text = self.call("GET", "/metrics")
        if status != 200:
            return {}
        rows = (line.rpartition(" ") for line in text.splitlines() if line.startswith("bpmnd_"))
        return {name: float(number) for name, _, number in rows}

    def compare_ledger(self, path):
        """What the workers were told (a file of ids) against what the engine's tables say: see compare_ledger()."""
        sql = (HERE / "peers" / self.name / self.about["ledger"]).read_text()
        return compare_ledger(self.postgres, self.database, path, sql)


def peer_about(name):
    """peer.json of a peer."""
    path = HERE / "peers" / name / "peer.json"
    if not path.exists():
        known = sorted(file.parent.name for file in path.parent.parent.glob("*/peer.json"))
        raise Failure(f"there is no peer '{name}'; there are: {', '.join(known)}")
    return json.loads(path.read_text())


def program(peer, workload, seconds=10, warm_up=2, **options):
    """Runs a peer of kind "program", which makes its own load: its start takes --workload, --workers, --seconds,
    --warm-up and --in-flight besides, ends by itself, and prints one JSON object: the driver's fields, and its own."""
    peer.arguments = flags(workload=workload, seconds=seconds, warm_up=warm_up, **options)
    peer.spawn()
    try:
        out = peer.process.communicate(timeout=peer.START_SECONDS + seconds + warm_up)[0]
    except subprocess.TimeoutExpired:
        raise Failure(f"{peer.name} does not end:\n{peer.log_tail()}") from None
    if peer.process.returncode != 0:
        raise Failure(f"{peer.name} ended with {peer.process.returncode}:\n{peer.log_tail()}")
    return json.loads(out)


# ---- load ------------------------------------------------------------------------------------------------------------


def flags(**options):
    """Command line options of names and values, with - for _; what is None is left out."""
    given = ((name.replace("_", "-"), value) for name, value in options.items() if value is not None)
    return [word for name, value in given for word in (f"--{name}", str(value))]


class Driver:
    """bench-driver in the background; options are its flags()."""

    def __init__(self, peer, workload, **options):
        options = dict({"address": f"{peer.host}:{peer.port}", "base": peer.base, "workload": workload}, **options)
        self.command = [str(BUILD / "bench" / "driver" / "bench-driver"), *flags(**options)]
        if peer.name != OURS:   # Camunda's polls go on for 20 s when their worker has gone, and lock what comes
            self.command.append("--await-polls")
        self.out, self.errors = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
        self.process = start_process(self.command, stdout=self.out, stderr=self.errors)

    def wait(self, seconds):
        """Its JSON object, and "driver_us": the CPU of its whole life.  Killed after so many seconds."""
        end = time.monotonic() + seconds
        try:
            while True:
                pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
                if pid != 0:
                    break
                if time.monotonic() > end:
                    raise Failure(f"the driver does not end within {seconds} s: {' '.join(self.command)}")
                time.sleep(0.02)
            self.process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            self.stop()
        self.out.seek(0)
        self.errors.seek(0)
        text, said = self.out.read(), self.errors.read().strip()
        if self.process.returncode != 0:
            raise Failure(f"the driver ended with {self.process.returncode}: {said}\n{' '.join(self.command)}")
        if said:
            print(said, file=sys.stderr)
        return dict(json.loads(text), driver_us=int((usage.ru_utime + usage.ru_stime) * 1e6))

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def drive(peer, workload, seconds=10, warm_up=2, drain=120, **options):
    """One load to its end: the driver's JSON object and "driver_us"."""
    driver = Driver(peer, workload, seconds=seconds, warm_up=warm_up, **options)
    try:
        return driver.wait(seconds + warm_up + drain)
    finally:
        driver.stop()


def floor(postgres, batch=50, seconds=1.5):
    """What bare SQL reaches on that server now: bench-floor's JSON object, and "foreign_cores"."""
    clock = ProcessClock({})
    done = subprocess.run([str(BUILD / "bench" / "bench-floor"), "--database", postgres.conninfo("postgres"),
                           "--batch", str(batch), "--seconds", str(seconds)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"bench-floor: {done.stderr.strip()}")
    return dict(json.loads(done.stdout), foreign_cores=clock.read()["foreign_cores"])


# ---- counters --------------------------------------------------------------------------------------------------------


class Counters:
    """What a load costs, from here to stop(): make it, load, stop(), and result() once the peer has been stopped (or
    while it lives: that waits until its idle backends have reported, up to 11 s).

    result() is a dictionary, all of it differences over the whole time, not per completion:
        seconds, engine_us, postgres_us     CPU, children that ended included
        foreign_cores, stolen_cores         other processes; the hypervisor
        statements, transaction_statements  by pg_stat_statements; begin, commit and the like are the second
        by_statement                        [{"calls", "ms", "rows", "query"}], most expensive first
        transactions, rows                  of the database: committed; inserted + updated + deleted
        inserted, updated, deleted
        wal_bytes                           of the whole server
        rss_kb, peak_rss_kb                 of the engine
        batch                               mean commands of a transaction, by its own metrics (bpmnd), or None
        lanes                               lanes it says are active (bpmnd), or None"""
    TABLES = ("transactions", "inserted", "updated", "deleted")
    # A backend reports its counts at the end of a transaction, once a second at most; else when it was idle for 10 s.
    REPORTS_S, IDLE_REPORTS_S = 1.1, 10.6

    def __init__(self, postgres, database, peer=None):
        self.postgres, self.database, self.peer = postgres, database, peer
        self.id = postgres.query(f"select oid from pg_database where datname = '{database}'")[0][0]
        self.counted = {}
        self.tables = self._tables()
        self.metrics = peer.metrics() if peer else {}
        self.lsn = postgres.query(f"select pg_stat_statements_reset(0, {self.id}, 0), pg_current_wal_lsn()")[0][1]
        roots = {"postgres": postgres.pid}
        if peer:
            roots["engine"] = peer.pid
        self.clock = ProcessClock(roots)

    def _tables(self):
        row = self.postgres.query("select xact_commit, tup_inserted, tup_updated, tup_deleted from pg_stat_database "
                                  f"where datid = {self.id}")[0]
        return dict(zip(self.TABLES, map(int, row)))

    def stop(self):
        """The end of the load: takes all that is known at once."""
        counted = self.counted = self.clock.read()
        wal, self.stopped = self.postgres.query(f"select pg_current_wal_lsn() - '{self.lsn}', clock_timestamp()")[0]
        counted["wal_bytes"] = int(wal)
        rows = self.postgres.query("select calls, total_exec_time, rows, query from pg_stat_statements "
                                   f"where dbid = {self.id} order by total_exec_time desc")
        statements = [{"calls": int(calls), "ms": round(float(ms), 3), "rows": int(rows), "query": query}
                      for calls, ms, rows, query in rows]
        control = re.compile(r"\s*(begin|start transaction|commit|end|rollback|abort|savepoint|release|set|reset|show|"
                             r"discard|deallocate)\b", re.I)
        counted["by_statement"] = statements
        counted["transaction_statements"] = sum(row["calls"] for row in statements if control.match(row["query"]))
        counted["statements"] = sum(row["calls"] for row in statements) - counted["transaction_statements"]
        counted["batch"] = counted["lanes"] = None
        if self.peer:
            counted.update(memory_kb(self.peer.pid))
            self._read_metrics(self.peer.metrics())
        return counted

    def _read_metrics(self, now):
        if not now:
            return
        commands, batches = (now[name] - self.metrics[name] for name in ("bpmnd_batch_commands_sum",
                                                                         "bpmnd_batch_commands_count"))
        self.counted["batch"] = commands / batches if batches else 0.0
        self.counted["lanes"] = int(now["bpmnd_lanes_active"])

    def _await_reports(self, since):
        """Until every backend of the database has reported what it counted before `since`."""
        waiting = (f"select count(*) from pg_stat_activity where datid = {self.id} "
                   "and backend_type = 'client backend' and "
                   f"state_change < timestamptz '{since}' + interval '{self.REPORTS_S} s' and "
                   f"state_change > clock_timestamp() - interval '{self.IDLE_REPORTS_S} s'")
        end = time.monotonic() + self.IDLE_REPORTS_S + 2
        while int(self.postgres.query(waiting)[0][0]) > 0 and time.monotonic() < end:
            time.sleep(0.1)

    def result(self):
        self._await_reports(self.stopped)
        now = self._tables()
        for name in self.TABLES:
            self.counted[name] = now[name] - self.tables[name]
        self.counted["rows"] = sum(self.counted[name] for name in ("inserted", "updated", "deleted"))
        return self.counted


# ---- ledgers ---------------------------------------------------------------------------------------------------------


def compare_ledger(postgres, database, path, sql):
    """Compares a file of ids (one a line) with the one text column of `sql`, both ways and exactly.  A dictionary of
    counts: acknowledged, completed; missing (acknowledged, not in the tables), surplus (the reverse), twice (ids that
    either side has more than once); "match" is whether the last three are 0."""
    if any(quote in str(path) for quote in "'\\\n"):
        raise Failure(f"a ledger cannot have the path {path}")
    row = postgres.script(
        "create temp table acknowledged (id text);\n"
        f"\\copy acknowledged from '{path}'\n"
        f"create temp table completed (id) as {sql.strip().rstrip(';')};\n"
        "select (select count(*) from acknowledged), (select count(*) from completed),\n"
        "(select count(*) from (select id from acknowledged except select id from completed) a),\n"
        "(select count(*) from (select id from completed except select id from acknowledged) c),\n"
        "(select count(*) - count(distinct id) from acknowledged)\n"
        "+ (select count(*) - count(distinct id) from completed);\n",
        database)[0]
    counts = dict(zip(("acknowledged", "completed", "missing", "surplus", "twice"), map(int, row)))
    return dict(counts, match=counts["missing"] == counts["surplus"] == counts["twice"] == 0)
