"""The pages of an account: sign-up, login, profile, address, password."""

from django.urls import path
from django.views.generic import TemplateView

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("register/", views.register, name="register"),
    path("login/", views.log_in, name="login"),
    path("logout/", views.log_out, name="logout"),
    path("time-zone/", views.choose_zone, name="choose_zone"),
    path("profile/", views.profile, name="profile"),
    path("profile/introduction/", views.introduce, name="introduce"),
    path("profile/password/", views.change_password, name="change_password"),
    path("profile/email/", views.change_email, name="change_email"),
    path("profile/email/link/", views.send_link, name="send_link"),
    path("profile/email/keep/", views.keep_email, name="keep_email"),
    path("email/<str:token>/", views.prove_email, name="prove_email"),
    path("password/", views.forgot_password, name="forgot_password"),
    path(
        "password/sent/",
        TemplateView.as_view(template_name="accounts/link_sent.html"),
        name="link_sent",
    ),
    path("password/<uidb64>/<token>/", views.NewPassword.as_view(), name="new_password"),
]
