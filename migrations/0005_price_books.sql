-- Price books: immutable versions of prices. A version is kept as the canonical bytes of its meaning, so that it can be
-- read back, compared and hashed years later. Both tables are small and belong on every node: reference tables.
CREATE TABLE price_book (
    name text PRIMARY KEY CHECK (octet_length(name) BETWEEN 1 AND 512),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE price_book_version (
    price_book_version_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    price_book text NOT NULL REFERENCES price_book,
    -- 1, 2, … in the order of effective dates: a version is never put before another.
    number integer NOT NULL CHECK (number >= 1),
    -- A local date of the contract's zone: the version rates the periods that start on it or later.
    effective_on date NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    rounding text NOT NULL CHECK (rounding IN ('half_up', 'half_even', 'down', 'up')),
    -- UTF-8 JSON, a price book of this one version.
    canonical bytea NOT NULL,
    digest bytea NOT NULL CHECK (digest = sha256(canonical)),
    imported_at timestamptz NOT NULL DEFAULT now(),
    imported_by text NOT NULL,
    UNIQUE (price_book, number),
    UNIQUE (price_book, effective_on)
);

CREATE TRIGGER price_book_is_append_only BEFORE UPDATE OR DELETE ON price_book
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER price_book_is_not_emptied BEFORE TRUNCATE ON price_book
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER price_book_version_is_append_only BEFORE UPDATE OR DELETE ON price_book_version
FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER price_book_version_is_not_emptied BEFORE TRUNCATE ON price_book_version
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
