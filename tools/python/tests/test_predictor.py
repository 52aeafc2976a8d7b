"""Predictor: every row of a batch is one row of the answer, in the batch's own kind."""

import pathlib
import pickle

import numpy
import pytest

import fovea

ROOT = pathlib.Path(__file__).resolve().parents[3]
SAMPLES = sorted((ROOT / "samples").glob("*.jpg"))
WHOLE = SAMPLES[0].read_bytes()
BROKEN = [b"", b"x", b"no picture at all", WHOLE[:20], WHOLE[:1000], WHOLE[:-2000], b"\xff\xd8\xff", b"GIF89a" + bytes(9),
          b"BM" + bytes(20), b"RIFF\0\0\0\0WEBP", b"\x89PNG\r\n\x1a\n" + bytes(40)]
PICTURES = [path.read_bytes() for path in SAMPLES] + BROKEN + [None]
PATHS = [str(path) for path in SAMPLES] + [f"broken/{i}.jpg" for i in range(len(BROKEN))] + ["null.jpg"]


@pytest.fixture(scope="module")
def predictor():
    return fovea.Predictor(precision="f32", embeddings=True)


def check(columns):
    """@param columns  lists, by name"""
    n = len(PICTURES)
    assert columns["path"] == PATHS and "bytes" not in columns and all(len(c) == n for c in columns.values())
    classifier = fovea.Classifier(precision="f32")
    for i, picture in enumerate(PICTURES):
        row = {name: column[i] for name, column in columns.items()}
        if picture in BROKEN or picture is None:
            assert row["error_code"] == ("unreadable" if picture is None else "decode") and row["error_message"]
            assert row["label"] is None and row["labels"] is None and row["embedding"] is None
            continue
        expected = classifier.classify(picture)
        assert row["error_code"] is None and row["error_message"] is None
        assert row["class_index"] == expected.best.class_index and row["label"] == expected.best.label
        assert list(row["labels"]) == [p.label for p in expected.predictions]
        assert numpy.array_equal(numpy.float32(row["probabilities"]),
                                 numpy.float32([p.probability for p in expected.predictions]))
        assert (row["height"], row["width"]) == expected.size
        assert numpy.array_equal(numpy.float32(row["embedding"]), classifier.embed(picture))


def objects(values):
    array = numpy.empty(len(values), dtype=object)
    array[:] = values
    return array


def test_a_dict_is_answered_by_a_dict(predictor):
    answer = predictor({"bytes": objects(PICTURES), "path": objects(PATHS)})
    check({name: list(column) for name, column in answer.items()})


def test_a_frame_is_answered_by_a_frame(predictor):
    pandas = pytest.importorskip("pandas")
    answer = predictor(pandas.DataFrame({"bytes": PICTURES, "path": PATHS}, index=range(5, 5 + len(PATHS))))
    assert list(answer.index) == list(range(5, 5 + len(PATHS)))
    check({name: list(answer[name]) for name in answer.columns})


def test_a_table_is_answered_by_a_table(predictor):
    pyarrow = pytest.importorskip("pyarrow")
    answer = predictor(pyarrow.table({"bytes": pyarrow.array(PICTURES, pyarrow.binary()), "path": PATHS}))
    assert answer.schema.field("probability").type == pyarrow.float32()
    check(answer.to_pydict())


def test_an_empty_batch_has_an_empty_answer(predictor):
    assert all(len(column) == 0 for column in predictor({"bytes": objects([]), "path": objects([])}).values())


def test_paths_alone_are_read_and_overlays_are_named_after_them(tmp_path):
    predictor = fovea.Predictor(explain="generic", target="tabby", overlay_dir=tmp_path)
    answer = predictor({"path": objects([str(SAMPLES[0]), "../no.jpg"])})
    overlay = pathlib.Path(answer["overlay"][0])
    assert overlay.read_bytes().startswith(b"\x89PNG") and tmp_path in overlay.parents
    assert answer["overlay"][1] is None and answer["map"][1] is None and answer["error_code"][1] == "not_found"
    assert numpy.shape(answer["map"][0]) == (14, 14)
    assert not list(tmp_path.rglob(".*.part"))


def test_it_is_pickled_by_its_arguments(predictor):
    batch = {"bytes": objects(PICTURES[:2]), "path": objects(PATHS[:2])}
    assert len(pickle.dumps(predictor)) < 1000
    assert list(pickle.loads(pickle.dumps(predictor))(batch)["probability"]) == list(predictor(batch)["probability"])


def test_a_batch_without_pictures_is_refused_by_name(predictor):
    with pytest.raises(fovea.Error, match="the batch has the columns image, expected bytes or path"):
        predictor({"image": objects([b"x"])})
    with pytest.raises(fovea.Error, match="the batch is a list"):
        predictor([b"x"])
