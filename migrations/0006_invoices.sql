-- Contracts, invoices and the proof of them. Keys hold the tenant, so that all of it lies beside the tenant's
-- consumption; the chain of a series is one place for all tenants, for its numbers have no gaps.
-- Amounts are whole minor units; they may pass 2^63.

-- The terms under which a tenant is billed. Only its end is ever set later.
CREATE TABLE contract (
    tenant_id bigint NOT NULL,
    contract_id uuid NOT NULL,
    price_book text NOT NULL,
    -- The effective date of the version that rates every period; null where the contract follows the book.
    pinned_version date,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    zone text NOT NULL,
    anchor_day integer NOT NULL CHECK (anchor_day BETWEEN 1 AND 31),
    grace_hours integer NOT NULL CHECK (grace_hours >= 0),
    on_incomplete text NOT NULL CHECK (on_incomplete IN ('finalize', 'hold')),
    series text NOT NULL CHECK (series ~ '^[A-Z]{1,16}$'),
    starts_on date NOT NULL,
    -- The first local date that is no longer billed.
    ends_on date CHECK (ends_on > starts_on),
    seller jsonb NOT NULL,
    buyer jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    PRIMARY KEY (tenant_id, contract_id),
    CONSTRAINT contract_one_at_a_time
        EXCLUDE USING gist (int8range(tenant_id, tenant_id, '[]') WITH &&, daterange(starts_on, ends_on) WITH &&)
);

-- An invoice with an id and without a number: its period is over. It is computed anew whenever it is shown.
CREATE TABLE invoice_draft (
    tenant_id bigint NOT NULL,
    invoice_id uuid NOT NULL,
    contract_id uuid NOT NULL,
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    revision integer NOT NULL CHECK (revision >= 1),
    drafted_at timestamptz NOT NULL DEFAULT now(),
    drafted_by text NOT NULL,
    PRIMARY KEY (tenant_id, invoice_id),
    UNIQUE (tenant_id, contract_id, period_start)
);

-- The last number of a series in a year. Its row is locked from taking a number to COMMIT: there are no gaps.
CREATE TABLE invoice_series (
    series text NOT NULL,
    year integer NOT NULL,
    last_number bigint NOT NULL CHECK (last_number >= 0),
    PRIMARY KEY (series, year)
);

-- A hash chain over all that is issued in a series and all that happens to it.
-- hash = SHA-256 of series, position, kind, number, subject, document digest, time, author and the hash before.
CREATE TABLE chain_entry (
    series text NOT NULL,
    position bigint NOT NULL CHECK (position >= 1),
    kind text NOT NULL CHECK (kind IN ('invoice', 'credit_note', 'void', 'paid')),
    number text NOT NULL,
    tenant_id bigint NOT NULL,
    subject_id uuid NOT NULL,
    document_digest bytea NOT NULL CHECK (octet_length(document_digest) = 32),
    entered_at timestamptz NOT NULL,
    entered_by text NOT NULL,
    previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (series, position),
    UNIQUE (series, kind, number)
);

CREATE INDEX chain_entry_by_subject ON chain_entry (subject_id);

-- What is finalized. Void and paid are events beside it.
CREATE TABLE invoice (
    tenant_id bigint NOT NULL,
    invoice_id uuid NOT NULL,
    contract_id uuid NOT NULL,
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL CHECK (period_end > period_start),
    revision integer NOT NULL CHECK (revision >= 1),
    series text NOT NULL,
    number text NOT NULL,
    position bigint NOT NULL,
    currency text NOT NULL,
    subtotal_minor numeric(39) NOT NULL,
    total_minor numeric(39) NOT NULL,
    payable_minor numeric(39) NOT NULL,
    requests bigint NOT NULL CHECK (requests >= 0),
    coverage text NOT NULL,
    is_incomplete boolean NOT NULL,
    issued_at timestamptz NOT NULL,
    inputs_digest bytea NOT NULL,
    -- Canonical JSON: all that stands on paper.
    document text NOT NULL,
    PRIMARY KEY (tenant_id, invoice_id),
    UNIQUE (tenant_id, contract_id, period_start, revision),
    UNIQUE (tenant_id, number)
);

CREATE INDEX invoice_by_period_end ON invoice (period_end);

CREATE TABLE invoice_line (
    tenant_id bigint NOT NULL,
    invoice_id uuid NOT NULL,
    line integer NOT NULL CHECK (line >= 1),
    kind text NOT NULL,
    name text NOT NULL,
    class text,
    dimension text,
    tier integer,
    quantity bigint,
    blocks bigint,
    price_minor text,
    per_units bigint,
    flat_minor bigint NOT NULL,
    amount_minor numeric(39) NOT NULL,
    corrects_period text,
    corrects_invoice text,
    PRIMARY KEY (tenant_id, invoice_id, line)
);

-- Copies of all that the invoice was computed from, kept as long as the invoice.
CREATE TABLE invoice_input (
    tenant_id bigint NOT NULL,
    invoice_id uuid NOT NULL,
    part text NOT NULL
        CHECK (part IN ('terms', 'price', 'usage', 'readings', 'coverage', 'adjustments', 'credits')),
    body text NOT NULL,
    PRIMARY KEY (tenant_id, invoice_id, part)
);

CREATE TABLE invoice_event (
    tenant_id bigint NOT NULL,
    invoice_id uuid NOT NULL,
    event text NOT NULL CHECK (event IN ('void', 'paid')),
    happened_at timestamptz NOT NULL,
    happened_by text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (tenant_id, invoice_id, event)
);

-- Usage that came after its period was finalized, and what became of it. Quantities are differences by dimension.
CREATE TABLE late_usage (
    tenant_id bigint NOT NULL,
    late_usage_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    found_at timestamptz NOT NULL,
    quantities jsonb NOT NULL,
    net_minor numeric(39) NOT NULL,
    gross_minor numeric(39) NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('adjustment', 'credit_note', 'recorded', 'unbilled')),
    -- The invoice that bears the adjustment line, or the credit note.
    settled_by uuid,
    PRIMARY KEY (tenant_id, late_usage_id)
);

CREATE INDEX late_usage_by_invoice ON late_usage (tenant_id, invoice_id);

CREATE TABLE credit_note (
    tenant_id bigint NOT NULL,
    credit_note_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    series text NOT NULL,
    number text NOT NULL,
    position bigint NOT NULL,
    currency text NOT NULL,
    net_minor numeric(39) NOT NULL CHECK (net_minor >= 0),
    total_minor numeric(39) NOT NULL CHECK (total_minor > 0),
    issued_at timestamptz NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (tenant_id, credit_note_id),
    UNIQUE (tenant_id, number)
);

CREATE INDEX credit_note_by_invoice ON credit_note (tenant_id, invoice_id);

-- Prepaid money of a tenant. What is left of it is the balance of its account in the ledger.
CREATE TABLE prepaid_credit (
    tenant_id bigint NOT NULL,
    credit_id uuid NOT NULL,
    name text NOT NULL,
    currency text NOT NULL,
    -- The first local date on which it can no longer be used.
    expires_on date,
    granted_at timestamptz NOT NULL DEFAULT now(),
    granted_by text NOT NULL,
    PRIMARY KEY (tenant_id, credit_id)
);

-- Double entry: the amounts of a transaction sum to zero. A credit is a debt to the tenant: its account is negative.
CREATE TABLE ledger_entry (
    tenant_id bigint NOT NULL,
    transaction_id uuid NOT NULL,
    entry integer NOT NULL,
    account text NOT NULL CHECK (account IN ('cash', 'credit', 'receivable', 'revenue')),
    credit_id uuid CHECK ((credit_id IS NOT NULL) = (account = 'credit')),
    invoice_id uuid,
    currency text NOT NULL,
    amount_minor numeric(39) NOT NULL CHECK (amount_minor <> 0),
    entered_at timestamptz NOT NULL DEFAULT now(),
    memo text NOT NULL,
    PRIMARY KEY (tenant_id, transaction_id, entry)
);

CREATE INDEX ledger_entry_by_credit ON ledger_entry (tenant_id, credit_id) WHERE credit_id IS NOT NULL;

CREATE FUNCTION check_ledger_balance() RETURNS trigger
LANGUAGE plpgsql AS $function$
BEGIN
    IF EXISTS (
        SELECT FROM ledger_entry WHERE tenant_id = NEW.tenant_id AND transaction_id = NEW.transaction_id
        GROUP BY currency HAVING sum(amount_minor) <> 0
    ) THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero', NEW.transaction_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$function$;

CREATE CONSTRAINT TRIGGER ledger_sums_to_zero AFTER INSERT ON ledger_entry
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_ledger_balance();

-- The head of a chain at the end of a day, signed with Ed25519.
CREATE TABLE signed_head (
    series text NOT NULL,
    day date NOT NULL,
    position bigint NOT NULL,
    hash bytea NOT NULL,
    public_key bytea NOT NULL,
    signature bytea NOT NULL,
    signed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (series, day, position)
);

-- Every change to price, contract and invoice: who, what, before, after.
CREATE TABLE audit_log (
    audit_log_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_by text NOT NULL,
    subject text NOT NULL,
    action text NOT NULL,
    before jsonb,
    after jsonb
);

-- The program says on whose behalf it works (SET LOCAL waybill.actor); else the database's user did it by hand.
CREATE FUNCTION audit_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $function$
BEGIN
    INSERT INTO audit_log (changed_by, subject, action, before, after) VALUES (
        COALESCE(NULLIF(current_setting('waybill.actor', true), ''), session_user), TG_TABLE_NAME, lower(TG_OP),
        CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - 'document' - 'canonical' END,
        CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - 'document' - 'canonical' END
    );
    RETURN NULL;
END
$function$;

DO $block$
DECLARE
    audited text;
BEGIN
    FOREACH audited IN ARRAY ARRAY[
        'price_book', 'price_book_version', 'contract', 'invoice_draft', 'invoice', 'invoice_event', 'credit_note',
        'prepaid_credit', 'late_usage'
    ] LOOP
        EXECUTE format(
            'CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION audit_change()',
            audited || '_is_audited', audited);
    END LOOP;
END
$block$;

-- What is finalized never changes. Privileges (below) say so to every application role; on a single server these
-- triggers say it to the owner too.
CREATE FUNCTION refuse_finalized_change() RETURNS trigger
LANGUAGE plpgsql AS $function$
BEGIN
    RAISE EXCEPTION '% rows are final: void the invoice and issue it anew, or issue a credit note', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$function$;

DO $block$
DECLARE
    final text;
BEGIN
    FOREACH final IN ARRAY ARRAY[
        'chain_entry', 'invoice', 'invoice_line', 'invoice_input', 'invoice_event', 'late_usage', 'credit_note',
        'prepaid_credit', 'ledger_entry', 'signed_head', 'audit_log'
    ] LOOP
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_finalized_change()',
            final || '_is_final', final);
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_finalized_change()',
            final || '_is_not_emptied', final);
    END LOOP;
END
$block$;

-- Of a contract only the end may be set.
CREATE FUNCTION refuse_other_terms() RETURNS trigger
LANGUAGE plpgsql AS $function$
BEGIN
    IF TG_OP = 'DELETE' OR to_jsonb(OLD) - 'ends_on' <> to_jsonb(NEW) - 'ends_on' THEN
        RAISE EXCEPTION 'the terms of a contract do not change: end it, and add another from that day on'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$function$;

CREATE TRIGGER contract_terms_stay BEFORE UPDATE OR DELETE ON contract
FOR EACH ROW EXECUTE FUNCTION refuse_other_terms();

-- Revision n + 1 of a period only after n is void.
CREATE FUNCTION refuse_second_invoice() RETURNS trigger
LANGUAGE plpgsql AS $function$
BEGIN
    IF NOT EXISTS (
        SELECT FROM invoice JOIN invoice_event USING (tenant_id, invoice_id)
        WHERE tenant_id = NEW.tenant_id AND contract_id = NEW.contract_id AND period_start = NEW.period_start
            AND revision = NEW.revision - 1 AND event = 'void'
    ) THEN
        RAISE EXCEPTION 'revision % of an invoice needs a void revision before it', NEW.revision
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$function$;

CREATE TRIGGER invoice_follows_a_void_one BEFORE INSERT ON invoice
FOR EACH ROW WHEN (NEW.revision > 1) EXECUTE FUNCTION refuse_second_invoice();

-- Roles. A user who may not create roles runs everything as itself: privileges then protect nothing, triggers do.
DO $block$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[
        'waybill_owner', 'waybill_ingest', 'waybill_billing', 'waybill_api', 'waybill_audit'
    ] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = wanted);
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION
            -- Another database of this server is migrated at the same moment.
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE NOTICE 'role % is not made: % may not create roles', wanted, current_user;
        END;
    END LOOP;
END
$block$;

-- Privileges on what there is, and on what later migrations make.
DO $block$
DECLARE
    place text := current_schema();
    final text;
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'waybill_owner') THEN
        EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO waybill_owner', place);
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'waybill_ingest') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO waybill_ingest', place);
        GRANT SELECT, INSERT, UPDATE ON collect_version, gateway, instance, epoch, counter, counter_set, tape,
            stream_remark TO waybill_ingest;
        GRANT SELECT, INSERT, UPDATE, DELETE ON epoch_baseline TO waybill_ingest;
        GRANT SELECT, INSERT ON tape_change TO waybill_ingest;
        GRANT SELECT ON metering_start, meter_version TO waybill_ingest;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'waybill_billing') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO waybill_billing', place);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO waybill_billing', place);
        EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO waybill_billing', place);
        EXECUTE format(
            'ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO waybill_billing',
            place);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT USAGE ON SEQUENCES TO waybill_billing', place);
        FOREACH final IN ARRAY ARRAY[
            'price_book', 'price_book_version', 'chain_entry', 'invoice', 'invoice_line', 'invoice_input',
            'invoice_event', 'late_usage', 'credit_note', 'prepaid_credit', 'ledger_entry', 'signed_head', 'audit_log'
        ] LOOP
            EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM waybill_billing', final);
        END LOOP;
        REVOKE DELETE ON contract FROM waybill_billing;
        -- Written by triggers alone.
        REVOKE INSERT ON audit_log FROM waybill_billing;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'waybill_api') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO waybill_api', place);
        GRANT SELECT ON tenant, service, gateway, instance, consumption, gap, price_book, price_book_version, contract,
            invoice, invoice_draft, invoice_line, invoice_input, invoice_event, credit_note, prepaid_credit,
            ledger_entry, late_usage TO waybill_api;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'waybill_audit') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO waybill_audit', place);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO waybill_audit', place);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT ON TABLES TO waybill_audit', place);
    END IF;
END
$block$;
