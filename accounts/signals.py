"""What other apps have to know about accounts."""

from django.dispatch import Signal

# A password link opened an account whose address nobody had proved. So its maker may be someone
# else, who must lose what they still have of it. Sent with `user`, inside the operation.
handed_over = Signal()
