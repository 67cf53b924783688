import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from aiohttp import web

from qbo_client.emulator.book_routes import BookRoutes
from qbo_client.emulator.control import Control
from qbo_client.emulator.gateway import Gateway
from qbo_client.emulator.oauth_routes import OAuthRoutes
from qbo_client.emulator.world import World

LARGEST_BODY = 4 * 1024 * 1024


def build_app(world: World) -> web.Application:
    gateway = Gateway(world)
    app = web.Application(client_max_size=LARGEST_BODY)
    app.add_routes(
        [
            web.route("*", "/v3/company/{realm}/{tail:.*}", gateway.api),
            *OAuthRoutes(world, gateway).routes(),
            *Control(world).routes(),
            *BookRoutes(world).routes(),
        ]
    )
    app.cleanup_ctx.append(_deliveries(world))
    return app


def _deliveries(world: World) -> Callable[[web.Application], AsyncIterator[None]]:
    async def deliver(_app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(world.webhooks.run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    return deliver


def build_runner(world: World) -> web.AppRunner:
    # A client that goes away does not stop its request: Intuit's servers would not notice either.
    return web.AppRunner(build_app(world), access_log=None, handler_cancellation=False, shutdown_timeout=1.0)
