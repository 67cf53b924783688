-- Companies that were authorised, and the tokens that speak for them.
CREATE TABLE connection (
    tenant_id           text NOT NULL,
    realm_id            text NOT NULL,
    state               text NOT NULL
        CHECK (state IN ('connected', 'paused', 'reconnect_needed', 'disconnected')),
    cause               text,
    message             text,
    -- What preflight learned of the company; null until its lane has run it.
    company             jsonb,
    -- Nothing that the CRM made before this is booked. Kept when the same company reconnects.
    sync_from           timestamptz NOT NULL,
    import_invoices     boolean NOT NULL DEFAULT false,
    review_requests     boolean NOT NULL DEFAULT false,
    access_token        bytea,
    access_expires_at   timestamptz,
    refresh_token       bytea,
    refresh_expires_at  timestamptz,
    -- SHA-256 of the refresh token: what a refresh compares and swaps on.
    refresh_fingerprint bytea,
    connected_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, realm_id)
);
CREATE UNIQUE INDEX connection_one_company_per_tenant ON connection (tenant_id) WHERE state <> 'disconnected';
CREATE UNIQUE INDEX connection_one_tenant_per_company ON connection (realm_id) WHERE state <> 'disconnected';

-- Consent that was asked for and has not come back: single use, short-lived.
CREATE TABLE consent (
    nonce           text PRIMARY KEY,
    tenant_id       text NOT NULL,
    import_invoices boolean NOT NULL,
    review_requests boolean NOT NULL,
    expires_at      timestamptz NOT NULL
);

-- One company's turn to be worked on. Whoever holds the lease at this epoch may write for it.
CREATE TABLE lane (
    realm_id     text PRIMARY KEY,
    tenant_id    text NOT NULL,
    owner        text,
    epoch        bigint NOT NULL DEFAULT 0,
    leased_until timestamptz,
    due_at       timestamptz,
    budget       jsonb,
    -- Somebody asked for the company to be read anew; its owner does so before anything else.
    preflight_asked boolean NOT NULL DEFAULT false
);
CREATE INDEX lane_due ON lane (due_at) WHERE due_at IS NOT NULL;

-- Every accepted event and where it stands. The row outlives its payload: it is the dedupe.
CREATE TABLE inbox (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id      text NOT NULL,
    topic          text NOT NULL,
    event_id       text NOT NULL,
    content_hash   bytea NOT NULL,
    payload        bytea,
    partition      integer NOT NULL,
    kafka_offset   bigint NOT NULL,
    appended_at    timestamptz,
    entity_kind    text NOT NULL,
    entity_id      text NOT NULL,
    contact_id     text NOT NULL,
    entity_version timestamptz NOT NULL,
    occurred_at    timestamptz NOT NULL,
    state          text NOT NULL
        CHECK (state IN ('pending', 'done', 'skipped', 'waiting', 'attention')),
    result         text,
    cause          text,
    message        text,
    trace          text,
    attempts       integer NOT NULL DEFAULT 0,
    -- Times it was taken in hand and no decision followed: a record that kills its process shows here.
    claims         integer NOT NULL DEFAULT 0,
    ran_alone      boolean NOT NULL DEFAULT false,
    due_at         timestamptz NOT NULL DEFAULT now(),
    -- The key ("invoice:<id>") whose landing in the books ends the wait at once.
    waits_for      text,
    received_at    timestamptz NOT NULL DEFAULT now(),
    decided_at     timestamptz,
    UNIQUE (tenant_id, topic, event_id)
);
CREATE INDEX inbox_due ON inbox (tenant_id, due_at, id) WHERE state IN ('pending', 'waiting');
CREATE INDEX inbox_entity ON inbox (tenant_id, entity_kind, entity_id);
CREATE INDEX inbox_waits_for ON inbox (tenant_id, waits_for) WHERE state = 'waiting' AND waits_for IS NOT NULL;
CREATE INDEX inbox_attention ON inbox (tenant_id, cause) WHERE state = 'attention';

CREATE TABLE dead_letter (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic        text NOT NULL,
    partition    integer NOT NULL,
    kafka_offset bigint NOT NULL,
    key          bytea,
    value        bytea,
    headers      jsonb NOT NULL DEFAULT '[]',
    reason       text NOT NULL,
    detail       text NOT NULL,
    arrived_at   timestamptz NOT NULL DEFAULT now(),
    -- A topic that was made anew, or moved to another cluster, counts its offsets from the start.
    digest       bytea NOT NULL GENERATED ALWAYS AS (sha256(coalesce(value, ''))) STORED,
    UNIQUE (topic, partition, kafka_offset, digest)
);

-- A write that was decided: stored before it is sent, closed by a definite answer.
CREATE TABLE intent (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    realm_id       text NOT NULL,
    tenant_id      text NOT NULL,
    inbox_id       bigint NOT NULL REFERENCES inbox (id),
    crm_kind       text NOT NULL,
    crm_id         text NOT NULL,
    currency       text NOT NULL DEFAULT '',
    number         integer NOT NULL,
    operation      text NOT NULL,
    entity         text NOT NULL,
    body           text NOT NULL,
    request_id     text NOT NULL,
    -- What the link will say once it is written, and what the answer must show.
    remember       jsonb NOT NULL,
    keys           text[] NOT NULL,
    state          text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'refused', 'attention')),
    attempts       integer NOT NULL DEFAULT 0,
    created_at     timestamptz NOT NULL DEFAULT now(),
    due_at         timestamptz NOT NULL DEFAULT now(),
    closed_at      timestamptz,
    answer_code    text,
    answer_detail  text,
    intuit_tid     text,
    UNIQUE (realm_id, request_id),
    UNIQUE (realm_id, tenant_id, crm_kind, crm_id, currency, number)
);
CREATE INDEX intent_open ON intent (realm_id) WHERE state IN ('open', 'attention');
CREATE INDEX intent_inbox ON intent (inbox_id);

-- Which QuickBooks object stands for which CRM object, and what was last sent of it.
CREATE TABLE link (
    realm_id       text NOT NULL,
    crm_kind       text NOT NULL,
    crm_id         text NOT NULL,
    currency       text NOT NULL DEFAULT '',
    tenant_id      text NOT NULL,
    qbo_kind       text NOT NULL,
    qbo_id         text NOT NULL,
    sync_token     text,
    doc_number     text,
    last_sent      jsonb,
    source_hash    bytea,
    entity_version timestamptz,
    occurred_at    timestamptz,
    -- made: by the bridge; found: it was there and is shared with people; skipped: it stands for nothing in
    -- QuickBooks, and last_sent says why not.
    origin         text NOT NULL CHECK (origin IN ('made', 'found', 'skipped')),
    discrepancy    text,
    -- The CRM object that this one is a part of: a payment's invoice, a refund's payment.
    belongs_to     text NOT NULL DEFAULT '',
    linked_at      timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (realm_id, tenant_id, crm_kind, crm_id, currency)
);
CREATE INDEX link_object ON link (realm_id, qbo_kind, qbo_id);
CREATE INDEX link_part ON link (realm_id, tenant_id, belongs_to, crm_kind) WHERE belongs_to <> '';

-- QuickBooks' own objects as last seen, so that a steady state needs no metered read.
CREATE TABLE local_copy (
    realm_id   text NOT NULL,
    qbo_kind   text NOT NULL,
    qbo_id     text NOT NULL,
    name_key   text NOT NULL,
    email_keys text[] NOT NULL DEFAULT '{}',
    active     boolean NOT NULL,
    sync_token bigint NOT NULL,
    body       jsonb NOT NULL,
    seen_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (realm_id, qbo_kind, qbo_id)
);
CREATE INDEX local_copy_name ON local_copy (realm_id, qbo_kind, name_key);
CREATE INDEX local_copy_sku ON local_copy (realm_id, lower(body ->> 'Sku')) WHERE qbo_kind = 'Item';
CREATE INDEX local_copy_email ON local_copy USING gin (email_keys);

-- Where a CRM record stands, as last told on qb.sync.status.
CREATE TABLE standing (
    tenant_id      text NOT NULL,
    record_type    text NOT NULL,
    record_id      text NOT NULL,
    realm_id       text NOT NULL,
    state          text NOT NULL,
    cause          text,
    message        text,
    quickbooks     jsonb NOT NULL DEFAULT '[]',
    entity_version timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, record_type, record_id)
);

CREATE TABLE outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard      smallint NOT NULL,
    topic      text NOT NULL,
    key        text NOT NULL,
    event_id   text NOT NULL,
    payload    bytea,
    headers    jsonb NOT NULL DEFAULT '{}',
    -- Events are framed for the wire by the relay; dead letters leave byte for byte.
    framed     boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at    timestamptz
);
CREATE INDEX outbox_unsent ON outbox (shard, id) WHERE sent_at IS NULL;

-- For the bad day: one row stops every write everywhere.
CREATE TABLE stop_writes (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    since  timestamptz NOT NULL DEFAULT now(),
    reason text NOT NULL
);
