"""What goes wrong around a real process: kill -9, a disk that fails, a clock that jumps, DNS that is gone, a peer that dies."""
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time

from dialogue import Dialogue, send
from octets import mail
from relay import DEAD, SINK, SMTP, Relay
from report import Skip, equal, holds, need, until
from sink import Sink

SOON = "queue: {retrySchedule: [1s], retryJitter: 0%}"
WAITS = "queue: {retrySchedule: [1h], retryJitter: 0%}"
KILLS = int(os.environ.get("KILLS", "20"))


def run(report, root):
    report.case(f"{KILLS} times kill -9 under load: nothing lost, duplicates bounded", kill_loop, root)
    report.case("a peer that dies after the final dot: nothing lost, duplicates counted", dying_peer, root)
    report.case("DNS is gone: mail waits, and goes out when it is back", dns_gone, root)
    report.case("a failing sync: 451, nothing acknowledged is lost", failing_sync, root)
    report.case("a failing disk: refused, then goes on by itself", failing_disk, root)
    report.case("one message that cannot be read is held, others go out", failing_read, root)
    report.case("started six days later: one last try, no bounce before it", later_start, root)
    report.case("the clock jumps six days ahead: one last try, then a bounce", clock_jump, root)
    report.case("fsck: a spool in order, a damaged one, a repair", fsck, root)
    report.case("a spool in memory is refused, unless it is allowed", memory_spool, root)


def shim(root):
    """The preloaded library, built once."""
    need("cc")
    path = os.path.join(root, "faults.so")
    if not os.path.exists(path):
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "faults.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", path, source, "-ldl"], check=True)
    return path


class Faulty(Relay):
    """A relay with the library in it; `faults` is the folder that steers it."""

    def __init__(self, root, name):
        super().__init__(root, name)
        self.faults = os.path.join(self.folder, "faults")
        os.mkdir(self.faults)
        self.environment = {"LD_PRELOAD": shim(root), "BATON_FAULTS": self.faults}

    def fault(self, what, value=""):
        with open(os.path.join(self.faults, what + ".new"), "w") as file:
            file.write(str(value))
        os.rename(os.path.join(self.faults, what + ".new"), os.path.join(self.faults, what))

    def heal(self, what):
        os.unlink(os.path.join(self.faults, what))


class Load:
    """Clients that send as fast as they can and note what was acknowledged."""

    def __init__(self, clients=4):
        self.acknowledged = set()
        self.attempted = 0
        self.stopped = False
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.send, args=(number,), daemon=True) for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def send(self, client):
        number = 0
        while not self.stopped:
            try:
                session = Dialogue(SMTP, timeout=10)
                while not self.stopped:
                    mark = f"load-{client}-{number}"
                    number += 1
                    session.transaction(f"c{client}@local.test", "you@far.test")
                    if session.data(mail(mark, b"x\r\n" * 200))[0] == 250:
                        with self.lock:
                            self.acknowledged.add(mark)
                session.close()
            except (OSError, EOFError, AssertionError):
                time.sleep(0.05)

    def end(self):
        self.stopped = True
        for thread in self.threads:
            thread.join(15)
        return self.acknowledged


def marks(sink):
    return [re.search(rb"X-Mark: (\S+)", message.content)[1].decode() for message in sink.messages]


def empty(relay):
    return not relay.command("queue", "list", "--json", "--limit", "1").stdout.strip()


def drained(relay):
    """Has everything tried now, whatever a site did before, and tells whether nothing is left."""
    relay.command("queue", "flush")
    return empty(relay)


def kill_loop(root):
    relay = Relay(root, "kills")
    relay.configure(rules="[{route: sink}]", more=SOON)
    relay.start()
    sink = Sink(SINK)
    load = Load()
    try:
        for number in range(KILLS):
            time.sleep(0.2 + 0.13 * (number % 5))
            relay.end(signal.SIGKILL)
            relay.start()
        acknowledged = load.end()
        until(lambda: drained(relay), 60, "the queue to drain")
        found = marks(sink)
        lost = acknowledged - set(found)
        holds(not lost, f"lost: {sorted(lost)[:5]} of {len(acknowledged)}")
        holds(len(acknowledged) > 20 * KILLS / 5, f"only {len(acknowledged)} were acknowledged")
        twice = len(found) - len(set(found))
        # Each kill may cut off every outbound connection between the peer's 250 and its record: at most 20 a site.
        holds(twice <= 20 * KILLS, f"{twice} duplicates of {len(found)} in {KILLS} kills")
        print(f"      {len(acknowledged)} acknowledged, {len(found)} arrived, {twice} twice", flush=True)
    finally:
        load.end()
        sink.stop()
        relay.end(signal.SIGKILL)


class DyingSink(Sink):
    """Takes a message and dies without a reply, `deaths` times."""

    def __init__(self, port, deaths):
        self.deaths = deaths
        self.died = 0
        super().__init__(port)

    def end(self, client, message):
        with self.lock:
            dies = self.died < self.deaths
            self.died += dies
            self.messages.append(message)
        if dies:
            client.shutdown(socket.SHUT_RDWR)
            raise OSError("dead")
        client.sendall(b"250 2.0.0 taken\r\n")


def dying_peer(root):
    relay = Relay(root, "dying")
    relay.configure(rules="[{route: sink}]", more=SOON)
    relay.start()
    sink = DyingSink(SINK, 10)
    try:
        for number in range(30):
            send(SMTP, "d@local.test", "you@far.test", mail(f"dying-{number}", b"x\r\n"))
        until(lambda: drained(relay), 60, "the queue to drain")
        found = marks(sink)
        equal(set(found), {f"dying-{number}" for number in range(30)}, "arrived")
        equal(sink.died, 10)
        equal(len(found) - len(set(found)), 10, "duplicates: one for each death")
    finally:
        sink.stop()
        relay.end()


class NameServer:
    """Answers MX and A of every name with 127.0.0.1."""

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(2000)
            except OSError:
                return
            end = query.index(b"\0", 12) + 5
            question = query[12:end]
            kind = struct.unpack(">H", question[-4:-2])[0]
            data = {1: bytes([127, 0, 0, 1]), 15: b"\0\x0a\x02mx\xc0\x0c"}.get(kind)
            head = query[:2] + b"\x81\x80" + struct.pack(">HHHH", 1, 1 if data else 0, 0, 0)
            answer = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data if data else b""
            self.socket.sendto(head + question + answer, peer)

    def stop(self):
        self.socket.close()


def dns_gone(root):
    relay = Relay(root, "dns")
    relay.configure(routes="  out: {type: mx}", rules="[{route: out}]", more=SOON + f"\ndelivery: {{mxPort: {SINK}}}")
    with open(relay.file) as file:
        text = file.read()
    port = DEAD
    text = re.sub(r"dns: .*", f"dns: {{forwarders: [\"127.0.0.1:{port}\"], trustAnchor: none}}", text)
    with open(relay.file, "w") as file:
        file.write(text)
    relay.start()
    sink = Sink(SINK)
    server = None
    try:
        for number in range(5):
            send(SMTP, "dns@local.test", f"you@d{number}.far.test", mail(f"dns-{number}", b"x\r\n"))
        time.sleep(4)
        equal(sink.messages, [], "delivered without DNS")
        holds(not empty(relay), "nothing waits")
        equal(relay.mailbox("dns"), [], "bounced while DNS was gone")
        server = NameServer(port)

        until(lambda: drained(relay), 90, "delivery after DNS is back")
        equal(sorted(marks(sink)), [f"dns-{number}" for number in range(5)])
    finally:
        if server:
            server.stop()
        sink.stop()
        relay.end(signal.SIGKILL)


def failing_sync(root):
    relay = Faulty(root, "sync")
    relay.configure(rules="[{route: sink}]", more=WAITS)
    relay.start()
    sink = None
    try:
        kept = [f"before-{number}" for number in range(5)]
        for mark in kept:
            send(SMTP, "s@local.test", "you@far.test", mail(mark, b"x\r\n"))
        relay.fault("sync")
        session = Dialogue(SMTP)
        session.transaction("s@local.test", "you@far.test")
        code, lines = session.data(mail("during", b"x\r\n"))
        holds(code in (451, 452), f"{code} {lines}")
        session.close()
        relay.heal("sync")

        def accepts():
            try:
                return send(SMTP, "s@local.test", "you@far.test", mail("after", b"x\r\n"))
            except (AssertionError, EOFError):
                return None
        until(accepts, 20, "accepting again")
        relay.end(signal.SIGKILL)
        relay.start()
        sink = Sink(SINK)
        relay.command("queue", "flush")
        until(lambda: empty(relay), 30, "the queue to drain")
        holds(set(kept + ["after"]) <= set(marks(sink)), marks(sink))
        holds(len(marks(sink)) == len(set(marks(sink))), "a duplicate")
    finally:
        if sink:
            sink.stop()
        relay.end(signal.SIGKILL)


def failing_disk(root):
    relay = Faulty(root, "disk")
    relay.configure(rules="[{route: sink}]", more=SOON)
    relay.start()
    sink = Sink(SINK)
    try:
        for what in ("sync", "write"):
            relay.fault(what)
        for number in range(3):
            session = Dialogue(SMTP)
            code, lines = session.say("MAIL FROM:<s@local.test>")
            if code == 250:
                session.expect("RCPT TO:<you@far.test>", 250)
                code, lines = session.data(mail("refused", b"x\r\n"))
            holds(code in (451, 452), f"{code} {lines}")
            session.close()
        holds("log failed" in relay.command("status").stdout or "log" in relay.command("status").stdout, "status says nothing")
        for what in ("sync", "write"):
            relay.heal(what)

        def accepts():
            try:
                return send(SMTP, "s@local.test", "you@far.test", mail("after", b"x\r\n"))
            except (AssertionError, EOFError):
                return None
        until(accepts, 20, "accepting again")
        until(lambda: drained(relay) and "after" in marks(sink), 20, "the delivery")
        # Refused with 4xx: it may be there all the same, but only whole.
        holds(set(marks(sink)) <= {"after", "refused"}, marks(sink))
    finally:
        sink.stop()
        relay.end(signal.SIGKILL)


def failing_read(root):
    relay = Faulty(root, "read")
    relay.configure(rules="[{route: sink}]", more=SOON)
    relay.start()
    sink = None
    try:
        send(SMTP, "s@local.test", "you@far.test", mail("unlucky", b"x\r\n"))
        relay.command("queue", "hold", "--all")
        relay.end(signal.SIGKILL)
        relay.start()
        relay.fault("read")
        sink = Sink(SINK)
        relay.command("queue", "release", "--all")
        time.sleep(3)
        equal(marks(sink), [], "delivered what cannot be read")
        holds(not empty(relay), "gone")
        relay.heal("read")
        relay.command("queue", "flush")
        until(lambda: drained(relay) and marks(sink) == ["unlucky"], 40, "the delivery after the disk reads again")
    finally:
        if sink:
            sink.stop()
        relay.end(signal.SIGKILL)


def later_start(root):
    relay = Faulty(root, "later")
    relay.configure(rules="[{route: sink}]", more=WAITS)
    relay.start()
    sink = None
    try:
        send(SMTP, "s@local.test", "you@far.test", mail("late", b"x\r\n"))
        until(lambda: not empty(relay), 10, "waiting")
        relay.end()
        relay.fault("clock", 6 * 86400)
        sink = Sink(SINK)
        relay.start()
        until(lambda: marks(sink) == ["late"], 30, "the last try")
        until(lambda: empty(relay), 20, "the end")
        # Six days without a word are worth a notice, but this is no bounce.
        holds(not [bounce for bounce in relay.mailbox("s") if b"Action: failed" in bounce], "it bounced")
    finally:
        if sink:
            sink.stop()
        relay.end(signal.SIGKILL)


def clock_jump(root):
    relay = Faulty(root, "jump")
    relay.configure(rules="[{route: sink}]", more=WAITS)
    relay.start()
    sink = Sink(SINK)
    sink.answers["RCPT"] = "450 4.2.0 later"
    try:
        send(SMTP, "s@local.test", "you@far.test", mail("jumped", b"x\r\n"))
        rcpts = lambda: len([line for line in sink.dialogue if line.startswith("RCPT")])
        until(lambda: rcpts() == 1, 20, "the first attempt")
        relay.fault("clock", 6 * 86400)
        # The wall clock is looked at once a minute, and the schedule when there is something to do.
        def bounced():
            time.sleep(2)
            send(SMTP, "", "nudge@local.test", mail("nudge", b"x\r\n"))
            return [bounce for bounce in relay.mailbox("s") if b"Action: failed" in bounce]
        bounce = until(bounced, 100, "the bounce")[0]
        holds(b"X-Mark: jumped" in bounce, bounce[:400])
        equal(rcpts(), 2, "attempts")
    finally:
        sink.stop()
        relay.end(signal.SIGKILL)


def fsck(root):
    relay = Relay(root, "fsck")
    relay.configure(rules="[{route: sink}]", more=WAITS)
    relay.start()
    words = [os.environ["BATON"], "queue", "fsck", "--config", relay.file]

    def check(*more):
        return subprocess.run([*words, *more], capture_output=True, text=True, timeout=60)
    try:
        for number in range(5):
            send(SMTP, "s@local.test", "you@far.test", mail(f"fsck-{number}", b"body of %d\r\n" % number))
        running = check()
        holds(running.returncode == 1 and "stop it first" in running.stderr, running.stderr)
        relay.end()
        good = check()
        equal(good.returncode, 0, good.stdout + good.stderr)
        holds("5 messages in the queue, 5 read back whole" in good.stdout, good.stdout)
        names = {name: read(os.path.join(relay.spool, "log", name)) for name in files(relay)}
        segment = next(name for name, data in names.items() if b"body of 3" in data)
        path = os.path.join(relay.spool, "log", segment)
        with open(path, "r+b") as file:
            file.seek(names[segment].index(b"body of 3"))
            file.write(b"DAMAGED!!")
        before = {name: read(os.path.join(relay.spool, "log", name)) for name in files(relay)}
        bad = check()
        equal(bad.returncode, 1, bad.stdout + bad.stderr)
        holds("4 read back whole" in bad.stdout and "Nothing was changed" in bad.stdout, bad.stdout)
        equal({name: read(os.path.join(relay.spool, "log", name)) for name in files(relay)} == before, True, "nothing changed")
        repaired = check("--repair")
        equal(repaired.returncode, 0, repaired.stdout + repaired.stderr)
        holds(os.listdir(os.path.join(relay.spool, "log", "quarantine")), "the quarantine is empty")
        sink = Sink(SINK)
        try:
            relay.start()
            relay.command("queue", "flush")
            until(lambda: len(marks(sink)) == 4, 20, "the delivery of the others")
            holds("held" in relay.command("queue", "list").stdout, "the damaged one is not held")
        finally:
            sink.stop()
    finally:
        relay.end(signal.SIGKILL)


def files(relay):
    return [name for name in os.listdir(os.path.join(relay.spool, "log")) if name.startswith(("segment-", "identity", "checkpoint-"))]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def memory_spool(root):
    if not os.path.ismount("/dev/shm"):
        raise Skip("/dev/shm is absent")
    spool = f"/dev/shm/baton-interoperation-{os.getpid()}"
    relay = Relay(root, "memory")
    relay.configure(spool=spool)
    with open(relay.file) as file:
        text = file.read()
    with open(relay.file, "w") as file:
        file.write(text.replace("allowUnsafe: true, ", ""))
    try:
        done = subprocess.run([os.environ["BATON"], "serve", "--config", relay.file], capture_output=True, text=True, timeout=30)
        holds(done.returncode != 0 and "allowUnsafe" in done.stderr + done.stdout, done.stderr + done.stdout)
        with open(relay.file, "w") as file:
            file.write(text)
        relay.start()
        relay.end()
    finally:
        relay.end(signal.SIGKILL)
        subprocess.run(["rm", "-rf", spool])
