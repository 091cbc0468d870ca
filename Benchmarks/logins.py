#!/usr/bin/env python3
"""How many clients a second can log in; each line of output is one measurement in JSON.

  logins.py BATON [--seconds 8] [--clients 4]

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
policy: {{limits: []}}
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


main()
