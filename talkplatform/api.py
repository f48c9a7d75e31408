"""The API's routes, on one screen."""

from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from enrollments.api import catalogue, viewsets
from payments.api import viewsets as money
from payments.api import withdrawals
from settlement.webhooks import LiveKitWebhookView

urlpatterns = [
    path("courses", catalogue.CatalogueView.as_view()),
    path("courses/<uuid:course_id>", catalogue.CourseView.as_view()),
    path("enrollments/me", viewsets.MyEnrollmentsView.as_view()),
    path("enrollments/me/sessions", viewsets.MyPurchasesView.as_view()),
    path("enrollments/courses/<uuid:course_id>", viewsets.EnrollView.as_view()),
    path("enrollments/sessions/<uuid:session_id>/purchase", viewsets.PurchaseView.as_view()),
    path("enrollments/sessions/<uuid:session_id>/access", viewsets.AccessView.as_view()),
    path("enrollments/sessions/<uuid:purchase_id>", viewsets.PurchaseDetailView.as_view()),
    path(
        "enrollments/sessions/<uuid:purchase_id>/cancellation",
        viewsets.PurchasePreviewView.as_view(),
    ),
    path("enrollments/<uuid:enrollment_id>", viewsets.EnrollmentView.as_view()),
    path("enrollments/<uuid:enrollment_id>/cancellation", viewsets.EnrollmentPreviewView.as_view()),
    path(
        "enrollments/<uuid:enrollment_id>/sessions/<uuid:session_id>",
        viewsets.HandBackView.as_view(),
    ),
    path("auth/me", money.MeView.as_view()),
    path("payments/wallet", money.WalletView.as_view()),
    path("payments/transfers", money.TransfersView.as_view()),
    path("payments/holds", money.HoldsView.as_view()),
    path("payments/earnings", withdrawals.EarningsView.as_view()),
    path("payments/withdrawals", withdrawals.WithdrawalsView.as_view()),
    path("payments/withdrawals/<uuid:withdrawal_id>", withdrawals.WithdrawalView.as_view()),
    path("webhooks/livekit", LiveKitWebhookView.as_view()),
    path("", include("accounts.api.urls")),
    path("schema", SpectacularJSONAPIView.as_view(), name="schema"),
    path(
        "docs",
        SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="docs.html"),
        name="docs",
    ),
]
