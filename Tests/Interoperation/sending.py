"""`baton send`, as the sendmail of local programs: with the daemon up, down and coming back."""
import os
import shutil
import subprocess

from relay import BATON, Relay
from report import equal, holds, until

MESSAGE = b"From: me@client.test\nTo: box@local.test, Second <second@local.test>\nCc: third@local.test\n" \
          b"Bcc: hidden@local.test\nSubject: %s\n\nfirst\n.leading dot\n%s"


def run(report, root):
    relay = Relay(root)
    relay.configure()
    relay.start()
    try:
        report.case("recipients as arguments, -i: a lone dot ends nothing", arguments, relay)
        report.case("a lone dot ends the message without -i", lone_dot, relay)
        report.case("-t: To, Cc and Bcc, and Bcc goes", from_header, relay)
        report.case("as sendmail -oi -f, by its name", by_name, relay, root)
        report.case("the sender's user id is recorded", user, relay)
        report.case("-N, -R, -V reach the envelope", parameters, relay)
        report.case("-bs: SMTP on standard input and output", dialog, relay)
        report.case("wrong options 64, no recipient 64, no such mailbox 67", mistakes, relay)
        report.case("completions of bash and zsh are shell", completions, root)
        relay.end()
        report.case("down: left in the maildrop, adopted at the next start", maildrop, relay)
        report.case("down, and no maildrop: 75, and says so", no_maildrop, relay, root)
    finally:
        relay.end()


def send(relay, *words, input=b"", status=0, program=BATON, drop=None):
    words = (["send"] if program == BATON else []) + list(words)
    done = subprocess.run([program, *words, "--socket", f"{relay.folder}/submit", "--maildrop", drop or f"{relay.spool}/maildrop"],
                          input=input, capture_output=True, timeout=30)
    equal(done.returncode, status, f"baton {' '.join(words)}: {done.stderr.decode()}")
    return done


def arguments(relay):
    send(relay, "-i", "-f", "sender@client.test", "box@local.test", input=MESSAGE % (b"lone-kept", b".\nlast\n"))
    message, = relay.arrived("box", "lone-kept")
    holds(message.endswith(b"first\n.leading dot\n.\nlast\n"), message[-80:])
    holds(message.startswith(b"Return-Path: <sender@client.test>\n"), message[:80])
    holds(b"Bcc:" not in message and b"\nDate: " in message and b"\nMessage-I" in message, message)


def lone_dot(relay):
    send(relay, "box@local.test", input=MESSAGE % (b"lone-ends", b".\nnot this\n"))
    message, = relay.arrived("box", "lone-ends")
    holds(message.endswith(b"first\n.leading dot\n"), message[-80:])


def from_header(relay):
    send(relay, "-t", input=MESSAGE % (b"by-header", b""))
    for name in ("box", "second", "third", "hidden"):
        message, = relay.arrived(name, "by-header")
        holds(b"hidden" not in message.split(b"\n\n")[0].split(b"Delivered-To: " + name.encode())[1], f"{name} sees Bcc")


def by_name(relay, root):
    link = f"{root}/sendmail"
    os.symlink(BATON, link)
    send(relay, "-oi", "-fother@client.test", "box@local.test", input=MESSAGE % (b"by-name", b""), program=link)
    message, = relay.arrived("box", "by-name")
    holds(message.startswith(b"Return-Path: <other@client.test>\n"), message[:80])


def user(relay):
    send(relay, "-f", "me@client.test", "box@local.test", input=MESSAGE % (b"by-user", b""))
    relay.arrived("box", "by-user")
    until(lambda: f"uid={os.getuid()}" in relay.log(), 5, "the user id in the log")


def parameters(relay):
    send(relay, "-N", "never", "-R", "hdrs", "-V", "my-id", "box@local.test", input=MESSAGE % (b"by-parameters", b""))
    relay.arrived("box", "by-parameters")
    until(lambda: "envid=my-id" in relay.log(), 5, "the envelope id in the log")


def dialog(relay):
    done = send(relay, "-bs", input=b"EHLO me.test\r\nMAIL FROM:<me@client.test>\r\nRCPT TO:<box@local.test>\r\nDATA\r\n"
                                    b"Subject: by-dialog\r\n\r\nx\r\n.\r\nQUIT\r\n")
    holds(done.stdout.startswith(b"220 ") and b"\r\n354 " in done.stdout and b"Queued as" in done.stdout, done.stdout)
    relay.arrived("box", "by-dialog")


def mistakes(relay):
    holds(b"--nonsense" in send(relay, "--nonsense", status=64).stderr, "the option is not named")
    send(relay, input=b"x\n", status=64)
    send(relay, "-N", "sometimes", "box@local.test", input=b"x\n", status=64)


def completions(root):
    for shell in ("bash", "zsh"):
        done = subprocess.run([BATON, "--generate-completion-script", shell], capture_output=True, timeout=20)
        equal(done.returncode, 0, done.stderr)
        holds(b"quickstart" in done.stdout and b"trace" in done.stdout, done.stdout[:300])
        path = f"{root}/completion.{shell}"
        with open(path, "wb") as file:
            file.write(done.stdout)
        if shutil.which(shell):
            equal(subprocess.run([shell, "-n", path]).returncode, 0, f"{shell} -n")


def maildrop(relay):
    send(relay, "-f", "me@client.test", "box@local.test", input=MESSAGE % (b"by-maildrop", b""))
    holds(os.listdir(f"{relay.spool}/maildrop"), "nothing was left")
    relay.start()
    relay.arrived("box", "by-maildrop")
    equal(os.listdir(f"{relay.spool}/maildrop"), [], "the maildrop after the start")
    relay.end()


def no_maildrop(relay, root):
    done = send(relay, "box@local.test", input=b"x\n", status=75, drop=f"{root}/absent")
    holds(b"not sent" in done.stderr.lower() or b"absent" in done.stderr, done.stderr)
