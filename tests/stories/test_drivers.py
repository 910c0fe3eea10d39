#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The drivers themselves: that a story which is wrong fails, with its line and the reason, and that both
drivers read every story of processes/ alike."""
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
PROCESSES = HERE.parents[1] / "processes"
SIM = pathlib.Path(os.environ.get("BUILDDIR", ".")) / "tests" / "stories" / "sim"

BEGIN = 'story "wrong"\ndeploy\nstart service-task-external as a with amount=5\n'
# what follows BEGIN, and what the sim driver must say of it
WRONG = [
    ("expect at nothing", "line 4: expected nothing, got charge_card"),
    ("expect at charge_card charge_card", "line 4: expected charge_card charge_card, got charge_card"),
    ("expect at", "line 4: expect nothing is written 'nothing'"),
    ("expect tasks paid", "line 4: expected paid, got charge_card"),
    ("expect jobs charge_card", "line 4: expected charge_card, got nothing"),
    ("expect incidents charge_card", "line 4: expected charge_card, got nothing"),
    ("expect history nothing", "line 4: expected nothing, got ordered"),
    ("delete\nexpect history ordered charge_card", "line 5: expected charge_card ordered, got -charge_card ordered"),
    ("expect ended", "line 4: expected state COMPLETED, got ACTIVE"),
    ("expect state SUSPENDED", "line 4: expected state SUSPENDED, got ACTIVE"),
    ("expect variables amount=6", "line 4: expected amount=6, got 5"),
    ("expect variables amount=5.0", "line 4: expected amount=5.0, got 5"),
    ('expect variables amount="5"', 'line 4: expected amount="5", got 5'),
    ("expect variables other=5", "line 4: expected other=5, got nothing"),
    ("expect absent amount", "line 4: expected no variable amount, got one"),
    ("fetch charge gets nothing", "line 4: expected nothing, got charge_card"),
    ("fetch other gets charge_card", "line 4: expected charge_card, got nothing"),
    ("fetch charge gets charge_card\nexpect fetched charge_card amount=6", "line 5: expected a fetched task at charge"),
    ("fetch charge gets charge_card\nexpect properties charge_card a=b", "line 5: expected a fetched task at charge"),
    ("expect task charge_card priority=1", "line 4: expected priority=1, got 0"),
    ("expect task charge_card colour=red", "line 4: there is no field colour"),
    ("expect job charge_card retries=1", "line 4: expected a job at charge_card, got none"),
    ("expect definition service-task-external versionTag=x", 'line 4: expected versionTag="x", got null'),
    ("complete paid", "line 4: expected a task at paid, got none"),
    ("complete charge_card of b", "line 4: no instance 'b' was started"),
    ('complete charge_card refused "locked"', 'line 4: expected to be refused with "locked", but it was done'),
    ('complete paid refused "locked"', 'line 4: expected to be refused with "locked", got "expected a task at paid'),
    ("fire charge_card", "line 4: expected a job at charge_card, got none"),
    ("fail charge_card retries many", "line 4: 'many' is no number"),
    ("clock soon", "line 4: "),
    ("dance", "line 4: there is no step 'dance'"),
    ("expect joy", "line 4: there is nothing like that to expect"),
    ("only nobody delete", "line 4: there is no driver 'nobody'"),
    ("complete charge_card with x", "line 4: 'x' is not of the form name=value"),
    ("complete charge_card with", "line 4: 'with' wants words"),
    ("complete charge_card by", "line 4: 'by' wants a word"),
    ("complete charge_card by me too", "line 4: 'too' stands behind a clause"),
    ("deploy nosuch.bpmn", "line 4: cannot open"),
    ("start nosuch", "line 4: no process 'nosuch' is deployed"),
]


def report(right, name, note=""):
    print(("ok " if right else "not ok ") + name + ("" if right else ": " + note))
    return 0 if right else 1


def load_wire():
    spec = importlib.util.spec_from_file_location("wire", HERE / "wire.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tell(folder, text):
    (folder / "story").write_text(text + "\n", encoding="utf-8")
    done = subprocess.run([SIM, folder], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def check_wrong(folder):
    failed = 0
    for steps, note in WRONG:
        code, said = tell(folder, BEGIN + steps)
        failed += report(code == 1 and said.startswith("not ok ") and note in said, f"refused: {steps!r}", said)
    code, said = tell(folder, BEGIN + "complete charge_card\nexpect ended")
    failed += report(code == 0 and said.startswith("ok "), "a story that holds", said)
    code, said = tell(folder, "# empty")
    return failed + report(code == 1 and "no story in the file" in said, "a file without a story", said)


def check_read(wire):
    """Every step is one that the wire driver knows; the sim driver runs them all anyway."""
    failed = 0
    for path in sorted(PROCESSES.glob("*/story")):
        wrong = []
        for _, steps in wire.read_stories(path):
            for step in steps:
                verb, what = "do_" + step.verb, "expect_" + step.words[0] if step.verb == "expect" else "do_expect"
                if not hasattr(wire.Teller, verb) or not hasattr(wire.Teller, what):
                    wrong.append(f"line {step.line}")
                if step.verb == "clock" and step.only != "sim":
                    wrong.append(f"line {step.line}: 'clock' is for sim only")
        failed += report(not wrong, f"read: {path.parent.name}", ", ".join(wrong))
    return failed


def main():
    wire = load_wire()
    failed = report(wire.split_line('a  "b c" x=["d e",{"f": 1}] # rest') == ["a", '"b c"', 'x=["d e",{"f": 1}]'],
                    "words")
    with tempfile.TemporaryDirectory(prefix="stories-") as name:
        folder = pathlib.Path(name)
        shutil.copy(PROCESSES / "service-task-external" / "diagram.bpmn", folder)
        failed += check_wrong(folder)
    return 1 if failed + check_read(wire) else 0


sys.exit(main())
