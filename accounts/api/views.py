"""Registering, addresses, signing in, refreshing, signing out."""

from django.core.exceptions import ValidationError
from drf_spectacular.utils import OpenApiExample
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ValidationError as InvalidInput
from rest_framework.serializers import as_serializer_error
from rest_framework.views import APIView

from accounts import proving, services, tokens
from accounts.api.serializers import (
    CredentialsSerializer,
    LinkSentSerializer,
    NewAddressSerializer,
    ProfileSerializer,
    RefreshSerializer,
    RegistrationSerializer,
    TokenPairSerializer,
)
from accounts.errors import (
    AlreadyProved,
    InvalidCredentials,
    TokenNotValid,
    TooManyAttempts,
    WrongPassword,
)
from accounts.people import signed_in
from accounts.throttling import SignInAttempt, begin_registration, client_address
from common.rendering import render
from common.schema import documented
from common.shapes import Json

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoi4oCmIn0.c2lnbmF0dXJl"
CREDENTIALS = {"email": "ada@example.com", "password": "correct horse battery"}
REGISTRATION = OpenApiExample(
    "A student", {**CREDENTIALS, "display_name": "Ada"}, request_only=True
)
PROFILE = OpenApiExample(
    "The new student",
    {
        "id": "01936f5e-7c3a-7d52-9e0b-6a1f4c2d8e90",
        "email": "ada@example.com",
        "email_proved": False,
        "display_name": "Ada",
        "is_teacher": False,
        "referral_code": "4f1d09c2ab",
        "time_zone": "UTC",
    },
    response_only=True,
    status_codes=["201"],
)
SIGN_IN = OpenApiExample("Credentials", CREDENTIALS, request_only=True)
PAIR = OpenApiExample(
    "A pair", {"access": JWT, "refresh": JWT}, response_only=True, status_codes=["200"]
)
NEW_ADDRESS = OpenApiExample(
    "A new address", CREDENTIALS | {"email": "ada@example.org"}, request_only=True
)
LINK_SENT = OpenApiExample(
    "Sent", {"sent_to": "ada@example.org"}, response_only=True, status_codes=["202"]
)
REFRESH = OpenApiExample("A refresh token", {"refresh": JWT}, request_only=True)


class OpenView(GenericAPIView):
    """Open to everyone: an expired token does no harm here."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def handle_exception(self, error: Exception) -> Response:
        response = super().handle_exception(error)
        if response.status_code == status.HTTP_401_UNAUTHORIZED:
            response["WWW-Authenticate"] = 'Bearer realm="api"'
        return response

    def parsed(self, request: Request) -> Json:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data


class RegisterView(OpenView):
    serializer_class = RegistrationSerializer

    @documented(
        "register",
        {201: ProfileSerializer},
        [TooManyAttempts],
        summary="Register",
        description="Everyone starts as a student. Sign in afterwards to get tokens.",
        tags=["auth"],
        examples=[REGISTRATION, PROFILE],
    )
    def post(self, request: Request) -> Response:
        data = self.parsed(request)
        begin_registration(client_address(request))
        try:
            user = services.register(**data)
        except ValidationError as error:
            raise InvalidInput(as_serializer_error(error)) from error
        SignInAttempt(user.email, client_address(request)).know(user)
        return Response(render(ProfileSerializer, user), status.HTTP_201_CREATED)


class AddressView(GenericAPIView):
    serializer_class = NewAddressSerializer

    @documented(
        "change_email",
        {202: LinkSentSerializer},
        [WrongPassword, TooManyAttempts],
        summary="Ask for another email address",
        description="Sends a link to the new address, which replaces the current one once the "
        "user has used it. Takes the password again. An address that belongs to another account "
        "gets the same answer.",
        tags=["auth"],
        examples=[NEW_ADDRESS, LINK_SENT],
    )
    def post(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            sent_to = proving.ask_to_change_address(
                user=signed_in(request),
                address=client_address(request),
                **serializer.validated_data,
            )
        except ValidationError as error:
            raise InvalidInput(as_serializer_error(error)) from error
        return Response({"sent_to": sent_to}, status.HTTP_202_ACCEPTED)


class LinkView(APIView):
    @documented(
        "send_email_link",
        {202: LinkSentSerializer},
        [AlreadyProved, TooManyAttempts],
        request=None,
        summary="Send another link to confirm my email address",
        description="To the new address, if one is waiting to be confirmed, or else to the "
        "current one.",
        tags=["auth"],
        examples=[LINK_SENT],
    )
    def post(self, request: Request) -> Response:
        user, address = signed_in(request), client_address(request)
        sent_to = proving.send_link_again(user=user, address=address)
        return Response({"sent_to": sent_to}, status.HTTP_202_ACCEPTED)


class TokenView(OpenView):
    serializer_class = CredentialsSerializer

    @documented(
        "sign_in",
        {200: TokenPairSerializer},
        [InvalidCredentials, TooManyAttempts],
        summary="Sign in",
        description="An access token for some minutes, and a refresh token for the next pair.",
        tags=["auth"],
        examples=[SIGN_IN, PAIR],
    )
    def post(self, request: Request) -> Response:
        credentials = self.parsed(request) | {"address": client_address(request)}
        return Response(services.sign_in(**credentials, opens=tokens.open_family))


class RefreshView(OpenView):
    serializer_class = RefreshSerializer

    @documented(
        "refresh_token",
        {200: TokenPairSerializer},
        [TokenNotValid],
        summary="Exchange a refresh token for a new pair",
        description="Each refresh token works once. Using one again ends the whole sign-in.",
        tags=["auth"],
        examples=[REFRESH, PAIR],
    )
    def post(self, request: Request) -> Response:
        return Response(tokens.rotate(self.parsed(request)["refresh"]))


class LogoutView(OpenView):
    serializer_class = RefreshSerializer

    @documented(
        "sign_out",
        {204: None},
        [TokenNotValid],
        summary="Sign out",
        description="Ends the sign-in of the refresh token. A repeat changes nothing.",
        tags=["auth"],
        examples=[REFRESH],
    )
    def post(self, request: Request) -> Response:
        tokens.end(self.parsed(request)["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)
