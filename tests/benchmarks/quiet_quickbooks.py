"""A QuickBooks in which nothing changes, for any number of companies: it answers every poll after a while.

Run beside the process that is measured, so that what is measured is that process and not the emulator.
"""

import argparse
import asyncio
from datetime import UTC, datetime

from aiohttp import web

_NOTHING = '{{"CDCResponse":[{{"QueryResponse":[{{}},{{}},{{}}]}}],"time":"{time}"}}'


async def serve(port: int, latency: float) -> None:
    async def cdc(_: web.Request) -> web.Response:
        await asyncio.sleep(latency)
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        return web.Response(text=_NOTHING.format(time=time), content_type="application/json")

    app = web.Application()
    app.add_routes([web.get("/v3/company/{realm}/cdc", cdc)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--latency", type=float, required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.latency))
