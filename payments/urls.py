"""The pages about money: credit and receipts, earnings and withdrawals."""

from django.urls import path

from payments.views import credit, earnings, refunds, topups

app_name = "payments"
urlpatterns = [
    path("credit/", credit.credit, name="credit"),
    path("credit/receipts/<uuid:hold_id>/", credit.receipt, name="receipt"),
    path("credit/refund/", refunds.refund, name="refund"),
    path("credit/top-up/", topups.ask, name="ask_for_top_up"),
    path("credit/top-ups/<uuid:top_up_id>/", topups.top_up, name="top_up"),
    path("credit/top-ups/<uuid:top_up_id>/rehearsal/", topups.rehearsal, name="rehearsal"),
    path("earnings/", earnings.overview, name="earnings"),
    path("earnings/sessions.csv", earnings.sessions_csv, name="earnings_csv"),
    path("earnings/withdraw/", earnings.withdraw, name="withdraw"),
    path("earnings/withdrawals/", earnings.withdrawals, name="withdrawals"),
    path(
        "earnings/withdrawals/<uuid:withdrawal_id>/cancel/",
        earnings.cancel,
        name="cancel_withdrawal",
    ),
]
