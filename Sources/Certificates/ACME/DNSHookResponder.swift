import Glibc
import Ports

/// Answers DNS-01 challenges through a command of the operator's (RFC 8555 §8.4).
///
/// It is run as `HOOK present _acme-challenge.NAME VALUE`, and `HOOK cleanup …` with the same words
/// afterwards, without a shell; it ends with 0 when the record can be seen. It runs on a thread of its own.
public final class DNSHookResponder: ACMEResponder {
    private let command: String
    private let loop: any Loop
    private static let stackOctets = 256 << 10

    /// A responder that runs the program at `command`.
    public init(command: String, on loop: any Loop) {
        self.command = command
        self.loop = loop
    }

    public func present(_ challenge: ACMEChallenge, completion: @escaping (ACMEError?) -> Void) {
        let confined = LoopConfined(completion, to: loop)
        let command = command, loop = loop
        run("present", challenge) { status in
            loop.execute { confined.value(status == 0 ? nil : .local("'\(command)' ended with \(status)")) }
        }
    }

    public func withdraw(_ challenge: ACMEChallenge) { run("cleanup", challenge) { _ in } }

    private func run(_ verb: String, _ challenge: ACMEChallenge, ended: @escaping @Sendable (Int32) -> Void) {
        let job = HookRun(words: [command, verb, "_acme-challenge.\(challenge.name)", challenge.recordValue], ended: ended)
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, DNSHookResponder.stackOctets)
        var thread = pthread_t()
        let retained = Unmanaged.passRetained(job)
        let status = pthread_create(&thread, &attributes, { argument in
            guard let argument else { return nil }
            Unmanaged<HookRun>.fromOpaque(argument).takeRetainedValue().run()
            return nil
        }, retained.toOpaque())
        if status != 0 {
            retained.release()
            ended(status)
        }
    }
}

/// One run of a hook.
private final class HookRun: Sendable {
    private let words: [String]
    private let ended: @Sendable (Int32) -> Void
    /// Nothing of Baton's own environment, which may hold secrets.
    private static let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    private static let timeoutSeconds: time_t = 300

    init(words: [String], ended: @escaping @Sendable (Int32) -> Void) {
        self.words = words
        self.ended = ended
    }

    func run() {
        var process = pid_t()
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var environment: [UnsafeMutablePointer<CChar>?] = [strdup(HookRun.path), nil]
        defer { for variable in environment { free(variable) } }
        let status = posix_spawn(&process, words[0], nil, nil, &arguments, &environment)
        guard status == 0 else { return ended(status) }
        ended(wait(for: process))
    }

    /// Waits for the end, and sees to it after some minutes.
    private func wait(for process: pid_t) -> Int32 {
        var start = timespec()
        clock_gettime(CLOCK_MONOTONIC, &start)
        var status: Int32 = 0
        while true {
            let result = waitpid(process, &status, WNOHANG)
            if result == process { break }
            if result < 0, errno != EINTR { return errno }
            var now = timespec()
            clock_gettime(CLOCK_MONOTONIC, &now)
            if now.tv_sec - start.tv_sec > HookRun.timeoutSeconds { kill(process, SIGKILL) }
            usleep(50_000)
        }
        return status & 0x7f == 0 ? status >> 8 & 0xff : status & 0x7f
    }
}
