"""What every unit answers to every face."""
