"""The dialogs of Tests/Fixtures/smtp, which the pure session is tested with, over a real socket."""
import fnmatch
import glob
import os
import random
import re
import socket
import time

from relay import SMTP, Relay
from report import Skip, until

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "Fixtures", "smtp")
# Settings of a dialog that the configuration has a key for.
KEYS = {"maxRecipients": "maxRecipients", "maxTextLine": "maxBodyLine", "maxCommandLine": "maxCommandLine"}
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\", '"': b'"'}


class Transcript:
    def __init__(self, path):
        self.name = os.path.basename(path)
        self.steps, self.limits, self.hostname, self.dialect, self.unfit = [], {}, "localhost", "smtp", None
        with open(path, encoding="utf-8") as file:
            for line in file.read().split("\n"):
                self.read(line)

    def read(self, line):
        if not line or line.startswith("#"):
            return
        if line.upper().startswith("C: STARTTLS"):
            self.unfit = "it is a dialog without certificates"
        if line.startswith("C: ") or line == "C:":
            self.steps.append(("send", line[3:].encode() + b"\r\n"))
        elif line.startswith("C! "):
            self.steps.append(("send", octets(line[3:])))
        elif line.startswith("S: "):
            self.steps.append(("expect", line[3:]))
        elif line.startswith("+"):
            self.unfit = "it takes its time"
        elif line == "=closed":
            self.steps.append(("closed", None))
        elif line.startswith("@ "):
            words = line[2:].split(" ")
            if words[0] == "hostname":
                self.hostname = words[1]
            elif words[0] == "dialect":
                self.dialect = words[1]
            elif words[0] in KEYS:
                self.limits[KEYS[words[0]]] = words[1]
            elif words[0] in ("softErrorLimit", "hardErrorLimit") and int(words[1]) >= 100:
                pass  # Clients that may relay have no such limit.
            else:
                self.unfit = f"the setting {words[0]}"


def octets(text):
    body, times = re.match(r'"(.*)"(?: \* (\d+))?$', text, re.S).groups()
    found, index = [], 0
    while index < len(body):
        if body[index] != "\\":
            found.append(body[index].encode())
            index += 1
        elif body[index + 1] == "x":
            found.append(bytes([int(body[index + 2:index + 4], 16)]))
            index += 4
        else:
            found.append(ESCAPES[body[index + 1]])
            index += 2
    return b"".join(found) * int(times or 1)


def run(report, root):
    for path in sorted(glob.glob(os.path.join(FOLDER, "*.smtp"))):
        report.case(os.path.basename(path), one, Transcript(path), root)


def one(transcript, root):
    if transcript.unfit:
        raise Skip(transcript.unfit)
    relay = Relay(root, transcript.name)
    limits = ", ".join(f"{key}: {value}" for key, value in transcript.limits.items())
    relay.configure(rules="[{route: nothing}]", routes="  nothing: {type: discard}",
                    listeners=f"""
  - {{address: "127.0.0.1:{SMTP}"{', dialect: lmtp' if transcript.dialect == 'lmtp' else ''}}}""",
                    more=f"limits: {{{limits}}}" if limits else None)
    with open(relay.file) as file:
        text = file.read()
    with open(relay.file, "w") as file:
        file.write(text.replace("hostname: relay.test", f"hostname: {transcript.hostname}"))
    relay.start()
    try:
        dialog(transcript)
        # The same octets cut anywhere, as the network may cut them.
        dice = random.Random(transcript.name)
        for _ in range(5):
            dialog(transcript, cut=lambda data: [data[at:end] for at, end in cuts(data, dice)])
    finally:
        relay.end()


def cuts(data, dice):
    places = sorted({0, len(data), *(dice.randrange(len(data) + 1) for _ in range(min(len(data), 6)))})
    return zip(places, places[1:])


def dialog(transcript, cut=lambda data: [data]):
    with socket.create_connection(("127.0.0.1", SMTP), timeout=20) as client, client.makefile("rb") as lines:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number, (kind, value) in enumerate(transcript.steps, 1):
            if kind == "send":
                for piece in cut(value):
                    try:
                        client.sendall(piece)
                    except OSError:
                        break
            elif kind == "expect":
                expect(lines, value, number)
            else:
                assert lines.read(1) == b"", f"step {number}: the connection is still open"


def expect(lines, pattern, number):
    """`250-*` stands for all lines of a reply, anything else for one line."""
    whole = re.match(r"\d\d\d-\*$", pattern)
    while True:
        line = lines.readline().decode("utf-8", "replace").rstrip("\r\n")
        if whole:
            assert line[:3] == pattern[:3], f"step {number}: expected {pattern}, got {line!r}"
            if line[3:4] != "-":
                return
            continue
        # The words after 250 are the queue's, not the session's.
        pattern = pattern.replace("[", "[[]").replace(" queued ", " [Qq]ueued ")
        assert fnmatch.fnmatchcase(line, pattern), f"step {number}: expected {pattern}, got {line!r}"
        return
