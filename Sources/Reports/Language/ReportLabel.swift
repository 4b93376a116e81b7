/// Every text of the reports that a locale file gives; its key there. Places such as `{percent}` are filled.
package enum ReportLabel: String, CaseIterable, Hashable, Sendable {
    // Titles and states
    case invoice
    case invoicePreview = "invoice_preview"
    case invoiceDraft = "invoice_draft"
    case creditNote = "credit_note"
    case usageReport = "usage_report"
    case markPreview = "mark_preview"
    case markDraft = "mark_draft"
    case markVoid = "mark_void"
    case paid
    case page
    case pageOf = "page_of"

    // Head
    case from
    case billTo = "bill_to"
    case invoiceNumber = "invoice_number"
    case notNumbered = "not_numbered"
    case issued
    case due
    case paymentTerms = "payment_terms"
    case contract
    case customer
    case purchaseOrder = "purchase_order"
    case taxID = "tax_id"
    case period
    case periodLocal = "period_local"
    case periodUTC = "period_utc"
    case until
    case priceBook = "price_book"
    case priceBookOf = "price_book_of"
    case replaces

    // Lines
    case lines
    case description
    case quantity
    case price
    case amount
    case tier
    case baseFee = "base_fee"
    case minimum
    case maximum
    case included
    case blocks
    case flatFee = "flat_fee"
    case adjustmentFor = "adjustment_for"
    case noLines = "no_lines"
    case subtotal
    case net
    case taxOn = "tax_on"
    case total
    case credit
    case creditNamed = "credit_named"
    case payable
    case roundedHalfUp = "rounded_half_up"
    case roundedHalfEven = "rounded_half_even"
    case roundedDown = "rounded_down"
    case roundedUp = "rounded_up"

    // Completeness
    case coverage
    case coverageComplete = "coverage_complete"
    case coverageIncomplete = "coverage_incomplete"
    case coverageGrace = "coverage_grace"
    case coverageBounds = "coverage_bounds"
    case coverageLower = "coverage_lower"
    case noGaps = "no_gaps"
    case gaps
    case gapFrom = "gap_from"
    case gapTo = "gap_to"
    case gapReason = "gap_reason"
    case gapBetween = "gap_between"
    case gapAtLeast = "gap_at_least"
    case moreGaps = "more_gaps"
    case gapTailLost = "gap_tail_lost"
    case gapLateStart = "gap_late_start"
    case gapStreamDown = "gap_stream_down"
    case gapUdpDrop = "gap_udp_drop"
    case gapReset = "gap_reset"
    case gapRefused = "gap_refused"
    case gapUndecidedEpoch = "gap_undecided_epoch"
    case gapIdentityConflict = "gap_identity_conflict"
    case carriedOver = "carried_over"
    case carriedOn = "carried_on"

    // Charts
    case requests
    case requestsPerDay = "requests_per_day"
    case requestsPerDayText = "requests_per_day_text"
    case requestsPerHour = "requests_per_hour"
    case requestsPerHourText = "requests_per_hour_text"
    case day
    case hour
    case hoursIn = "hours_in"
    case figures
    case legendNone = "legend_none"
    case legendUpTo = "legend_up_to"
    case legendGap = "legend_gap"

    // Annex
    case annex
    case annexText = "annex_text"
    case annexByGateway = "annex_by_gateway"
    case annexByInstance = "annex_by_instance"
    case annexLargest = "annex_largest"
    case gateway
    case instance
    case opening
    case closing
    case difference
    case readings
    case readingsHash = "readings_hash"
    case otherInstances = "other_instances"
    case corrections
    case billed

    // Verification
    case verification
    case verifyText = "verify_text"
    case verifyCommand = "verify_command"
    case invoiceHash = "invoice_hash"
    case previousHash = "previous_hash"
    case inputsHash = "inputs_hash"
    case priceBookHash = "price_book_hash"
    case engine
    case previewText = "preview_text"
    case draftText = "draft_text"
    case voidText = "void_text"

    // Comparison
    case comparison
    case comparisonSaved = "comparison_saved"
    case comparisonCost = "comparison_cost"
    case comparisonEqual = "comparison_equal"
    case comparisonText = "comparison_text"

    // Usage
    case service
    case services
    case share
    case dimension
    case newConnections = "new_connections"
    case activeConnections = "active_connections"
    case receivedBytes = "received_bytes"
    case sentBytes = "sent_bytes"
    case responses
    case byService = "by_service"
    case byDay = "by_day"
    case noUsage = "no_usage"
    case asOf = "as_of"
    case daysTotal = "days_total"
    case others

    // Savings
    case savingsReport = "savings_report"
    case savingsSaved = "savings_saved"
    case savingsCost = "savings_cost"
    case savingsEqual = "savings_equal"
    case savingsNothing = "savings_nothing"
    case savingsCheaper = "savings_cheaper"
    case savingsNoneCheaper = "savings_none_cheaper"
    case savingsBeforeFee = "savings_before_fee"
    case savingsTraffic = "savings_traffic"
    case savingsHoursCount = "savings_hours_count"
    case savingsRegion = "savings_region"
    case savingsBytesPerRequest = "savings_bytes_per_request"
    case savingsRequestsPerConnection = "savings_requests_per_connection"
    case savingsAlternatives = "savings_alternatives"
    case savingsAlternative = "savings_alternative"
    case savingsOwn = "savings_own"
    case savingsHours = "savings_hours"
    case savingsUnits = "savings_units"
    case savingsData = "savings_data"
    case savingsNodes = "savings_nodes"
    case savingsFee = "savings_fee"
    case savingsOther = "savings_other"
    case savingsSaving = "savings_saving"
    case savingsBreakEven = "savings_break_even"
    case savingsBreakEvenText = "savings_break_even_text"
    case savingsBars = "savings_bars"
    case savingsBarsText = "savings_bars_text"
    case savingsBarsSplit = "savings_bars_split"
    case savingsBinding = "savings_binding"
    case savingsBindingText = "savings_binding_text"
    case savingsBindNew = "savings_bind_new"
    case savingsBindActive = "savings_bind_active"
    case savingsBindBytes = "savings_bind_bytes"
    case savingsBindRules = "savings_bind_rules"
    case savingsBindIdle = "savings_bind_idle"
    case savingsCurve = "savings_curve"
    case savingsCurveText = "savings_curve_text"
    case savingsCurveHere = "savings_curve_here"
    case savingsCurveX = "savings_curve_x"
    case savingsTurns = "savings_turns"
    case savingsAssumptions = "savings_assumptions"
    case savingsPrices = "savings_prices"
    case savingsName = "savings_name"
    case savingsValue = "savings_value"
    case savingsSource = "savings_source"
    case savingsByTier = "savings_by_tier"
    case savingsInferred = "savings_inferred"
    case savingsUnitOf = "savings_unit_of"
    case savingsNotes = "savings_notes"
    case savingsLeftOut = "savings_left_out"
    case savingsUnavailable = "savings_unavailable"
    case savingsAddresses = "savings_addresses"
}
