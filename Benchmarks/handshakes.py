#!/usr/bin/env python3
"""TLS handshakes a second and core, Baton and Postfix in turn; each line of output is one measurement in JSON.

  handshakes.py [--n 4000] [--runs 3] [--versus ADAPTER]

For RSA-2048 and ECDSA P-256, TLS 1.3 and 1.2, full and resumed. A measurement is of whole SMTP sessions under STARTTLS;
the same sessions without it are taken off the server's CPU time, so `per_core` counts what the handshake itself costs.
The adapter contract is that of the harness at BATON_BENCH, whose Postfix adapter is the usual other one."""
import argparse, json, os, statistics, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scenarios import HERE, TOOLS, Relay, emit

CASES = [(key, version, resumed) for key in ('rsa', 'ecdsa') for version in (3, 2) for resumed in (False, True)]


def certificate(folder, key):
    """A file with a certificate and its key, as adapters want it."""
    kind = ['rsa:2048'] if key == 'rsa' else ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
    file = '%s/%s' % (folder, key)
    subprocess.run(['openssl', 'req', '-x509', '-newkey', *kind, '-nodes', '-days', '2', '-subj', '/CN=mta.test', '-addext', 'subjectAltName=DNS:mta.test',
                    '-keyout', file + '.key', '-out', file + '.crt'], check=True, capture_output=True)
    with open(file + '.pem', 'w') as out:
        for part in ('.key', '.crt'):
            out.write(open(file + part).read())
    os.chmod(file + '.pem', 0o600)
    return file + '.pem'


def load(*options):
    binary, source = TOOLS + '/handshakes', HERE + '/handshakes.c'
    if not os.path.exists(binary) or os.path.getmtime(binary) < os.path.getmtime(source):
        subprocess.run(['cc', '-O2', '-o', binary, source, '-lssl', '-lcrypto'], check=True)
    return json.loads(subprocess.run([binary, *map(str, options)], stdout=subprocess.PIPE, text=True, check=True).stdout)


def sessions(relay, n, *options):
    """Server CPU in microseconds a session, and sessions a second."""
    before = relay.cpu()
    found = load('-p', relay.port, '-n', n, *options)
    assert found['failed'] == 0 and found['sessions'] == n, found
    return 1e6 * (relay.cpu() - before) / n, n / found['seconds'], found['resumed']


def measure(name, adapter, n, file, key):
    relay = Relay(adapter)
    relay.environment['TLSCERT'] = file
    try:
        relay.start(fresh=True)
        sessions(relay, max(n // 10, 10))
        plain, _, _ = sessions(relay, n, '-0')
        for version, resumed in [(version, resumed) for k, version, resumed in CASES if k == key]:
            cpu, rate, count = sessions(relay, n, '-v', version, *(['-r'] if resumed else []))
            emit(test='handshakes', server=name, key=key, tls='1.%d' % version, resumed=round(count / n, 3), wanted='resumed' if resumed else 'full',
                 sessions_per_second=round(rate), cpu_us_session=round(cpu), cpu_us_plain=round(plain),
                 cpu_us_handshake=round(cpu - plain), per_core=round(1e6 / max(cpu - plain, 1)))
            yield (key, version, resumed), 1e6 / max(cpu - plain, 1)
    finally:
        relay.stop()
        os.rmdir(relay.group)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--adapter', default=HERE + '/adapter.sh')
    parser.add_argument('--versus', default=os.environ.get('BATON_BENCH', '') + '/adapters/postfix.sh')
    parser.add_argument('--n', type=int, default=4000)
    parser.add_argument('--runs', type=int, default=3)
    a = parser.parse_args()
    servers = [('baton', a.adapter)] + ([(os.path.basename(a.versus).split('.')[0], a.versus)] if os.path.exists(a.versus) else [])
    found = {}
    with tempfile.TemporaryDirectory(prefix='handshakes.') as folder:
        os.chmod(folder, 0o755)
        files = {key: certificate(folder, key) for key in ('rsa', 'ecdsa')}
        for _ in range(a.runs):
            for key, file in files.items():
                for name, adapter in servers:
                    for case, rate in measure(name, adapter, a.n, file, key):
                        found.setdefault((case, name), []).append(rate)
    for case in CASES:
        medians = {name: round(statistics.median(found[case, name])) for name, _ in servers}
        emit(test='handshakes', key=case[0], tls='1.%d' % case[1], wanted='resumed' if case[2] else 'full', per_core=medians)


main()
