"""Many pictures on many machines: storage by URL, one engine, three drivers, and a manifest of what was done."""
