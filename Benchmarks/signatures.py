"""Rates of DKIM signing and verifying on one core: Baton beside dkimpy, Mail::DKIM, libopendkim and `openssl speed`.

    python3 Benchmarks/signatures.py [SECONDS]

Builds Benchmarks/signatures and a small C program first. Every figure is operations a second of CPU time, all on the
same messages with the same keys, in one run; what is absent is left out. With BATON naming a binary, also what signing
adds to the CPU time of a message that is relayed.
"""
import base64
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "signatures")
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


def relayed(baton, work, key, count=3000):
    """CPU microseconds a message of 2 KB on its way in and to a route that discards it, with or without signing."""
    folder = tempfile.mkdtemp(dir=work)
    port = int(os.environ.get("PORT", "2691"))
    directory = os.path.join(folder, "dkim", DOMAIN)
    os.makedirs(directory, 0o700)
    if key:
        shutil.copyfile(key, os.path.join(directory, f"{SELECTOR}.pem"))
        os.chmod(os.path.join(directory, f"{SELECTOR}.pem"), 0o600)
    with open(os.path.join(folder, "baton.yaml"), "w") as file:
        file.write(f"""hostname: relay.test
listeners: [{{address: "127.0.0.1:{port}"}}]
relayNetworks: [127.0.0.0/8]
routes: {{nowhere: {{type: discard}}}}
rules: [{{route: nowhere}}]
spool: {{directory: "{folder}/spool"}}
dns: {{forwarders: system, trustAnchor: none}}
dkim: {{directory: "{folder}/dkim"}}
limits: {{maxMessagesPerConnection: 1000000}}
control: {{socket: "{folder}/control", submitSocket: "{folder}/submit", group: "root"}}
log: {{level: error}}
""")
    server = subprocess.Popen([baton, "serve", "--config", os.path.join(folder, "baton.yaml")], stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                client = socket.create_connection(("127.0.0.1", port), 10)
                break
            except OSError:
                time.sleep(0.05)
        replies = client.makefile("rb")

        def say(*lines, expected=1):
            client.sendall(b"".join(lines))
            for _ in range(expected):
                while replies.readline()[3:4] == b"-":
                    pass

        say(expected=1)
        say(b"EHLO client.test\r\n")
        content = message(2048) + b".\r\n"

        def send(number):
            for _ in range(number):
                say(b"MAIL FROM:<alice@bench.example>\r\nRCPT TO:<bob@elsewhere.example>\r\nDATA\r\n", expected=3)
                say(content)

        def cpu():
            fields = open(f"/proc/{server.pid}/stat").read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        send(300)
        before = cpu()
        send(count)
        return (cpu() - before) / count * 1e6
    finally:
        server.terminate()
        server.wait()


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
            p = base64.b64encode(der if kind == "rsa" else der[-32:]).decode()
            keys[kind] = (path, f"v=DKIM1; k={kind}; p={p}")
            # dkimpy wants the bare seed of an Ed25519 key, Mail::DKIM PKCS#1.
            if kind == "rsa":
                subprocess.run(["openssl", "rsa", "-in", path, "-traditional", "-out", os.path.join(work, "pkcs1.pem")], check=True, capture_output=True)
            if kind == "ed25519":
                seed = subprocess.run(["openssl", "pkey", "-in", path, "-outform", "DER"], check=True, capture_output=True).stdout[-32:]
                open(os.path.join(work, "ed25519.seed"), "wb").write(base64.b64encode(seed))
        speed = output("openssl", "speed", "-seconds", str(max(1, int(SECONDS))), "rsa2048") or ""
        found = re.search(r"rsa 2048 bits\s+\S+\s+\S+\s+([\d.]+)\s+([\d.]+)", speed)
        print(f"openssl speed rsa2048: {found.group(1)} sign/s, {found.group(2)} verify/s" if found else "openssl speed: absent")
        limit = float(found.group(1)) if found else None
        speed = output("openssl", "speed", "-seconds", str(max(1, int(SECONDS))), "ed25519") or ""
        found = re.search(r"253 bits EdDSA \(Ed25519\)\s+\S+\s+\S+\s+([\d.]+)\s+([\d.]+)", speed)
        print(f"openssl speed ed25519: {found.group(1)} sign/s, {found.group(2)} verify/s" if found else "")
        if baton := os.environ.get("BATON"):
            figures = [(relayed(baton, work, None), relayed(baton, work, keys["rsa"][0])) for _ in range(2)]
            for without, signed in figures:
                print(f"relayed, CPU a message: {without:.0f} us, signed by RSA-2048 {signed:.0f} us: {signed - without:.0f} us more"
                      + (f", {(signed - without) * limit / 1e6:.2f} times openssl's" if limit else ""), flush=True)
        for label, size in SIZES.items():
            plain, signed = os.path.join(work, "plain"), os.path.join(work, "signed")
            open(plain, "wb").write(message(size))
            seconds = SECONDS if size < 1 << 20 else max(SECONDS, 2)
            plainly = output(rates, "sha256", plain, str(seconds))
            print(f"{label}: sha256 {rate(plainly)}")
            for kind, (key, text) in keys.items():
                done = subprocess.run([rates, "sign", plain, "once", key, DOMAIN, SELECTOR], check=True, capture_output=True)
                open(signed, "wb").write(done.stdout)
                keyfile = os.path.join(work, "keyfile")
                open(keyfile, "w").write(f"{SELECTOR}._domainkey.{DOMAIN} {text}\n")
                seed = key if kind == "rsa" else os.path.join(work, "ed25519.seed")
                for what, path in [("sign", plain), ("verify", signed)]:
                    row = {"Baton": output(rates, what, path, str(seconds), key, DOMAIN, SELECTOR)}
                    row["dkimpy"] = dkimpy(what, path, seconds, seed, text)
                    # Neither of Debian's versions knows Ed25519.
                    if kind == "rsa":
                        pkcs1 = os.path.join(work, "pkcs1.pem")
                        row["Mail::DKIM"] = output("perl", os.path.join(FOLDER, "maildkim.pl"), what, path, str(seconds), pkcs1, DOMAIN, SELECTOR, text)
                    if kind == "rsa" and built.returncode == 0:
                        row["libopendkim"] = output(opendkim, what, path, str(seconds), key, DOMAIN, SELECTOR, keyfile)
                    print(f"{label} {kind} {what}: " + ", ".join(f"{name} {rate(value)}" for name, value in row.items())
                          + share(row["Baton"], what, kind, size, limit, plainly), flush=True)


def share(value, what, kind, size, limit, plainly):
    """How near the physical limit is: openssl's signatures for small messages, plain SHA-256 for large ones."""
    if value and limit and what == "sign" and kind == "rsa" and size <= 2048:
        return f" ({float(value) / limit:.0%} of openssl's rate)"
    if value and plainly and size >= 1 << 20:
        return f" (Baton takes {float(plainly) / float(value):.2f} times plain SHA-256)"
    return ""


def rate(value):
    return f"{float(value):.1f}/s" if value else "absent"


main()
