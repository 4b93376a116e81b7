import StrictYAML

extension BootstrapCheck {
    /// Whether the stats matcher lets through what meters need.
    mutating func checkMatcher() {
        guard let matcher = root.at("stats_config", "stats_matcher") else { return }
        if let field = matcher["reject_all"], field.isTrue {
            return add(
                "matcher", field, "reject_all drops every stat, and breaks updates by CDS",
                "use an inclusion_list (waybill config envoy prints one)")
        }
        var needed = ["server.state", "server.uptime", "server.hot_restart_epoch"]
        for manager in connectionManagers {
            guard let prefix = manager["stat_prefix"]?.string else { continue }
            needed += [
                "downstream_rq_completed", "downstream_rq_active", "downstream_rq_2xx", "downstream_cx_total",
                "downstream_cx_active", "downstream_cx_rx_bytes_total", "downstream_cx_tx_bytes_total",
            ].map { "http.\(prefix).\($0)" }
        }
        let (list, isInclusion) =
            matcher["inclusion_list"].map { ($0, true) } ?? (matcher["exclusion_list"] ?? matcher, false)
        let patterns = (list["patterns"]?.items ?? []).map { StatPattern($0) }
        let dropped = needed.filter { name in patterns.contains { $0.matches(name) } != isInclusion }
        guard !dropped.isEmpty else { return }
        let more = dropped.count > 4 ? " and \(dropped.count - 4) more" : ""
        add(
            "matcher", list,
            "the stats matcher drops what meters need: \(dropped.prefix(4).joined(separator: ", "))\(more)",
            isInclusion
                ? "add {prefix: \"server.\"} and {prefix: \"http.\"} to the inclusion_list"
                : "take the patterns that match them out of the exclusion_list")
    }
}

/// A pattern of a stats matcher. What it can not judge matches nothing.
private struct StatPattern {
    private let field: YAMLField

    init(_ field: YAMLField) {
        self.field = field
    }

    func matches(_ name: String) -> Bool {
        for (key, value) in field.entries {
            let text = value.string ?? ""
            switch key {
            case "exact": return name == text
            case "prefix": return name.hasPrefix(text)
            case "suffix": return name.hasSuffix(text)
            case "contains": return name.contains(text)
            case "safe_regex":
                guard let pattern = value["regex"]?.string, let regex = try? Regex(pattern) else { return false }
                return name.wholeMatch(of: regex) != nil
            default: continue
            }
        }
        return false
    }
}
