import Events
import MessageFormat
import Ports
import Storage

extension SharedQueue: MessageIntake {
    // Never say 250 before the store has; say 451 when it does not say.
    public func accept(_ submission: Submission, replyOn loop: any Loop,
                       completion: @escaping @Sendable (AcceptResult) -> Void) {
        core.run {
            self.admit(submission) { result in loop.run { completion(result) } }
        }
    }

    private func admit(_ submission: Submission, _ reply: @escaping @Sendable (AcceptResult) -> Void) {
        let id = submission.id
        let message = submission.message
        let sizes = uploads[id]?.sizes ?? []
        guard isComplete(submission) else {
            abandon(id)
            statistics.refused += 1
            return reply(.refused(.storageFailure))
        }
        uploads[id]?.isBeingAccepted = true
        let expansion = ReportPlan.expanded(message).flatMap { plan in
            compose(plan, about: message, returning: sizes.isEmpty ? message.body.map { body in
                ReportComposer.Returned(bytes: message.prefix + body, isWhole: false)
            } : nil)
        }
        sign(expansion.map { [$0] } ?? []) { self.append(submission, sizes, $0.first, reply) }
    }

    private func append(_ submission: Submission, _ sizes: [UInt32], _ expansion: ReportComposer.Report?,
                        _ reply: @escaping @Sendable (AcceptResult) -> Void) {
        let id = submission.id
        let message = submission.message
        var group = StoreGroup(name: GroupName(rawValue: id.rawValue))
        group.messages.append(newMessage(message, chunkSizes: sizes, hold: submission.hold))
        if let expansion { add(expansion, to: &group) }
        let held = submission.hold.map { MailEvent(message: id, time: core.now, detail: .held($0)) }
        if let held { group.events.append(held.draft) }
        append(group, triesLeft: nodeSettings.appendTries) { result in
            self.forgetUpload(id)
            switch result {
            case .success:
                self.statistics.accepted += 1
                if expansion != nil { self.statistics.reports += 1 }
                self.observer?.recorded(MailEvent(message: id, time: message.envelope.arrival, detail: .accepted(message.envelope)),
                                        envelope: message.envelope)
                if let held { self.observer?.recorded(held, envelope: nil) }
                reply(.accepted(id))
                self.readSoon()
            case .failure(let error):
                self.statistics.refused += 1
                reply(.refused(error == .full ? .insufficientStorage : .storageFailure))
            }
        }
    }

    // Under the same name, so that a try whose answer was lost is not another message.
    private func append(_ group: StoreGroup, triesLeft: Int,
                        done: @escaping @Sendable (Result<StorePosition, StoreError>) -> Void) {
        store.append(group, on: core) { result in
            switch result {
            case .failure(.unavailable) where triesLeft > 1, .failure(.unknown) where triesLeft > 1:
                _ = self.core.schedule(at: self.core.now + self.nodeSettings.retryInterval) {
                    self.append(group, triesLeft: triesLeft - 1, done: done)
                }
            case .success, .failure: done(result)
            }
        }
    }

    /// A message as the store keeps it: with its recipients by place.
    func newMessage(_ message: AcceptedMessage, chunkSizes: [UInt32] = [], hold: HoldReason? = nil) -> NewMessage {
        let entries = RecipientGroup.groups(of: message.envelope, by: routes).map { group in
            KeptEntry(name: nextName(), message: message, place: place(for: group), group: group, hold: hold)
        }
        return NewMessage(id: message.id, record: message.draft(chunkSizes: chunkSizes), parts: chunkSizes.count, entries: entries)
    }

    /// Where recipients wait: at their site, if this node knows it.
    func place(for group: RecipientGroup) -> Place {
        scheduler.knownSite(of: group.destination).map { Place(site: $0) } ?? Place(host: group.host)
    }

    func nextName() -> EntryName { EntryName(rawValue: mint.next().rawValue) }

    // MARK: Large bodies

    /// A message whose parts are not all in the store must not become one.
    private func isComplete(_ submission: Submission) -> Bool {
        guard submission.chunkedSize > 0 else { return true }
        guard let upload = uploads[submission.id] else { return false }
        return upload.size == submission.chunkedSize && upload.pending == 0 && !upload.hasFailed && !upload.isBeingAccepted
    }

    public func appendChunk(_ id: QueueID, _ bytes: [UInt8], replyOn loop: any Loop,
                            completion: @escaping @Sendable (ChunkResult) -> Void) {
        core.run {
            self.take(id, bytes) { result in loop.run { completion(result) } }
        }
    }

    private func take(_ id: QueueID, _ bytes: [UInt8], _ reply: @escaping @Sendable (ChunkResult) -> Void) {
        let size = UInt64(bytes.count)
        var upload = uploads[id] ?? SharedUpload()
        guard !upload.isBeingAccepted, size <= UInt64(UInt32.max), upload.size + size <= settings.maxUncommitted,
              statistics.uncommitted + size <= settings.maxUncommittedTotal else {
            return reply(.refused(.insufficientStorage))
        }
        let index = UInt32(clamping: upload.sizes.count)
        upload.sizes.append(UInt32(clamping: size))
        upload.size += size
        upload.pending += 1
        uploads[id] = upload
        statistics.uncommitted += size
        store.putPart(id, index: index, bytes, on: core) { result in
            self.uploads[id]?.pending -= 1
            switch result {
            case .success: reply(.taken)
            case .failure(let error):
                self.uploads[id]?.hasFailed = true
                reply(.refused(error == .full ? .insufficientStorage : .storageFailure))
            }
        }
    }

    public func abandon(_ id: QueueID) {
        core.run {
            // One that is being accepted belongs to the store's answer.
            guard self.uploads[id]?.isBeingAccepted == false else { return }
            self.forgetUpload(id)
            self.store.abandon(id)
        }
    }

    private func forgetUpload(_ id: QueueID) {
        guard let upload = uploads.removeValue(forKey: id) else { return }
        statistics.uncommitted &-= upload.size
    }
}
