"""Tables show the same figures in Markdown, in HTML and in a terminal."""

from trellic.evaluate.lines import Head
from trellic.evaluate.measure import Record
from trellic.evaluate.report.tables import Table, averages_table, bd_table, percent, speed_table

TABLE = Table(["codec", "bits"], [["A & B", "−3.1 %"], ["C", "+12.0 %"]])


def records(codec, factor):
    """Return a picture's records of 100×80 pixels."""
    return [
        Record(codec, "set", "a", "a", 100, 80, n, round(factor * 1000 * 2**n), 0.4, 0.2, 30.0 + n, 0.9 + n / 100)
        for n in range(4)
    ]


def test_a_table_in_three_forms():
    assert TABLE.markdown() == "| codec | bits |\n| --- | ---: |\n| A & B | −3.1 % |\n| C | +12.0 % |"
    assert TABLE.text() == "codec     bits\nA & B   −3.1 %\n    C  +12.0 %"
    assert '<td class="saves">−3.1 %</td>' in TABLE.html()
    assert "<td>+12.0 %</td>" in TABLE.html()
    assert "A &amp; B" in TABLE.html()


def test_percentages_have_signs():
    assert percent(-3.14) == "−3.1 %"
    assert percent(3.14, 2) == "+3.14 %"
    assert percent(None) == "–"


def test_the_first_codec_is_compared_with_the_others_in_every_measure():
    table = bd_table([*records("trellic", 0.5), *records("jpeg", 1)], ["trellic", "jpeg"])
    row = dict(zip(table.head, table.rows[0], strict=False))
    assert table.rows[0][0] == "JPEG"
    assert row["PSNR, mean of pictures"] == "−50.0 %"
    assert table.rows[0][4] == "−50.0 %"  # MS-SSIM
    assert table.rows[0][7] == "–"  # SSIMULACRA2 was not computed


def test_starts_are_shown_and_subtracted():
    head = Head(
        starts={"jpeg": {"encode": 0.2, "decode": 0.1}},
        memory={"jpeg": {"encode": 5e7, "decode": 4e7, "start_encode": 3e7, "start_decode": 2e7}},
    )
    (row,) = speed_table(head, records("jpeg", 1), ["jpeg"]).rows
    assert row == ["JPEG", "25", "12", "2e+02", "1e+02", "50 (30)", "40 (20)"]


def test_averages_are_a_row_a_setting():
    table = averages_table(records("trellic", 1), "trellic")
    assert table.rows[1] == ["1", "2.0000", "31.000", "0.91000", "0.400", "0.200"]
