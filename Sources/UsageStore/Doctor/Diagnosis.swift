import Metering

/// Something that is wrong in the running system, with the remedy.
package struct Diagnosis: Encodable, Hashable, Sendable {
    package enum Severity: String, Encodable, Hashable, Sendable {
        case wrong
        /// Good to know.
        case note
    }

    package var severity: Severity
    /// `instance_silent`, `unbound_counter`, `claimed_twice`, `identity_conflict`, `two_boot_ids`, `sent_twice`, `two_senders`,
    /// `clock_off`, `job_failed`, `queue_lag`, `no_meters`, `refused`, `source_not_counted`.
    package var check: String
    /// What it is about: a gateway and instance, a counter, a job.
    package var subject: String
    package var found: String
    package var remedy: String

    package init(_ severity: Severity = .wrong, check: String, subject: String, found: String, remedy: String) {
        self.severity = severity
        self.check = check
        self.subject = subject
        self.found = found
        self.remedy = remedy
    }
}
