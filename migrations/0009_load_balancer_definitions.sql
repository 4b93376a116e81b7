-- What is not one price and was imported: capacity units, and request-priced gateways with their tiers. As with lb_price,
-- above them stands nothing but --price-list, below them what is shipped in config/prices, and rows never change.
CREATE TABLE lb_definition (
    kind text NOT NULL CHECK (kind IN ('capacity_unit', 'gateway')),
    -- alb, nlb, gwlb; or a gateway's key: apigw-http, …
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 64),
    effective_on date NOT NULL,
    -- An entry of config/prices as JSON on one line, keys in order, without source, date and inferred.
    definition text NOT NULL CHECK (definition LIKE '{%}'),
    source text NOT NULL,
    -- True when it was derived and not read.
    inferred boolean NOT NULL,
    imported_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, name, effective_on)
);

CREATE TRIGGER lb_definition_is_append_only BEFORE UPDATE OR DELETE ON lb_definition
FOR EACH ROW EXECUTE FUNCTION refuse_change();
