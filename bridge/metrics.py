"""Every metric: name, unit, meaning, and labels with a bounded set of values (never a tenant or an entity)."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Metrics:
    """The metrics of one process, in a registry of its own."""

    def __init__(self) -> None:
        # Prometheus has no use for a second series beside each counter.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = self.registry = CollectorRegistry()

        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(name, meaning, labels, registry=registry)

        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(name, meaning, labels, registry=registry)

        def histogram(name: str, meaning: str, *labels: str) -> Histogram:
            return Histogram(name, meaning, labels, buckets=_SECONDS, registry=registry)

        self.received = counter(
            "qbo_bridge_records_received_total",
            "Kafka records by what became of them: stored, duplicate, reused_id, not_connected, dead.",
            "fate",
        )
        self.lag = gauge("qbo_bridge_consumer_lag_records", "Records in Kafka that this process has not read.")
        self.ingest_paused = gauge("qbo_bridge_ingest_paused", "1 while the inbox is full and Kafka holds the rest.")
        self.ingest_halted = gauge("qbo_bridge_ingest_halted", "1 after too many unreadable records stopped ingest.")

        self.inbox = gauge("qbo_bridge_inbox_rows", "Inbox rows by state.", "state")
        self.inbox_age = gauge("qbo_bridge_inbox_oldest_seconds", "Age of the oldest inbox row by state.", "state")
        self.attention = gauge("qbo_bridge_attention_records", "Records that need a person, by cause.", "cause")
        self.decided = counter(
            "qbo_bridge_rows_decided_total", "Decisions by topic and resulting state.", "topic", "state"
        )
        self.delay = histogram(
            "qbo_bridge_end_to_end_seconds", "From Kafka's append to the record being done.", "topic"
        )

        self.requests = histogram(
            "qbo_bridge_quickbooks_request_seconds",
            "Requests to QuickBooks by operation and outcome.",
            "operation",
            "outcome",
        )
        self.throttled = counter(
            "qbo_bridge_quickbooks_throttled_total", "Answers of QuickBooks that asked to slow down."
        )
        self.metered = counter(
            "qbo_bridge_quickbooks_metered_reads_total", "Reads that Intuit counts against the month's allowance."
        )

        self.lanes = gauge("qbo_bridge_lanes_held", "Companies this process works on now.")
        self.lanes_lost = counter("qbo_bridge_lanes_lost_total", "Leases that lapsed under this process.")
        self.connections = gauge("qbo_bridge_connections", "Connections by state.", "state")

        self.webhook_requests = counter(
            "qbo_bridge_webhook_requests_total",
            "Requests of webhooks by outcome: accepted, unreadable, bad_signature, too_large, incomplete.",
            "outcome",
        )
        self.webhook_events = counter(
            "qbo_bridge_webhook_events_total",
            "Events of webhooks by what became of them: hint, unwatched, unknown_company, not_understood, forgotten.",
            "fate",
        )
        self.webhook_hints = gauge("qbo_bridge_webhook_waiting_hints", "Hints that are in memory only.")

        self.outbox_unsent = gauge("qbo_bridge_outbox_unsent_rows", "Events that are not on Kafka yet.")
        self.outbox_age = gauge("qbo_bridge_outbox_oldest_seconds", "Age of the oldest event that is not on Kafka yet.")
        self.outbox_sent = counter("qbo_bridge_outbox_sent_total", "Events sent to Kafka, by topic.", "topic")

        self.polls_failed = counter("qbo_bridge_polls_failed_total", "Steps of watching a company that failed.")
        self.polls_failing = gauge("qbo_bridge_polls_failing_connections", "Companies whose polls fail now.")
        self.poll_late = gauge("qbo_bridge_poll_late_seconds", "How much the poll that is most overdue is late.")
        self.imports = gauge(
            "qbo_bridge_import_records", "Invoices of the imports under way: done, and in all.", "part"
        )
        self.imports_left = gauge(
            "qbo_bridge_import_left_seconds", "Until the last import under way ends, by its pace."
        )
        self.month_reads = gauge(
            "qbo_bridge_quickbooks_month_metered_reads",
            "Metered reads of this month (UTC): so_far, forecast for all of it at last week's pace, allowed.",
            "figure",
        )
