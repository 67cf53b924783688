"""/ and /companies/...: the books for a person with a browser. Only loopback or trusted networks should reach them."""

from aiohttp import web

from qbo_client.emulator import books, pages, paper
from qbo_client.emulator.book_parts import path, plural
from qbo_client.emulator.company import Company
from qbo_client.emulator.entities.kind import Kind
from qbo_client.emulator.table import Row
from qbo_client.emulator.world import World

COMPANY = "/companies/{realm}"
HOME = ("/", "All companies")


class BookRoutes:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.home),
            web.get(COMPANY, self.overview),
            web.get(f"{COMPANY}/{{entity}}", self.listing),
            web.get(f"{COMPANY}/{{entity}}/{{id}}", self.single),
            web.get(f"{COMPANY}/{{entity}}/{{id}}/pdf", self.pdf),
        ]

    async def home(self, _request: web.Request) -> web.Response:
        return pages.page("Companies", *books.home(self._world.companies.values()))

    async def overview(self, request: web.Request) -> web.Response:
        company = self._world.companies.get(request.match_info["realm"])
        if company is None:
            return pages.problem("No such company")
        return pages.page(company.name, *books.overview(company), trail=[HOME])

    async def listing(self, request: web.Request) -> web.Response:
        company, kind = self._meant(request)
        if company is None or kind is None:
            return pages.problem("No such list")
        number = request.query.get("page", "1")
        content = books.listing(company, kind, int(number) if number.isdecimal() and len(number) < len("99999") else 1)
        return pages.page(f"{plural(kind)}, {company.name}", *content, trail=_trail(company))

    async def single(self, request: web.Request) -> web.Response:
        company, kind = self._meant(request)
        row = _row(request, company, kind)
        if company is None or kind is None or row is None:
            return pages.problem("No such object", "It may have been deleted.")
        listing = (path(company, kind), plural(kind))
        title = f"{paper.title_of(kind.name)} {row.identifier}"
        return pages.page(title, *books.single(company, kind, row), trail=[*_trail(company), listing])

    async def pdf(self, request: web.Request) -> web.Response:
        company, kind = self._meant(request)
        row = _row(request, company, kind)
        if company is None or kind is None or row is None or not kind.transaction:
            return pages.problem("No such document")
        return web.Response(body=paper.printed(kind.name, row.body, company.name), content_type="application/pdf")

    def _meant(self, request: web.Request) -> tuple[Company | None, Kind | None]:
        company = self._world.companies.get(request.match_info["realm"])
        return company, self._world.kinds.get(request.match_info["entity"].lower())


def _row(request: web.Request, company: Company | None, kind: Kind | None) -> Row | None:
    if company is None or kind is None:
        return None
    return company.table(kind.name).get(request.match_info["id"])


def _trail(company: Company) -> list[tuple[str, str]]:
    return [HOME, (path(company), company.name)]
