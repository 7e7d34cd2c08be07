"""The endpoint of photos and signatures. It shares nothing with the records' but the threads, and
of those it has a few (`core.admission`): a hundred photos at once hold up no call."""

from __future__ import annotations

import re

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.auth import TabletSession
from apps.accounts.models import User
from apps.accounts.permissions import IsAnyTablet, IsPerson
from apps.accounts.services import tablet_actor, user_actor
from apps.audit.services import record
from apps.core import clock
from apps.core.problems import INVALID, NOT_FOUND, TOO_LARGE, ProblemError
from apps.core.schema import PROBLEMS
from apps.sync.media import naming, storage, uploads
from apps.sync.media.models import MediaFile
from apps.sync.media.uploads import OFFSET_HEADER, Kept, Piece, Progress, Sender
from apps.sync.problems import NO_MEDIA

_CONTENT_RANGE = re.compile(r"bytes (\d{1,10})-(\d{1,10})/(\d{1,10})", re.ASCII)
_ASKING = re.compile(r"bytes \*/(\d{1,10}|\*)", re.ASCII)
_RANGE = re.compile(r"bytes=(\d{1,10})-", re.ASCII)

_ADDRESS = OpenApiParameter(
    "sha256",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description="SHA-256 of the file as the tablet sends it, 64 hexadecimal digits in lower case",
)
_OFFSET = OpenApiParameter(
    OFFSET_HEADER,
    OpenApiTypes.INT,
    OpenApiParameter.HEADER,
    response=True,
    description="how many bytes of your upload are here: the next piece begins there",
)
_KEPT = inline_serializer(
    "MediaKept",
    {
        "sha256": serializers.CharField(),
        "type": serializers.CharField(),
        "width": serializers.IntegerField(),
        "height": serializers.IntegerField(),
        "size": serializers.IntegerField(help_text="bytes of what is served"),
    },
)
_PROGRESS = inline_serializer(
    "MediaProgress", {"offset": serializers.IntegerField(), "total": serializers.IntegerField()}
)
_FILE = {(200, name): OpenApiTypes.BINARY for name in ("image/jpeg", "image/png", "image/webp")}


class Media(APIView):
    """A photo or signature, by the SHA-256 of the file that was sent.

    What is served is the picture alone, written anew: upright, in sRGB, without location and other
    metadata. Who may see it: whoever may see a document that names it; until then, who has sent it.
    Everybody else gets the answer of an address where nothing is.
    """

    def get_permissions(self) -> list[BasePermission]:
        """Tablets send, also those that are lost or have nobody signed in; whoever sees a document
        looks."""
        asks = self.request.method == "HEAD" and isinstance(self.request.auth, TabletSession)
        return [IsAnyTablet() if asks or self.request.method == "PUT" else IsPerson()]

    @extend_schema(
        operation_id="media",
        tags=["media"],
        parameters=[
            *(_ADDRESS, _OFFSET),
            OpenApiParameter(
                "Range",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="`bytes=<n>-`: from there on (206), with the ETag as If-Range",
            ),
        ],
        responses={
            **_FILE,
            (206, "image/jpeg"): OpenApiTypes.BINARY,
            **PROBLEMS(401, 403, 404, 503),
        },
    )
    def get(self, request: Request, sha256: str) -> HttpResponse:
        user = _person(request)
        file = _seen(_sender(request), sha256)
        start = _start(request, file)
        try:
            pieces = storage.read_file(file.blob, file.pieces, of=file.pk, start=start)
            data = b"".join(pieces)
        except storage.Unreadable as error:
            storage.log.error("a stored picture cannot be read: %s", error)
            detail = "What is stored here cannot be read. The operator has been told."
            raise ProblemError(NO_MEDIA, detail, headers={OFFSET_HEADER: "0"}) from None
        session = request.auth
        actor = (
            tablet_actor(session.tablet, user)
            if isinstance(session, TabletSession)
            else user_actor(user)
        )
        record(
            actor=actor,
            action="read",
            subject_type="media_file",
            subject_ids=[file.pk],
            now=clock.now(),
        )
        answer = HttpResponse(data, headers=_headers(file))
        if start:
            answer.status_code = 206
            answer["Content-Range"] = f"bytes {start}-{file.size - 1}/{file.size}"
        return answer

    @extend_schema(exclude=True)
    def head(self, request: Request, sha256: str) -> HttpResponse:
        """Whether it is here, for whoever may see it; for everybody else how much of their own
        upload is. Nothing of a record is handed out."""
        file = _seen(_sender(request), sha256)
        headers = {**_headers(file), "Content-Length": str(file.size)}
        return HttpResponse(headers=headers)

    @extend_schema(
        operation_id="send_media",
        tags=["media"],
        parameters=[
            *(_ADDRESS, _OFFSET),
            OpenApiParameter(
                "Content-Range",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="`bytes <first>-<last>/<total>` for a piece; left out for a whole file",
            ),
        ],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={
            200: OpenApiResponse(_KEPT, "It was here already, and you may see it."),
            201: OpenApiResponse(_KEPT, "It is here."),
            202: OpenApiResponse(_PROGRESS, "This piece is here, more are to come."),
            204: OpenApiResponse(None, "You sent no bytes: it is here, and you may see it."),
            **PROBLEMS(400, 401, 403, 404, 409, 413, 415, 429, 503),
        },
        examples=[
            OpenApiExample(
                "A piece of several",
                {"offset": 262144, "total": 1048576},
                response_only=True,
                status_codes=["202"],
            ),
            OpenApiExample(
                "The last one",
                {
                    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "type": "image/jpeg",
                    "width": 3024,
                    "height": 4032,
                    "size": 1032456,
                },
                response_only=True,
                status_codes=["201"],
            ),
        ],
    )
    def put(self, request: Request, sha256: str) -> HttpResponse | Response:
        """Sends a file, whole or piece by piece. The same again changes nothing.

        Without a body: 204 where it is here and you may see it, otherwise 409 with the offset to go
        on from.
        """
        sender = _sender(request)
        address = _address(sha256)
        piece = _piece(request)
        if piece is None:
            if uploads.seen(sender.user, address) is not None:
                return HttpResponse(status=204)
            raise uploads.elsewhere(uploads.offset(sender, address))
        assert isinstance(request.auth, TabletSession), "the permission lets tablets in"
        taken = uploads.take(sha256=address, piece=piece, session=request.auth, now=clock.now())
        return _answer(taken, sha256)


def _answer(taken: Progress | Kept, sha256: str) -> Response:
    if isinstance(taken, Progress):
        body: dict[str, object] = {"offset": taken.offset, "total": taken.total}
        return Response(body, status=202, headers={OFFSET_HEADER: str(taken.offset)})
    body = {
        "sha256": sha256,
        "type": taken.type,
        "width": taken.width,
        "height": taken.height,
        "size": taken.size,
    }
    return Response(body, status=201 if taken.new else 200)


def _person(request: Request) -> User:
    assert isinstance(request.user, User), "the permission lets people in"
    return request.user


def _address(sha256: str) -> bytes:
    found = naming.address(sha256)
    if found is None:
        raise ProblemError(NOT_FOUND, "An address is a SHA-256: 64 digits of 0-9 and a-f.")
    return found


def _sender(request: Request) -> Sender:
    session = request.auth
    user = request.user if isinstance(request.user, User) else None
    return Sender(user, session.tablet if isinstance(session, TabletSession) else None)


def _seen(sender: Sender, sha256: str) -> MediaFile:
    """The file, or one and the same answer for what is not here and what is not theirs."""
    address = _address(sha256)
    file = uploads.seen(sender.user, address)
    if file is None:
        at = uploads.offset(sender, address)
        raise ProblemError(NO_MEDIA, headers={OFFSET_HEADER: str(at)}, extra={"offset": at})
    return file


def _headers(file: MediaFile) -> dict[str, str]:
    """A picture is a picture and nothing else, and stays in no cache: who may see it changes."""
    return {
        "Content-Type": file.type,
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": "inline",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Accept-Ranges": "bytes",
        "ETag": f'"{file.blob.hex}"',
    }


def _start(request: Request, file: MediaFile) -> int:
    """Where a download goes on; 0 for what is not understood, or was of other bytes."""
    match = _RANGE.fullmatch(request.headers.get("Range", ""))
    same = request.headers.get("If-Range", f'"{file.blob.hex}"') == f'"{file.blob.hex}"'
    start = int(match[1]) if match and same else 0
    return start if start < file.size else 0


def _piece(request: Request) -> Piece | None:
    """What the request carries; None where it carries no bytes and only asks.

    ProblemError (400, 413) for a body that is not what Content-Range says, or too large for one
    request: bodies are held in memory, and never get to a disk unsealed.
    """
    largest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    try:
        data: bytes = request.body
    except RequestDataTooBig:
        raise ProblemError(
            TOO_LARGE, f"One request carries at most {largest} bytes: send pieces."
        ) from None
    range = request.headers.get("Content-Range")
    if not data and (range is None or _ASKING.fullmatch(range)):
        return None
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise ProblemError(INVALID, "Content-Encoding is not taken: pictures are compressed.")
    if range is None:
        return Piece(0, len(data), data)
    match = _CONTENT_RANGE.fullmatch(range)
    first, last, total = (int(one) for one in match.groups()) if match else (0, 0, 0)
    if not (first <= last < total and last - first + 1 == len(data)):
        detail = "Content-Range is `bytes <first>-<last>/<total>`, and fits the body."
        raise ProblemError(INVALID, detail)
    return Piece(first, total, data)
