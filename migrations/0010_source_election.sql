-- Gateways that more than one source reports from: the others need no election.
CREATE INDEX epoch_of_other_sources ON epoch (gateway_id) WHERE source_kind > 1;
