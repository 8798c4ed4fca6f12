"""Measuring: BD-rate, rate-distortion runs that really encode and decode."""
