"""The pages about money: credit and receipts, earnings and withdrawals."""

from django.urls import path

from payments.views import credit

app_name = "payments"
urlpatterns = [
    path("credit/", credit.credit, name="credit"),
    path("credit/receipts/<uuid:hold_id>/", credit.receipt, name="receipt"),
]
