#!/usr/bin/env python3
"""Plants bugs in the sources, one at a time, and tells which tests notice.

    Tests/PlantedBugs/run.py [WORD...]      all, or those whose name contains a word

Each bug is a text of one source file and what stands in its place (bugs.py). The tests that should
notice are run; a bug that nothing notices, or whose text is no longer in the sources, is a failure.
The files are put back as they were, whatever happens.
"""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from bugs import BUGS  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD_SECONDS = 3600
TEST_SECONDS = 900


def swift(*words, seconds):
    """Exit status and output of a command; status None when it does not end."""
    try:
        done = subprocess.run(["swift", *words], cwd=ROOT, text=True, capture_output=True, timeout=seconds, errors="replace")
        return done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired as error:
        return None, (error.stdout or b"").decode(errors="replace")


def failed_tests(output):
    """The names of the tests that failed."""
    names = re.findall(r"✘ Test (?:case passing .*? to )?(.+?) (?:failed after|recorded an issue|with \d+ test cases failed)", output)
    return list(dict.fromkeys(name.strip('"') for name in names if not name.startswith("run with")))


def plant(bug):
    """What became of a bug: a line for the table, and whether it was noticed."""
    path = ROOT / "Sources" / bug.file
    text = path.read_text()
    if text.count(bug.old) != 1:
        return f"does not apply: {bug.file} has its text {text.count(bug.old)} times", False
    try:
        path.write_text(text.replace(bug.old, bug.new))
        status, output = swift("build", "--build-tests", seconds=BUILD_SECONDS)
        if status != 0:
            return "does not build: " + " ".join(re.findall(r"error: .*", output)[:2]), False
        status, output = swift("test", "--skip-build", "--filter", bug.tests, seconds=TEST_SECONDS)
    finally:
        path.write_text(text)
    if status is None:
        return "the tests do not end", True
    names = failed_tests(output)
    if status != 0 and not names:
        names = ["the process ends"]
    return ("; ".join(names) if status else "NOT NOTICED"), status != 0


def main():
    words = sys.argv[1:]
    chosen = [bug for bug in BUGS if not words or any(word in bug.name for word in words)]
    missed = 0
    for bug in chosen:
        result, is_noticed = plant(bug)
        missed += not is_noticed
        print(f"| {bug.name} | {result} |", flush=True)
    print(f"{len(chosen)} planted, {missed} not noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
