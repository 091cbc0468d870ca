"""The rules against abuse at a running daemon: every limit in every mode, the breaker, greylisting of pools."""
import base64
import json
import os
import time

from authentication import PASSWORD, USER, baton
from dialogue import Dialogue
from relay import SMTP, STRANGERS, SUBMISSION, Relay
from report import equal, holds, until

# What is counted, for whom, and how it is answered when it is more than two.
LIMITS = [("connections", "client", 421), ("connections", "network", 421), ("connectionRate", "client", 421), ("connectionRate", "network", 421),
          ("messages", "client", 450), ("messages", "network", 450), ("messages", "sender", 450), ("messages", "recipient", 450),
          ("messages", "account", 450), ("recipients", "client", 452), ("recipients", "network", 452), ("recipients", "sender", 452),
          ("recipients", "account", 452), ("bytes", "client", 450), ("bytes", "network", 450), ("bytes", "sender", 450), ("bytes", "account", 450),
          ("errors", "client", 421), ("errors", "network", 421), ("authFailures", "client", 421), ("authFailures", "network", 421)]


def run(report, root):
    relay = Relay(root)
    relay.zone({"pool.test": {"TXT": ["v=spf1 ip4:192.0.2.0/28 ip4:198.51.100.0/28 -all"]}, "far.test": {"MX": ["10 gone.test"]}})
    configure(relay, "policy: {limits: []}")
    os.makedirs(relay.spool)
    baton(relay, "add", USER, stdin=PASSWORD + "\n")
    relay.start()
    try:
        for number, (count, by, code) in enumerate(LIMITS):
            for mode in ("enforce", "log", "off"):
                report.case(f"{count} by {by}, {mode}", limited, relay, number, count, by, code, mode)
        report.case("the breaker holds; one command releases, another removes", broken, relay)
        report.case("the breaker's other modes", passing, relay)
        report.case("greylisting takes a pool for one client", pools, relay)
    finally:
        relay.end()


def configure(relay, policy):
    relay.configure(listeners=f"""
  - {{address: "127.0.0.1:{SMTP}"}}
  - {{address: "127.0.0.1:{SUBMISSION}", dialect: submission, plaintextAuthentication: true}}
  - {{address: "127.0.0.1:{STRANGERS}", xclient: [127.0.0.1/32]}}""", relay="[127.0.0.9/32]", more=policy + """
limits: {maxConnectionsPerClientAndMinute: 10000, errorDelay: 0s}
authentication: {failureDelay: 0s, maxFailures: 100, maxFailuresPerClient: 1000}
queue: {retrySchedule: [1h], retryJitter: 0%}
""")


def login(user=USER):
    opened = Dialogue(SUBMISSION)
    opened.expect("AUTH PLAIN " + base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode(), 235)
    return opened


class Actor:
    """Somebody who does the same thing again and again, each time from where and as whom the limit counts it together."""

    def __init__(self, number, by):
        self.number, self.by, self.turn = number, by, 0

    def source(self):
        """One address, or neighbours in a /24; for other subjects, somewhere else each time."""
        self.turn += 1
        return {"client": f"127.20.{self.number}.1", "network": f"127.21.{self.number}.{self.turn}"}.get(self.by, f"127.{30 + self.turn}.{self.number}.1")

    def open(self, port=SMTP):
        if self.by == "account":
            return login()
        return Dialogue(port, source=self.source())

    def sender(self):
        if self.by == "account":
            return USER
        return f"sender{self.number}@client.test" if self.by == "sender" else f"sender{self.number}.{self.turn}@client.test"

    def recipient(self):
        return f"box{self.number}@local.test" if self.by == "recipient" else f"box{self.number}.{self.turn}@local.test"

    def transaction(self, opened, text=b"x\r\n"):
        """The first answer that refuses, or that to the message."""
        for command in (f"MAIL FROM:<{self.sender()}>", f"RCPT TO:<{self.recipient()}>"):
            code, lines = opened.say(command)
            if code != 250:
                return code
        return opened.data(f"From: {self.sender()}\r\nSubject: x\r\n\r\n".encode() + text)[0]


def limited(relay, number, count, by, code, mode):
    name = f"try-{count}-{by}-{mode}".lower()
    most = 2000 if count == "bytes" else 2
    configure(relay, f"policy: {{limits: [{{name: {name}, count: {count}, by: {by}, max: {most}, window: 1m, mode: {mode}}}], dictionary: {{mode: off}}}}")
    relay.reload()
    seen, opened = [], []
    # A table of its own for each mode: the limit of another mode has another name, and its own count.
    actor = Actor(number * 3 + ("enforce", "log", "off").index(mode), by)
    try:
        for _ in range(4):
            seen.append(act(actor, count, opened))
    finally:
        for session in opened:
            session.close()
    usual = {"connections": 220, "connectionRate": 220, "errors": 500, "authFailures": 535}.get(count, 250)
    if mode == "enforce":
        holds(code in seen and seen[0] == usual, f"{seen}: expected {usual}, then {code}")
        until(lambda: f"limit.{name}" in relay.log(), 5, f"limit.{name} in the log")
    else:
        equal(seen, [usual] * 4, "answers")
        if mode == "log":
            until(lambda: f"limit.{name} observed" in relay.log(), 5, f"what limit.{name} observed in the log")
        else:
            holds(f"limit.{name}" not in relay.log(), "a rule that is off is in the log")


def act(actor, count, opened):
    """Does once what is counted; gives the code of the answer."""
    if count == "authFailures":
        session = Dialogue(SUBMISSION, source=actor.source(), hello=None)
        opened.append(session)
        if session.greeting[0] != 220:
            return session.greeting[0]
        session.say("EHLO client.test")
        return session.say("AUTH PLAIN " + base64.b64encode(f"\0nobody{actor.turn}\0wrong".encode()).decode())[0]
    if count in ("connections", "connectionRate", "errors"):
        session = Dialogue(SMTP, source=actor.source(), hello=None)
        opened.append(session)
        if session.greeting[0] != 220 or count != "errors":
            if count == "connectionRate":
                session.close()
                opened.pop()
            return session.greeting[0]
        code = session.say("WHAT")[0]
        session.quit()
        opened.pop()
        return code
    session = actor.open()
    opened.append(session)
    return actor.transaction(session, b"y" * 70 * 10 + b"\r\n" if count == "bytes" else b"x\r\n")


def breaker(relay, mode):
    configure(relay, f"policy: {{limits: [], breaker: {{mode: {mode}, maxRecipients: 3, window: 1h}}}}")
    relay.reload()


def submit(relay, mark, count):
    """As an account of its own, that has sent nothing yet where it is new."""
    user = f"{mark}@local.test"
    if user not in baton(relay, "list").stdout:
        baton(relay, "add", user, stdin=PASSWORD + "\n")
    for number in range(count):
        opened = login(user)
        opened.transaction(user, f"{mark}{number}@local.test")
        equal(opened.data(f"From: {user}\r\nSubject: {mark}\r\n\r\nx\r\n".encode())[0], 250)
        opened.quit()


def held(relay, user="fan@local.test"):
    listed = relay.command("queue", "list", "--state", "held", "--account", user, "--json").stdout
    return [json.loads(line) for line in listed.splitlines()]


def broken(relay):
    breaker(relay, "enforce")
    submit(relay, "fan", 6)
    for number in range(3):
        relay.arrived(f"fan{number}", "Subject: fan")
    equal(len(held(relay)), 3, "messages that are held")
    holds("behaves as if it were in other hands" in relay.command("queue", "list", "--state", "held").stdout, "the reason is not told")
    holds("breaker enforced: fan@local.test: 4/3 recipients" in relay.log(), "what it saw is not in the log")
    relay.command("queue", "release", "--account", "fan@local.test")
    for number in range(3, 6):
        relay.arrived(f"fan{number}", "Subject: fan")
    equal(held(relay), [])
    submit(relay, "fan", 2)
    equal(len(held(relay)), 2)
    relay.command("queue", "remove", "--account", "fan@local.test")
    equal(held(relay), [])
    equal([len(relay.mailbox(f"fan{number}")) for number in range(6)], [1] * 6)


def passing(relay):
    for mode in ("log", "off"):
        breaker(relay, mode)
        submit(relay, f"mode{mode}", 6)
        for number in range(6):
            relay.arrived(f"mode{mode}{number}", f"Subject: mode{mode}")
        equal(f"breaker observed: mode{mode}@local.test: 4/3 recipients" in relay.log(), mode == "log", "what the log says")


def pools(relay):
    configure(relay, "policy: {limits: [], greylist: {mode: enforce, delay: 1s}, hello: {ownName: off}}")
    relay.reload()

    def attempt(address, recipient):
        opened = Dialogue(STRANGERS)
        equal(opened.say(f"XCLIENT ADDR={address} NAME=[UNAVAILABLE]")[0], 220)
        opened.expect("EHLO out.pool.test", 250)
        opened.expect("MAIL FROM:<news@pool.test>", 250)
        code, _ = opened.say(f"RCPT TO:<{recipient}@local.test>")
        opened.quit()
        return code
    equal([attempt("192.0.2.1", "grey"), attempt("198.51.100.2", "grey")], [450, 450])
    time.sleep(1.2)
    # Another host of the pool, in another network; and one that SPF does not name.
    equal([attempt("198.51.100.3", "grey"), attempt("203.0.113.9", "grey")], [250, 450])
    holds("rule=greylist" in relay.log() or "greylist" in relay.log(), "nothing in the log")
