import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from qbo_client.emulator.batch import Batches
from qbo_client.emulator.clock import Clock
from qbo_client.emulator.company import Company
from qbo_client.emulator.countries import COUNTRIES
from qbo_client.emulator.deliveries import Deliveries
from qbo_client.emulator.entities.registry import all_kinds
from qbo_client.emulator.faults import Faults
from qbo_client.emulator.grants import Tokens
from qbo_client.emulator.latency import Latency
from qbo_client.emulator.oauth import Authority
from qbo_client.emulator.schema import load
from qbo_client.emulator.seed import seed
from qbo_client.emulator.traffic import Limits, Traffic
from qbo_client.emulator.writing import Memory

ACCOUNTING = "com.intuit.quickbooks.accounting"
_FIRST_REALM = 9130350000000001


class UnknownCountryError(ValueError):
    """A company was asked for in a country that the emulator does not know."""


@dataclass(slots=True, kw_only=True)
class Behaviour:
    """How the stand-in behaves as a whole; the control API changes it while it runs."""

    latency: Latency = field(default_factory=Latency)
    token_latency: Latency = field(default_factory=Latency)
    throttling: bool = True
    limits: Limits = field(default_factory=Limits)
    # What a throttled client is told; no source shows Intuit telling it.
    retry_after: float | None = None
    memory: Memory = field(default_factory=Memory)
    batches: Batches = field(default_factory=Batches)


class World:
    """Everything there is: companies, who may call them, and what is to go wrong."""

    def __init__(self, *, client_id: str, client_secret: str, redirect_uris: tuple[str, ...] = ()) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.clock = Clock()
        self.authority = Authority(clock=self.clock, clients={client_id: client_secret}, redirect_uris=redirect_uris)
        self.behaviour = Behaviour()
        self.faults = Faults()
        self.webhooks = Deliveries(self.clock, f"intuit.{hashlib.sha256(client_id.encode()).hexdigest()[:24]}")
        self.kinds = all_kinds()
        self._schema = load()
        self._companies: dict[str, Company] = {}
        self._traffic: dict[str, Traffic] = {}
        # Called with each company that is added.
        self.newcomers: list[Callable[[Company], None]] = []

    @property
    def companies(self) -> Mapping[str, Company]:
        return self._companies

    def traffic(self, realm_id: str) -> Traffic:
        return self._traffic.setdefault(realm_id, Traffic())

    def add_company(self, country_code: str, name: str | None = None) -> Company:
        """A company seeded as a new one of that country is; raises UnknownCountryError."""
        country = COUNTRIES.get(country_code.upper())
        if country is None:
            raise UnknownCountryError(f"country {country_code!r} is none of {', '.join(COUNTRIES)}")
        number = len(self._companies)
        company = self.put_company(
            str(_FIRST_REALM + number),
            name=name or f"Emulated {country.code} company {number + 1}",
            country=country.code,
            currency=country.currency,
        )
        seed(company, country)
        for take_in in self.newcomers:
            take_in(company)
        return company

    def put_company(self, realm_id: str, *, name: str, country: str, currency: str) -> Company:
        """A company with nothing in it."""
        company = Company(
            realm_id=realm_id,
            name=name,
            country=country,
            currency=currency,
            clock=self.clock,
            schema=self._schema,
            kinds=self.kinds,
        )
        self._companies[realm_id] = company
        company.changes.listen(partial(self.webhooks.happened, realm_id))
        return company

    def connect(self, company: Company, client_id: str | None = None) -> Tokens:
        """A grant of its own, without the consent page; for the one application unless another is named."""
        return self.authority.grant(
            realm_id=company.realm_id, client_id=client_id or self.client_id, scope=ACCOUNTING
        )  # fmt: skip

    def described(self, company: Company, tokens: Tokens) -> dict[str, Any]:
        return {
            "tenant_id": None,
            "realm_id": company.realm_id,
            "country": company.country,
            "currency": company.currency,
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
        }
