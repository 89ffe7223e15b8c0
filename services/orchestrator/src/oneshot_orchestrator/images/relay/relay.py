"""Passes TCP connections on one port to one upstream: unix:/path or host:port. Runs alone in a container."""

import asyncio
import sys

PORT = 8080


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction. Its end is passed on, and the other direction may still go on."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def connect(upstream: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if upstream.startswith("unix:"):
        return await asyncio.open_unix_connection(upstream.removeprefix("unix:"))
    host, port = upstream.rsplit(":", 1)
    return await asyncio.open_connection(host, int(port))


async def start(upstream: str, port: int) -> asyncio.Server:
    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await connect(upstream)
        except OSError as error:
            print("no upstream:", error, flush=True)
            writer.close()
            return
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(copy(reader, up_writer))
                both.create_task(copy(up_reader, writer))
        except* OSError:  # one side is gone: so is the other
            pass
        finally:
            up_writer.close()
            writer.close()

    return await asyncio.start_server(connection, "0.0.0.0", port)  # noqa: S104 -- its network has one sandbox and no host


async def main(upstream: str) -> None:
    server = await start(upstream, PORT)
    print("relaying", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
