"""Pictures in and out: what users have becomes 8-bit pixels, alpha and metadata, and comes back."""
