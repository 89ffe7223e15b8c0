"""The application: /mcp for the tools, /packs for what they speak of."""

from pathlib import Path

from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from oneshot_capture.capture import Capture
from oneshot_capture.http.arguments import OFFERED
from oneshot_capture.http.packs import Packs
from oneshot_capture.http.tools import PackTools
from oneshot_shared import capture_tools
from oneshot_shared.errors import BadInput, NotReady, sentence


def make(capture: Capture, packs: Packs, scratch: Path, allowed: TransportSecuritySettings) -> Starlette:
    """It keeps no sessions: a client goes on where it was after this service was started again, and takes no memory meanwhile."""

    async def put(request: Request) -> Response:
        try:
            return JSONResponse({"pack": await packs.take(request.stream())})
        except BadInput as error:
            return _refused(400, error)
        except NotReady as error:
            return _refused(503, error)
        except TimeoutError:
            return _refused(408, TimeoutError("the pack stopped coming; send it again"))
        except ClientDisconnect:
            return Response(status_code=400)
        except OSError as error:
            return _refused(507, error)

    return capture_tools.server(PackTools(capture, packs, scratch), OFFERED).streamable_http_app(
        json_response=True,
        stateless_http=True,
        transport_security=allowed,
        custom_starlette_routes=[Route("/packs", put, methods=["PUT"])],
    )


def _refused(status: int, error: Exception) -> Response:
    return JSONResponse({"error": sentence(error)}, status)
