"""Every metric: name, unit, meaning, and labels with a bounded set of values (never a tenant or an entity)."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Metrics:
    """The metrics of one process, in a registry of its own."""

    def __init__(self) -> None:
        # Prometheus has no use for a second series beside each counter.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = self.registry = CollectorRegistry()
        self.received = Counter(
            "qbo_bridge_records_received_total",
            "Kafka records by what became of them: stored, duplicate, reused_id, not_connected, dead.",
            ["fate"],
            registry=registry,
        )
        self.lag = Gauge(
            "qbo_bridge_consumer_lag_records",
            "Records in Kafka that this process has not read.",
            registry=registry,
        )
        self.ingest_paused = Gauge(
            "qbo_bridge_ingest_paused",
            "1 while the inbox is full and Kafka holds the rest.",
            registry=registry,
        )
        self.ingest_halted = Gauge(
            "qbo_bridge_ingest_halted",
            "1 after too many unreadable records stopped ingest.",
            registry=registry,
        )
        self.inbox = Gauge("qbo_bridge_inbox_rows", "Inbox rows by state.", ["state"], registry=registry)
        self.inbox_age = Gauge(
            "qbo_bridge_inbox_oldest_seconds",
            "Age of the oldest inbox row by state.",
            ["state"],
            registry=registry,
        )
        self.attention = Gauge(
            "qbo_bridge_attention_records",
            "Records that need a person, by cause.",
            ["cause"],
            registry=registry,
        )
        self.decided = Counter(
            "qbo_bridge_rows_decided_total", "Decisions by topic and resulting state.", ["topic", "state"],
            registry=registry,
        )  # fmt: skip
        self.delay = Histogram(
            "qbo_bridge_end_to_end_seconds", "From Kafka's append to the record being done.", ["topic"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.requests = Histogram(
            "qbo_bridge_quickbooks_request_seconds", "Requests to QuickBooks by operation and outcome.",
            ["operation", "outcome"], buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.throttled = Counter(
            "qbo_bridge_quickbooks_throttled_total",
            "Answers of QuickBooks that asked to slow down.",
            registry=registry,
        )
        self.metered = Counter(
            "qbo_bridge_quickbooks_metered_reads_total", "Reads that Intuit counts against the month's allowance.",
            registry=registry,
        )  # fmt: skip
        self.lanes = Gauge("qbo_bridge_lanes_held", "Companies this process works on now.", registry=registry)
        self.lanes_lost = Counter(
            "qbo_bridge_lanes_lost_total", "Leases that lapsed under this process.", registry=registry
        )
        self.connections = Gauge("qbo_bridge_connections", "Connections by state.", ["state"], registry=registry)
        self.outbox_unsent = Gauge(
            "qbo_bridge_outbox_unsent_rows", "Events that are not on Kafka yet.", registry=registry
        )
        self.outbox_age = Gauge(
            "qbo_bridge_outbox_oldest_seconds",
            "Age of the oldest event that is not on Kafka yet.",
            registry=registry,
        )
        self.outbox_sent = Counter(
            "qbo_bridge_outbox_sent_total", "Events sent to Kafka, by topic.", ["topic"], registry=registry
        )
