"""Accounts: other people's clients log in at Baton, and Baton logs in at other people's servers."""
import base64
import json
import os
import smtplib
import ssl
import subprocess
import time

from dialogue import Dialogue
from peers import Dovecot, DovecotAuth, Postfix
from relay import BATON, POSTFIX, SMTP, SUBMISSION, Relay
from report import Skip, equal, holds, need, until

USER, PASSWORD = "alice@local.test", "correct horse battery"


def run(report, root):
    relay = Relay(root)
    os.mkdir(f"{relay.folder}/keys")
    make_key(f"{relay.folder}/keys")
    issuers = f"""issuers: [{{issuer: "https://id.test", audience: smtp, keys: "{relay.folder}/keys/jwks.json"}}], failureDelay: 10ms, maxFailuresPerClient: 1000"""
    configure(relay, issuers)
    report.case("the whole set of accounts", accounts, relay)
    relay.start(SUBMISSION)
    try:
        report.case("what is offered", offered)
        report.case("offered and taken under TLS only", under_tls, relay)
        for mechanism in ("PLAIN", "LOGIN"):
            report.case(f"swaks {mechanism}", swaks, relay, mechanism, PASSWORD, 0)
        report.case("swaks with a wrong password", swaks, relay, "PLAIN", "wrong", 28)
        report.case("swaks CRAM-MD5 finds no such mechanism", swaks, relay, "CRAM-MD5", PASSWORD, 28)
        for mechanism in ("SCRAM-SHA-256", "PLAIN", "LOGIN"):
            report.case(f"gsasl {mechanism}", gsasl, mechanism, PASSWORD, True)
        report.case("gsasl SCRAM-SHA-256 with a wrong password", gsasl, "SCRAM-SHA-256", "wrong", False)
        for mechanism in ("plain", "login", "scram-sha-256"):
            report.case(f"msmtp {mechanism}", msmtp, relay, mechanism)
        for mechanism in ("PLAIN", "LOGIN"):
            report.case(f"curl {mechanism}", curl, relay, ["--user", f"{USER}:{PASSWORD}", "--login-options", f"AUTH={mechanism}"], mechanism, True)
        token = sign(f"{relay.folder}/keys", {})
        old = sign(f"{relay.folder}/keys", {"exp": int(time.time()) - 600})
        for mechanism in ("OAUTHBEARER", "XOAUTH2"):
            options = ["--user", USER, "--login-options", f"AUTH={mechanism}", "--oauth2-bearer"]
            report.case(f"curl {mechanism}", curl, relay, options + [token], mechanism, True)
            report.case(f"curl {mechanism} with a token of yesterday", curl, relay, options + [old], mechanism, False)
        report.case("Python's smtplib", python, relay)
        report.case("an app password works until it is revoked", app_password, relay)
        report.case("a disabled account does not", disabled, relay)
        report.case("who may send from where", senders)
        report.case("strangers may not send", strangers)
        report.case("known and unknown names take the same time", timing)
        report.case("Postfix logs in at Baton", postfix, relay, root)
        report.case("no password in the log", secrets, relay)
    finally:
        relay.end()
    report.case("Dovecot's authentication server decides", dovecot, root)
    report.case("Baton logs in at Postfix", smarthost, root)


def configure(relay, authentication, routes="", rules="[]", more=""):
    listeners = f"""
  - {{address: "127.0.0.1:{SUBMISSION}", dialect: submission, plaintextAuthentication: true}}
  - {{address: "127.0.0.1:{SMTP}", dialect: submission}}"""
    relay.configure(routes=routes, rules=rules, listeners=listeners, relay="[127.0.0.9/32]",
                    more=f"authentication: {{{authentication}}}\nqueue: {{retrySchedule: [1s], retryJitter: 0%}}\npolicy: {{limits: []}}\n{more}")


def baton(relay, *words, stdin="", check=True):
    done = subprocess.run([BATON, "account", *words, "--config", relay.file], input=stdin, capture_output=True, text=True, timeout=30)
    if check and done.returncode != 0:
        raise AssertionError(f"baton account {' '.join(words)} ended with {done.returncode}: {done.stderr}")
    return done


def accounts(relay):
    os.makedirs(relay.spool, exist_ok=True)
    baton(relay, "add", USER, stdin=PASSWORD + "\n")
    done = baton(relay, "add", USER, stdin=PASSWORD + "\n", check=False)
    holds(done.returncode == 1 and "already" in done.stderr, done)
    made = json.loads(baton(relay, "add", "robot", "--sender", "@robots.local.test", "--generate", "--json").stdout)
    holds(len(made["password"]) == 29, made)
    listed = json.loads(baton(relay, "list", "--json").stdout)
    equal([account["name"] for account in listed], [USER, "robot"])
    equal(listed[1]["senders"], ["@robots.local.test"])
    holds("password" not in json.dumps(listed).replace("appPasswords", ""), listed)
    baton(relay, "remove", "robot")
    equal(oct(os.stat(f"{relay.spool}/accounts.sqlite").st_mode & 0o777), "0o600")


def offered():
    opened = Dialogue(SUBMISSION)
    equal(opened.extensions["AUTH"], "SCRAM-SHA-256 PLAIN LOGIN OAUTHBEARER XOAUTH2")
    opened.quit()


def under_tls(relay):
    opened = Dialogue(SMTP)
    holds("AUTH" not in opened.extensions and "STARTTLS" in opened.extensions, opened.extensions)
    code, lines = opened.say("AUTH PLAIN AGEAYg==")
    equal(code, 538, lines)
    equal(opened.say(f"MAIL FROM:<{USER}>")[0], 530)
    opened.quit()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", SMTP) as client:
        client.starttls(context=context)
        client.login(USER, PASSWORD)
        client.sendmail(USER, ["box@local.test"], f"From: {USER}\r\nSubject: under-tls\r\n\r\nhello\r\n")
    message = relay.arrived("box", "under-tls")[0]
    holds(b"with ESMTPSA" in message.replace(b"\n\t", b" "), message[:400])


def swaks(relay, mechanism, password, status):
    need("swaks")
    mark = f"swaks-{mechanism}"
    done = subprocess.run(["swaks", "--server", f"127.0.0.1:{SUBMISSION}", "--auth", mechanism, "--auth-user", USER, "--auth-password", password,
                           "--from", USER, "--to", "box@local.test", "--header", f"Subject: {mark}"], capture_output=True, text=True, timeout=60)
    equal(done.returncode, status, done.stdout[-300:])
    if status == 0:
        message = relay.arrived("box", mark)[0]
        holds(b"with ESMTPA id" in message.replace(b"\n\t", b" "), message[:400])


def gsasl(mechanism, password, works):
    need("gsasl")
    done = subprocess.run(["gsasl", "--smtp", "--connect", f"127.0.0.1:{SUBMISSION}", "--no-starttls", "-m", mechanism, "-a", USER, "-z", "",
                           "-p", password, "--no-cb", "--quiet"], input="", capture_output=True, text=True, timeout=30)
    holds((done.returncode == 0) == works, f"{done.returncode} {done.stdout[-200:]} {done.stderr[-300:]}")


def msmtp(relay, mechanism):
    need("msmtp")
    mark = f"msmtp-{mechanism}"
    message = f"From: {USER}\nTo: box@local.test\nSubject: {mark}\n\nhello\n"
    done = subprocess.run(["msmtp", "--file=/dev/null", "--host=127.0.0.1", f"--port={SUBMISSION}", f"--auth={mechanism}", f"--user={USER}",
                           f"--passwordeval=echo '{PASSWORD}'", "--tls=off", f"--from={USER}", "box@local.test"],
                          input=message, capture_output=True, text=True, timeout=60)
    if "not supported" in done.stderr or "not compiled" in done.stderr:
        raise Skip(done.stderr.strip()[-80:])
    equal(done.returncode, 0, done.stderr)
    relay.arrived("box", mark)


def curl(relay, options, mechanism, works):
    need("curl")
    mark = f"curl-{mechanism}-{time.time()}"
    done = subprocess.run(["curl", "--silent", "--show-error", f"smtp://127.0.0.1:{SUBMISSION}/client.test", "--mail-from", USER,
                           "--mail-rcpt", "box@local.test", "--upload-file", "-", *options],
                          input=f"From: {USER}\r\nSubject: {mark}\r\n\r\nhello\r\n", capture_output=True, text=True, timeout=60)
    equal(done.returncode == 0, works, done.stderr)
    if works:
        relay.arrived("box", mark)


def python(relay):
    with smtplib.SMTP("127.0.0.1", SUBMISSION) as client:
        client.login(USER, PASSWORD)
        client.sendmail(USER, ["box@local.test"], f"From: {USER}\r\nSubject: python-login\r\n\r\nhello\r\n")
    relay.arrived("box", "python-login")
    with smtplib.SMTP("127.0.0.1", SUBMISSION) as client:
        try:
            client.login(USER, "wrong")
        except smtplib.SMTPAuthenticationError as error:
            equal(error.smtp_code, 535)
        else:
            raise AssertionError("a wrong password was taken")


def login(password, user=USER):
    opened = Dialogue(SUBMISSION)
    plain = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    code, lines = opened.say(f"AUTH PLAIN {plain}")
    return opened, code, lines


def app_password(relay):
    made = baton(relay, "app-password", "add", USER, "phone", "--days", "30").stdout.strip()
    opened, code, lines = login(made)
    equal(code, 235, lines)
    opened.quit()
    listed = json.loads(baton(relay, "app-password", "list", USER, "--json").stdout)
    holds(listed[0]["label"] == "phone" and listed[0]["lastUsed"], listed)
    baton(relay, "app-password", "revoke", USER, "phone")
    opened, code, lines = login(made)
    equal(code, 535, lines)
    opened.quit()


def disabled(relay):
    baton(relay, "disable", USER)
    opened, code, lines = login(PASSWORD)
    equal(code, 535, lines)
    opened.quit()
    baton(relay, "enable", USER)
    opened, code, lines = login(PASSWORD)
    equal(code, 235, lines)
    opened.quit()


def senders():
    opened, code, lines = login(PASSWORD)
    equal(opened.say("MAIL FROM:<bob@local.test>")[0], 553)
    for author, wanted in ((USER, 250), ("bob@local.test", 550), (f"{USER}, bob@local.test", 550)):
        opened.transaction("alice+list@local.test", "far@away.test")
        code, lines = opened.data(f"From: {author}\r\nSubject: whose\r\n\r\nhello\r\n".encode())
        equal(code, wanted, lines)
    opened.quit()


def strangers():
    opened = Dialogue(SUBMISSION)
    code, lines = opened.say("MAIL FROM:<box@local.test>")
    equal(code, 530, lines)
    for response in ("AAAA", "=", "!!!!", "A" * 12288, "AGFsaWNl"):
        code, lines = opened.say(f"AUTH PLAIN {response}")
        holds(code in (500, 501, 421), lines)
        if code == 421:
            break
    opened.close()


def timing():
    """Medians of a few tries each: what a name costs must not tell whether it exists."""
    taken = {}
    for name in (USER, "nobody@local.test"):
        times = []
        for _ in range(7):
            opened = Dialogue(SUBMISSION)
            plain = base64.b64encode(f"\0{name}\0wrong".encode()).decode()
            began = time.monotonic()
            equal(opened.say(f"AUTH PLAIN {plain}"), (535, ["5.7.8 Authentication credentials invalid"]))
            times.append(time.monotonic() - began)
            opened.quit()
        taken[name] = sorted(times)[3]
    one, other = taken.values()
    holds(abs(one - other) < 0.3 * max(one, other), taken)


def postfix(relay, root):
    credentials = f"{root}/postfix-credentials"
    with open(credentials, "w") as file:
        file.write(f"[127.0.0.1]:{SUBMISSION} {USER}:{PASSWORD}\n")
    peer = Postfix(root, f"[127.0.0.1]:{SUBMISSION}", more=f"""smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = texthash:{credentials}
smtp_sasl_security_options = noanonymous
smtp_sasl_mechanism_filter = plain, login
""")
    try:
        with smtplib.SMTP("127.0.0.1", POSTFIX) as client:
            client.sendmail(USER, ["box@local.test"], f"From: {USER}\r\nSubject: by-postfix\r\n\r\nhello\r\n")
        message = relay.arrived("box", "by-postfix", seconds=40)[0]
        holds(b"with ESMTPA id" in message.replace(b"\n\t", b" "), message[:400])
    finally:
        peer.stop()


def secrets(relay):
    log = relay.log()
    holds("event=authenticated" in log and f"account={USER}" in log, log[-500:])
    for secret in (PASSWORD, base64.b64encode(PASSWORD.encode()).decode().rstrip("="), base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()):
        holds(secret not in log, "a password stands in the log")


def dovecot(root):
    peer = DovecotAuth(root, USER, PASSWORD)
    relay = Relay(root, "behind-dovecot")
    configure(relay, f"dovecotSocket: {peer.socket}, failureDelay: 10ms")
    relay.start(SUBMISSION)
    try:
        for mechanism in ("PLAIN", "LOGIN"):
            gsasl(mechanism, PASSWORD, True)
        # gsasl's client says `a=`, which Dovecot refuses.
        msmtp(relay, "scram-sha-256")
        gsasl("PLAIN", "wrong", False)
        opened, code, lines = login(PASSWORD)
        equal(code, 235, lines)
        opened.transaction(USER, "box@local.test")
        equal(opened.data(f"From: {USER}\r\nSubject: by-dovecot\r\n\r\nhello\r\n".encode())[0], 250)
        opened.quit()
        relay.arrived("box", "by-dovecot")
        # Dovecot serves whom it knows to the end: only a new connection finds nobody.
        relay.end()
        peer.stop()
        relay.start(SUBMISSION)
        opened, code, lines = login(PASSWORD)
        equal(code, 454, lines)
        opened.close()
    finally:
        relay.end()
        peer.stop()


def smarthost(root):
    """Postfix takes mail from accounts that Dovecot knows; the password comes from a file that is put right later."""
    auth = DovecotAuth(root, "relay@provider.test", "s3cret", "smarthost-auth")
    folder = f"{root}/smarthost"
    os.mkdir(folder)
    peer = Postfix(folder, "", local="far.test", more=f"""smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {auth.socket}
smtpd_sasl_security_options = noanonymous
smtpd_relay_restrictions = permit_sasl_authenticated, reject
""")
    relay = Relay(root, "client")
    secret = f"{relay.folder}/secret"
    with open(secret, "w") as file:
        file.write("wrong\n")
    os.chmod(secret, 0o600)
    configure(relay, "", routes=f"""  provider: {{type: smarthost, hosts: ["127.0.0.1:{POSTFIX}"]}}""", rules="[{recipients: [far.test], route: provider}]",
              more=f"""credentials: [{{route: provider, account: relay@provider.test, passwordFile: "{secret}", withoutTLS: true}}]""")
    relay.start(SUBMISSION)
    try:
        baton(relay, "add", USER, stdin=PASSWORD + "\n")
        opened, code, lines = login(PASSWORD)
        equal(code, 235, lines)
        opened.transaction(USER, "box@far.test")
        equal(opened.data(f"From: {USER}\r\nSubject: to-provider\r\n\r\nhello\r\n".encode())[0], 250)
        opened.quit()
        until(lambda: "credentials" in relay.command("queue").stdout + relay.log(), 20, "the reason in the queue")
        with open(secret, "w") as file:
            file.write("s3cret\n")
        relay.reload()
        until(lambda: [message for message in peer.messages() if b"to-provider" in message], 40, "the arrival at the provider")
        for text in (relay.log(), relay.command("trace", "box@far.test", check=False).stdout):
            holds("s3cret" not in text, "the secret stands in the log")
    finally:
        relay.end()
        peer.stop()
        auth.stop()


def make_key(folder):
    need("openssl")
    subprocess.run(["openssl", "genrsa", "-out", f"{folder}/key.pem", "2048"], capture_output=True, check=True)
    modulus = subprocess.run(["openssl", "rsa", "-in", f"{folder}/key.pem", "-noout", "-modulus"], capture_output=True, text=True, check=True)
    number = bytes.fromhex(modulus.stdout.strip().partition("=")[2])
    with open(f"{folder}/jwks.json", "w") as file:
        json.dump({"keys": [{"kty": "RSA", "kid": "one", "alg": "RS256", "use": "sig", "n": urlsafe(number), "e": "AQAB"}]}, file)


def sign(folder, more):
    claims = {"iss": "https://id.test", "aud": "smtp", "exp": int(time.time()) + 600, "email": USER, **more}
    text = ".".join(urlsafe(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT", "kid": "one"}, claims))
    done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", f"{folder}/key.pem"], input=text.encode(), capture_output=True, check=True)
    return text + "." + urlsafe(done.stdout)


def urlsafe(octets):
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
