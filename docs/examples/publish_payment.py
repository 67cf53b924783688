"""Publishes one payment.completed as a CRM would. To copy: it needs confluent_kafka and fastavro alone."""

import argparse
import json
import sys
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from urllib.request import Request, urlopen
from uuid import NAMESPACE_URL, uuid4, uuid5

from confluent_kafka import Producer
from fastavro import schema, schemaless_writer

EVENT, WHOLE = "payment.completed", ("sub_total", "total", "amount_paid")
NONE = ("discount_total", "tax_total", "shipping_total", "surcharge_total", "tip_total", "amount_due")
parser = argparse.ArgumentParser(description=__doc__)
for name in ("bootstrap-servers", "tenant", "amount"):
    parser.add_argument(f"--{name}", required=True)
for name in ("topic", "currency", "email", "name", "transaction", "paid-at", "schemas", "registry"):
    parser.add_argument(f"--{name}")
parser.set_defaults(topic=EVENT, currency="USD", email="anna.berg@example.com", name="Anna Berg", schemas="schemas")
parser.set_defaults(transaction=str(uuid4()), paid_at=datetime.now().astimezone().isoformat(timespec="milliseconds"))
said = parser.parse_args()

# The same facts have the same event id, however often they are published; other facts have another.
facts = [said.tenant, said.transaction, said.paid_at, said.amount, said.currency, said.email, said.name]
amount, at, nothing = Decimal(said.amount), datetime.fromisoformat(said.paid_at), Decimal(0)
envelope = {"event_id": str(uuid5(NAMESPACE_URL, repr(facts))), "event_type": EVENT, "tenant_id": said.tenant}
envelope |= {"entity_id": said.transaction, "entity_version": at, "occurred_at": at, "origin": "CRM_USER"}
contact = {"contact_id": f"contact-{said.email}", "email": said.email, "display_name": said.name}
payment = {"transaction_id": said.transaction, "amount": amount, "status": "SUCCEEDED", "method": "CARD"}
payment |= {"paid_at": at, "txn_date": at.date(), "amount_refunded": nothing}
line = {"line_id": "1", "kind": "ITEM", "name": "Consultation", "quantity": Decimal(1)}
line |= {"unit_amount": amount, "line_amount": amount}
totals = {"currency": said.currency, "tax_mode": "NONE"} | dict.fromkeys(WHOLE, amount) | dict.fromkeys(NONE, nothing)
event = {"envelope": envelope, "contact": contact, "source": {"type": "ORDER_FORM"}, "payment": payment}

avro = json.loads(Path(said.schemas, f"{EVENT}.avsc").read_text())
schemaless_writer(body := BytesIO(), avro, event | {"lines": [line], "totals": totals})
head = b"\xc3\x01" + bytes.fromhex(schema.fingerprint(schema.to_parsing_canonical_form(avro), "CRC-64-AVRO"))
if said.registry:
    ask = Request(f"{said.registry}/subjects/{EVENT}-value/versions", json.dumps({"schema": json.dumps(avro)}).encode())
    ask.add_header("Content-Type", "application/vnd.schemaregistry.v1+json")
    with urlopen(ask, timeout=10) as answer:
        head = b"\x00" + json.load(answer)["id"].to_bytes(4, "big")

headers = {"ce_specversion": "1.0", "ce_id": envelope["event_id"], "ce_type": EVENT, "ce_source": "crm"}
headers |= {"ce_time": at.isoformat(), "ce_subject": said.tenant, "content-type": "application/avro"}
config = {"enable.idempotence": True, "acks": "all", "partitioner": "murmur2_random", "message.timeout.ms": 30_000}
reports: list[object] = []
config |= {"bootstrap.servers": said.bootstrap_servers, "on_delivery": lambda error, _: reports.append(error)}
producer = Producer(config)
producer.produce(said.topic, head + body.getvalue(), said.tenant, headers=headers)
producer.flush()  # Ends with a report: of success, or of failure after 30 seconds.
if reports != [None]:
    sys.exit(f"Kafka did not take it: {reports[0]!s}")
print(f"{EVENT} {headers['ce_id']}: {amount} {said.currency}, transaction {said.transaction}, paid at {said.paid_at}")
