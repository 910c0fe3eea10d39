# SPDX-License-Identifier: Apache-2.0
"""One run of bench/run: floor, an engine on a fresh database, a load, what it cost, and whether it was right."""
import collections
import os
import shutil
import tempfile
import time

import rig

OURS = rig.OURS
DATABASE = "bench"
FOREIGN_CORES = 0.15    # a run in which others took more is made again,
REPEATS = 2             # so many times
PEER_IN_FLIGHT = 500    # instances a peer has open: a slow one would take minutes to work off more

Cell = collections.namedtuple("Cell", "workload workers fetch payload lanes open_loop in_flight",
                              defaults=(0, None, False, None))


def name_of(cell):
    name = f"{cell.workload}-{cell.workers}x{cell.fetch}"
    name += f"-{cell.payload}B" if cell.payload else ""
    name += f"-{cell.lanes}lanes" if cell.lanes else ""
    return name + ("-open" if cell.open_loop else "")


class Floor:
    """Measurements of bare SQL; one stands after a run and before the next, when that begins soon."""
    SOON_S = 15

    def __init__(self, postgres, seconds, repeats):
        self.postgres, self.seconds, self.repeats = postgres, seconds, repeats
        self.last, self.at = None, 0

    def measure(self):
        for _ in range(1 + self.repeats):
            found = {str(batch): rig.floor(self.postgres, batch, self.seconds) for batch in (50, 200)}
            self.last = {batch: one["transitions_per_second"] for batch, one in found.items()}
            self.last["foreign_cores"] = max(one["foreign_cores"] for one in found.values())
            if self.last["foreign_cores"] <= FOREIGN_CORES:
                break
        self.at = time.monotonic()
        return self.last

    def before(self):
        return self.last if self.last and time.monotonic() - self.at < self.SOON_S else self.measure()


def in_flight(cell, peer_name):
    """Instances to keep open, or None for the driver's default; an open loop does not look at how many there are."""
    if cell.in_flight is None and peer_name != OURS and not cell.open_loop:
        return min(50 * cell.workers, PEER_IN_FLIGHT)
    return cell.in_flight


class Bench:
    """One engine on its database, ready for loads."""

    def __init__(self, postgres, peer_name, settings=None):
        self.postgres = postgres
        self.peer = rig.Peer(peer_name, postgres, DATABASE, settings)
        self.folder = tempfile.mkdtemp(prefix="bench-ledger-")
        self.ledger = os.path.join(self.folder, "all")      # of this database, over all of its loads

    def __enter__(self):
        try:
            self.postgres.create(DATABASE)
            self.peer.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        self.peer.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.postgres.drop(DATABASE)

    def load(self, cell, rate, seconds, warm_up):
        """One load to its end: {"load", "counted", "completed", "ledger"}; counted is whole after finish()."""
        self.postgres.settle(DATABASE)
        ledger = os.path.join(self.folder, "one")
        open(ledger, "w").close()
        self.counters = rig.Counters(self.postgres, DATABASE, self.peer)
        load = rig.drive(self.peer, cell.workload, seconds=seconds, warm_up=warm_up, workers=cell.workers,
                         fetch=cell.fetch, payload=cell.payload or None, rate=rate or None,
                         in_flight=in_flight(cell, self.peer.name), ledger=ledger)
        counted = self.counters.stop()
        with open(ledger, "rb") as one, open(self.ledger, "ab") as all_of_them:
            shutil.copyfileobj(one, all_of_them)
        difference = self.peer.compare_ledger(self.ledger)
        counted["driver_us"] = load["driver_us"]
        return {"load": load, "counted": counted, "completed": load["completed_total"], "ledger": difference}

    def finish(self, run):
        """Adds what is known when the backends have reported: at once when the engine was stopped."""
        run["counted"].update(self.counters.result())
        del run["counted"]["by_statement"]


def tasks_of():
    """{workload: external tasks of one instance}, from workloads.def."""
    rows = (line[len("WORKLOAD("):].split(",") for line in (rig.HERE / "workloads.def").read_text().splitlines()
            if line.startswith("WORKLOAD("))
    return {row[0].strip(): int(row[1]) for row in rows}


def faults(run, peer_name, cell):
    """What makes this run a failure, in words."""
    load, ledger = run["load"], run["ledger"]
    found = []
    if not ledger["match"]:
        found.append("the ledger does not match: of {acknowledged} acknowledged {missing} are not in the tables, of "
                     "{completed} completed there {surplus} were not acknowledged, {twice} are there twice"
                     .format(**ledger))
    if load["completions"] == 0:
        found.append("nothing was completed in the window")
    if peer_name != OURS:
        return found
    errors = {answer: number for answer, number in load["answers"].items() if answer != "2xx" and number > 0}
    if errors:
        found.append("workers saw errors: " + ", ".join(f"{number} x {answer}" for answer, number in errors.items()))
    if not load["drained"] or load["completed_total"] != load["started_total"] * tasks_of()[cell.workload]:
        found.append(f"not all was worked off: {load['started_total']} instances, "
                     f"{load['completed_total']} completions")
    return found


def notes_of(runs):
    """What the reader must know of a row; the legend below the table says what they mean."""
    notes = ["FAILED"] if any(run["faults"] for run in runs) else []
    discarded = sum(run["discarded"] for run in runs)
    if discarded:
        notes.append(f"{discarded} discarded")
    foreign = max(run["counted"]["foreign_cores"] for run in runs)
    if foreign > FOREIGN_CORES:
        notes.append(f"noise {foreign:.2f}")
    foreign = max(floor["foreign_cores"] for run in runs for floor in run["floor"])
    if foreign > FOREIGN_CORES:
        notes.append(f"floor noise {foreign:.2f}")
    stolen = max(run["counted"].get("stolen_cores", 0) for run in runs)
    if stolen > FOREIGN_CORES:
        notes.append(f"stolen {stolen:.2f}")
    if not all(run["load"].get("drained", True) for run in runs):
        notes.append("not all worked off")
    return notes
