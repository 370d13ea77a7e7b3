"""Pull a Kalshi account into deduplicated Parquet and link its trades to positions."""
