"""Passes TCP connections on port 8080 to one upstream: unix:/path or host:port. Runs alone in a container."""

import asyncio
import sys

PORT = 8080


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def serve(upstream: str) -> None:
    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if upstream.startswith("unix:"):
                up_reader, up_writer = await asyncio.open_unix_connection(upstream.removeprefix("unix:"))
            else:
                host, port = upstream.rsplit(":", 1)
                up_reader, up_writer = await asyncio.open_connection(host, int(port))
        except OSError as error:
            print("no upstream:", error, flush=True)
            writer.close()
            return
        await asyncio.gather(copy(reader, up_writer), copy(up_reader, writer))

    server = await asyncio.start_server(connection, "0.0.0.0", PORT)  # noqa: S104 -- its network has one sandbox and no host
    print("relaying", flush=True)
    await server.serve_forever()


asyncio.run(serve(sys.argv[1]))
