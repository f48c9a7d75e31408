"""What is measured, and how: `script/benchmark`."""
