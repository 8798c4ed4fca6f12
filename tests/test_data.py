"""Streams in data pipelines: Dask, Spark, webdataset, torch and Hugging Face take what trellic.data offers."""

import io
import pickle
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

import trellic
from conftest import GOLDEN, textured
from trellic.data import DecodeRow, EncodeRow, Pictures, decode_sample

TINY = {"model": str(GOLDEN / "golden.trm"), "effort": 1}


@pytest.fixture(autouse=True)
def _tiny_model_installed(monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))


@pytest.fixture
def pixels():
    return textured(40, 50)


@pytest.fixture
def stream(pixels):
    return trellic.encode(pixels, **TINY)


def test_rows_go_and_come_back_after_pickling(pixels, stream):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    encode = pickle.loads(pickle.dumps(EncodeRow(**TINY)))
    row = encode({"bytes": buffer.getvalue(), "label": 7})
    assert (row["tlic"], row["label"], row["error"]) == (stream, 7, None)
    assert EncodeRow("image", **TINY)({"image": pixels})["tlic"] == stream
    row = pickle.loads(pickle.dumps(DecodeRow()))(row)
    assert np.array_equal(row["image"], np.asarray(trellic.decode(stream)))


def test_a_bad_picture_is_a_row_with_its_error():
    row = EncodeRow(**TINY)({"bytes": b"nonsense"})
    assert row["tlic"] is None
    assert "cannot be read" in row["error"]
    assert DecodeRow()(row) == row | {"image": None}
    assert DecodeRow()({"tlic": None})["error"] == "no stream"
    row = DecodeRow()({"tlic": b"nonsense"})
    assert row["image"] is None
    assert row["error"]


def test_webdataset_decodes_streams_of_tars(stream, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    with webdataset.TarWriter(str(tmp_path / "x.tar")) as tar:
        tar.write({"__key__": "a", "tlic": stream, "cls": 7})
    (sample,) = webdataset.WebDataset(str(tmp_path / "x.tar"), shardshuffle=False).decode(decode_sample)
    assert np.array_equal(sample["tlic"], np.asarray(trellic.decode(stream)))
    assert sample["cls"] == 7


def test_torch_loads_pictures_in_processes(stream, tmp_path):
    data = pytest.importorskip("torch.utils.data")
    (tmp_path / "a.tlic").write_bytes(stream)
    loader = data.DataLoader(Pictures([tmp_path / "a.tlic"] * 3), batch_size=3, num_workers=1)
    (batch,) = loader
    assert batch.shape == (3, 40, 50, 3)
    assert np.array_equal(batch[2].numpy(), np.asarray(trellic.decode(stream)))


def test_hugging_face_datasets_hold_streams_once_pillow_knows_them(stream, tmp_path):
    datasets = pytest.importorskip("datasets")
    import trellic.pillow

    (tmp_path / "a.tlic").write_bytes(stream)
    paths = [str(tmp_path / "a.tlic")]
    found = datasets.Dataset.from_dict({"image": paths}).cast_column("image", datasets.Image())
    assert np.array_equal(np.asarray(found[0]["image"]), np.asarray(trellic.decode(stream)))
    held = datasets.Dataset.from_dict({"image": [{"bytes": stream, "path": None}]})
    assert held.cast_column("image", datasets.Image())[0]["image"].size == (50, 40)
    encoded = found.map(EncodeRow("image", **TINY), remove_columns="image")
    assert encoded[0]["tlic"]


def some_rows(pixels):
    """A row with a picture's file, and one with none."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return [{"bytes": buffer.getvalue(), "label": 7}, {"bytes": b"nonsense", "label": 8}]


def test_dask_bags_map_rows_in_processes(pixels, stream):
    bag = pytest.importorskip("dask.bag")
    found = bag.from_sequence(some_rows(pixels)).map(EncodeRow(**TINY)).compute(scheduler="processes", num_workers=1)
    assert [(row["tlic"], row["label"]) for row in found] == [(stream, 7), (None, 8)]


def test_spark_maps_rows_in_processes(pixels, stream, monkeypatch):
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    spark = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        encode = EncodeRow(**TINY)
        frame = spark.createDataFrame(some_rows(pixels))
        found = frame.rdd.map(lambda row: encode(row.asDict())).collect()
    finally:
        spark.stop()
    assert [(row["tlic"], row["label"]) for row in found] == [(stream, 7), (None, 8)]


def test_ray_maps_rows_in_processes(pixels, stream):
    ray, data = pytest.importorskip("ray"), pytest.importorskip("ray.data")
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="error")
    try:
        found = data.from_items(some_rows(pixels)).map(EncodeRow(**TINY)).take_all()
    finally:
        ray.shutdown()
    assert sorted((row["label"], row["tlic"]) for row in found) == [(7, stream), (8, None)]
