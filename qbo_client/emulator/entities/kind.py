"""What the emulator knows of one entity beyond its properties."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qbo_client.emulator.fields import TIMES, FieldType

if TYPE_CHECKING:
    from qbo_client.emulator.company import Company


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A write on its way: the object as it would stand, what was really sent, and what stood before."""

    company: "Company"
    kind: "Kind"
    body: dict[str, Any]
    sent: Mapping[str, Any]
    old: Mapping[str, Any] | None
    options: frozenset[str] = frozenset()

    def changed(self, name: str) -> bool:
        return self.old is None or self.old.get(name) != self.body.get(name)


Body = Mapping[str, Any]
Shape = Callable[[Draft], dict[str, Any]]
# Company, object before and after, None where there is none.
Settle = Callable[["Company", Body | None, Body | None], None]
# Content in, content of the voided object out; raises ApiFault where a void is refused.
Void = Callable[[Body], dict[str, Any]]


def unchanged(draft: Draft) -> dict[str, Any]:
    return draft.body


def without_consequences(_company: "Company", _old: Body | None, _new: Body | None) -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    kind: str
    # As fault 2500 calls the list internally.
    list_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    name: str
    # What a query may name in conditions and orders.
    filterable: Mapping[str, FieldType] = field(default_factory=lambda: TIMES)
    # Found by the emulator itself without a scan, though no query may name them.
    indexed: Mapping[str, FieldType] = field(default_factory=dict)
    # Ids are counted per space: all names share one, all transactions another.
    id_space: str
    shape: Shape = unchanged
    # What a stored change means for other objects; never refuses, for all was checked while shaping.
    settle: Settle = without_consequences
    void: Void | None = None
    # Through the API only where the company is switched so; a person can at any time.
    void_is_a_switch: bool = False
    required: tuple[str, ...] = ()
    lengths: Mapping[str, int] = field(default_factory=dict)
    references: Mapping[str, Reference] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    # Computed by QuickBooks; whatever a request says of them is ignored.
    read_only: frozenset[str] = frozenset()
    # Kept by a full update that leaves them out.
    kept: frozenset[str] = frozenset()
    suffixed: tuple[str, ...] = ()
    hides_inactive: bool = False
    writable: bool = True
    transaction: bool = False
    sparse: bool = False
