"""The two objects that a company has one of: what it is, and what it prefers. `singletons.py` says what may change."""

from qbo_client.emulator.entities.kind import Kind

COMPANY_INFO = Kind(name="CompanyInfo", id_space="company", writable=False)
PREFERENCES = Kind(name="Preferences", id_space="company", writable=False)
