"""The bugs that run.py plants: where, which text, what instead, and which tests are run."""
from typing import NamedTuple

STORAGE = "StorageTests"
QUEUE = "MailQueueTests"
HISTORIES = "StorageTests|MailQueueTests|SimulationTests.SimulationTests"


class Bug(NamedTuple):
    name: str
    file: str
    old: str
    new: str
    tests: str


BUGS = [
    # The log
    Bug("the log never syncs", "Storage/Log/LogWriter.swift",
        "        do throws(FileError) {\n            try active.file.synchronize()\n        } catch {\n            throw .sync(error)\n        }\n",
        "        _ = active\n", HISTORIES),
    Bug("250 before the sync", "Storage/Log/LogWriter.swift",
        "complete(&groups, including: .written)", "complete(&groups, including: .synced)", HISTORIES),
    Bug("no sync before the next segment", "Storage/Log/LogWriter.swift",
        "        try flush()\n        try synchronize()\n        context.table.update(active.number) { $0.state = .sealed }",
        "        try flush()\n        context.table.update(active.number) { $0.state = .sealed }", HISTORIES),
    Bug("outcomes are forgotten when a new segment fails as well", "Storage/Log/LogWriter.swift",
        "            unsynced = kept\n", "", STORAGE),
    Bug("what a failed sync left is not written again", "Storage/Log/LogWriter.swift",
        "var rewritten = kept.groups", "var rewritten: [StoredGroup] = []", STORAGE),
    Bug("the segment whose sync failed stays known as active", "Storage/Log/LogWriter.swift",
        "        abandonActive()\n        if case .sync = failure {", "        if case .sync = failure {", HISTORIES),
    Bug("a failed sync is answered 250", "Storage/Log/LogWriter.swift",
        "groups[index].refusal = groups[index].refusal ?? .notStored(errno: failure.errno)", "_ = index", STORAGE),
    Bug("a failed log passes for a full one", "Storage/Log/LogWriter.swift",
        "        guard !hasFailed || state == .failed else { return }\n", "", STORAGE),
    Bug("a failed log is closed without a last try", "Storage/Log/LogWriter.swift",
        "        if hasFailed { retry() }\n", "", STORAGE),
    Bug("a ready segment is forgotten", "Storage/Log/LogWriter.swift",
        "            pool.putBack(next)\n", "            _ = next\n", STORAGE),
    Bug("a start does not take a new incarnation", "Storage/Log/LogOpening.swift",
        "        incarnation += 1\n", "", HISTORIES),
    Bug("records written twice are handed out twice", "Storage/Log/LogOpening+Replay.swift",
        "        guard record.lsn > last else { return }\n", "", HISTORIES),
    Bug("a start does not write again what it read", "Storage/Log/LogOpening+Replay.swift",
        "                try file.write(try file.bytes(at: offset, count: Int(min(end - offset, 1 << 20))), at: offset)\n",
        "                _ = offset\n", STORAGE),
    Bug("a start goes past a hole that an earlier start closed", "Storage/Log/LogOpening+Replay.swift",
        "isFinal: isAlone && (isTrusted || isLast)", "isFinal: isTrusted || isLast", STORAGE),
    # Checkpoints and compaction
    Bug("files with live records are freed", "Storage/Compaction/Compactor.swift",
        "plan.questioned.subtracting(kept.map(\\.segment)).sorted().count { free($0) }",
        "plan.questioned.sorted().count { free($0) }", HISTORIES),
    Bug("a segment is freed without an archive", "Storage/Compaction/Compactor.swift",
        "let file = context.table[number], file.purpose == .bodies || file.isArchived else", "let file = context.table[number] else", HISTORIES),
    Bug("copies are used before they are synced", "Storage/Compaction/Compactor.swift",
        "            try file.synchronize()\n            try context.files.synchronizeNames()\n            // Active",
        "            try context.files.synchronizeNames()\n            // Active", HISTORIES),
    Bug("a checkpoint counts before its name is synced", "Storage/Checkpoint/CheckpointWriter.swift",
        "                try context.files.synchronizeNames()\n            }\n            progress.isEnded", "            }\n            progress.isEnded", HISTORIES),
    Bug("a checkpoint counts before it is synced", "Storage/Checkpoint/CheckpointWriter.swift",
        "at: progress.offset)\n                try file.synchronize()\n", "at: progress.offset)\n", HISTORIES),
    # The queue
    Bug("a message is accepted as written, not as synced", "MailQueue/Queue/Queue+Intake.swift",
        "log.append(group, .synced, on: core)", "log.append(group, .written, on: core)", QUEUE),
    Bug("a checkpoint is ahead of the log", "MailQueue/Queue/Queue+Log.swift",
        "guard receipt != nil, self.refusedAppends == 0 else", "guard receipt != nil else", QUEUE),
    Bug("a checkpoint forgets what was not understood", "MailQueue/Queue/Queue+Log.swift",
        "guard checkpoint == nil, !isCheckpointBeginning, statistics.unreadable == 0 else", "guard checkpoint == nil, !isCheckpointBeginning else", QUEUE),
    Bug("parts of a message that is coming in are freed", "MailQueue/Queue/Queue+Log.swift",
        "            writer.keep(self.uploads.values.flatMap { walk.questions.among($0.chunks.map(\\.position)) })\n", "", QUEUE),
    Bug("parts of a message that is coming in are not named in a checkpoint", "MailQueue/Queue/Queue+Log.swift",
        "        bytes.number(UInt64(uploads.count))\n        for (id, upload) in uploads.sorted(by: { $0.key < $1.key }) {",
        "        bytes.number(UInt64(0))\n        for (id, upload) in uploads.filter({ $0.key.rawValue == 0 }) {", QUEUE),
    Bug("parts of a message do not follow their moves", "MailQueue/Queue/Queue+Compaction.swift",
        "            uploads[id] = upload\n", "            _ = upload\n", QUEUE),
    Bug("the last reply of a message is not named", "MailQueue/Queue/Queue+Compaction.swift",
        "        if message.lastEventBytes > 0, files.contains(message.lastEvent) { positions.append(message.lastEvent) }\n", "", QUEUE),
    Bug("half a message is delivered", "MailQueue/Recovery/QueueRecovery.swift",
        "        if !isWhole { message.hold = .unreadable }\n", "        _ = isWhole\n", QUEUE),
    Bug("a restart forgets the attempts", "MailQueue/Queue/Queue+Recovery.swift",
        "                draft.attempts = entry.attempts\n", "", QUEUE),
    Bug("a restart forgets the delay notices", "MailQueue/Queue/Queue+Recovery.swift",
        "                draft.noticesGiven = entry.noticesGiven\n", "", QUEUE),
    # The scheduler
    Bug("no last try after a downtime", "MailQueue/Schedule/Scheduler.swift",
        "} else if expirySecond(entries[index]) <= clock {", "} else if expirySecond(entries[index]) <= clock, false {", QUEUE),
    Bug("an answer does not end a row of failures", "MailQueue/Shaping/ConcurrencyWindow.swift",
        "mutating func answered() { failures = 0 }", "mutating func answered() {}", QUEUE),
    Bug("all mail has the lifetime of bounces", "MailQueue/Schedule/Scheduler+Timers.swift",
        "isBounce ? lifetimes.bounce : lifetimes.message", "isBounce ? lifetimes.bounce : lifetimes.bounce", QUEUE),
    Bug("delay notices for bounces", "MailQueue/Schedule/Scheduler+Timers.swift",
        "guard !entry.flags.contains(.bounce), Int(entry.noticesGiven)", "guard Int(entry.noticesGiven)", QUEUE),
    Bug("a notice for every point that passed", "MailQueue/Schedule/Scheduler+Timers.swift",
        "UInt8(clamping: lifetimes.notices.count { $0 <= age })", "entries[index].noticesGiven + UInt8(clamping: age / max(age, 1))", QUEUE),
]
