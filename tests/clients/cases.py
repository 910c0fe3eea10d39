# SPDX-License-Identifier: Apache-2.0
"""Cases of a test script: functions that raise when something is wrong, told one a line."""
import traceback

cases = []


def case(name):
    def keep(function):
        cases.append((name, function))
        return function
    return keep


def same(got, wanted, what=""):
    if got != wanted:
        raise AssertionError(f"{what or 'it'} is {got!r}, not {wanted!r}")


def run(prefix, *arguments):
    """Prints a line for each case and answers how many went wrong."""
    wrong = 0
    for name, function in cases:
        try:
            function(*arguments)
            print(f"ok {prefix}: {name}", flush=True)
        except Exception as error:  # whatever a client library throws
            wrong += 1
            where = traceback.extract_tb(error.__traceback__)[1]
            text = " ".join(str(error).split())
            print(f"not ok {prefix}: {name}: line {where.lineno}: {type(error).__name__}: {text}", flush=True)
    return wrong
