import Events
import Ports

/// What makes notifications: a queue with its settings, its clock and its mint.
protocol ReportAuthor {
    var settings: QueueSettings { get }

    /// Makes the notification of a plan; nil where nobody may get one.
    func compose(_ plan: ReportPlan, about message: AcceptedMessage, returning returned: ReportComposer.Returned?) -> ReportComposer.Report?
}

extension Queue: ReportAuthor {}

extension SharedQueue: ReportAuthor {
    func compose(_ plan: ReportPlan, about message: AcceptedMessage,
                 returning returned: ReportComposer.Returned?) -> ReportComposer.Report? {
        ReportComposer(settings: settings, now: core.now).compose(plan, about: message, returned: returned, id: mint.next())
    }

    /// Has notifications signed, where they are, and goes on with them here.
    func sign(_ reports: [ReportComposer.Report], done: @escaping @Sendable ([ReportComposer.Report]) -> Void) {
        guard !reports.isEmpty, let signing = settings.reportSigning else { return done(reports) }
        signing.sign(reports, from: settings.sender, on: core, completion: done)
    }

    /// Puts a notification into a group.
    func add(_ report: ReportComposer.Report, to group: inout StoreGroup) {
        group.messages.append(newMessage(report.message))
        group.events.append(report.event.draft)
    }
}
