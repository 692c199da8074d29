import numpy as np
import pytest

from eyespot import decoders
from eyespot.domain.errors import ModelError
from eyespot.domain.layout import Layout
from eyespot.domain.observation import Floats, Poses
from fakes.posing import HEIGHT, OUTPUTS, STRIDE, WIDTH, encoded, standing

SIZE = np.array([WIDTH, HEIGHT])
NOSE, ANKLE = 0, 16


def built(**changes: int) -> decoders.Decoder:
    layout = Layout(WIDTH, HEIGHT, OUTPUTS, 1)
    return decoders.build({"kind": "posenet", "stride": STRIDE, **changes}, layout, floor=0.3, nms_iou=0.5)


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
