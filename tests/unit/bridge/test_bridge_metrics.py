"""Names with units, labels with few values."""

import re

import pytest
from prometheus_client import generate_latest
from prometheus_client.metrics import MetricWrapperBase

from bridge.metrics import Metrics

#: What a name may end in: a unit, or the things that are counted.
_UNITS = frozenset({"seconds", "bytes", "total", "records", "rows", "connections", "reads", "hints"})
#: Either 0 or 1, or a count whose name says so.
_NO_UNIT = frozenset({"qbo_bridge_ingest_paused", "qbo_bridge_ingest_halted", "qbo_bridge_lanes_held"})
#: Each of these has as many values as there are customers, and would drown Prometheus.
_UNBOUNDED = re.compile(r"tenant|realm|company|entity|record|contact|event|account|request_id|intuit_tid|\bid$|_id$")


def all_metrics() -> list[MetricWrapperBase]:
    return [value for value in vars(Metrics()).values() if isinstance(value, MetricWrapperBase)]


def exposed(metric: MetricWrapperBase) -> str:
    """Return the name as an operator writes it."""
    family = next(iter(metric.describe()))
    return f"{family.name}_total" if family.type == "counter" else family.name


def test_metrics_are_found() -> None:
    assert len(all_metrics()) >= 15


@pytest.mark.parametrize("metric", all_metrics(), ids=exposed)
def test_metric_name_has_the_prefix_and_a_unit(metric: MetricWrapperBase) -> None:
    name = exposed(metric)
    assert name.startswith("qbo_bridge_")
    assert name in _NO_UNIT or name.rsplit("_", 1)[-1] in _UNITS


@pytest.mark.parametrize("metric", all_metrics(), ids=exposed)
def test_metric_labels_are_bounded(metric: MetricWrapperBase) -> None:
    assert [name for name in metric._labelnames if _UNBOUNDED.search(name)] == []


@pytest.mark.parametrize("metric", all_metrics(), ids=exposed)
def test_metric_says_in_a_sentence_what_it_means(metric: MetricWrapperBase) -> None:
    meaning = next(iter(metric.describe())).documentation
    assert meaning[:1].isupper() or meaning[:1].isdigit()
    assert meaning.endswith(".")


def test_metrics_of_two_processes_do_not_share_a_registry() -> None:
    one, other = Metrics(), Metrics()
    one.received.labels("stored").inc()
    assert b'fate="stored"} 1.0' in generate_latest(one.registry)
    assert b'fate="stored"' not in generate_latest(other.registry)
