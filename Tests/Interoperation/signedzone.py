"""NSD with zones that ldns-signzone has signed, on a loopback port."""
import glob
import os
import re
import socket
import subprocess
import time

from relay import PORT
from report import need, until

NAMESERVER = PORT + 20


class NameServer:
    """Serves `zones`: name to lines of a zone file; those in `signed` are signed, those in `expired` too long ago."""

    def __init__(self, root, zones, signed=(), expired=()):
        need("nsd"), need("ldns-signzone"), need("ldns-keygen")
        self.folder = os.path.join(root, "nsd")
        os.makedirs(self.folder)
        self.anchor = os.path.join(self.folder, "anchor")
        with open(self.anchor, "w"):
            pass
        configured = []
        for name, lines in zones.items():
            file = os.path.join(self.folder, name)
            with open(file, "w") as out:
                out.write(f"$ORIGIN {name}.\n$TTL 60\n@ SOA ns.{name}. root.{name}. 1 60 60 600 60\n@ NS ns.{name}.\nns A 127.0.0.1\n")
                out.write("\n".join(lines) + "\n")
            if name in signed or name in expired:
                file = self.sign(name, file, name in expired)
            configured.append(f"zone:\n  name: {name}.\n  zonefile: {file}\n")
        conf = os.path.join(self.folder, "nsd.conf")
        with open(conf, "w") as out:
            out.write(f"""server:
  ip-address: 127.0.0.1@{NAMESERVER}
  username: ""
  chroot: ""
  zonesdir: "{self.folder}"
  pidfile: "{self.folder}/pid"
  xfrdfile: ""
  zonelistfile: "{self.folder}/zonelist"
  database: ""
  logfile: "{self.folder}/log"
  server-count: 1
remote-control:
  control-enable: no
{''.join(configured)}""")
        self.process = subprocess.Popen(["nsd", "-d", "-c", conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self.answers, 15, "the start of NSD")

    def sign(self, name, file, is_expired):
        """Signs with one key for all; gives the signed file, and adds its anchor."""
        key = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", "-r", "/dev/urandom", name], cwd=self.folder,
                             capture_output=True, text=True, check=True).stdout.strip()
        begin, end = (time.time() - 90 * 86400, time.time() - 30 * 86400) if is_expired else (time.time() - 3600, time.time() + 86400)
        stamps = [time.strftime("%Y%m%d%H%M%S", time.gmtime(moment)) for moment in (begin, end)]
        subprocess.run(["ldns-signzone", "-i", stamps[0], "-e", stamps[1], "-f", file + ".signed", file, key], cwd=self.folder,
                       capture_output=True, check=True)
        with open(os.path.join(self.folder, key + ".key")) as public, open(self.anchor, "a") as anchor:
            anchor.write(re.sub(r"\s*;.*", "", public.read().strip()) + "\n")
        return file + ".signed"

    def answers(self):
        query = b"\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.settimeout(0.3)
            try:
                out.sendto(query, ("127.0.0.1", NAMESERVER))
                return len(out.recv(512)) > 0
            except OSError:
                return False

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        for file in glob.glob(f"{self.folder}/K*.private"):
            os.unlink(file)
