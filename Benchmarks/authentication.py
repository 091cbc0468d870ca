#!/usr/bin/env python3
"""How many clients a second can log in; each line of output is one measurement in JSON.

  authentication.py BATON [--seconds 8] [--clients 4]

`known`: PLAIN with a password that was right a moment ago; `hashed`: the same with no memory of it, one scrypt each;
`scram`: SCRAM-SHA-256, whose hashing is the client's; `wrong`: names that do not exist. Each login is a connection of its own:
connect, EHLO, AUTH, QUIT. The clients are processes beside the server on the same cores."""
import argparse, base64, hashlib, hmac, json, multiprocessing, os, signal, socket, subprocess, sys, tempfile, time

PORT, USER, PASSWORD = int(os.environ.get("PORT", "2690")), "alice@local.test", "correct horse battery"


def configure(folder, lifetime):
    with open(f"{folder}/baton.yaml", "w") as file:
        file.write(f"""hostname: relay.test
listeners:
  - {{address: "127.0.0.1:{PORT}", dialect: submission, plaintextAuthentication: true}}
domains: {{local.test: {{route: boxes, mailboxes: "*"}}}}
relayNetworks: [127.0.0.9/32]
routes: {{boxes: {{type: maildir, path: "{folder}/mail/{{domain}}/{{user}}"}}}}
spool: {{directory: "{folder}/spool", segmentSize: 16MiB}}
dns: {{forwarders: system, trustAnchor: none}}
control: {{socket: "{folder}/control", submitSocket: "{folder}/submit", group: "root"}}
log: {{level: error}}
limits: {{maxConnectionsPerClient: 1000, maxConnectionsPerClientAndMinute: 1000000}}
authentication: {{cacheLifetime: {lifetime}, failureDelay: 0s, maxFailuresPerClient: 1000000, maxFailuresPerName: 1000000}}
""")


class Session:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", PORT), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.socket.makefile("rb")
        self.reply()
        self.say(b"EHLO client.test")

    def reply(self):
        while True:
            line = self.input.readline()
            if line[3:4] != b"-":
                return line

    def say(self, line):
        self.socket.sendall(line + b"\r\n")
        return self.reply()

    def close(self):
        self.socket.sendall(b"QUIT\r\n")
        self.reply()
        self.socket.close()


def plain(name, password, wanted):
    response = b"AUTH PLAIN " + base64.b64encode(f"\0{name}\0{password}".encode())

    def login():
        session = Session()
        said = session.say(response)
        assert said.startswith(wanted), said
        session.close()
    return login


def scram():
    salted = {}

    def login():
        session = Session()
        nonce = base64.b64encode(os.urandom(12)).decode()
        bare = f"n={USER},r={nonce}"
        first = base64.b64decode(session.say(b"AUTH SCRAM-SHA-256 " + base64.b64encode(b"n,," + bare.encode()))[4:]).decode()
        fields = dict(field.split("=", 1) for field in first.split(","))
        # A client keeps what its password and the salt make.
        key = salted.get(fields["s"])
        if key is None:
            key = salted[fields["s"]] = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        client = hmac.digest(key, b"Client Key", "sha256")
        final = f"c=biws,r={fields['r']}"
        said = f"{bare},{first},{final}".encode()
        signature = hmac.digest(hashlib.sha256(client).digest(), said, "sha256")
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(client, signature))).decode()
        session.say(base64.b64encode(f"{final},p={proof}".encode()))
        assert session.say(b"").startswith(b"235")
        session.close()
    return login


def work(login, end, counts):
    login()
    while time.monotonic() < end:
        login()
        counts.value += 1


def measure(name, login, process, seconds, clients):
    login()
    counts = [multiprocessing.Value("l", 0, lock=False) for _ in range(clients)]
    began, spent = time.monotonic(), cpu(process)
    workers = [multiprocessing.Process(target=work, args=(login, began + seconds, count)) for count in counts]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    taken = time.monotonic() - began
    total = sum(count.value for count in counts)
    print(json.dumps({"what": name, "logins_per_second": round(total / taken, 1), "server_cpu_ms_per_login": round(1000 * (cpu(process) - spent) / max(total, 1), 3),
                      "clients": clients, "seconds": round(taken, 1)}), flush=True)


def cpu(process):
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("baton")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--clients", type=int, default=4)
    options = parser.parse_args()
    for lifetime, cases in (("1h", [("known", plain(USER, PASSWORD, b"235")), ("scram", scram())]),
                            ("0s", [("hashed", plain(USER, PASSWORD, b"235")), ("wrong", plain("nobody", "x", b"535"))])):
        with tempfile.TemporaryDirectory(prefix="baton-auth.") as folder:
            os.mkdir(f"{folder}/spool")
            configure(folder, lifetime)
            subprocess.run([options.baton, "account", "add", USER, "--config", f"{folder}/baton.yaml"], input=PASSWORD + "\n", text=True, check=True,
                           stdout=subprocess.DEVNULL)
            process = subprocess.Popen([options.baton, "serve", "--config", f"{folder}/baton.yaml"], stdout=subprocess.DEVNULL)
            try:
                for _ in range(200):
                    try:
                        socket.create_connection(("127.0.0.1", PORT), 1).close()
                        break
                    except OSError:
                        time.sleep(0.05)
                for name, login in cases:
                    measure(name, login, process, options.seconds, options.clients)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(20)
"""Rates of DKIM signing and verifying on one core: Baton beside dkimpy, Mail::DKIM, libopendkim and `openssl speed`.

    python3 Benchmarks/authentication.py [SECONDS]

Builds Benchmarks/authentication and a small C program first. Every figure is operations a second of CPU time, all on the
same messages with the same keys, in one run; what is absent is left out.
"""
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "authentication")
SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
SIZES = {"2 KB": 2048, "100 KB": 102400, "10 MB": 10 << 20}
DOMAIN, SELECTOR = "bench.example", "s"


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def message(size):
    header = ("From: Alice <alice@bench.example>\r\nTo: Bob <bob@elsewhere.example>\r\nSubject: How fast is this?\r\n"
              "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <1@bench.example>\r\nMIME-Version: 1.0\r\n"
              "Content-Type: text/plain; charset=utf-8\r\n\r\n")
    line = "The quick brown fox jumps over the lazy dog, and the relay carries the baton on.\r\n"
    return (header + line * ((size - len(header)) // len(line))).encode()


def dkimpy(what, path, seconds, key, text):
    """In a process of its own, as the others."""
    code = f"""
import time, sys
import dkim
message = open({path!r}, "rb").read()
key = open({key!r}, "rb").read()
if {what!r} == "sign":
    algorithm = b"ed25519-sha256" if "ed25519" in {key!r} else b"rsa-sha256"
    once = lambda: dkim.sign(message, b"{SELECTOR}", b"{DOMAIN}", key, canonicalize=(b"relaxed", b"relaxed"), signature_algorithm=algorithm)
else:
    once = lambda: dkim.verify(message, dnsfunc=lambda name, timeout=5: {text!r}.encode())
assert once()
begin, count = time.process_time(), 0
while time.process_time() - begin < {seconds}:
    once(); count += 1
print(count / (time.process_time() - begin))
"""
    return output(sys.executable, "-c", code)


def main():
    subprocess.run(["swift", "build", "-c", "release", "--package-path", FOLDER], check=True, stdout=subprocess.DEVNULL)
    rates = os.path.join(FOLDER, ".build/release/rates")
    with tempfile.TemporaryDirectory() as work:
        opendkim = os.path.join(work, "opendkim")
        built = subprocess.run(["cc", "-O2", "-o", opendkim, os.path.join(FOLDER, "opendkim.c"), "-lopendkim"], capture_output=True)
        keys = {}
        for kind in ["rsa", "ed25519"]:
            path = os.path.join(work, f"{kind}.pem")
            options = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if kind == "rsa" else ["-algorithm", "ED25519"]
            subprocess.run(["openssl", "genpkey", *options, "-out", path], check=True, capture_output=True)
            der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
            import base64
            p = base64.b64encode(der if kind == "rsa" else der[-32:]).decode()
            keys[kind] = (path, f"v=DKIM1; k={kind}; p={p}")
            # dkimpy and Mail::DKIM want the bare seed of an Ed25519 key.
            if kind == "ed25519":
                seed = subprocess.run(["openssl", "pkey", "-in", path, "-outform", "DER"], check=True, capture_output=True).stdout[-32:]
                open(os.path.join(work, "ed25519.seed"), "wb").write(base64.b64encode(seed))
        speed = output("openssl", "speed", "-seconds", str(max(1, int(SECONDS))), "rsa2048") or ""
        found = re.search(r"rsa 2048 bits\s+\S+\s+\S+\s+([\d.]+)\s+([\d.]+)", speed)
        print(f"openssl speed rsa2048: {found.group(1)} sign/s, {found.group(2)} verify/s" if found else "openssl speed: absent")
        speed = output("openssl", "speed", "-seconds", str(max(1, int(SECONDS))), "ed25519") or ""
        found = re.search(r"253 bits EdDSA \(Ed25519\)\s+\S+\s+\S+\s+([\d.]+)\s+([\d.]+)", speed)
        print(f"openssl speed ed25519: {found.group(1)} sign/s, {found.group(2)} verify/s" if found else "")
        for label, size in SIZES.items():
            plain, signed = os.path.join(work, "plain"), os.path.join(work, "signed")
            open(plain, "wb").write(message(size))
            seconds = SECONDS if size < 1 << 20 else max(SECONDS, 2)
            print(f"{label}: sha256 {rate(output(rates, 'sha256', plain, str(seconds)))}")
            for kind, (key, text) in keys.items():
                done = subprocess.run([rates, "sign", plain, "once", key, DOMAIN, SELECTOR], check=True, capture_output=True)
                open(signed, "wb").write(done.stdout)
                keyfile = os.path.join(work, "keyfile")
                open(keyfile, "w").write(f"{SELECTOR}._domainkey.{DOMAIN} {text}\n")
                seed = key if kind == "rsa" else os.path.join(work, "ed25519.seed")
                for what, path in [("sign", plain), ("verify", signed)]:
                    row = {"Baton": output(rates, what, path, str(seconds), key, DOMAIN, SELECTOR)}
                    row["dkimpy"] = dkimpy(what, path, seconds, seed, text)
                    row["Mail::DKIM"] = output("perl", os.path.join(FOLDER, "maildkim.pl"), what, path, str(seconds), seed, DOMAIN, SELECTOR, text)
                    if built.returncode == 0 and kind == "rsa":
                        row["libopendkim"] = output(opendkim, what, path, str(seconds), key, DOMAIN, SELECTOR, keyfile)
                    print(f"{label} {kind} {what}: " + ", ".join(f"{name} {rate(value)}" for name, value in row.items()), flush=True)


def rate(value):
    return f"{float(value):.1f}/s" if value else "absent"


main()
