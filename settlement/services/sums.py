"""What the passes of jobs give: sums that add up."""

from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Sums, each by its name, which are added each to its own."""

    def __add__(self, other: Self) -> Self:
        return type(self)(**{name: n + getattr(other, name) for name, n in asdict(self).items()})
