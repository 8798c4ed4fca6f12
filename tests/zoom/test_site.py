"""What the server of tiles answers, and what it refuses."""

import json
import urllib.error
import urllib.request

import pytest


def asked(server, path, **headers):
    request = urllib.request.Request(server.url + path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return reply.status, dict(reply.headers), reply.read()


def test_tiles_and_facts_are_served(server, source):
    status, headers, body = asked(server, "4/8/2.png")
    assert (status, headers["Content-Type"], body) == (200, "image/png", source.tile(4, 8, 2))
    assert json.loads(asked(server, "tiles.json")[2]) == source.levels.facts("png")
    with pytest.raises(urllib.error.HTTPError) as caught:
        asked(server, "4/8/2.png", If_None_Match=headers["ETag"])
    assert caught.value.code == 304


@pytest.mark.parametrize(
    "path",
    ["5/0/0.png", "4/9/0.png", "4/0/3.png", "4/0/0.webp", "4/0.png", "4/0/.png", "x", "4/0/-1.png", "99/0/0.png"],
)
def test_what_is_no_tile_is_not_there(server, path):
    with pytest.raises(urllib.error.HTTPError) as caught:
        asked(server, path)
    assert caught.value.code == 404


def test_nothing_is_coded_for_a_viewer(server):
    request = urllib.request.Request(server.url + "4/8/2.png", data=b"picture", method="POST")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)
    assert caught.value.code == 404
