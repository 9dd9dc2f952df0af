"""From records to figures and verdicts. Pure: values in, values out, the same inside pytest and offline."""
