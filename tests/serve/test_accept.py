import pytest

from trellic.serve.accept import shown_kind

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
SAFARI = "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5"
TYPED = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [(CHROME, "WEBP"), (TYPED, "WEBP"), (SAFARI, "PNG"), ("image/*", "PNG"), ("IMAGE/WebP ; q=0.3", "WEBP"),
     ("image/webp;q=0, image/*", "PNG"), (f"image/x-tlic;q=0,{CHROME}", "WEBP")],
)  # fmt: skip
def test_a_browser_that_does_not_know_tlic_is_shown_a_picture(accept, kind):
    assert shown_kind(accept) == kind


@pytest.mark.parametrize(
    "accept", ["", "*/*", "image/x-tlic", f"{CHROME},image/x-tlic", "text/html", "image/png;q=0.0"]
)
def test_other_clients_get_the_stream(accept):
    assert shown_kind(accept) == ""
