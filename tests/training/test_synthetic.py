"""Drawn faces: exact labels, every class, the same face for the same seed."""

import numpy as np

from training.lapa import LAPA
from training.synthetic import draw_face


def test_the_same_seed_draws_the_same_face() -> None:
    first, second = (draw_face(64, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_the_parts_are_where_a_face_has_them() -> None:
    for seed in range(10):
        labels = draw_face(128, np.random.default_rng(seed))[1]
        rows, columns = {}, {}
        for index, name in enumerate(LAPA.names):
            where = np.argwhere(labels == index)
            if name != "inner_mouth":  # half of the mouths are shut
                assert len(where), (seed, name)
                rows[name], columns[name] = where.mean(axis=0)
        assert columns["left_eye"] < columns["nose"] < columns["right_eye"]
        assert rows["left_eyebrow"] < rows["left_eye"] < rows["nose"] < rows["upper_lip"] < rows["lower_lip"]
