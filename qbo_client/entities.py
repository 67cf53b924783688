"""What QuickBooks lets a client do with each kind of object: one table, no I/O.

Source: Intuit's reference and recorded traffic. Where they leave something open, the table takes the side on
which nothing is lost: an entity whose sparse update is not documented has none here, because QuickBooks would
take it for a full update and clear what was left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Operation(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    VOID = "void"
    DELETE = "delete"


_NOTHING: frozenset[Operation] = frozenset()
_NAMES = frozenset({Operation.CREATE, Operation.UPDATE})
_TRANSACTIONS = frozenset({Operation.CREATE, Operation.UPDATE, Operation.DELETE})
_VOIDABLE = _TRANSACTIONS | {Operation.VOID}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One kind of object. Everything that is not said is not possible, or not known to be."""

    name: str
    operations: frozenset[Operation] = _NOTHING
    #: Whether `"sparse": true` is known to spare what an update leaves out.
    sparse: bool = False
    #: What even a sparse update must repeat, besides Id and SyncToken.
    repeats: tuple[str, ...] = ()
    #: Query parameters that make an update a void. CreditMemo and RefundReceipt have none that is known to work.
    void_form: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    #: Whether the body of a void says that it is sparse.
    void_is_sparse: bool = False
    #: Whether queries leave inactive ones out unless asked: these have Active and cannot be deleted.
    hides_inactive: bool = False
    #: Whether change data capture tells of it.
    captured: bool = True
    pdf: bool = False
    #: Whether it may be written in a batch.
    batched: bool = True
    #: Path below the company's own; the name in lower case where none is given.
    path: str = ""

    @property
    def read_only(self) -> bool:
        return not self.operations


#: No object but a service: a tax code and the rates in it, made in one write.
TAX_SERVICE = "TaxService"

_VOID = MappingProxyType({"operation": "void"})
_UPDATE_TO_VOID = MappingProxyType({"operation": "update", "include": "void"})

_ALL = (
    Entity(name="Customer", operations=_NAMES, sparse=True, hides_inactive=True),
    Entity(
        name="Invoice",
        operations=_VOIDABLE,
        sparse=True,
        void_form=_VOID,
        pdf=True,
    ),
    Entity(
        name="SalesReceipt",
        operations=_VOIDABLE,
        sparse=True,
        void_form=_UPDATE_TO_VOID,
        void_is_sparse=True,
        pdf=True,
    ),
    Entity(name="Payment", operations=_VOIDABLE, void_form=_UPDATE_TO_VOID, void_is_sparse=True),
    Entity(name="RefundReceipt", operations=_TRANSACTIONS, sparse=True),
    Entity(name="CreditMemo", operations=_TRANSACTIONS),
    Entity(name="Item", operations=_NAMES, hides_inactive=True),
    Entity(name="Account", operations=_NAMES, sparse=True, repeats=("Name",), hides_inactive=True),
    Entity(name="PaymentMethod", operations=_NAMES, hides_inactive=True),
    Entity(name="Term", operations=_NAMES, hides_inactive=True),
    Entity(name="Class", operations=_NAMES, hides_inactive=True),
    Entity(name="Department", operations=_NAMES, hides_inactive=True),
    # Codes and rates are made together, through the tax service.
    Entity(name="TaxCode", hides_inactive=True, captured=False),
    Entity(name="TaxRate", hides_inactive=True, captured=False),
    Entity(name="TaxAgency", captured=False),
    Entity(
        name=TAX_SERVICE,
        operations=frozenset({Operation.CREATE}),
        captured=False,
        batched=False,
        path="taxservice/taxcode",
    ),
    Entity(name="CompanyInfo", operations=frozenset({Operation.UPDATE}), sparse=True, batched=False),
    Entity(name="Preferences", operations=frozenset({Operation.UPDATE}), batched=False),
)

ENTITIES: Mapping[str, Entity] = MappingProxyType({entity.name: entity for entity in _ALL})


def entity(name: str) -> Entity:
    """Return the rules of one kind of object; raises ValueError for a kind that this client does not know."""
    try:
        return ENTITIES[name]
    except KeyError:
        raise ValueError(f"{name!r} is no entity that this client knows the rules of") from None


def path_of(rules: Entity) -> str:
    return rules.path or rules.name.lower()


def check_allowed(name: str, operation: Operation) -> Entity:
    """Return the rules of the entity; raises ValueError if QuickBooks has no such operation on it."""
    rules = entity(name)
    if operation in rules.operations:
        return rules
    if rules.read_only:
        raise ValueError(f"QuickBooks lets nobody write a {name}; tax codes and rates are made by a TaxService")
    if operation is Operation.VOID:
        raise ValueError(f"QuickBooks has no known way to void a {name}")
    if operation is Operation.DELETE and rules.hides_inactive:
        raise ValueError(f"QuickBooks deletes no {name}; update it with Active false")
    raise ValueError(f"QuickBooks has no {operation} of a {name}")
