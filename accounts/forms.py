"""The pages' forms: each passes its input to one service and shows what that refuses."""

from functools import partial
from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import login
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    AdminUserCreationForm,
    AuthenticationForm,
    UserChangeForm,
)
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from accounts import introducing, proving, services
from accounts.addresses import AddressFormField
from accounts.messages import tell_password_changed
from accounts.models import Introduction, User
from accounts.throttling import SignInAttempt, begin_registration, client_address
from common.forms import Cleaned, LongTextField, RefusableForm, ZoneField
from common.pictures import PictureField
from common.transactions import operation

PHOTO_SIZE = (640, 640)
LONGEST_INTRODUCTION = 3000


def new_password() -> forms.CharField:
    """A field for a new password."""
    return forms.CharField(
        max_length=128,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text="At least 8 characters; avoid common passwords.",
    )


class ZoneForm(forms.Form):
    """The reader's zone to begin with: as it is known, or else, with scripts, the device's."""

    time_zone = ZoneField(
        help_text="Session times are shown in this zone. Type a city, then choose it from the list."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = self.fields["time_zone"]
        zone.initial = timezone.get_current_timezone_name()
        # Guess only in an empty form: it must not undo a choice.
        if not self.is_bound:
            zone.widget.attrs["data-guess-zone"] = ""


class SignInForm(AuthenticationForm, RefusableForm):
    """`sign_in` decides, so a page is no way around its limits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "Email"
        self.fields["username"].widget.input_type = "email"
        if self.is_bound:
            # The refusal should be read first.
            del self.fields["username"].widget.attrs["autofocus"]

    def clean(self) -> Cleaned:
        data = self.cleaned_data
        if data.get("username") and data.get("password") and (request := self.request):
            with self.refusals():
                self.user_cache = services.sign_in(
                    email=data["username"],
                    password=data["password"],
                    address=client_address(request),
                    opens=partial(self.open, request, request.session.session_key),
                )
                self.confirm_login_allowed(self.user_cache)
        return data

    def open(self, request: HttpRequest, key: str | None, user: User) -> User:
        """Log the user in, from the session that the browser had before this try."""
        request.session = type(request.session)(key)
        login(request, user)
        request.session.save()
        return user


class StaffSignInForm(SignInForm, AdminAuthenticationForm):
    """The same for the admin, which lets in staff only, and logs them in itself."""

    def open(self, request: HttpRequest, key: str | None, user: User) -> User:
        return user


class RegistrationForm(ZoneForm, RefusableForm):
    user: User | None = None
    field_order = ("email", "display_name", "password", "time_zone")
    email = AddressFormField(
        label="Email",
        max_length=254,
        widget=forms.EmailInput({"autocomplete": "username"}),
    )
    display_name = forms.CharField(
        label="Your name",
        max_length=100,
        help_text="Teachers and other students can see it.",
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    password = new_password()
    referral_code = forms.CharField(max_length=20, required=False)

    def register(self, *, address: str) -> User | None:
        """The new user, or None and errors on the form."""
        with self.refusals():
            begin_registration(address)
            self.user = services.register(**self.cleaned_data)
            SignInAttempt(self.user.email, address).know(self.user)
        return self.user


class ProfileForm(RefusableForm):
    display_name = RegistrationForm.base_fields["display_name"]
    time_zone = ZoneForm.base_fields["time_zone"]

    def __init__(self, user: User, data: QueryDict | None) -> None:
        initial = {"display_name": user.display_name, "time_zone": user.time_zone}
        super().__init__(data, initial=initial)
        self.user = user

    def save(self) -> bool:
        """Whether the service took it; else errors are on the form."""
        with self.refusals():
            services.change_profile(user=self.user, **self.cleaned_data)
        return not self.errors


class IntroductionForm(RefusableForm):
    about = {"not_stored": "photo"}
    photo = PictureField(
        size=PHOTO_SIZE,
        cut=True,
        required=False,
        help_text="JPEG, PNG or WebP, at most 2 MB. It is shown as a circle.",
    )
    remove_photo = forms.BooleanField(label="Remove this photo", required=False)
    words = LongTextField(
        label="About you",
        rows=10,
        max_length=LONGEST_INTRODUCTION,
        required=False,
        help_text="Who you are, and how you teach. Markdown: **bold**, *italic*, - for a list, "
        "[words](https://…) for a link.",
    )

    def __init__(self, user: User, data: QueryDict | None, files: MultiValueDict | None) -> None:
        self.made = Introduction.objects.filter(user=user).first() or Introduction(user=user)
        super().__init__(data, files, initial={"words": self.made.words})
        self.user = user

    def save(self) -> bool:
        """Whether the service took it; else errors are on the form."""
        changes = {"words": self.cleaned_data["words"]}
        if self.cleaned_data["photo"] or self.cleaned_data["remove_photo"]:
            changes["photo"] = self.cleaned_data["photo"] or ""
        with self.refusals():
            introducing.introduce(user=self.user, **changes)
        return not self.errors


class PasswordForm(RefusableForm):
    current_password = forms.CharField(
        strip=False, widget=forms.PasswordInput({"autocomplete": "current-password"})
    )
    new_password = new_password()

    def __init__(self, user: User, data: QueryDict | None) -> None:
        super().__init__(data)
        self.user = user

    def save(self, *, address: str) -> bool:
        """Whether the service took it; else errors are on the form."""
        with self.refusals():
            services.change_password(user=self.user, address=address, **self.cleaned_data)
        return not self.errors


class AddressForm(RefusableForm):
    about = {"wrong_password": "password"}
    email = AddressFormField(
        label="New email",
        max_length=254,
        help_text="We'll send a link there. Your address changes once you've used it.",
        widget=forms.EmailInput({"autocomplete": "email"}),
    )
    password = forms.CharField(
        label="Your password",
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )

    def __init__(self, user: User, data: QueryDict | None) -> None:
        super().__init__(data)
        self.user = user

    def save(self, *, address: str) -> bool:
        """Whether the service took it; else errors are on the form."""
        with self.refusals():
            proving.ask_to_change_address(user=self.user, address=address, **self.cleaned_data)
        return not self.errors


class ProofForm(RefusableForm):
    """The button that proves an address: programs that look for viruses open links, too."""

    about = {"wrong_password": "password"}
    user: User | None = None
    password = forms.CharField(
        label="Password of your account",
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )

    def __init__(
        self, proof: proving.Proof | None, visitor: User | None, data: QueryDict | None
    ) -> None:
        super().__init__(data)
        self.visitor = visitor
        if proof is None or proof.counts_for(visitor):
            del self.fields["password"]

    def prove(self, token: str, *, address: str) -> User | None:
        """Whose address is proved, or None and errors on the form."""
        with self.refusals():
            self.user = proving.prove_address(
                token, visitor=self.visitor, address=address, **self.cleaned_data
            )
        return self.user


class ForgottenPasswordForm(RefusableForm):
    email = RegistrationForm.base_fields["email"]

    def send(self, *, address: str) -> bool:
        """Whether a link is sent, or would be if the account existed."""
        with self.refusals():
            services.ask_for_new_password(email=self.cleaned_data["email"], address=address)
        return not self.errors


class NewPasswordForm(forms.Form):
    new_password = new_password()

    handed_over = False

    def __init__(self, user: User, *args: Any, visitor: User | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.visitor = user, visitor

    def clean_new_password(self) -> str:
        validate_password(self.cleaned_data["new_password"], self.user)
        return str(self.cleaned_data["new_password"])

    def save(self) -> User:
        """Returns the user, with the new password."""
        self.handed_over = proving.use_password_link(
            user=self.user, visitor=self.visitor, **self.cleaned_data
        )
        return self.user


class StaffPasswordForm(AdminPasswordChangeForm):
    """Tells the user that their password was changed."""

    @operation
    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit=False)
        if commit:
            user.save(update_fields=["password"])
        tell_password_changed(user)
        return user


class NewUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email", "display_name")


class UserForm(UserChangeForm):
    password = None  # type: ignore[assignment]
    time_zone = ZoneForm.base_fields["time_zone"]

    class Meta:
        model = User
        fields = "__all__"
        help_texts = {
            "email": "Before you change it, make sure that the new address is this user's: "
            "anyone who reads its mail can take the account over."
        }
