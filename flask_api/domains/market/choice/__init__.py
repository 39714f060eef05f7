"""What people choose among alternatives, and how much each attribute counts."""
