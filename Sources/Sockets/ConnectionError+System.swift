import Glibc
import NIOCore
import Ports

extension ConnectionError {
    /// The error that a system call's `errno` stands for.
    public init(errno code: Int32) {
        switch code {
        case ECONNREFUSED, ENOENT: self = .refused
        case ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN, ENONET: self = .unreachable
        case ETIMEDOUT: self = .timedOut
        case ECONNRESET, EPIPE, ECONNABORTED: self = .reset
        case EMFILE, ENFILE, EADDRNOTAVAIL, EADDRINUSE, ENOBUFS, ENOMEM: self = .exhausted
        default: self = .system(errno: code)
        }
    }

    /// The error that NIO reported.
    init(_ error: any Error) {
        switch error {
        case let error as IOError: self.init(errno: error.errnoCode)
        case ChannelError.connectTimeout: self = .timedOut
        default: self = .reset
        }
    }
}
