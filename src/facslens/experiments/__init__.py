"""Which action unit itself moves which unit: the analysis of responses to paired faces."""
