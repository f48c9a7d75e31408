"""The API's routes, on one screen."""

from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from enrollments.api import buying, cancelling, catalogue, joining, learning
from notices import api as notices
from payments.api import credit, earnings, refunds, topups
from payments.webhooks import StripeWebhookView
from settlement.webhooks import LiveKitWebhookView

urlpatterns = [
    path("courses", catalogue.CatalogueView.as_view()),
    path("courses/<uuid:course_id>", catalogue.CourseView.as_view()),
    path("enrollments/me", learning.MyEnrollmentsView.as_view()),
    path("enrollments/me/sessions", learning.MyPurchasesView.as_view()),
    path("enrollments/courses/<uuid:course_id>", buying.EnrollView.as_view()),
    path("enrollments/sessions/<uuid:session_id>/purchase", buying.PurchaseView.as_view()),
    path("enrollments/sessions/<uuid:session_id>/access", joining.AccessView.as_view()),
    path("enrollments/sessions/<uuid:purchase_id>", cancelling.PurchaseDetailView.as_view()),
    path(
        "enrollments/sessions/<uuid:purchase_id>/cancellation",
        cancelling.PurchasePreviewView.as_view(),
    ),
    path("enrollments/<uuid:enrollment_id>", cancelling.EnrollmentView.as_view()),
    path(
        "enrollments/<uuid:enrollment_id>/cancellation", cancelling.EnrollmentPreviewView.as_view()
    ),
    path(
        "enrollments/<uuid:enrollment_id>/sessions/<uuid:session_id>",
        cancelling.HandBackView.as_view(),
    ),
    path("auth/me", credit.MeView.as_view()),
    path("payments/wallet", credit.WalletView.as_view()),
    path("payments/transfers", credit.TransfersView.as_view()),
    path("payments/holds", credit.HoldsView.as_view()),
    path("payments/earnings", earnings.EarningsView.as_view()),
    path("payments/withdrawals", earnings.WithdrawalsView.as_view()),
    path("payments/withdrawals/<uuid:withdrawal_id>", earnings.WithdrawalView.as_view()),
    path("payments/refunds", refunds.RefundsView.as_view()),
    path("payments/topups", topups.TopUpsView.as_view()),
    path("payments/topups/<uuid:top_up_id>", topups.TopUpView.as_view()),
    path("notices", notices.NoticesView.as_view()),
    path("notices/<uuid:notice_id>/read", notices.ReadView.as_view()),
    path("notices/<uuid:notice_id>/acknowledge", notices.AcknowledgeView.as_view()),
    path("webhooks/livekit", LiveKitWebhookView.as_view()),
    path("webhooks/stripe", StripeWebhookView.as_view()),
    path("", include("accounts.api.urls")),
    path("schema", SpectacularJSONAPIView.as_view(), name="schema"),
    path(
        "docs",
        SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="docs.html"),
        name="docs",
    ),
]
