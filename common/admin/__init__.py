"""What staff screens share; how staff decide on something is in `deciding`."""

from common.admin.filters import PeriodFilter, PersonFilter
from common.admin.screens import (
    ReadOnly,
    ReadOnlyAdmin,
    ReadOnlyTabularInline,
    SearchedAdmin,
    badge,
    link_to,
)

__all__ = [
    "PeriodFilter",
    "PersonFilter",
    "ReadOnly",
    "ReadOnlyAdmin",
    "ReadOnlyTabularInline",
    "SearchedAdmin",
    "badge",
    "link_to",
]
