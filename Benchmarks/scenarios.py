#!/usr/bin/env python3
"""Measurements that the shared harness does not have; each prints one line of JSON.

  scenarios.py [--adapter FILE] latency    [--rate N]      one message a second, or N: dot to 250, accepted to delivered
  scenarios.py [--adapter FILE] deep       [--n 1000000]   many waiting messages: memory, accept rate, idle, restart, drain
  scenarios.py [--adapter FILE] compaction [--n 2000000]   relaying with 1 % deferred: spool, rate, latency; --kills N
  scenarios.py [--adapter FILE] tarpit     [--n 30000]     one of ten destinations stalls at greeting, RCPT or dot
  scenarios.py [--adapter FILE] slowloris  [--n 40000]     5,000 clients that send an octet now and then, beside normal mail;
                                                          of Postfix with --adapter BATON_BENCH/adapters/postfix.sh
  scenarios.py [--adapter FILE] trace      [--n 200]       system calls: an fdatasync ends between each dot and its 250

The adapter contract, the load generator and the counting sink are those of the harness at BATON_BENCH."""
import argparse, json, mmap, os, random, re, resource, socket, struct, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.environ.get('BENCH_TOOLS', '/var/tmp/baton-bench')
UNIQUE, FIRST, LAST = 1, 8, 9  # places in the sink's table of counters


class Relay:
    """The relay under test, driven through its adapter, in a CPU accounting group of its own."""

    def __init__(self, adapter, port=2525, sink=2600, domains=1):
        self.adapter, self.port = os.path.abspath(adapter), port
        self.group = '/sys/fs/cgroup/cpuacct/scenario.%d' % os.getpid()
        os.makedirs(self.group, exist_ok=True)
        self.environment = dict(os.environ, PORT=str(port), SINKPORT=str(sink), NDOM=str(domains), CGROUP=self.group)

    def call(self, verb, **more):
        def enter():
            if verb == 'start':
                open(self.group + '/cgroup.procs', 'w').write(str(os.getpid()))
        return subprocess.run([self.adapter, verb], env=dict(self.environment, **more), preexec_fn=enter, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL if verb == 'start' else subprocess.PIPE).stdout

    def start(self, fresh=False):
        began = time.monotonic()
        self.call('start', **({'FRESH': '1'} if fresh else {}))
        for _ in range(3000):
            try:
                with socket.create_connection(('127.0.0.1', self.port), 1) as c:
                    if c.recv(100).startswith(b'220'):
                        return time.monotonic() - began
            except OSError:
                pass
            time.sleep(0.02)
        raise SystemExit('the relay did not start')

    def pids(self):
        return [int(p) for p in open(self.group + '/cgroup.procs').read().split()]

    def kill(self):
        while self.pids():
            for pid in self.pids():
                try:
                    os.kill(pid, 9)
                except ProcessLookupError:
                    pass
            time.sleep(0.01)

    def stop(self):
        self.call('stop')
        for _ in range(300):
            if not self.pids():
                return
            time.sleep(0.1)
        self.kill()

    def cpu(self):
        return int(open(self.group + '/cpuacct.usage').read()) / 1e9

    def resident(self):
        total = 0
        for pid in self.pids():
            total += int(open('/proc/%d/statm' % pid).read().split()[1]) * 4096
        return total

    def written(self):
        """Octets given to write calls: the log, the log lines, the wake-ups. `write_bytes` beside it counts the whole folio of
        the page cache that a record of 200 octets touches: 1 MB in a file that was written in pieces of 1 MB."""
        return sum(int(re.search(r'wchar: (\d+)', open('/proc/%d/io' % p).read()).group(1)) for p in self.pids())

    def queued(self):
        return int((self.call('qlen') or '-1').strip() or -1)

    def spool_bytes(self):
        spool = self.call('spool').strip()
        return int(subprocess.run(['du', '-s', '--block-size=1', spool], stdout=subprocess.PIPE, text=True).stdout.split()[0])


class Sink:
    """The harness's counting sink on one or more ports."""

    def __init__(self, ports, capacity, *options):
        self.state, self.seen = '/dev/shm/scenario.state', '/dev/shm/scenario.seen'
        self.output = '/tmp/scenario.sink.json'
        for path in (self.state, self.seen) if '-k' not in options else ():
            if os.path.exists(path):
                os.unlink(path)
        self.process = subprocess.Popen([TOOLS + '/bsink', '-p', ','.join(map(str, ports)), '-s', self.state, '-M', self.seen,
                                         '-N', str(capacity), '-o', self.output, *map(str, options)])
        until(lambda: os.path.exists(self.state) and os.path.getsize(self.state) == 512, 10)
        until(lambda: reachable(ports[0]), 10)
        with open(self.state, 'r+b') as f:
            self.table = mmap.mmap(f.fileno(), 512)

    def count(self, place=UNIQUE):
        return struct.unpack_from('<Q', self.table, place * 8)[0]

    def stop(self):
        self.process.terminate()
        self.process.wait()
        return json.load(open(self.output))


def reachable(port):
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        return True
    except OSError:
        return False


def until(condition, seconds, step=0.05):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(step)
    return False


def spread(*options, wait=True):
    binary = TOOLS + '/spread'
    source = HERE + '/spread.c'
    if not os.path.exists(binary) or os.path.getmtime(binary) < os.path.getmtime(source):
        subprocess.run(['cc', '-O2', '-o', binary, source], check=True)
    process = subprocess.Popen([binary, *map(str, options)], stdout=subprocess.PIPE, text=True)
    return json.loads(process.communicate()[0]) if wait else process


def emit(**fields):
    print(json.dumps(fields), flush=True)


def latency(relay, a):
    relay.start(fresh=True)
    n = a.n or (120 if a.rate <= 1 else int(a.rate * 20))
    sink = Sink([2600], n + 10)
    output = tempfile.mktemp()
    subprocess.run([TOOLS + '/bload', '-p', str(relay.port), '-c', '1' if a.rate <= 1 else '20', '-n', str(n), '-l', '1024',
                    '-j', str(a.rate), '-o', output])
    until(lambda: sink.count() >= n, 30)
    load, seen = json.load(open(output)), sink.stop()
    emit(test='latency', rate=a.rate, n=n, acknowledged=load['acked'], dot_us=load['dot_us'], delivered_us=seen['e2e_us'])


def deep(relay, a):
    n = a.n or 1_000_000
    relay.start(fresh=True)
    options = ['-p', relay.port, '-l', 2048, '-d', 100_000, '-s', 10_000]
    refusing = Sink([2600], n + 10, '-R')
    empty = relay.resident()
    fifths = []
    for part in range(5):
        result = spread(*options, '-n', n // 5, '-i', part * (n // 5))
        fifths.append(result['rate'])
        assert result['acknowledged'] == n // 5, result
    time.sleep(90)  # every message has had its first attempt, and failed
    refusing.stop()
    at_depth = spread(*options, '-n', 20_000, '-i', n)
    time.sleep(5)
    resident, cpu, written = relay.resident(), relay.cpu(), relay.written()
    time.sleep(60)
    idle, log = (relay.cpu() - cpu) / 60, relay.written() - written
    emit(test='deep', step='filled', n=n, accept_by_fifth=fifths, accept_at_depth=at_depth['rate'],
         accept_ratio=round(at_depth['rate'] / fifths[0], 2), resident_mb=round(resident / 1e6), empty_mb=round(empty / 1e6),
         idle_core=round(idle, 3), idle_written_mb_minute=round(log / 1e6, 3), spool_mb=round(relay.spool_bytes() / 1e6))
    for how in ('stop', 'kill'):
        relay.stop() if how == 'stop' else relay.kill()
        os.sync()
        open('/proc/sys/vm/drop_caches', 'w').write('3')
        emit(test='deep', step='restart', how=how, ready_s=round(relay.start(), 2), queued=relay.queued(),
             resident_mb=round(relay.resident() / 1e6))
    sink = Sink([2600], n + 20_010)
    began, cpu = time.monotonic_ns(), relay.cpu()
    relay.call('flush')
    until(lambda: sink.count() >= n + 20_000, 1800, 0.2)
    emit(test='deep', step='drain', delivered=sink.count(), first_s=round((sink.count(FIRST) - began) / 1e9, 2),
         rate=round(sink.count() / ((sink.count(LAST) - began) / 1e9)), cpu_us=round((relay.cpu() - cpu) / max(1, sink.count()) * 1e6))
    sink.stop()


def compaction(relay, a):
    n = a.n or 2_000_000
    relay.start(fresh=True)
    sink = Sink([2600], n + 10)
    baseline = spread('-p', relay.port, '-l', 2048, '-n', 100_000, '-d', 1, '-i', 0)
    until(lambda: sink.count() >= 100_000, 60)
    sink.stop()
    relay.stop()
    relay.start(fresh=True)
    sink = Sink([2600], n + 10)
    seen = tempfile.mktemp(dir='/dev/shm')
    load = spread('-p', relay.port, '-l', 2048, '-n', n, '-x', 100, '-k', seen, wait=False)
    largest, kills, rng = 0, 0, random.Random(a.seed)
    while load.poll() is None:
        if a.kills > kills:
            time.sleep(rng.uniform(0.6, 3))
            relay.kill()
            kills += 1
            relay.start()
        else:
            time.sleep(2)
        largest = max(largest, relay.spool_bytes())
    result = json.loads(load.stdout.read())
    kept = open(seen, 'rb').read()
    os.unlink(seen)
    direct = sum(1 for i in range(n) if i % 100 and kept[i])
    until(lambda: sink.count() >= direct, 120)
    delivered = open(sink.seen, 'rb').read()
    waiting = relay.queued()
    deferred = sum(1 for i in range(0, n, 100) if kept[i])
    emit(test='compaction', n=n, kills=kills, acknowledged=result['acknowledged'], waiting=waiting, deferred=deferred,
         lost=sum(1 for i in range(n) if i % 100 and kept[i] and not delivered[i]) + max(0, deferred - waiting),
         duplicates=sum(max(0, delivered[i] - 1) for i in range(n)), rate=result['rate'], baseline=baseline['rate'],
         rate_ratio=round(result['rate'] / baseline['rate'], 2), dot_us=result['dot_us'], baseline_dot_us=baseline['dot_us'],
         spool_mb_max=round(largest / 1e6), live_mb=round(deferred * 2300 / 1e6))
    sink.stop()


class Tarpit(threading.Thread):
    """A destination that answers everything but one stage in time; `delay` seconds at that stage."""

    def __init__(self, port, stage, delay):
        super().__init__(daemon=True)
        self.stage, self.delay, self.taken = stage, delay, 0
        self.listener = socket.create_server(('127.0.0.1', port), backlog=512)

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def wait(self, stage):
        if stage == self.stage:
            time.sleep(self.delay)

    def serve(self, connection):
        try:
            with connection, connection.makefile('rb') as lines:
                self.wait('greeting')
                connection.sendall(b'220 tarpit ESMTP\r\n')
                for line in lines:
                    verb = line[:4].upper()
                    if verb == b'EHLO':
                        connection.sendall(b'250-tarpit\r\n250 PIPELINING\r\n')
                    elif verb == b'RCPT':
                        self.wait('rcpt')
                        connection.sendall(b'250 2.1.5 ok\r\n')
                    elif verb == b'DATA':
                        connection.sendall(b'354 go\r\n')
                        for text in lines:
                            if text == b'.\r\n':
                                break
                        self.wait('dot')
                        self.taken += 1
                        connection.sendall(b'250 2.0.0 ok\r\n')
                    elif verb == b'QUIT':
                        connection.sendall(b'221 2.0.0 bye\r\n')
                        return
                    else:
                        connection.sendall(b'250 2.0.0 ok\r\n')
        except OSError:
            pass


def tarpit(relay, a):
    """d0 has half of all mail; the other half is spread over d1 … d9, whose rate counts."""
    n = a.n or 30_000
    for stage in a.stages.split(','):
        ratios = []
        for pair in range(a.runs):
            rates = []
            for slow in (False, True):
                relay.start(fresh=True)
                sink = Sink([2601 + i for i in range(9)], n * 2 + 10)
                if slow:
                    pit = Tarpit(2600, stage, a.delay)
                    pit.start()
                else:
                    quick = subprocess.Popen([TOOLS + '/bsink', '-p', '2600', '-s', '/dev/shm/quick.state', '-M', '/dev/shm/quick.seen',
                                              '-N', str(n * 2 + 10), '-o', '/tmp/quick.json'])
                    until(lambda: reachable(2600), 5)
                began = time.monotonic()
                half = [spread('-p', relay.port, '-n', n // 2, '-l', 2048, '-c', 10, '-d', 1, '-i', 0, wait=False),
                        subprocess.Popen([TOOLS + '/bload', '-p', str(relay.port), '-c', '10', '-n', str(n // 2 * 10 // 9), '-l', '2048', '-P', '1',
                                          '-D', '10', '-i', str(n), '-o', '/tmp/half.json'])]
                want = n // 2
                until(lambda: sink.count() >= want * 99 // 100, 120, 0.01)
                rates.append(sink.count() / (time.monotonic() - began))
                for process in half:
                    process.kill()
                    process.wait()
                sink.stop()
                if slow:
                    pit.listener.close()
                else:
                    quick.kill()
                    quick.wait()
                relay.stop()
            ratios.append(rates[1] / rates[0])
        ratios.sort()
        emit(test='tarpit', stage=stage, pairs=a.runs, ratio_median=round(ratios[len(ratios) // 2], 3), ratios=[round(r, 2) for r in ratios])


class SlowClients(threading.Thread):
    """Clients that say hello and then send one octet of a command every so often, as many as `count`."""

    def __init__(self, port, count, interval):
        super().__init__(daemon=True)
        self.port, self.count, self.interval = port, count, interval
        self.sockets, self.lost, self.running = [], 0, True

    def open(self):
        refused = 0
        for i in range(self.count):
            # A server whose queue of connections is full lets the rest wait: those are not there.
            if refused > 10:
                break
            # From many addresses of the loopback network, each with its own ports.
            s = socket.socket()
            s.bind(('127.%d.%d.%d' % (10 + i // 2500, i // 250 % 10, 1 + i % 250), 0))
            s.settimeout(2)
            try:
                s.connect(('127.0.0.1', self.port))
            except OSError:
                refused += 1
                s.close()
                continue
            s.setblocking(False)
            self.sockets.append(s)
        return len(self.sockets)

    def run(self):
        step = self.interval / max(1, len(self.sockets))
        due = time.monotonic()
        while self.running and self.sockets:
            for s in list(self.sockets):
                try:
                    s.send(b'N')
                except OSError:
                    self.sockets.remove(s)
                    self.lost += 1
                due += step
                if due > time.monotonic():
                    time.sleep(due - time.monotonic())
                if not self.running:
                    return

    def close(self):
        self.running = False
        self.join()
        for s in self.sockets:
            s.close()


def slowloris(relay, a):
    """The rate of normal mail alone and beside the slow clients, in pairs."""
    n, count = a.n or 40_000, a.connections
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    ratios, lost, opened = [], 0, 0
    for pair in range(a.runs):
        rates = []
        for slow in (False, True):
            relay.start(fresh=True)
            sink = Sink([2600], n * 2 + 10)
            if slow:
                clients = SlowClients(relay.port, count, a.interval)
                opened = clients.open()
                clients.start()
            load = subprocess.Popen([TOOLS + '/bload', '-p', str(relay.port), '-c', '20', '-n', str(n), '-l', '2048', '-P', '1',
                                     '-o', '/tmp/slowloris.json'])
            began = time.monotonic()
            until(lambda: sink.count() >= n, 120, 0.01)
            rates.append(sink.count() / (time.monotonic() - began))
            load.kill()
            load.wait()
            if slow:
                resident = relay.resident()
                clients.close()
                lost += clients.lost
            sink.stop()
            relay.stop()
        ratios.append(rates[1] / rates[0])
    ratios.sort()
    emit(test='slowloris', connections=opened, interval=a.interval, lost=lost, resident=resident, pairs=a.runs, rate_alone=round(rates[0]),
         rate_beside=round(rates[1]), ratio_median=round(ratios[len(ratios) // 2], 3), ratios=[round(r, 2) for r in ratios])


def trace(relay, a):
    n = a.n or 200
    relay.start(fresh=True)
    sink = Sink([2600], n + 10)
    log = tempfile.mktemp()
    tracer = subprocess.Popen(['strace', '-f', '-ttt', '-T', '-y', '-s', '64', '-e', 'trace=fdatasync,fsync,write,writev,sendto,sendmsg,read,recvfrom',
                               '-o', log, *sum((['-p', str(p)] for p in relay.pids()), [])], stderr=subprocess.DEVNULL)
    time.sleep(2)
    subprocess.run([TOOLS + '/bload', '-p', str(relay.port), '-c', '1', '-n', str(n), '-l', '1024', '-o', '/tmp/trace.json'])
    time.sleep(1)
    tracer.terminate()
    tracer.wait()
    sink.stop()
    dots = syncs_after_dot = acknowledged = kept = 0
    waiting, synced = False, False
    for line in open(log, errors='replace'):
        if re.search(r'(read|recvfrom)\(.*\\r\\n\.\\r\\n"|resumed.*\\r\\n\.\\r\\n"', line) or ('read(' in line and 'X-Bid' in line):
            waiting, synced, dots = True, False, dots + 1
        elif re.search(r'(fdatasync|fsync).*(\) += 0|resumed)', line):
            synced = True
        elif waiting and re.search(r'(write|writev|sendto|sendmsg)\(.*"250 2\.0\.0', line):  # not the sink's reply
            acknowledged += 1
            kept += synced
            waiting = False
    emit(test='trace', n=n, dots=dots, acknowledged=acknowledged, synced_between=kept)
    os.unlink(log)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('scenario', choices=['latency', 'deep', 'compaction', 'tarpit', 'slowloris', 'trace'])
    parser.add_argument('--adapter', default=HERE + '/adapter.sh')
    parser.add_argument('--n', type=int, default=0)
    parser.add_argument('--rate', type=float, default=1)
    parser.add_argument('--runs', type=int, default=7)
    parser.add_argument('--kills', type=int, default=0)
    parser.add_argument('--stages', default='greeting,rcpt,dot')
    parser.add_argument('--delay', type=float, default=20)
    parser.add_argument('--connections', type=int, default=5000)
    parser.add_argument('--interval', type=float, default=29)
    parser.add_argument('--seed', type=int, default=1)
    a = parser.parse_args()
    domains = {'compaction': 2, 'tarpit': 10}.get(a.scenario, 1)
    relay = Relay(a.adapter, domains=domains)
    try:
        {'latency': latency, 'deep': deep, 'compaction': compaction, 'tarpit': tarpit, 'slowloris': slowloris, 'trace': trace}[a.scenario](relay, a)
    finally:
        relay.stop()
        os.rmdir(relay.group)


if __name__ == '__main__':
    main()
