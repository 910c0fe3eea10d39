# SPDX-License-Identifier: Apache-2.0
"""The table of bench/run: what a cell's runs come to, and how it is printed."""
import statistics


# ---- figures ---------------------------------------------------------------------------------------------------------

# Of the counters of a run: what becomes a share of one completion.
PER_COMPLETION = ("engine_us", "postgres_us", "driver_us", "statements", "transactions", "rows", "wal_bytes")


def figures(run):
    """The numbers of one run: rates within the window; costs per completion over the whole load, ends included, since
    what is counted from outside knows no window."""
    load, counted = run["load"], run["counted"]
    row = {
        "completions_per_second": load["completions"] / load["seconds"],
        "instances_per_second": load["instances"] / load["seconds"],
        "errors": sum(number for answer, number in load["answers"].items() if answer != "2xx"),
    }
    latency = load["latency_us"]["complete"]
    row.update({f"{name}_ms": latency[name] / 1000 for name in ("p50", "p95", "p99", "max") if name in latency})
    if run["floor"]:
        row["floor"] = statistics.mean(pair["50"] for pair in run["floor"])
        row["floor_200"] = statistics.mean(pair["200"] for pair in run["floor"])
        row["share"] = row["completions_per_second"] / row["floor"]
    completed = max(1, run["completed"])
    row.update({name: counted[name] / completed for name in PER_COMPLETION if name in counted})
    row.update({name: counted[name] for name in ("batch", "lanes", "foreign_cores") if counted.get(name) is not None})
    if "peak_rss_kb" in counted:
        row["rss_mb"] = counted["peak_rss_kb"] / 1024
    return row


def summary(runs):
    """{name: median} over a cell's runs, and "range" of the rate."""
    rows = [figures(run) for run in runs]
    names = {name for row in rows for name in row}
    medians = {name: statistics.median(row[name] for row in rows if name in row) for name in names}
    rates = [row["completions_per_second"] for row in rows]
    return dict(medians, range=[min(rates), max(rates)], errors=sum(row["errors"] for row in rows),
                foreign_cores=max(row["foreign_cores"] for row in rows if "foreign_cores" in row))


# ---- printing --------------------------------------------------------------------------------------------------------


def digits(number, places=None):
    """Three digits or so, thousands apart."""
    if number is None:
        return "-"
    if places is None:
        places = 0 if abs(number) >= 100 else 1 if abs(number) >= 10 else 2
    return f"{number:,.{places}f}"


def number(name, places=None):
    return lambda row: digits(row.get(name), places)


def load_of(row):
    """Workers and fetch size, and what else a cell has."""
    text = f"{row['workers']}x{row['fetch']}"
    if row["payload"]:
        text += f" {row['payload']} B"
    if row["rate"]:
        text += f" {row['rate']:,.0f}/s"
    return text


# group, heading, what a row shows there, to the left or to the right
COLUMNS = [
    ("", "workload", lambda row: row["workload"], "<"),
    ("", "load", load_of, "<"),
    ("", "engine", lambda row: row["peer"], "<"),
    ("", "lanes", number("lanes", 0), ">"),
    ("completions/s", "median", number("completions_per_second", 0), ">"),
    ("completions/s", "range", lambda row: "-".join(digits(rate, 0) for rate in row["range"]), ">"),
    ("completions/s", "of floor", number("share", 2), ">"),
    ("complete, ms", "p50", number("p50_ms"), ">"),
    ("complete, ms", "p95", number("p95_ms"), ">"),
    ("complete, ms", "p99", number("p99_ms"), ">"),
    ("complete, ms", "max", number("max_ms"), ">"),
    ("CPU us/completion", "engine", number("engine_us"), ">"),
    ("CPU us/completion", "PG", number("postgres_us"), ">"),
    ("CPU us/completion", "driver", number("driver_us"), ">"),
    ("per completion", "SQL", number("statements"), ">"),
    ("per completion", "commits", number("transactions", 3), ">"),
    ("per completion", "rows", number("rows"), ">"),
    ("per completion", "WAL B", number("wal_bytes", 0), ">"),
    ("", "batch", number("batch", 1), ">"),
    ("", "RSS MB", number("rss_mb", 0), ">"),
    ("", "errors", number("errors", 0), ">"),
    ("", "notes", lambda row: ", ".join(row["notes"]) or "-", "<"),
]


def render(rows, peers):
    """The lines of the table; for each other peer a last column: how many times its best we reach."""
    columns = COLUMNS + [("times", peer, lambda row, peer=peer: digits(row.get("times", {}).get(peer), 1), ">")
                         for peer in peers]
    cells = [[show(row) for _, _, show, _ in columns] for row in rows]
    widths = [max(len(heading), *(len(line[i]) for line in cells)) for i, (_, heading, _, _) in enumerate(columns)]
    groups = ""
    for i, (group, _, _, _) in enumerate(columns):
        first = i == 0 or columns[i - 1][0] != group
        if group and first:
            groups = groups.ljust(sum(widths[:i]) + 2 * i) + group
    lines = [groups]
    for line in [[heading for _, heading, _, _ in columns]] + cells:
        padded = [f"{text:{side}{width}}" for text, width, (_, _, _, side) in zip(line, widths, columns)]
        lines.append("  ".join(padded).rstrip())
    return lines


def compare(rows, ours):
    """Gives each of our rows "times": its rate over the best of each other peer in the same workload and payload,
    however many workers and tasks per fetch that took.  An open loop's rate is chosen, so it is not compared."""
    best = {}
    for row in rows:
        key = row["workload"], row["payload"], row["peer"]
        if not row["rate"]:
            best[key] = max(best.get(key, 0), row["completions_per_second"])
    for row in rows:
        if row["peer"] != ours or row["rate"]:
            continue
        others = {peer: rate for (workload, payload, peer), rate in best.items()
                  if (workload, payload) == (row["workload"], row["payload"]) and peer != ours and rate > 0}
        row["times"] = {peer: row["completions_per_second"] / rate for peer, rate in others.items()}
