import Events
import MailQueue
import SMTP

extension MailboxFileError {
    /// Why the mailbox at `path` could not be written, for reports and listings.
    public func diagnosis(path: MailboxPath) -> Diagnosis {
        switch self {
        case .noSpace:
            Diagnosis(status: .init(4, 3, 1), explanation: "No space is left for mailboxes.", bounceClass: .system)
        case .overQuota:
            Diagnosis(status: .init(4, 2, 2), explanation: "The mailbox is over its quota.", bounceClass: .mailboxFull)
        case .denied:
            Diagnosis(status: .init(4, 3, 0), explanation: "Baton may not write to \(path).", bounceClass: .system)
        case .readOnly:
            Diagnosis(status: .init(4, 3, 0), explanation: "The file system of \(path) is read-only.", bounceClass: .system)
        case .missing:
            Diagnosis(status: .init(4, 3, 5), explanation: "The directory \(path) does not exist.", bounceClass: .system)
        case .exists:
            Diagnosis(status: .init(4, 3, 0), explanation: "A file of the same name is in \(path).", bounceClass: .system)
        case .notADirectory:
            Diagnosis(status: .init(4, 3, 5), explanation: "Something that is no directory is in the way to \(path).", bounceClass: .system)
        case .system(let errno):
            Diagnosis(status: .init(4, 3, 0), explanation: "Writing to \(path) failed with error \(errno).", bounceClass: .system)
        }
    }

    /// Whether other mailboxes of the site would meet the same.
    var isOfWholeSite: Bool {
        switch self {
        case .noSpace, .readOnly: true
        case .system(let errno): errno != 0
        case .overQuota, .denied, .missing, .exists, .notADirectory: false
        }
    }
}

extension ContentError {
    /// Why nothing could be written.
    var diagnosis: Diagnosis {
        Diagnosis(status: .init(4, 3, 0), explanation: "The message could not be read from the queue.", bounceClass: .system)
    }
}
