"""Networks from elsewhere, turned into the same graph that a `.conv` file makes."""
