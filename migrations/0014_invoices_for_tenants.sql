-- What a tenant's own request for an invoice reads: the invoice's place in its chain. (Row-level security lets it see its
-- own entries alone.)
DO $block$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'waybill_api') THEN
        GRANT SELECT ON chain_entry TO waybill_api;
    END IF;
END
$block$;
