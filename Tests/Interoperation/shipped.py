"""What is shipped: the systemd unit and the Debian package."""
import os
import re
import socket
import subprocess

from relay import BATON, SMTP, Relay
from report import Skip, equal, holds, need, until

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
UNIT = os.path.join(ROOT, "packaging", "systemd", "baton.service")


def run(report, root):
    report.case("systemd-analyze verify finds nothing", verify, root)
    report.case("systemd-analyze security: an exposure of at most 2.0", security)
    report.case("READY, RELOADING and STOPPING reach the service manager's socket", notified, root)
    report.case("the Debian package holds what it should, and lintian finds no error", package, root)


def verify(root):
    need("systemd-analyze")
    # The unit names the program where the package puts it.
    with open(UNIT) as file:
        text = file.read().replace("/usr/sbin/baton", BATON)
    path = f"{root}/baton.service"
    with open(path, "w") as file:
        file.write(text)
    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, timeout=60)
    found = [line for line in (done.stdout + done.stderr).splitlines() if "baton.service" in line]
    equal(found, [], "systemd-analyze verify")


def security():
    need("systemd-analyze")
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", UNIT], capture_output=True, text=True, timeout=60)
    if "Unknown" in done.stderr or "unrecognized" in done.stderr:
        raise Skip("this systemd cannot judge a unit that is not loaded")
    equal(done.returncode, 0, (done.stdout + done.stderr)[-400:])


def notified(root):
    path = f"{root}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(20)
        relay = Relay(root)
        relay.configure()
        relay.environment["NOTIFY_SOCKET"] = path
        relay.start()
        try:
            told = [manager.recv(4096).decode()]
            relay.reload()
            relay.end()
            manager.settimeout(2)
            while True:
                try:
                    told.append(manager.recv(4096).decode())
                except TimeoutError:
                    break
        finally:
            relay.end()
    words = " ".join(told)
    holds("READY=1" in told[0], words)
    holds("RELOADING=1" in words and words.count("READY=1") >= 2 and "STOPPING=1" in words, words)


def package(root):
    for program in ("dpkg-deb", "make", "lintian"):
        need(program)
    release = os.path.join(ROOT, ".build", "release", "baton")
    if not os.access(release, os.X_OK):
        raise Skip("no release binary: make release")
    with open(os.path.join(ROOT, "CHANGELOG.md")) as file:
        version = re.search(r"^## \[?([0-9.]+)", file.read(), re.MULTILINE).group(1)
    done = subprocess.run([os.path.join(ROOT, "packaging", "debian", "build.sh"), version], capture_output=True, text=True, timeout=300)
    equal(done.returncode, 0, done.stderr[-500:])
    arch = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True).stdout.strip()
    path = os.path.join(ROOT, "build", f"baton_{version}_{arch}.deb")
    listed = subprocess.run(["dpkg-deb", "--contents", path], capture_output=True, text=True).stdout
    for name in ("/usr/sbin/baton", "/lib/systemd/system/baton.service", "/usr/share/doc/baton/copyright",
                 "/usr/share/bash-completion/completions/baton", "/usr/share/zsh/vendor-completions/_baton", "/usr/share/baton/sendmail"):
        holds(f".{name}\n" in listed or f".{name} " in listed, f"{name} is not in the package")
    found = subprocess.run(["lintian", "--fail-on", "error", "--no-tag-display-limit", path], capture_output=True, text=True, timeout=300)
    equal(found.returncode, 0, found.stdout[-800:])
