"""A review service: reads qb.invoice.paid, prints whom to ask. To copy: it needs confluent_kafka and fastavro alone."""

import argparse
import json
import signal
import sqlite3
import sys
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from confluent_kafka import Consumer
from fastavro import schema, schemaless_reader

EVENT = "qb.invoice.paid"
ASK = "Ask {0[display_name]} <{3}> about invoice {1[doc_number]}, {1[total]:.2f} {1[currency]}, tenant {2}"


def decode(value: bytes, newest: dict[str, Any], writers: dict[bytes, Any], registry: str | None) -> Any:
    """Return the event of either wire form. An OSError: the registry is away. Any other error: it is no event."""
    name, body = (value[2:10], value[10:]) if value.startswith(b"\xc3\x01") else (value[:5], value[5:])
    if registry and value.startswith(b"\x00") and name not in writers:
        with urlopen(f"{registry}/schemas/ids/{int.from_bytes(name, 'big')}", timeout=10) as answer:
            writers[name] = json.loads(json.load(answer)["schema"])
    return schemaless_reader(BytesIO(body), writers[name], newest)


parser = argparse.ArgumentParser(description=__doc__)
for name in ("bootstrap-servers", "topic", "group", "registry", "schemas", "seen", "until-idle"):
    parser.add_argument(f"--{name}", required=name == "bootstrap-servers")
parser.set_defaults(topic=EVENT, group="review-service", schemas="schemas", seen="seen.sqlite", until_idle="inf")
options = parser.parse_args(namespace=argparse.Namespace(idle=0.0))
newest = json.loads(Path(options.schemas, f"{EVENT}.avsc").read_text())
kept = [json.loads(file.read_text()) for file in Path(options.schemas, "versions", EVENT).glob("*.avsc")]
writers = {bytes.fromhex(schema.fingerprint(schema.to_parsing_canonical_form(one), "CRC-64-AVRO")): one for one in kept}
(seen := sqlite3.connect(options.seen)).execute("CREATE TABLE IF NOT EXISTS seen (event_id TEXT PRIMARY KEY)")
config = {"auto.offset.reset": "earliest", "enable.auto.offset.store": False, "group.id": options.group}
for number in (signal.SIGINT, signal.SIGTERM):  # They end the loop as idleness does.
    signal.signal(number, lambda *_: vars(options).update(until_idle=0))
with Consumer(config | {"bootstrap.servers": options.bootstrap_servers}) as consumer:
    consumer.subscribe([options.topic])
    while options.idle < float(options.until_idle):
        record = consumer.poll(0.5)
        options.idle = options.idle + 0.5 if record is None and consumer.assignment() else 0.0
        if record is not None:
            try:  # What Kafka itself has to say, of a topic that is missing for example, is no event either.
                event = decode(b"" if record.error() else record.value() or b"", newest, writers, options.registry)
            except Exception as error:
                if isinstance(error, OSError) and b"40403" not in getattr(error, "read", bytes)():
                    sys.exit(f"The registry does not say what it is, so the record is read again later: {error}")
                print("no event:", record.partition(), record.offset(), record.error() or repr(error), file=sys.stderr)
                continue
            with seen:
                new = seen.execute("INSERT OR IGNORE INTO seen VALUES (:event_id)", event["envelope"]).rowcount
                who, invoice = event["customer"], event["invoice"]
                if new and (to := who["email"] or invoice["billing_email"]) and event["review_request"] == "SEND":
                    print(ASK.format(who, invoice, event["envelope"]["tenant_id"], to), flush=True)
            consumer.store_offsets(record)  # Only now may it be committed, which happens in the background.
