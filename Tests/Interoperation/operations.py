"""What an operator does: check, reload, look, hold, release, bounce, remove; crash and a full disk."""
import json
import os
import re
import signal
import subprocess
import time

from dialogue import Dialogue, send
from octets import mail
from relay import BATON, DEAD, SINK, SINK2, SMTP, Relay
from report import Skip, equal, holds, need, until
from sink import Sink

WAITS = "queue: {retrySchedule: [1h], retryJitter: 0%}"


def run(report, root):
    report.case("check names every mistake", mistakes, root)
    report.case("check refuses an open relay and says what opens it", open_relay, root)
    report.case("check on what is no configuration at all", nonsense, root)
    relay = Relay(root)
    relay.configure(rules="[{route: sink}]", more=WAITS)
    relay.start()
    try:
        report.case("SIGHUP: a new domain, with a session open", reload_open_session, relay)
        report.case("baton reload: a changed limit and route", reload_command, relay)
        report.case("a file with a mistake changes nothing", reload_bad, relay)
        report.case("a key that needs a restart is named; the others apply", reload_restart, relay)
        relay.configure(rules="[{route: sink}]", more=WAITS)
        relay.reload()
        report.case("status", status, relay)
        report.case("queue, list, summary and show", listing, relay)
        report.case("trace by id and by address", trace, relay)
        report.case("hold and release, with filters and a dry run", hold, relay)
        report.case("remove tells nobody", remove, relay)
        report.case("bounce tells the sender", bounce, relay)
        report.case("operations need a filter, ids or --all", careful, relay)
        report.case("commands without a daemon say what to do", no_daemon, relay, root)
        report.case("kill -9 with waiting messages: all there, delivered once", crash, relay)
        report.case("kill -9 while messages come in: nothing acknowledged is lost", crash_receiving, relay)
    finally:
        relay.end()
    report.case("a full disk: 452, nothing lost, recovers", full_disk, root)


def check(root, text):
    path = os.path.join(root, "checked.yaml")
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return subprocess.run([BATON, "check", path], capture_output=True, text=True, timeout=20)


HEAD = "hostname: relay.test\nlisteners: [{address: \"127.0.0.1:2525\"}]\n"


def mistakes(root):
    done = check(root, HEAD + """domains:
  local.test:
    rout: boxes
    mailboxes: [al ice]
routes:
  boxes: {type: maildirr, path: x}
limits:
  maxMessageSize: 5 quux
  maxRecipient: 5
queue: {retrySchedule: [1x]}
rules: [{route: nowhere}]
relayNetworks: [10.0.0.1/33]
dns: {timeout: 30}
""")
    holds(done.returncode != 0, "no mistake was found")
    text = done.stderr + done.stdout
    for line, words in ((5, "rout"), (8, "maildir"), (10, "maxMessageSize"), (11, "maxRecipients"), (12, "1x"), (13, "nowhere"),
                        (14, "10.0.0.1/33"), (15, "timeout")):
        holds(re.search(rf"checked\.yaml:{line}:\d+: .*{re.escape(words)}", text), f"line {line}, {words} is not in:\n{text}")
    holds("route" in text.split(":5:")[1].split("\n")[0], text)


def open_relay(root):
    for words in ("relayNetworks: [0.0.0.0/0]", "relayNetworks: [\"::/0\"]", "relayNetworks: [0.0.0.0/1, 128.0.0.0/1]",
                  "relayDomains: [\"*.com\"]"):
        done = check(root, HEAD.replace("127.0.0.1:", ":") + words + "\n")
        holds(done.returncode != 0, f"{words} was let through")
        holds(words.split(":")[0] in done.stderr + done.stdout, done.stderr)
    done = check(root, 'hostname: relay.test\nlisteners: [{address: ":25", xclient: [0.0.0.0/0]}]\n')
    holds(done.returncode != 0 and "xclient" in done.stderr + done.stdout, done.stderr)


def nonsense(root):
    for text in (b"", b"\xff\xfe\x00", b"a: [", b"- 1\n- 2\n", b"hostname: &a [*a]\n", b"hostname: relay.test\nhostname: other.test\n",
                 b"{" * 20000, b"a: " * 5000, b"x: &a [1,1,1,1]\n" + b"".join(b"y%d: &b%d [*a,*a]\n" % (n, n) for n in range(50)), b"null", b"42"):
        done = check(root, text)
        holds(done.returncode not in (0,) and done.returncode > 0, f"{text[:30]!r} ended with {done.returncode}")
        holds("checked.yaml" in done.stderr + done.stdout, f"{text[:30]!r}: {done.stderr[-300:]}")


def reload_open_session(relay):
    opened = Dialogue(SMTP)
    opened.expect("MAIL FROM:<me@client.test>", 250)
    relay.configure(rules="[{route: sink}]", more=WAITS, domains="""
  local.test: {route: boxes, mailboxes: "*"}
  added.test: {route: boxes, mailboxes: [box]}
""")
    relay.reload()
    opened.expect("RCPT TO:<box@local.test>", 250)
    code, _ = opened.data(mail("over-reload", b"x\r\n"))
    equal(code, 250)
    relay.arrived("box", "over-reload")
    opened.quit()
    opened = Dialogue(SMTP)
    opened.expect("MAIL FROM:<me@client.test>", 250)
    opened.expect("RCPT TO:<box@added.test>", 250)
    opened.expect("RCPT TO:<nobody@added.test>", 550)
    code, _ = opened.data(mail("after-reload", b"x\r\n"))
    equal(code, 250)
    opened.quit()
    relay.arrived("box", "after-reload", domain="added.test")


def reload_command(relay):
    relay.configure(rules="[{route: sink}]", more=WAITS + "\nlimits: {maxMessageSize: 400kB}")
    done = relay.command("reload")
    holds("maxMessageSize" in done.stdout, done.stdout)
    opened = Dialogue(SMTP)
    equal(opened.extensions.get("SIZE"), "400000")
    code, lines = opened.say("MAIL FROM:<me@client.test> SIZE=400001")
    equal(code, 552, lines)
    opened.quit()


def reload_bad(relay):
    with open(relay.file) as file:
        good = file.read()
    with open(relay.file, "w") as file:
        file.write(good.replace("400kB", "500kB") + "\nunknownKey: 1\n")
    done = relay.command("reload", check=False)
    holds(done.returncode != 0, "a bad file was taken")
    holds("unknownKey" in done.stderr + done.stdout, done.stderr)
    relay.reload("reload-refused")
    opened = Dialogue(SMTP)
    equal(opened.extensions.get("SIZE"), "400000")
    opened.quit()


def reload_restart(relay):
    relay.configure(rules="[{route: sink}]", more=WAITS + "\nlimits: {maxMessageSize: 350kB}")
    with open(relay.file) as file:
        text = file.read()
    with open(relay.file, "w") as file:
        file.write(text.replace("hostname: relay.test", "hostname: other.test"))
    done = relay.command("reload", check=False)
    text = done.stdout + done.stderr
    holds("hostname" in text and "restart" in text.lower(), text)
    opened = Dialogue(SMTP)
    holds("relay.test" in opened.greeting[1][0], opened.greeting)
    equal(opened.extensions.get("SIZE"), "350000", "the live key beside it")
    opened.quit()


def as_json(relay, *words):
    return json.loads(relay.command(*words, "--json").stdout)


def fill(count, sender="wait", recipient="you@far.test", mark="waiting"):
    return [send(SMTP, f"{sender}{number}@local.test", recipient, mail(f"{mark}-{number}", b"x\r\n")) for number in range(count)]


def deferred(relay, ids):
    """Waits until the messages wait: for their own time, or for that of their site."""
    until(lambda: set(ids) <= waiting(relay) and "delivering" not in relay.command("queue", "list").stdout, 20, "the deferral")


def waiting(relay):
    text = relay.command("queue", "list", "--limit", "0", "--json").stdout
    return set(re.findall(r'"id" ?: ?"(\w{13})"', text))


def status(relay):
    text = relay.command("status").stdout
    holds("relay.test" in text and "running" in text, text)
    as_json(relay, "status")


def listing(relay):
    ids = fill(3)
    deferred(relay, ids)
    text = relay.command("queue").stdout
    for number in ids:
        holds(number in text, text)
    holds("you@far.test" in text, text)
    holds(set(ids) <= waiting(relay), waiting(relay))
    text = relay.command("queue", "summary").stdout
    holds("far.test" in text or str(SINK) in text, text)
    as_json(relay, "queue", "summary")
    text = relay.command("queue", "show", ids[0]).stdout
    for words in ("wait0@local.test", "you@far.test", "refused"):
        holds(words in text, f"{words} is not in {text}")
    as_json(relay, "queue", "show", ids[0])
    done = relay.command("queue", "show", "0000000000000", check=False)
    holds(done.returncode != 0 and (done.stderr + done.stdout).strip(), f"an unknown id: {done}")
    done = relay.command("queue", "show", "what", check=False)
    holds(done.returncode != 0 and "queue id" in done.stderr + done.stdout, done.stderr)
    for words, there in ((("--sender", "wait1@local.test"), ids[1:2]), (("--recipient", "@far.test"), ids), (("--sender", "<>"), []),
                         (("--state", "held"), []), (("--reply", "no such text"), []), (("--older-than", "1h"), [])):
        text = relay.command("queue", "list", *words).stdout
        equal(sorted(number for number in ids if number in text), sorted(there), " ".join(words))


def trace(relay):
    ids = fill(1, sender="traced", mark="traced")
    deferred(relay, ids)
    text = relay.command("trace", ids[0]).stdout
    for words in ("accepted", "traced0@local.test", "refused"):
        holds(words in text.lower(), f"{words} is not in {text}")
    for address in ("traced0@local.test", "you@far.test"):
        holds(ids[0] in relay.command("trace", address).stdout, f"{address}: no {ids[0]}")
    for line in relay.command("trace", ids[0], "--json").stdout.splitlines():
        json.loads(line)
    text = relay.command("trace", "box@local.test").stdout
    holds("delivered" in text, text)
    done = relay.command("trace", "nobody-at-all@nowhere.test", check=False)
    holds((done.stdout + done.stderr).strip(), "silence about an unknown address")


def hold(relay):
    ids = fill(3, sender="held", mark="held")
    deferred(relay, ids)
    text = relay.command("queue", "hold", "--sender", "held1@local.test", "--dry-run").stdout
    holds("1" in text, text)
    equal(held(relay, ids), [])
    relay.command("queue", "hold", "--sender", "held1@local.test")
    relay.command("queue", "hold", ids[2])
    equal(held(relay, ids), sorted(ids[1:]))
    relay.command("queue", "release", ids[2])
    equal(held(relay, ids), ids[1:2])
    sink = Sink(SINK)
    try:
        relay.command("queue", "flush")
        until(lambda: sink.find(b"X-Mark: held-0\r\n") and sink.find(b"X-Mark: held-2\r\n"), 20, "the delivery of what is not held")
        time.sleep(0.5)
        equal(sink.find(b"X-Mark: held-1\r\n"), [], "delivered while held")
        relay.command("queue", "release", "--state", "held")
        until(lambda: sink.find(b"X-Mark: held-1\r\n"), 20, "the delivery of the released message")
        until(lambda: not waiting(relay), 20, "an empty queue")
        for mark in (b"held-0", b"held-1", b"held-2", b"waiting-0", b"waiting-1", b"waiting-2", b"traced-0"):
            equal(len(sink.find(b"X-Mark: " + mark + b"\r\n")), 1, mark.decode())
    finally:
        sink.stop()


def held(relay, ids):
    text = relay.command("queue", "list", "--state", "held").stdout
    return sorted(number for number in ids if number in text)


def remove(relay):
    ids = fill(2, sender="removed", mark="removed")
    deferred(relay, ids)
    relay.command("queue", "remove", "--sender", "removed0@local.test", "--dry-run")
    holds(set(ids) <= waiting(relay), "a dry run removed something")
    relay.command("queue", "remove", "--sender", "removed0@local.test")
    until(lambda: ids[0] not in waiting(relay), 10, "the removal")
    relay.command("queue", "remove", ids[1])
    until(lambda: ids[1] not in waiting(relay), 10, "the removal")
    time.sleep(0.5)
    equal(relay.mailbox("removed0") + relay.mailbox("removed1"), [], "reports")
    holds("remove" in relay.command("trace", ids[0]).stdout.lower(), "the trace does not say so")


def bounce(relay):
    ids = fill(2, sender="given", mark="given")
    deferred(relay, ids)
    relay.command("queue", "bounce", "--recipient", "@far.test", "--dry-run")
    holds(set(ids) <= waiting(relay), "a dry run bounced something")
    relay.command("queue", "bounce", "--recipient", "@far.test")
    for number in range(2):
        relay.arrived(f"given{number}", "Action: failed")
    until(lambda: not set(ids) & waiting(relay), 10, "the end of the messages")


def careful(relay):
    ids = fill(1, sender="careful", mark="careful")
    for operation in ("hold", "release", "retry", "bounce", "remove"):
        done = relay.command("queue", operation, check=False)
        holds(done.returncode != 0 and "--all" in done.stderr + done.stdout, f"{operation}: {done.stderr}{done.stdout}")
    holds(ids[0] in waiting(relay), "gone")
    relay.command("queue", "remove", "--all")
    until(lambda: not waiting(relay), 10, "an empty queue")


def no_daemon(relay, root):
    for words in (("status",), ("queue",), ("trace", "box@local.test"), ("reload",)):
        relay.command(*words)
        done = subprocess.run([BATON, *words, "--socket", f"{root}/nothing"], capture_output=True, text=True, timeout=20)
        holds(done.returncode != 0 and "nothing" in done.stderr, f"{words}: {done.returncode} {done.stderr}")


def crash(relay):
    large = b"z" * 70 + b"\r\n"
    ids = fill(30, sender="crash", mark="crash")
    ids.append(send(SMTP, "big@local.test", "you@far.test", mail("crash-big", large * 20_000)))
    relay.command("queue", "hold", ids[3])
    relay.end(signal.SIGKILL)
    relay.start()
    equal(waiting(relay), set(ids), "waiting after the start")
    equal(held(relay, ids), [ids[3]], "held after the start")
    relay.end(signal.SIGKILL)
    relay.start()
    equal(waiting(relay), set(ids), "waiting after another start")
    sink = Sink(SINK)
    try:
        relay.command("queue", "flush")
        until(lambda: waiting(relay) == {ids[3]}, 30, "the delivery")
        relay.command("queue", "release", "--all")
        until(lambda: not waiting(relay), 20, "the delivery of the last")
        for mark in [f"crash-{number}" for number in range(30)] + ["crash-big"]:
            equal(len(sink.find(b"X-Mark: " + mark.encode() + b"\r\n")), 1, mark)
        holds(sink.find(b"X-Mark: crash-big\r\n")[0].content.endswith(mail("crash-big", large * 20_000)), "the large one is not as it was")
        relay.end(signal.SIGKILL)
        relay.start()
        time.sleep(1)
        equal(waiting(relay), set(), "after the end")
        equal(len(sink.find(b"X-Mark: crash-")), 31, "delivered again after the third start")
    finally:
        sink.stop()


def crash_receiving(relay):
    acknowledged = []
    for round in range(3):
        sessions = [Dialogue(SMTP) for _ in range(4)]
        deadline = time.monotonic() + 1.0
        number = 0
        while time.monotonic() < deadline:
            for session in sessions:
                session.transaction(f"r{round}@local.test", "you@far.test")
                mark = f"round-{round}-{number}"
                number += 1
                if session.data(mail(mark, b"x\r\n" * 500))[0] == 250:
                    acknowledged.append(mark)
        for session in sessions:
            session.transaction(f"r{round}@local.test", "you@far.test")
            session.expect("DATA", 354)
            session.send(mail("never-ended", b"y" * 300_000))
        relay.end(signal.SIGKILL)
        for session in sessions:
            session.close()
        relay.start()
    equal(len(waiting(relay)), len(acknowledged), "waiting")
    sink = Sink(SINK)
    try:
        relay.command("queue", "flush")
        until(lambda: not waiting(relay), 60, "the delivery")
        marks = [re.search(rb"X-Mark: (\S+)", message.content)[1].decode() for message in sink.messages]
        equal(sorted(marks), sorted(acknowledged))
    finally:
        sink.stop()


def full_disk(root):
    if os.geteuid() != 0:
        raise Skip("a small file system needs root")
    disk = os.path.join(root, "small")
    os.mkdir(disk)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "baton-small", disk], capture_output=True).returncode != 0:
        raise Skip("tmpfs cannot be mounted here")
    relay = Relay(root, "full")
    try:
        relay.configure(rules="[{route: sink}]", more=WAITS, spool=f"{disk}/spool")
        relay.start()
        accepted, refused = [], None
        body = b"f" * 70 + b"\r\n"
        for number in range(200):
            session = Dialogue(SMTP)
            code, lines = session.say("MAIL FROM:<full@local.test>")
            if code == 250:
                session.expect("RCPT TO:<you@far.test>", 250)
                code, lines = session.say("DATA")
                if code == 354:
                    session.send(mail(f"full-{number}", body * 14_000) + b".\r\n")
                    code, lines = session.reply()
            if code == 250:
                accepted.append(f"full-{number}")
            else:
                refused = refused or (code, lines)
            session.close()
            if refused and number - len(accepted) > 5:
                break
        holds(refused, f"the disk never got full: {len(accepted)} accepted")
        holds(refused[0] in (451, 452) and refused[1][0].startswith("4.3.1"), refused)
        holds(relay.process.poll() is None, "baton ended")
        holds("no space" in relay.command("status").stdout, "status does not say so")
        relay.end(signal.SIGKILL)
        relay.start()
        equal(len(waiting(relay)), len(accepted), "waiting after a crash with a full disk")
        sink = Sink(SINK)
        try:
            relay.command("queue", "flush")
            until(lambda: not waiting(relay), 60, "the delivery")
            marks = [re.search(rb"X-Mark: (\S+)", message.content)[1].decode() for message in sink.messages]
            equal(sorted(marks), sorted(accepted))

            def accepts():
                try:
                    return send(SMTP, "full@local.test", "you@far.test", mail("again", b"x\r\n"))
                except AssertionError:
                    return None
            until(accepts, 30, "accepting again after the disk has room")
        finally:
            sink.stop()
    finally:
        relay.end(signal.SIGKILL)
        subprocess.run(["umount", "-l", disk], capture_output=True)
