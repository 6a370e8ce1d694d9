"""LaPa's classes (Liu et al., AAAI 2020): those of a data set without a classes.json."""

from ml_core.labels import LabelSet

LAPA = LabelSet.from_json(
    [
        {"name": "background", "color": (0, 0, 0)},
        {"name": "skin", "color": (0, 153, 255), "role": "face"},
        {"name": "left_eyebrow", "color": (102, 255, 153), "mirror": 3, "role": "face"},
        {"name": "right_eyebrow", "color": (0, 204, 153), "mirror": 2, "role": "face"},
        {"name": "left_eye", "color": (255, 255, 102), "mirror": 5, "role": "face"},
        {"name": "right_eye", "color": (255, 255, 204), "mirror": 4, "role": "face"},
        {"name": "nose", "color": (255, 153, 0), "role": "face"},
        {"name": "upper_lip", "color": (255, 102, 255), "role": "face"},
        {"name": "inner_mouth", "color": (102, 0, 51), "role": "face"},
        {"name": "lower_lip", "color": (255, 204, 255), "role": "face"},
        {"name": "hair", "color": (255, 0, 102), "role": "hair"},
    ]
)
"""In LaPa's order; "left" is the viewer's left."""
