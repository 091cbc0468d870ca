"""Passwords, tokens and keys are in nothing that Baton writes or shows, whatever goes wrong with them."""
import base64
import glob
import hashlib
import json
import os
import smtplib
import ssl
import subprocess
import time

from authentication import baton, make_key, sign
from authority import Authority
from dialogue import Dialogue
from octets import mail
from relay import BATON, SINK, SMTP, SUBMISSION, Relay
from report import equal, holds, until
from sink import Sink

USER = "alice@local.test"
PASSWORD, WRONG, HOP, VARIABLE = "gr33n-elephant-umbrella", "purple-Wr0ng-teapot", "h0p-velvet-lantern", "env-cobalt-marmot"


def run(report, root):
    sink = Sink(SINK, Sink.EVERYTHING + ("AUTH PLAIN",))
    # A server that repeats what it was sent, in its refusal.
    sink.answers["AUTH"] = lambda line: f"535 5.7.8 not {line.decode().strip()[-60:]} nor {HOP} nor {VARIABLE}"
    # … and one that refuses the sender, so that there is a report about it.
    refused = Sink(SINK + 1)
    refused.answers["RCPT"] = "550 5.1.1 no such person"
    relay = prepared(root)
    secrets = {"the account's password": PASSWORD, "a wrong password": WRONG, "the smart host's password": HOP, "a variable's password": VARIABLE}
    secrets |= keys(relay)
    relay.start(SUBMISSION)
    try:
        report.case("logins that work and logins that fail", logins, relay, secrets)
        report.case("a smart host that repeats the password it refuses", hops, relay)
        report.case("mail that bounces", bounces, relay)
        report.case("reloads, good and bad", reloads, relay)
        report.case("the log says none of the secrets", absent, secrets, lambda: {"log": relay.log().encode()})
        report.case("nor does what commands print", absent, secrets, lambda: printed(relay))
        report.case("nor do messages and reports", absent, secrets, lambda: files(f"{relay.folder}/mail"))
        report.case("nor does the spool, but for Baton's own TLS key", absent, secrets, lambda: files(relay.spool))
        report.case("no core dumps", cores, relay)
    finally:
        relay.end()
        sink.stop()
        refused.stop()


def prepared(root):
    relay = Relay(root)
    authority = Authority(root)
    chain, key = authority.issue("relay", ["relay.test"])
    folder = f"{relay.folder}/keys"
    os.mkdir(folder)
    make_key(folder)
    os.mkdir(f"{relay.folder}/dkim")
    subprocess.run([BATON, "dkim", "generate", "local.test", "--directory", f"{relay.folder}/dkim"], capture_output=True, check=True)
    with open(f"{relay.folder}/hop", "w") as file:
        file.write(HOP + "\n")
    relay.environment = {"HOP_PASSWORD": VARIABLE}
    relay.configure(routes=f"""  hop: {{type: smarthost, hosts: ["127.0.0.1:{SINK}"]}}
  other: {{type: smarthost, hosts: ["127.0.0.1:{SINK}"]}}
  refusing: {{type: smarthost, hosts: ["127.0.0.1:{SINK + 1}"]}}""",
                    rules="[{recipients: [hop.test], route: hop}, {recipients: [other.test], route: other}, {recipients: [refusing.test], route: refusing}]",
                    listeners=f"""
  - {{address: "127.0.0.1:{SUBMISSION}", dialect: submission, plaintextAuthentication: true}}
  - {{address: "127.0.0.1:{SMTP}"}}""", relay="[127.0.0.9/32]",
                    more=f"""credentials:
  - {{route: hop, account: relay@hop.test, passwordFile: "{relay.folder}/hop", withoutTLS: true}}
  - {{route: other, account: relay@other.test, passwordVariable: HOP_PASSWORD, withoutTLS: true}}
tls: {{certificates: [{{chain: "{chain}", key: "{key}"}}]}}
dkim: {{directory: "{relay.folder}/dkim"}}
authentication: {{failureDelay: 10ms, maxFailures: 100, maxFailuresPerClient: 1000, issuers: [{{issuer: "https://id.test", audience: smtp, keys: "{folder}/jwks.json"}}]}}
queue: {{retrySchedule: [1s], retryJitter: 0%}}
policy: {{limits: []}}
""")
    os.makedirs(relay.spool)
    baton(relay, "add", USER, stdin=PASSWORD + "\n")
    relay.tls_key = key
    return relay


def keys(relay):
    """Lines out of the middle of private keys: what a log of them would hold."""
    found = {}
    for file in [relay.tls_key] + glob.glob(f"{relay.folder}/dkim/**/*.pem", recursive=True):
        with open(file) as text:
            found[f"the key {os.path.basename(file)}"] = text.read().splitlines()[1][10:50]
    holds(len(found) == 2, found)
    return found


def plain(password):
    return base64.b64encode(f"\0{USER}\0{password}".encode()).decode()


def logins(relay, secrets):
    app = baton(relay, "app-password", "add", USER, "phone", "--days", "30").stdout.strip()
    token, old = sign(f"{relay.folder}/keys", {}), sign(f"{relay.folder}/keys", {"exp": int(time.time()) - 600})
    secrets |= {"an app password": app, "a token": token.split(".")[2], "an old token": old.split(".")[2]}
    opened = Dialogue(SUBMISSION)
    for password, code in ((WRONG, 535), (PASSWORD + "\r", 535), (WRONG * 50, 535)):
        equal(opened.say("AUTH PLAIN " + plain(password))[0], code)
    # What a client sends in the wrong place or form.
    for line in ("AUTH PLAIN " + plain(PASSWORD)[:-3], f"AUTH PLAIN {PASSWORD}", plain(PASSWORD), f"PASS {PASSWORD}", f"AUTH {PASSWORD}",
                 f"AUTH CRAM-MD5 {plain(PASSWORD)}", f"MAIL FROM:<{USER}> AUTH={PASSWORD}"):
        code, _ = opened.say(line)
        holds(code // 100 in (4, 5), line)
    opened.send(b"AUTH LOGIN\r\n")
    equal(opened.reply()[0], 334)
    equal(opened.say(base64.b64encode(USER.encode()).decode())[0], 334)
    equal(opened.say(base64.b64encode(WRONG.encode()).decode())[0], 535)
    bearer = base64.b64encode(f"user={USER}\1auth=Bearer {old}\1\1".encode()).decode()
    code, _ = opened.say("AUTH XOAUTH2 " + bearer)
    if code == 334:
        code, _ = opened.say("")
    equal(code, 535)
    opened.close()
    for secret, line in ((app, "AUTH PLAIN " + plain(app)), (PASSWORD, "AUTH PLAIN " + plain(PASSWORD)),
                         (token, "AUTH XOAUTH2 " + base64.b64encode(f"user={USER}\1auth=Bearer {token}\1\1".encode()).decode())):
        opened = Dialogue(SUBMISSION)
        equal(opened.say(line)[0], 235)
        opened.transaction(USER, "box@local.test")
        equal(opened.data(f"From: {USER}\r\nSubject: login\r\n\r\nx\r\n".encode())[0], 250)
        opened.quit()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", SUBMISSION) as client:
        client.starttls(context=context)
        client.login(USER, PASSWORD)


def hops(relay):
    for domain in ("hop.test", "other.test"):
        opened = Dialogue(SUBMISSION)
        equal(opened.say("AUTH PLAIN " + plain(PASSWORD))[0], 235)
        opened.transaction(USER, f"you@{domain}")
        equal(opened.data(f"From: {USER}\r\nSubject: {domain}\r\n\r\nx\r\n".encode())[0], 250)
        opened.quit()
        until(lambda: "does not accept the route's credentials" in relay.command("trace", f"you@{domain}", check=False).stdout, 20, f"a refusal by {domain}")


def bounces(relay):
    opened = Dialogue(SUBMISSION)
    equal(opened.say("AUTH PLAIN " + plain(PASSWORD))[0], 235)
    opened.transaction(USER, "you@refusing.test")
    equal(opened.data(f"From: {USER}\r\nSubject: refused\r\n\r\nx\r\n".encode())[0], 250)
    opened.quit()
    relay.arrived("alice", "Status: 5.1.1")
    # What waits for its credentials comes back, with the reason.
    relay.listed = relay.command("queue", "list", "--json").stdout
    identities = [json.loads(line)["id"] for line in relay.listed.splitlines()]
    equal(len(identities), 2)
    for identity in identities:
        relay.command("queue", "bounce", identity)
    relay.arrived("alice", "535 5.7.8 (text withheld)", count=2)


def reloads(relay):
    relay.reload()
    with open(relay.file) as file:
        text = file.read()
    for wrong in (text + f"\npassword: {PASSWORD}\n", text.replace("passwordVariable: HOP_PASSWORD", "passwordVariable: NOT_THERE"),
                  text.replace(f'"{relay.tls_key}"', f'"{relay.folder}/hop"')):
        with open(relay.file, "w") as file:
            file.write(wrong)
        relay.reload("reload-refused")
    with open(relay.file, "w") as file:
        file.write(text)
    relay.reload()


def printed(relay):
    found = {"queue list": relay.listed.encode()}
    for words in (["status", "--json"], ["queue"], ["trace", USER, "--json"], ["trace", "you@hop.test", "--json"],
                  ["trace", "you@other.test", "--json"]):
        done = relay.command(*words, check=False)
        found[" ".join(words)] = (done.stdout + done.stderr).encode()
    for words in (["list", "--json"], ["show", USER, "--json"]):
        found["account " + " ".join(words)] = baton(relay, *words).stdout.encode()
    done = subprocess.run([BATON, "check", relay.file], capture_output=True, env={**os.environ, **relay.environment})
    found["check"] = done.stdout + done.stderr
    holds(all(found.values()), {name: len(text) for name, text in found.items()})
    return found


def files(folder):
    found = {}
    for path in glob.glob(f"{folder}/**/*", recursive=True):
        if os.path.isfile(path) and not path.endswith(("self-signed.key", ".lock")):
            with open(path, "rb") as file:
                found[path] = file.read()
    holds(found, f"no files in {folder}")
    return found


def absent(secrets, look):
    texts = look()
    for name, secret in secrets.items():
        # As it is, in base64 wherever it stands in a longer text, and as a hash that is not salted.
        octets = secret.encode()
        forms = [octets] + [base64.b64encode(b"\0" * shift + octets)[shift + 1:-4] for shift in range(3)] \
            + [kind(octets).hexdigest().encode() for kind in (hashlib.md5, hashlib.sha1, hashlib.sha256)]
        for place, text in texts.items():
            for form in forms:
                holds(len(form) > 8, form)
                holds(form not in text, f"{name} stands in {place} as {form}: {text[max(0, text.find(form) - 100):text.find(form) + 60]}")


def cores(relay):
    with open(f"/proc/{relay.process.pid}/limits") as file:
        limit = next(line for line in file if line.startswith("Max core file size"))
    equal(limit.split()[4:6], ["0", "0"])
