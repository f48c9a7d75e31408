"""Lines that TLS protects have the same deadlines as others."""

import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from notices.kinds import Letter
from notices.models import MailServer as State
from notices.models import Notice
from notices.sending import send_due
from notices.services.outbox import put
from tests.factories import UserFactory
from tests.notices.conftest import MailServer

pytestmark = [pytest.mark.once, pytest.mark.django_db]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Of 127.0.0.1, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    place = tmp_path_factory.mktemp("tls") / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    place.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return place


@pytest.fixture(scope="module", params=["ssl", "tls"])
def secure_server(request, certificate, tmp_path_factory):
    server = MailServer(tmp_path_factory.mktemp(request.param), request.param, str(certificate))
    yield request.param, server
    server.end()


@pytest.fixture
def secure(secure_server, settings, monkeypatch, certificate, make_kind):
    kind, server = secure_server
    server.forget()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    settings.EMAIL_USE_SSL, settings.EMAIL_USE_TLS = kind == "ssl", kind == "tls"
    settings.MAIL_SECONDS, settings.MAIL_CONNECTIONS = 5.0, 1
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    told = make_kind(letter=lambda _: Letter(subject="Moved", lead="It moved."))
    put([told.tell(UserFactory().pk, about=1)])
    return server


def became():
    return Notice.objects.get().mail


def test_a_mail_goes_out(secure):
    list(send_due())
    assert (became(), len(secure.taken())) == ("sent", 1)


@pytest.mark.parametrize("fault", ["stall", "drip"])
def test_a_line_is_cut_in_time(secure, settings, fault):
    settings.MAIL_SECONDS = 0.5
    secure.fails(RCPT=fault)
    began = time.monotonic()
    list(send_due())
    assert time.monotonic() - began < 3
    assert became() == "waiting"


def test_who_cannot_prove_to_be_the_mail_server_gets_nothing(secure, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", ssl.get_default_verify_paths().openssl_cafile)
    list(send_due())
    assert (became(), secure.taken()) == ("waiting", [])
    assert "CERTIFICATE_VERIFY_FAILED" in State.objects.get().problem
