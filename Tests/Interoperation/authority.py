"""A certificate authority of the test's own, by the openssl command."""
import hashlib
import os
import subprocess

from report import need


class Authority:
    def __init__(self, root, name="authority"):
        need("openssl")
        self.folder = os.path.join(root, name)
        os.makedirs(self.folder)
        self.certificate, self.key = f"{self.folder}/ca.pem", f"{self.folder}/ca.key"
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key,
                 "-out", self.certificate, "-days", "120", "-subj", f"/CN=Test {name}")

    def run(self, *words):
        done = subprocess.run(["openssl", *words], capture_output=True)
        if done.returncode != 0:
            raise AssertionError(f"openssl {words[0]}: {done.stderr.decode()[-300:]}")
        return done.stdout

    def issue(self, name, names, key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), usage="serverAuth"):
        """A certificate for the DNS `names`; gives the files of the chain and of the key."""
        stem = f"{self.folder}/{name}"
        self.run("req", "-newkey", *key, "-nodes", "-keyout", stem + ".key", "-out", stem + ".csr",
                 "-subj", f"/CN={name}")
        with open(stem + ".ext", "w") as file:
            file.write("subjectAltName=" + ",".join("DNS:" + name for name in names) + "\nbasicConstraints=CA:FALSE\nextendedKeyUsage=" + usage + "\n")
        self.run("x509", "-req", "-in", stem + ".csr", "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days", "90",
                 "-extfile", stem + ".ext", "-out", stem + ".leaf")
        with open(stem + ".pem", "w") as out:
            for part in (stem + ".leaf", self.certificate):
                with open(part) as file:
                    out.write(file.read())
        return stem + ".pem", stem + ".key"

    def spki_digest(self, file):
        """The SHA-256 of a certificate's public key, in hexadecimal: the data of TLSA x 1 1."""
        public = self.run("x509", "-in", file, "-noout", "-pubkey")
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public, capture_output=True, check=True).stdout
        return hashlib.sha256(der).hexdigest()

    def digest(self, file):
        """The SHA-256 of a certificate, in hexadecimal: the data of TLSA x 0 1."""
        return hashlib.sha256(self.run("x509", "-in", file, "-outform", "DER")).hexdigest()
