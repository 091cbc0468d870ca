"""Everything at once that must not matter: floods, garbage, half handshakes, guessing; nothing traps, hangs or grows."""
import base64
import os
import random
import resource
import socket
import ssl
import subprocess
import threading
import time

from authentication import PASSWORD, USER, baton
from dialogue import Dialogue, send
from octets import mail
from relay import IMPLICIT, SMTP, SUBMISSION, Relay
from report import equal, holds, need, until
from tls import certificates

PORTS = (SMTP, SUBMISSION, IMPLICIT)


def run(report, root):
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    relay = Relay(root)
    relay.configure(listeners=f"""
  - {{address: "127.0.0.1:{SMTP}"}}
  - {{address: "127.0.0.1:{SUBMISSION}", dialect: submission, plaintextAuthentication: true}}
  - {{address: "127.0.0.1:{IMPLICIT}", dialect: submission, tls: implicit}}""", relay="[127.0.0.9/32]", more=certificates("ecdsa", "rsa")
                    + """
limits: {maxConnections: 6000, maxConnectionsPerClientAndMinute: 100000, errorDelay: 0s}
policy: {limits: [], dictionary: {mode: off}}
authentication: {failureDelay: 100ms, maxFailuresPerClient: 100000, failureWindow: 1m}
queue: {retrySchedule: [1s], retryJitter: 0%}""")
    os.makedirs(relay.spool)
    baton(relay, "add", USER, stdin=PASSWORD + "\n")
    relay.start()
    baseline = []
    try:
        attacks = (("garbage at every port", garbage), ("hellos that stop in the middle", halves), ("hellos without end", endless),
                   ("renegotiation", renegotiation), ("guessed passwords", guessing), ("commands that are none, pipelined", nonsense),
                   ("messages that stop in the middle", unfinished), ("resets in the middle of everything", resets), ("4,000 connections", crowd))
        for name, attack in attacks:
            report.case(name, survived, relay, attack)
        # What the first round took the allocator keeps; the second must do with it.
        baseline.append(resident(relay))
        for name, attack in attacks:
            if attack != guessing:
                report.case(name + ", again", survived, relay, attack)
        report.case("no more memory than before", lambda: until(lambda: resident(relay) < baseline[0] + (16 << 20), 30,
                    f"a return from {resident(relay) >> 20} MB to {baseline[0] >> 20} MB"))
        report.case("no more descriptors than before", lambda: until(lambda: len(os.listdir(f"/proc/{relay.process.pid}/fd")) < 100, 30, "their end"))
        report.case("an orderly end", relay.end)
    finally:
        relay.end()


def survived(relay, attack):
    """While the attack goes on, and after it, mail is served."""
    failures = []

    def go():
        try:
            attack(relay)
        except Exception as error:
            failures.append(error)
    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    serves(relay, f"during-{attack.__name__}")
    thread.join(90)
    holds(not thread.is_alive(), "the attack hangs")
    if failures:
        raise failures[0]
    serves(relay, f"after-{attack.__name__}")
    holds(relay.process.poll() is None, relay.log()[-600:])


def serves(relay, mark):
    began = time.monotonic()
    send(SMTP, "me@client.test", "box@local.test", mail(mark, b"x\r\n"), source="127.0.0.9")
    relay.arrived("box", mark)
    holds(time.monotonic() - began < 15, f"it took {time.monotonic() - began:.1f}s")


def resident(relay):
    with open(f"/proc/{relay.process.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


def address(number):
    """A client of its own, as far as limits by client go."""
    return f"127.{50 + number // 60000}.{number // 250 % 240}.{number % 250 + 1}"


def connect(port, number):
    return socket.create_connection(("127.0.0.1", port), 20, source_address=(address(number), 0))


def drain(plain, seconds=10.0):
    """What is said until the other end closes; nothing more is waited for than `seconds`."""
    plain.settimeout(seconds)
    out = b""
    try:
        while part := plain.recv(65536):
            out += part
    except OSError:
        pass
    plain.close()
    return out


def garbage(relay):
    dice = random.Random(4)
    for number in range(90):
        plain = connect(PORTS[number % 3], number)
        try:
            plain.sendall(dice.randbytes(dice.randrange(1, 70_000)))
            plain.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        drain(plain)


HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(range(32)) + b"\0\0\x02\x13\x01\x01\0\0\x99"


def halves(relay):
    waiting = []
    for number in range(300):
        plain = connect(IMPLICIT, number)
        plain.sendall(HELLO[:number % len(HELLO)])
        waiting.append(plain)
    for number in range(60):
        plain = connect(SMTP, number)
        plain.recv(1000)
        plain.sendall(b"EHLO x\r\nSTARTTLS\r\n")
        waiting.append(plain)
    serves(relay, "while-halves")
    for plain in waiting:
        plain.close()


def endless(relay):
    record = b"\x16\x03\x01\x40\x00" + b"\x01\xff\xff\xff" + b"\0" * 16380
    for number in range(20):
        plain = connect(IMPLICIT, number)
        try:
            for _ in range(200):
                plain.sendall(record)
        except OSError:
            pass
        drain(plain)


def renegotiation(relay):
    need("openssl")
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{IMPLICIT}", "-tls1_2"], input="R\n" * 20, capture_output=True, text=True, timeout=30)
    holds("no renegotiation" in done.stderr or "alert" in done.stderr or "ssl_write_internal" in done.stderr or "RENEGOTIATING" in done.stdout + done.stderr,
          done.stderr[-500:])


def guessing(relay):
    """Wrong passwords in parallel; the owner gets in all the while, from where he has been before."""
    def login(password, user=USER, number=0):
        opened = Dialogue(SUBMISSION, source=address(number))
        plain = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        code, _ = opened.say(f"AUTH PLAIN {plain}")
        opened.close()
        return code
    equal(login(PASSWORD), 235)
    seen = []

    def guess(number):
        try:
            seen.append(login(f"wrong{number}", USER if number % 2 else f"nobody{number}", number + 10))
        except EOFError:
            seen.append(421)
    threads = [threading.Thread(target=guess, args=(number,)) for number in range(60)]
    for thread in threads:
        thread.start()
    equal(login(PASSWORD), 235)
    for thread in threads:
        thread.join()
    holds(set(seen) <= {535, 454, 421}, seen)


def nonsense(relay):
    for number, text in enumerate((b"\r\n" * 100_000, b"\0" * 100_000 + b"\r\n", b"MAIL FROM:<" * 20_000, b"RSET\r\n" * 20_000, b"EHLO x\r\n" * 5_000,
                                   b"BDAT 0\r\n" * 20_000, b"AUTH PLAIN =\r\n" * 5_000, b"STARTTLS\r\n" * 5_000, b"NOOP " + b"x" * 1_000_000)):
        plain = connect(SUBMISSION, number)
        thread = threading.Thread(target=drain, args=(plain, 20.0), daemon=True)
        thread.start()
        try:
            plain.sendall(text)
            plain.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        thread.join(30)
        holds(not thread.is_alive(), f"{text[:20]!r} hangs")


def unfinished(relay):
    waiting = []
    for number in range(200):
        opened = Dialogue(SMTP, source=address(number))
        opened.transaction("me@client.test", "box@local.test")
        opened.expect("DATA", 354)
        opened.send(b"Subject: never\r\n\r\n" + b"x" * 70_000)
        waiting.append(opened)
    serves(relay, "while-unfinished")
    for opened in waiting:
        opened.close()
    holds(not any(b"Subject: never" in message for message in relay.mailbox("box")), "half a message was delivered")


def resets(relay):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for number in range(60):
        plain = connect(IMPLICIT, number)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        secure = context.wrap_socket(plain, server_hostname="mx.example")
        secure.sendall(b"EHLO x\r\n" * (number % 7))
        secure.close()


def crowd(relay):
    opened = [connect(SMTP, number) for number in range(4000)]
    greeted = 0
    for plain in opened:
        plain.settimeout(20)
        greeted += plain.recv(100).startswith(b"220")
    holds(greeted == 4000, f"{greeted} were greeted")
    serves(relay, "in-the-crowd")
    for plain in opened:
        plain.close()
