-- Load balancer prices that were imported from AWS price lists. Above them stands nothing but --price-list; below them
-- what is shipped in config/prices. Rows never change: a new price is a new effective date.
CREATE TABLE lb_price (
    region text NOT NULL CHECK (octet_length(region) BETWEEN 1 AND 64),
    -- An item of config/prices: alb_hour, alb_lcu, nlb_hour, …
    item text NOT NULL CHECK (octet_length(item) BETWEEN 1 AND 64),
    effective_on date NOT NULL,
    -- Per unit of the item, exact: a decimal without sign, exponent and trailing zeros.
    amount text NOT NULL CHECK (amount ~ '^(0|[1-9][0-9]*)(\.[0-9]*[1-9])?$'),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    source text NOT NULL,
    -- True when it was derived and not read as a price.
    inferred boolean NOT NULL,
    imported_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (region, item, effective_on)
);

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $function$
BEGIN
    RAISE EXCEPTION '% rows are never changed: add a row with a later effective date', TG_TABLE_NAME;
END
$function$;

CREATE TRIGGER lb_price_is_append_only BEFORE UPDATE OR DELETE ON lb_price
FOR EACH ROW EXECUTE FUNCTION refuse_change();
