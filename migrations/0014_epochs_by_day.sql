-- Epochs of a gateway that were read since a day, however many it had before, and an epoch's successor. Neither changes
-- with each commit, so a row of epoch is still replaced in its page.
ALTER TABLE epoch ADD COLUMN last_read_on date
    GENERATED ALWAYS AS ((last_reading_at AT TIME ZONE 'UTC')::date) STORED;

CREATE INDEX epoch_by_day ON epoch (gateway_id, last_read_on);
CREATE INDEX epoch_successor ON epoch (instance_id, source_kind, first_received_at);
