"""May I enter, over the API."""

from dataclasses import replace
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.people import signed_in
from common.errors import NotFound
from common.rendering import render
from common.schema import documented
from enrollments.access import find_access
from enrollments.api.serializers import AccessSerializer
from enrollments.joining import join_of


class AccessView(APIView):
    @documented(
        "check_session_access",
        {200: AccessSerializer},
        (NotFound,),
        tags=["enrollments"],
        summary="May I enter this session?",
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        user = signed_in(request)
        session, access = find_access(user=user, session_id=session_id)
        join = join_of(session, user, access, now=timezone.now())
        return Response(render(AccessSerializer, replace(access, join=join)))
