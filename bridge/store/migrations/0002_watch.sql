-- How far the bridge has watched one company for one tenant. Its moments are QuickBooks' own, but for those of polls.
CREATE TABLE watch (
    realm_id         text NOT NULL,
    tenant_id        text NOT NULL,
    -- When watching began: what was in the books before is history.
    began_at         timestamptz NOT NULL,
    -- From when the next poll asks. Invoices have one of their own: their news waits until the history was read.
    customers_since  timestamptz NOT NULL,
    invoices_since   timestamptz NOT NULL,
    -- Every customer was copied since the beginning; until then copies may be old, or none.
    customers_read   boolean NOT NULL DEFAULT false,
    -- All customers there were at the beginning have been told.
    customers_told   boolean NOT NULL DEFAULT false,
    -- The history of invoices is read in the order of their creation; null where none is to be read (any more).
    -- QuickBooks' times have no fractions: the one here counts how many of that second were read.
    history_since    timestamptz DEFAULT '1970-01-01 00:00:00+00',
    -- Whether paid invoices were counted up to began_at: only then paid news is told.
    history_counted  boolean NOT NULL DEFAULT false,
    import_state     text NOT NULL DEFAULT 'not_requested' CHECK (import_state IN ('not_requested', 'running', 'done')),
    -- Invoices created until then are imported.
    import_until     timestamptz,
    import_began_at  timestamptz,
    import_done      integer NOT NULL DEFAULT 0,
    import_total     integer,
    poll_at          timestamptz NOT NULL DEFAULT now(),
    polled_at        timestamptz,
    -- How many polls were made of late: those of the hour that began then are counted.
    hour_began_at  timestamptz NOT NULL DEFAULT now(),
    hour_polls     integer NOT NULL DEFAULT 0,
    -- Telling what was there and reading the history are tried again by themselves, beside the polls.
    history_at       timestamptz NOT NULL DEFAULT now(),
    -- Why a step failed last, since when some do, and how often each kind did in a row.
    failure          text,
    failing_since    timestamptz,
    failures         integer NOT NULL DEFAULT 0,
    history_failures integer NOT NULL DEFAULT 0,
    -- When a webhook last told of a change, and when a poll last found one that none had told of.
    announced_at     timestamptz,
    unannounced_at   timestamptz,
    PRIMARY KEY (realm_id, tenant_id)
);

-- What the CRM knows of each customer: as it was told last, with what the bridge wrote since on the CRM's behalf.
CREATE TABLE known_customer (
    realm_id  text NOT NULL,
    tenant_id text NOT NULL,
    qbo_id    text NOT NULL,
    fields    jsonb NOT NULL,
    -- It is no more: deleted, or merged into another.
    gone      boolean NOT NULL DEFAULT false,
    PRIMARY KEY (realm_id, tenant_id, qbo_id)
);

-- Every invoice that was seen in the books, whoever made it.
CREATE TABLE known_invoice (
    realm_id    text NOT NULL,
    tenant_id   text NOT NULL,
    qbo_id      text NOT NULL,
    customer_id text NOT NULL,
    total       numeric NOT NULL,
    -- The Payments applied to it and its MetaData.LastUpdatedTime when it was seen last: what came since is told by them.
    payments    text[] NOT NULL,
    changed_at  timestamptz NOT NULL,
    -- It may still come to be paid: when it was seen last, it was not settled by other means (a credit memo).
    open        boolean NOT NULL,
    -- It was paid in full once. That is never news again, also where it was history and never told.
    paid        boolean NOT NULL DEFAULT false,
    paid_told   boolean NOT NULL DEFAULT false,
    imported    boolean NOT NULL DEFAULT false,
    PRIMARY KEY (realm_id, tenant_id, qbo_id)
);

-- What the CRM was told of invoices, as it was told: an event that repeats it is an echo, whatever a person changed since.
CREATE TABLE told_invoice (
    realm_id   text NOT NULL,
    tenant_id  text NOT NULL,
    -- Empty where the invoice has none.
    doc_number text NOT NULL,
    txn_date   date NOT NULL,
    total      numeric NOT NULL,
    qbo_id     text NOT NULL,
    PRIMARY KEY (realm_id, tenant_id, doc_number, txn_date, total, qbo_id)
);

-- Who has paid an invoice in full: contacts, customers, and e-mail addresses.
CREATE TABLE has_paid (
    realm_id  text NOT NULL,
    tenant_id text NOT NULL,
    kind      text NOT NULL CHECK (kind IN ('contact', 'customer', 'email')),
    who       text NOT NULL,
    PRIMARY KEY (realm_id, tenant_id, kind, who)
);

-- What webhooks told of and no poll has looked for yet.
CREATE TABLE hint (
    realm_id   text NOT NULL,
    entity     text NOT NULL,
    qbo_id     text NOT NULL,
    operation  text NOT NULL,
    -- Of a merge: the id that is no more.
    deleted_id text NOT NULL DEFAULT '',
    -- When it happened, by QuickBooks' clock.
    at         timestamptz NOT NULL,
    arrived_at timestamptz NOT NULL DEFAULT now(),
    -- A poll may come before change data capture shows what the webhook told of: it is looked for again.
    due_at     timestamptz NOT NULL DEFAULT now(),
    tries      integer NOT NULL DEFAULT 0,
    PRIMARY KEY (realm_id, entity, qbo_id, operation, deleted_id)
);

-- Reads that Intuit counts against the month's allowance, by day (UTC) and company.
CREATE TABLE metered_reads (
    day      date NOT NULL,
    realm_id text NOT NULL,
    reads    bigint NOT NULL,
    PRIMARY KEY (day, realm_id)
);

-- Until when the object is as our own writes left it (MetaData.LastUpdatedTime of the answer): their echo needs no read.
ALTER TABLE local_copy ADD COLUMN written_until timestamptz;

-- Companies that were connected before are read anew and begin to be watched, spread over four minutes.
UPDATE lane SET preflight_asked = true, due_at = least(coalesce(due_at, now() + random() * interval '4 minutes'), now() + interval '4 minutes')
 WHERE EXISTS (SELECT 1 FROM connection c
                WHERE (c.realm_id, c.tenant_id) = (lane.realm_id, lane.tenant_id) AND c.state <> 'disconnected');

-- A toggle that was not named at a consent stays as the connection has it.
ALTER TABLE consent ALTER COLUMN import_invoices DROP NOT NULL;
ALTER TABLE consent ALTER COLUMN review_requests DROP NOT NULL;
