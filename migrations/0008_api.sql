-- Who may ask over HTTP, what was answered to requests that may come again, and the wall between tenants.

-- API keys. Only the SHA-256 of a key is stored; its prefix is what a person sees of it.
CREATE TABLE api_key (
    api_key_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    prefix text NOT NULL UNIQUE CHECK (octet_length(prefix) = 8),
    digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 256),
    -- Null for the operator's.
    tenant_id bigint,
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);

-- The one way to a key for the API's role: by its digest. It notes the use, at most once a minute.
CREATE FUNCTION use_api_key(key_digest bytea)
RETURNS TABLE (key_prefix text, key_scopes text[], key_tenant_id bigint, key_tenant text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $function$
BEGIN
    UPDATE api_key SET last_used_at = now()
    WHERE digest = key_digest AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
        AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute');
    RETURN QUERY
    SELECT api_key.prefix, api_key.scopes, api_key.tenant_id, tenant.name
    FROM api_key LEFT JOIN tenant USING (tenant_id)
    WHERE digest = key_digest AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
        AND (api_key.tenant_id IS NULL OR tenant.name IS NOT NULL);
END
$function$;

-- A POST with an Idempotency-Key: what was asked, and what was answered. took_effect is set in the transaction that
-- does the work: where no answer is kept beside it, the work was done and its answer lost.
CREATE TABLE idempotency_key (
    credential text NOT NULL CHECK (octet_length(credential) <= 1024),
    key text NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 255),
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    begun_at timestamptz NOT NULL DEFAULT now(),
    -- Until then a request with this key is under way.
    claimed_until timestamptz NOT NULL,
    took_effect boolean NOT NULL DEFAULT false,
    status integer,
    headers text[],
    body bytea,
    PRIMARY KEY (credential, key)
);

CREATE INDEX idempotency_key_begun_at ON idempotency_key (begun_at);

-- The second wall between tenants. The API's role for tenants sees rows of one tenant, in a transaction that names it
-- (SET LOCAL waybill.tenant = '…'), and nothing without. Every other role sees all: its wall is its privileges.
DO $block$
DECLARE
    walled text;
    shared text;
BEGIN
    FOR walled, shared IN
        -- A gap without a tenant is the gateway's, and so everybody's.
        SELECT relname, CASE relname WHEN 'gap' THEN 'tenant_id IS NULL OR ' ELSE '' END
        FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
            AND relname <> 'api_key'
            AND EXISTS (
                SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'tenant_id' AND NOT attisdropped
            )
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', walled);
        EXECUTE format(
            'CREATE POLICY one_tenant ON %I USING (current_user <> ''waybill_api'' OR %s'
                'tenant_id = NULLIF(current_setting(''waybill.tenant'', true), '''')::bigint)',
            walled, shared
        );
    END LOOP;

    REVOKE ALL ON FUNCTION use_api_key(bytea) FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'waybill_api') THEN
        GRANT EXECUTE ON FUNCTION use_api_key(bytea) TO waybill_api;
        GRANT SELECT ON epoch, consumption_rollup, rollup_zone, carried_over TO waybill_api;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'waybill_billing') THEN
        GRANT EXECUTE ON FUNCTION use_api_key(bytea) TO waybill_billing;
    END IF;
END
$block$;
