import Events
import Ports
import SMTP
import Storage

extension SharedQueue {
    /// Notices being made at a time: a million that are due at once must not all be read at once.
    private static let maxNoticesAtOnce = 64

    /// Tells the sender that recipients are delayed, where it wants to hear that.
    func notifyDelay(_ entry: EntryID) {
        notices.waiting.append(entry)
        startNotices()
    }

    private func startNotices() {
        while notices.running < SharedQueue.maxNoticesAtOnce, let entry = notices.next() {
            guard let number = number(of: entry), let held = entries[number], held.work == .none else { continue }
            notices.running += 1
            setWork(number, .notice)
            store.message(of: held.kept.name, maxBody: Queue.smallBody, on: core) { result in
                guard case .success(let content) = result, let message = AcceptedMessage(content, of: held.kept) else {
                    return self.noticeEnded(number)
                }
                self.readReturned(of: message) { returned in self.sendDelayNotice(number, message, content, returned) }
            }
        }
    }

    private func noticeEnded(_ number: UInt64) {
        notices.running -= 1
        setWork(number, .none)
        workArrived?()
        startNotices()
    }

    // The notice and that it was given: one group, so that the next node to have the place does not give it again.
    private func sendDelayNotice(_ number: UInt64, _ message: AcceptedMessage, _ content: KeptContent,
                                 _ returned: ReportComposer.Returned?) {
        let last = content.lastAttempt
        guard let held = entries[number], let state = scheduler.entry(held.entry),
              var plan = ReportPlan.delayed(held.kept.recipients, of: message.envelope, last: last?.result, lastTime: last?.time,
                                            until: message.envelope.arrival + settings.scheduler.retry.lifetime) else {
            return noticeEnded(number)
        }
        plan.noticesGiven = state.noticesGiven
        guard let report = compose(plan, about: message, returning: returned?.header) else { return noticeEnded(number) }
        sign([report]) { for report in $0 { self.record(report, number, held, times: state.noticesGiven) } }
    }

    private func record(_ report: ReportComposer.Report, _ number: UInt64, _ held: HeldEntry, times: UInt8) {
        var group = StoreGroup(name: nextGroup())
        add(report, to: &group)
        let settlement = Settlement(group: group, lease: held.lease, entry: held.kept.name,
                                    change: .noticed(times: times))
        settle(settlement) { result, _ in
            switch result {
            case .success:
                self.statistics.reports += 1
                self.observer?.recorded(report.event, envelope: nil)
                self.readSoon()
            case .failure(.fenced): self.lost(held.lease)
            case .failure: break
            }
            self.noticeEnded(number)
        }
    }
}
