"""One line a case: ok, FAIL or skip."""
import os
import shutil
import sys
import time
import traceback


class Skip(Exception):
    """A case that cannot be tried here, and why."""


class Report:
    """Runs cases and counts what fails."""

    def __init__(self):
        self.failed = []
        self.passed = 0
        self.skipped = 0
        self.group = ""

    def case(self, name, check, *arguments):
        """Runs `check`; whatever it raises is a failure of the case alone."""
        title = f"{self.group}: {name}"
        # CASE=word tries one thing again; what holds others together runs always.
        if os.environ.get("CASE", "") not in title and not name.startswith(("the whole", "Postfix by", "Dovecot by")):
            return
        began = time.monotonic()
        try:
            check(*arguments)
        except Skip as reason:
            self.skipped += 1
            print(f"skip  {title} ({reason})", flush=True)
        except Exception as error:
            self.failed.append(title)
            print(f"FAIL  {title}: {describe(error)}", flush=True)
        else:
            self.passed += 1
            print(f"ok    {title} ({time.monotonic() - began:.1f}s)", flush=True)

    def end(self):
        print(f"{self.passed} ok, {len(self.failed)} failed, {self.skipped} skipped")
        sys.exit(1 if self.failed else 0)


def describe(error):
    place = traceback.extract_tb(error.__traceback__)
    lines = [f"{frame.name}:{frame.lineno}" for frame in place[-3:]]
    return f"{type(error).__name__}: {error} [{' '.join(lines)}]"


def need(program):
    """The path of `program`, or a skip."""
    path = shutil.which(program)
    if not path:
        raise Skip(f"{program} is absent")
    return path


def equal(got, expected, what=""):
    if got != expected:
        raise AssertionError(f"{what}: got {short(got)}, expected {short(expected)}")


def holds(condition, what):
    if not condition:
        raise AssertionError(what)


def short(value):
    text = repr(value)
    return text if len(text) < 400 else f"{text[:200]} … {text[-120:]} ({len(value) if hasattr(value, '__len__') else '?'} long)"


def until(question, seconds=20, what="it"):
    """Waits for `question` to answer something true, and gives that."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {seconds}s")
        time.sleep(0.05)
