import numpy as np
import pytest

from ml_core.labels import LabelSet, UnknownClass
from training.lapa import LAPA

BLACK, RED = (0, 0, 0), (255, 0, 0)


def test_lapa_is_lapa() -> None:
    assert LAPA.names[:4] == ("background", "skin", "left_eyebrow", "right_eyebrow")
    assert LAPA.names[10] == "hair"
    assert len(LAPA) == len(set(LAPA.colors)) == 11
    assert LAPA.colors[8] == (102, 0, 51)


def test_the_palette_holds_the_colours_then_black() -> None:
    assert LAPA.palette.shape == (256, 3)
    assert tuple(LAPA.palette[10]) == LAPA.colors[10]
    assert not LAPA.palette[11:].any()


def test_a_mirror_swaps_left_and_right_and_twice_is_nothing() -> None:
    flip = LAPA.flip_table
    assert flip[[0, 1, 2, 3, 4, 5, 6, 255]].tolist() == [0, 1, 3, 2, 5, 4, 6, 255]
    assert (flip[flip] == np.arange(256)).all()


def test_the_parts_of_a_face_and_its_hair_are_told_by_role() -> None:
    assert LAPA.names[LAPA.hair[0]] == "hair"
    assert [LAPA.names[part] for part in LAPA.face[:2]] == ["skin", "left_eyebrow"]
    with pytest.raises(ValueError, match="role"):
        LabelSet(("a", "b"), (BLACK, RED), face=(0,))


def test_ids_takes_names_and_numbers_in_order_without_repeats() -> None:
    assert LAPA.ids(["hair", "1", "skin", "0"]) == (10, 1, 0)


@pytest.mark.parametrize("name", ["", "nase", "11", "-1", "1.0", "¹", " 1", 5000 * "1"])
def test_unknown_classes_are_refused(name: str) -> None:
    with pytest.raises(UnknownClass):
        LAPA.ids([name])


def test_the_class_table_reads_back() -> None:
    table = LAPA.to_json()
    assert table[4] == {
        "id": 4,
        "name": "left_eye",
        "color": [255, 255, 102],
        "mirror": 5,
        "role": "face",
    }
    assert LabelSet.from_json(table) == LAPA
    short = [{"name": "background", "color": [0, 0, 0]}, {"name": "face", "color": [255, 0, 0]}]
    assert LabelSet.from_json(short) == LabelSet(("background", "face"), (BLACK, RED))


@pytest.mark.parametrize(
    "rows",
    [
        [{"id": 1, "name": "a", "color": BLACK}, {"id": 0, "name": "b", "color": RED}],
        [{"name": "a", "color": BLACK, "mirror": 1}, {"name": "b", "color": RED}],
        [{"name": "a", "color": BLACK}, {"name": "b", "color": RED, "mirror": 7}],
        [{"name": "a", "color": BLACK}, {"name": "b", "color": RED, "role": "hat"}],
    ],
)
def test_a_bad_table_is_refused(rows: list[dict[str, object]]) -> None:
    with pytest.raises(ValueError, match="must"):
        LabelSet.from_json(rows)


@pytest.mark.parametrize(
    ("names", "colors", "pairs"),
    [
        (("a",), (BLACK,), ()),
        (("a", "a"), (BLACK, RED), ()),
        (("a", "b"), (BLACK,), ()),
        (("a", "b"), (BLACK, (256, 0, 0)), ()),
        (("a", "b"), (BLACK, RED), ((0, 2),)),
        (("a", "b"), (BLACK, RED), ((1, 1),)),
    ],
)
def test_label_sets_that_cannot_be(
    names: tuple[str, ...], colors: tuple[tuple[int, int, int], ...], pairs: tuple[tuple[int, int], ...]
) -> None:
    with pytest.raises(ValueError):
        LabelSet(names, colors, pairs)
