# SPDX-License-Identifier: Apache-2.0
"""Addresses that others reach: refused without --insecure, for there is no authentication."""
import subprocess

import rig

LOCAL = ("127.0.0.1", "127.8.8.8", "localhost")
OPEN = ("0.0.0.0", "", "[::]", "[::ffff:127.0.0.1]", "[::ffff:0.0.0.0]")


def try_to_serve(database, address, *options):
	"""The daemon's exit code and what it said, or None and its ready line."""
	command = [rig.BPMND, "serve", "--database", database, "--listen", f"{address}:{rig.free_port()}", *options]
	process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
	line = process.stdout.readline()
	if "is ready at" in line:
		process.terminate()
		process.communicate(timeout=20)
		return None, line.strip()
	return process.wait(20), process.stderr.read()


def run(database, long):
	for address in OPEN:
		code, text = try_to_serve(database, address)
		rig.say(code == 1 and "--insecure" in text and "authentication" in text, f"listen: '{address}' is refused",
			f"{code}: {text}")
	for options in (["--insecure"], ["--set", "insecure=on"]):
		code, text = try_to_serve(database, "0.0.0.0", *options)
		rig.say(code is None, f"listen: {' '.join(options)} takes it", f"{code}: {text}")
	for address in LOCAL:
		code, text = try_to_serve(database, address)
		rig.say(code is None, f"listen: '{address}' is taken", f"{code}: {text}")
	for address in ("127.0.0.1:99999", "nowhere.invalid:1", "127.0.0.1", "127.0.0.1:x"):
		command = [rig.BPMND, "serve", "--database", database, "--listen", address]
		done = subprocess.run(command, capture_output=True, text=True, timeout=30)
		rig.say(done.returncode == 1 and address.partition(":")[0] in done.stderr, f"listen: '{address}' is no address",
			f"{done.returncode}: {done.stderr}")
