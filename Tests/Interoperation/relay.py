"""A Baton with its own folder, configuration and ports."""
import glob
import json
import os
import signal
import socket
import subprocess
import tempfile
import time

from report import Skip, until

BATON = os.environ["BATON"]
PORT = int(os.environ.get("PORT", "2570"))

SMTP, SUBMISSION, LMTP, STRANGERS = PORT, PORT + 1, PORT + 2, PORT + 3
SINK, SINK2, DEAD = PORT + 5, PORT + 6, PORT + 7
POSTFIX, DOVECOT, SMTP_SINK = PORT + 10, PORT + 11, PORT + 12
IMPLICIT, CERTIFIED = PORT + 13, PORT + 14
ACME, ACME_MANAGEMENT, ACME_CHALLENGES, ACME_DNS = PORT + 15, PORT + 16, PORT + 17, PORT + 18
NAMES, RSPAMD, POSTFIX2 = PORT + 19, PORT + 20, PORT + 21


class Relay:
    """Made in `root`; `more` are further keys of the configuration, as text."""

    def __init__(self, root, name="baton"):
        self.folder = os.path.join(root, name)
        os.makedirs(self.folder)
        self.file = os.path.join(self.folder, "baton.yaml")
        self.log_path = os.path.join(self.folder, "log")
        self.control = os.path.join(self.folder, "control")
        self.spool = os.path.join(self.folder, "spool")
        self.process = None
        self.environment = {}
        self.zone({})

    def zone(self, records):
        with open(os.path.join(self.folder, "zone.json"), "w") as file:
            json.dump(records, file)

    def configure(self, routes="", rules="[]", more="", listeners=None, domains=None, relay="[127.0.0.0/8]", spool=None, dns=None):
        listeners = listeners or f"""
  - {{address: "127.0.0.1:{SMTP}"}}
  - {{address: "127.0.0.1:{SUBMISSION}", dialect: submission}}
  - {{address: "127.0.0.1:{LMTP}", dialect: lmtp}}"""
        domains = domains or """
  local.test:
    route: boxes
    mailboxes: "*"
"""
        with open(self.file, "w") as file:
            file.write(f"""hostname: relay.test
listeners: {listeners}
domains: {domains}
relayNetworks: {relay}
routes:
  boxes: {{type: maildir, path: "{self.folder}/mail/{{domain}}/{{user}}"}}
  sink: {{type: smarthost, hosts: ["127.0.0.1:{SINK}"]}}
{routes}
rules: {rules}
spool: {{directory: "{spool or self.spool}", {'allowUnsafe: true, ' if spool else ''}segmentSize: 16MiB{', minFree: 32MiB' if spool else ''}}}
dns: {dns or f'{{zone: "{self.folder}/zone.json"}}'}
control: {{socket: "{self.control}", submitSocket: "{self.folder}/submit", group: "root"}}
log: {{level: debug}}
{more or 'queue: {retrySchedule: [1s], retryJitter: 0%}'}
""")

    def start(self, ready=None):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([BATON, "serve", "--config", self.file], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, env={**os.environ, **self.environment})
        port = ready or SMTP

        def listens():
            if self.process.poll() is not None:
                raise AssertionError(f"baton ended with {self.process.returncode}: {self.log()[-600:]}")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
            except OSError:
                return False
        until(listens, 30, "the start")
        return self

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def end(self, number=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("baton did not end within 15s of the signal")
        self.process = None

    def reload(self, expected="reloaded"):
        """SIGHUP; waits until the log says what came of it."""
        before = self.log().count("event=" + expected)
        self.process.send_signal(signal.SIGHUP)
        until(lambda: self.log().count("event=" + expected) > before, 10, f"“{expected}” in the log")

    def command(self, *words, check=True):
        """Runs `baton words…` against this daemon; gives status, output and errors."""
        if words[0] not in commands():
            raise Skip(f"this baton has no {words[0]} command")
        done = subprocess.run([BATON, *words, "--socket", self.control], capture_output=True, text=True, timeout=30)
        if check and done.returncode != 0:
            raise AssertionError(f"baton {' '.join(words)} ended with {done.returncode}: {done.stderr or done.stdout}")
        return done

    def mailbox(self, user, domain="local.test"):
        """The messages in a Maildir, oldest first."""
        files = glob.glob(f"{self.folder}/mail/{domain}/{user}/new/*")
        found = []
        for path in sorted(files, key=os.path.getmtime):
            with open(path, "rb") as file:
                found.append(file.read())
        return found

    def arrived(self, user, mark, domain="local.test", seconds=20, count=1):
        """The messages with `mark` in a Maildir, when there are `count`."""
        mark = mark.encode() if isinstance(mark, str) else mark

        def look():
            found = [message for message in self.mailbox(user, domain) if mark in message]
            return found if len(found) >= count else None
        return until(look, seconds, f"arrival of {mark!r} at {user}")


known = None


def commands():
    global known
    if known is None:
        text = subprocess.run([BATON, "--help"], capture_output=True, text=True).stdout
        _, _, text = text.partition("SUBCOMMANDS:")
        known = {line.split()[0] for line in text.splitlines() if line.startswith("  ") and not line.startswith("   ")}
    return known


def temporary():
    folder = tempfile.mkdtemp(prefix="baton-interoperation.")
    os.chmod(folder, 0o755)
    return folder
