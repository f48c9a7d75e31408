"""What users are told about their money; each module registers its kinds."""

from payments.messages import credit, refunds

__all__ = ["credit", "refunds"]
