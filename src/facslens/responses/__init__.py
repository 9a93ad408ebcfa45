"""Record the response of every unit to every face."""
