import numpy as np
import pytest

from eyespot import decoders
from eyespot.domain.errors import ModelError
from eyespot.domain.layout import Layout
from eyespot.domain.observation import Floats, Poses

WIDTH, HEIGHT, STRIDE = 481, 353, 16
GRID = (23, 31)
SIZE = np.array([WIDTH, HEIGHT])
OUTPUTS = {"heatmaps": (*GRID, 17), "offsets": (*GRID, 34), "displacements": (*GRID, 64)}
NOSE, ANKLE = 0, 16

# as the network was trained: from nose to left eye to left ear, and so on
EDGES = [
    (0, 1), (1, 3), (0, 2), (2, 4), (0, 5), (5, 7), (7, 9), (5, 11),
    (11, 13), (13, 15), (0, 6), (6, 8), (8, 10), (6, 12), (12, 14), (14, 16),
]  # fmt: skip

# x and y of a person's 17 keypoints in pixels, from its nose
STANDING = np.array(
    [
        (0, 0), (5, -6), (-5, -6), (12, -3), (-12, -3), (25, 30), (-25, 30), (34, 72), (-34, 72),
        (38, 110), (-38, 110), (16, 115), (-16, 115), (18, 170), (-18, 170), (20, 225), (-20, 225),
    ]
)  # fmt: skip


def standing(x: int, y: int, *, mirrored: bool = False) -> Floats:
    """Return a person whose nose is here."""
    return STANDING * (-1 if mirrored else 1, 1) + np.array([x, y])


def built(**changes: int) -> decoders.Decoder:
    layout = Layout(WIDTH, HEIGHT, OUTPUTS, 1)
    return decoders.build({"kind": "posenet", "stride": STRIDE, **changes}, layout, floor=0.3, nms_iou=0.5)


def encoded(*persons: Floats, fade: float = 0) -> list[Floats]:
    """Outputs that say these persons, (17, 2) in pixels, as the network was trained to.

    Around a keypoint its heatmap is high, the offsets lead to it, and the displacements lead from there
    to the same person's next keypoints. Each person is less likely than the one before, by `fade`.
    """
    heatmaps, offsets, displacements = (np.zeros(shape, np.float32) for shape in OUTPUTS.values())
    heatmaps[:] = -8
    pixels = np.mgrid[: GRID[0], : GRID[1]][::-1].transpose(1, 2, 0) * STRIDE
    for index, person in enumerate(persons):
        far = np.linalg.norm(pixels[:, :, None] - person, axis=3)
        near = far < 2.5 * STRIDE
        peaks = 5 - index * fade - far / STRIDE
        heatmaps[near] = np.maximum(heatmaps, peaks)[near]
        lead(offsets, person - pixels[:, :, None], near)
        for start, edges in ((0, EDGES), (32, [edge[::-1] for edge in EDGES])):
            sources, targets = np.array(edges).T
            lead(
                displacements[..., start:][..., :32],
                (person[targets] - person[sources]) + 0.0,
                near[..., sources],
            )
    return [heatmaps, offsets, displacements]


def lead(field: Floats, ways: Floats, where: np.ndarray) -> None:
    """Write ways (..., n, 2), x and y, into a field (h, w, 2 n), first all y and then all x."""
    ways = np.broadcast_to(ways, (*where.shape, 2))
    count = where.shape[2]
    field[..., :count][where] = ways[..., 1][where]
    field[..., count:][where] = ways[..., 0][where]


def pixels_of(found: Poses) -> Floats:
    return found.keypoints[..., :2] * SIZE - 0.5


def test_a_person_is_found_where_it_stands() -> None:
    person = standing(203, 75)
    found = built().decode(encoded(person))
    assert len(found) == 1
    assert pixels_of(found)[0] == pytest.approx(person, abs=1.5)
    assert (found.keypoints[..., 2] > 0.9).all()
    assert found.scores[0] == pytest.approx(found.keypoints[0, :, 2].mean())


def test_several_persons_are_told_apart() -> None:
    persons = [standing(80, 75), standing(400, 100), standing(240, 60, mirrored=True)]
    found = built().decode(encoded(*persons))
    assert len(found) == 3
    places = sorted(pixels_of(found).tolist(), key=lambda places: places[NOSE][0])
    expected = sorted((person.tolist() for person in persons), key=lambda places: places[NOSE][0])
    assert np.array(places) == pytest.approx(np.array(expected), abs=1.5)


@pytest.mark.parametrize("root", range(17))
def test_every_keypoint_leads_to_all_others(root: int) -> None:
    person = np.array([(40 + 100 * (kind % 5), 30 + 95 * (kind // 5)) for kind in range(17)])
    tensors = encoded(person)
    tensors[0][:] = np.minimum(tensors[0], -0.9)  # less than the floor, so nothing else begins
    tensors[0][..., root] = encoded(person)[0][..., root]
    found = built().decode(tensors)
    assert pixels_of(found)[0] == pytest.approx(person, abs=1.5)


def test_persons_that_are_seen_well_do_not_crowd_out_another() -> None:
    persons = [standing(80, 75), standing(200, 75), standing(320, 75), standing(430, 75)]
    assert len(built().decode(encoded(*persons, fade=0.7))) == 4


def test_a_second_nose_on_the_same_body_is_nobody() -> None:
    person, other = standing(203, 75), standing(203, 75)
    other[NOSE] += [80, 0]
    found = built().decode(encoded(person, other, fade=0.1))
    assert len(found) == 1


def test_a_keypoint_beyond_the_edge_of_the_picture_is_put_on_it() -> None:
    person = standing(203, 200)
    found = built().decode(encoded(person))
    assert pixels_of(found)[0, ANKLE, 1] == pytest.approx(352, abs=0.1)
    assert found.keypoints[0, ANKLE, 2] < 0.1


def test_nobody_is_told_where_nothing_is_likely() -> None:
    assert len(built().decode(encoded())) == 0


def test_a_person_below_the_floor_is_not_told() -> None:
    tensors = encoded(standing(203, 75))
    tensors[0][..., 3:] = -8  # three keypoints of seventeen
    assert len(built().decode(tensors)) == 0


def test_the_radius_says_from_where_on_two_roots_are_two_persons() -> None:
    persons = standing(150, 75), standing(250, 75)
    assert len(built().decode(encoded(*persons))) == 2
    assert len(built(nms_radius=120).decode(encoded(*persons))) == 1


def test_persons_everywhere_are_cut_short() -> None:
    tensors = encoded()
    tensors[0][:] = np.random.default_rng(0).uniform(1, 4, OUTPUTS["heatmaps"])
    assert 0 < len(built().decode(tensors)) <= 20


def test_a_stride_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ModelError, match=r"heatmaps \[45, 61, 17\]"):
        built(stride=8)
