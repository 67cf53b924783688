import asyncio
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.store.connections import ConnectionStore, Tokens
from bridge.store.database import open_pool
from deploy.local.product import command, new_environment, start_emulator
from deploy.local.topics import create_topics
from schemas.codec import Codec
from tests.acceptance.house import FAST_KAFKA, House, topics_of

NewHouse = Callable[..., House]


@pytest.fixture
def new_house(database_url: str, bootstrap_servers: str, topic_prefix: str, run_folder: Path) -> Iterator[NewHouse]:
    """Build a house: an emulator with these companies, a migrated database, topics; nothing of ours runs yet."""
    houses: list[House] = []

    def build(
        countries: Sequence[str] = ("us",),
        *,
        connected: bool = True,
        import_invoices: bool = False,
        review_requests: bool = False,
        fill: Callable[[House], None] = lambda _: None,
        **settings: str,
    ) -> House:
        """`fill` puts something into the books before anybody is connected."""
        folder = run_folder / f"house-{uuid.uuid4().hex[:8]}"
        arguments = [word for country in countries for word in ("--company", country)]
        quickbooks = start_emulator(folder, arguments=arguments)
        environment = new_environment(
            database_url=database_url, bootstrap_servers=bootstrap_servers, quickbooks=quickbooks
        )
        environment |= {
            "QBO_BRIDGE_TOPIC_PREFIX": topic_prefix,
            "QBO_BRIDGE_CONSUMER_GROUP": f"{topic_prefix}group",
            "QBO_BRIDGE_KAFKA_CONSUMER_PROPERTIES": FAST_KAFKA,
            "QBO_BRIDGE_LEASE_SECONDS": "4",
            "QBO_BRIDGE_QBO_TIMEOUT_SECONDS": "2",
            "QBO_BRIDGE_RETRY_FIRST_SECONDS": "0.2",
            "QBO_BRIDGE_LINGER_SECONDS": "1",
            **settings,
        }
        house = House(
            folder=folder,
            environment=environment,
            quickbooks=quickbooks,
            bootstrap_servers=bootstrap_servers,
            topic_prefix=topic_prefix,
        )
        houses.append(house)
        create_topics(bootstrap_servers, topics_of(topic_prefix))
        command(environment, "migrate")
        house.realms = {f"loc_{n}": str(c["realm_id"]) for n, c in enumerate(quickbooks.companies)}
        fill(house)
        if connected:
            asyncio.run(_connect_all(house, import_invoices=import_invoices, review_requests=review_requests))
        return house

    yield build
    for house in houses:
        house.end()


async def _connect_all(house: House, *, import_invoices: bool, review_requests: bool) -> None:
    """Connect every company with a grant of its own, as the callback does after the consent page."""
    keys = [house.environment["QBO_BRIDGE_TOKEN_KEYS"]]
    async with open_pool(house.environment["DATABASE_URL"], size=3) as pool:
        store = ConnectionStore(pool, Codec(), keys)
        for tenant_id, realm_id in house.realms.items():
            grant = await asyncio.to_thread(house.quickbooks.control, f"/companies/{realm_id}/grants", {})
            now = datetime.now(UTC)
            tokens = Tokens(
                access_token=grant["access_token"],
                access_expires_at=now + timedelta(hours=1),
                refresh_token=grant["refresh_token"],
                refresh_expires_at=now + timedelta(days=100),
            )
            await store.connect(
                tenant_id=tenant_id,
                realm_id=realm_id,
                tokens=tokens,
                import_invoices=import_invoices,
                review_requests=review_requests,
            )
        async with pool.connection() as connection:
            await connection.execute("UPDATE lane SET due_at = now()")
