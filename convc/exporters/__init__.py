"""Networks for elsewhere."""
