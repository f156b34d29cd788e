"""People for the rendered figures: joint angles within anatomical limits, kinematics, clothes, body parts.

Everything is batched over figures. A body lives in its own frame, in units of its standing height: the origin
is the middle of the pelvis, x points to the person's left, y up, z out of the chest. `sample_bodies` returns
it in the camera's axes: x to the picture's right, y up, z towards the viewer. So an upright person who faces
us has the right hand on the picture's left, as in LSP. Segment lengths are near those of Drillis and Contini
(1966); head and trunk are a little larger, since at 64 pixels a face must still show which way it looks.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

POSES = ("everyday", "acrobatic")
"""Distributions of poses: upright people, and people in any orientation with wide joint angles."""

DRAWS_PER_FIGURE = 384
"""Random numbers that every figure has to itself; a few are left over."""

# Ranges in degrees, one row a habit: flexion (forward +), abduction (outward +), twist about the bone, bend
# of the elbow or knee. A twist of −90 turns a hanging arm's bend towards the body's middle, +90 away from it.
ARMS = {
    "everyday": (
        ((-20, 20), (6, 24), (-30, 20), (4, 40)),  # hanging, swinging
        ((-25, 5), (34, 55), (-100, -75), (80, 112)),  # hand on the hip
        ((-10, 30), (115, 165), (0, 90), (0, 70)),  # raised
        ((-15, 25), (60, 100), (-20, 95), (0, 100)),  # held out, waving
        ((30, 80), (0, 30), (-50, 10), (20, 95)),  # reaching forward
    ),
    "acrobatic": (
        ((-40, 60), (10, 60), (-90, 40), (0, 120)),
        ((-20, 30), (60, 120), (-60, 95), (0, 130)),
        ((-20, 60), (120, 178), (-20, 95), (0, 110)),
        ((40, 150), (0, 70), (-70, 40), (0, 120)),
    ),
}
ARM_WEIGHTS = {"everyday": (0.4, 0.15, 0.18, 0.19, 0.08), "acrobatic": (0.25, 0.25, 0.3, 0.2)}

# Legs come in pairs, (leading, trailing); which side leads is tossed.
LEGS = {
    "everyday": (
        (((-5, 8), (2, 10), (-5, 25), (0, 12)), ((-5, 8), (2, 10), (-5, 25), (0, 12))),  # standing
        (((-5, 8), (12, 26), (-5, 25), (0, 14)), ((-5, 8), (12, 26), (-5, 25), (0, 14))),  # astride
        (((15, 38), (0, 8), (-5, 12), (0, 25)), ((-28, -8), (0, 8), (-5, 12), (8, 48))),  # walking
        (((40, 80), (4, 28), (-5, 25), (45, 95)), ((-5, 8), (0, 10), (-5, 20), (0, 12))),  # one knee raised
        (((45, 80), (8, 34), (0, 25), (60, 100)), ((45, 80), (8, 34), (0, 25), (60, 100))),  # sitting
    ),
    "acrobatic": (
        (((-20, 60), (5, 50), (-20, 40), (0, 110)), ((-30, 90), (5, 50), (-20, 40), (0, 130))),  # jumping
        (((-10, 20), (55, 86), (0, 40), (0, 25)), ((-10, 20), (55, 86), (0, 40), (0, 25))),  # side split
        (((60, 95), (0, 15), (-10, 20), (0, 25)), ((-60, -25), (0, 15), (-10, 20), (0, 60))),  # front split
        (
            ((80, 125), (5, 40), (-10, 30), (85, 140)),
            ((80, 125), (5, 40), (-10, 30), (85, 140)),
        ),  # crouch, tuck
        (((-10, 10), (0, 12), (-10, 20), (0, 20)), ((-10, 10), (0, 12), (-10, 20), (0, 20))),  # straight
        (((50, 110), (0, 40), (-10, 30), (0, 130)), ((-25, 15), (0, 25), (-10, 30), (0, 120))),  # kicking
    ),
}
LEG_WEIGHTS = {
    "everyday": (0.32, 0.24, 0.24, 0.11, 0.09),
    "acrobatic": (0.3, 0.12, 0.14, 0.18, 0.1, 0.16),
}
# Largest absolute angle of (pitch, yaw, roll), in degrees, for the trunk against the pelvis, the head against
# the trunk, the whole body against the camera. All are drawn by `Draws.around`: small angles are commoner.
TRUNK = {"everyday": (12, 15, 8), "acrobatic": (42, 35, 28)}
HEAD = {"everyday": (14, 30, 12), "acrobatic": (30, 50, 25)}
BODY = {"everyday": (8, 48, 15), "acrobatic": (35, 80, 180)}


SKIN = (
    (1.0, 0.86, 0.75),
    (0.95, 0.76, 0.62),
    (0.82, 0.61, 0.45),
    (0.65, 0.45, 0.32),
    (0.46, 0.3, 0.21),
    (0.34, 0.22, 0.16),
)
HAIR = (
    (0.1, 0.08, 0.07),
    (0.25, 0.15, 0.09),
    (0.45, 0.28, 0.14),
    (0.86, 0.7, 0.38),
    (0.62, 0.27, 0.12),
    (0.62, 0.6, 0.58),
)


class Part(NamedTuple):
    """One tapered capsule of a body, between two named points.

    ``nearer`` is added to the mean depth for the painter's order: arms and thighs in the trunk's own plane
    are seen in front of it. That mean is taken over ``sorted_by``, two points, where it is given: a sleeve is
    as deep as the whole upper arm, the shirt's sides as its middle. ``rim`` is the edge's darkness, 0 to 1.
    """

    start: str
    end: str
    start_radius: float
    end_radius: float
    paint: str
    nearer: float = 0.0
    sorted_by: tuple[str, str] | None = None
    rim: float = 1.0


HEAD_PARTS = (
    Part("crown", "nape", 0.058, 0.05, "hair"),
    Part("brow", "chin", 0.049, 0.036, "skin", rim=0.5),
    Part("right_eye", "right_eye", 0.0085, 0.0085, "eyes"),
    Part("left_eye", "left_eye", 0.0085, 0.0085, "eyes"),
)
_TRUNK_PARTS = (  # the middle of the shirt has no rim and hides the inner rims of its sides: one garment
    Part("neck", "throat", 0.032, 0.03, "skin", -0.012),
    Part("right_armpit", "right_flank", 0.042, 0.046, "shirt", sorted_by=("chest", "waist")),
    Part("left_armpit", "left_flank", 0.042, 0.046, "shirt", sorted_by=("chest", "waist")),
    Part("chest", "waist", 0.072, 0.066, "shirt", 0.001, rim=0.0),
    Part("right_hip", "left_hip", 0.052, 0.052, "trousers", -0.001),
)
_SIDE_PARTS = (
    Part("shoulder", "elbow", 0.03, 0.025, "arm", 0.03),
    Part("shoulder", "cuff", 0.035, 0.033, "shirt", 0.031, sorted_by=("shoulder", "elbow")),
    Part("elbow", "wrist", 0.025, 0.02, "arm", 0.03),
    Part("wrist", "hand", 0.022, 0.024, "skin", 0.032),
    Part("hip", "knee", 0.046, 0.034, "leg", 0.01),
    Part("hip", "hem", 0.05, 0.042, "trousers", 0.011, sorted_by=("hip", "knee")),
    Part("knee", "ankle", 0.034, 0.023, "leg", 0.01),
    Part("heel", "toe", 0.026, 0.021, "shoes", 0.012),
)
PARTS = (
    *HEAD_PARTS,
    *_TRUNK_PARTS,
    *(
        part._replace(
            start=f"{side}_{part.start}",
            end=f"{side}_{part.end}",
            sorted_by=part.sorted_by and (f"{side}_{part.sorted_by[0]}", f"{side}_{part.sorted_by[1]}"),
        )
        for side in ("right", "left")
        for part in _SIDE_PARTS
    ),
)


class Draws:
    """Hands out the columns of one table of uniform numbers, a row a figure.

    A figure's numbers are its own row, so a figure depends on the seed and its index, and neither on how many
    figures were asked for nor on how they were cut into chunks. Uniforms only: torch fills a normal sample in
    blocks whose values depend on the tensor's length.
    """

    def __init__(self, table: Float[Tensor, "n draws"]) -> None:
        self.table = table
        self.used = 0

    def unit(self, *shape: int) -> Float[Tensor, "n ..."]:
        """Return (n, *shape) numbers in [0, 1)."""
        count = math.prod(shape)
        assert self.used + count <= self.table.shape[1], "raise DRAWS_PER_FIGURE"
        taken = self.table[:, self.used : self.used + count]
        self.used += count
        return taken.reshape(-1, *shape)

    def between(self, low: float, high: float, *shape: int) -> Float[Tensor, "n ..."]:
        """Return (n, *shape) numbers, uniform in [low, high)."""
        return low + (high - low) * self.unit(*shape)

    def around(self, spread: float, *shape: int) -> Float[Tensor, "n ..."]:
        """Return (n, *shape) numbers in (−spread, spread), triangular about 0."""
        return spread * (self.unit(*shape) - self.unit(*shape))

    def chance(self, probability: float | Tensor, *shape: int) -> Bool[Tensor, "n ..."]:
        """Return (n, *shape) flags, each true with the given probability."""
        return self.unit(*shape) < probability

    def pick(self, options: Float[Tensor, "k ..."], weights: Sequence[float]) -> Float[Tensor, "n ..."]:
        """Return one of k options for every figure, with the given weights, which sum to 1."""
        edges = torch.tensor(weights).cumsum(0)[:-1]
        return options[torch.searchsorted(edges, self.unit(1)[:, 0].contiguous(), right=True)]


def _rotation(axis: int, degrees: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch 3 3"]:
    """Return right-handed rotations about axis 0 (x), 1 (y) or 2 (z)."""
    angle = torch.deg2rad(degrees)
    result = torch.zeros(*angle.shape, 3, 3)
    following, last = (axis + 1) % 3, (axis + 2) % 3
    result[..., axis, axis] = 1
    result[..., following, following] = result[..., last, last] = angle.cos()
    result[..., last, following] = angle.sin()
    result[..., following, last] = -angle.sin()
    return result


def _turn(angles: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3 3"]:
    """Return roll · pitch · yaw for angles (pitch, yaw, roll) in degrees: turn, then bend, then tilt."""
    pitch, yaw, roll = angles.unbind(-1)
    return _rotation(2, roll) @ _rotation(0, pitch) @ _rotation(1, yaw)


def _limbs(angles: Float[Tensor, "n 2 4"], bend_sign: int) -> tuple[Tensor, Tensor]:
    """Return the frames of upper and lower segment, (n, 2, 3, 3) each, right side first.

    A segment points along its frame's −y. Angles are (flexion, abduction, twist, bend) in degrees; knees bend
    backwards (sign +1), elbows forwards (−1). Computed as for the left side, mirrored in x for the right.
    """
    flexion, abduction, twist, bend = angles.unbind(-1)
    upper = _rotation(2, abduction) @ _rotation(0, -flexion) @ _rotation(1, twist)
    lower = upper @ _rotation(0, bend_sign * bend)
    side = torch.tensor((-1.0, 1.0))[:, None]
    for frame in (upper, lower):
        frame[..., 0, :] *= side  # the direction in the body's frame is mirrored, the segment's own axes are not
    return upper, lower


def _habits(draw: Draws, poses: str) -> tuple[Float[Tensor, "n 2 4"], Float[Tensor, "n 2 4"]]:
    """Draw (flexion, abduction, twist, bend) in degrees for the arms and the legs, right side first."""

    def within(ranges: Float[Tensor, "n 2 4 2"]) -> Float[Tensor, "n 2 4"]:
        return ranges[..., 0] + (ranges[..., 1] - ranges[..., 0]) * draw.unit(2, 4)

    arms = torch.tensor(ARMS[poses], dtype=torch.float32)
    both = torch.stack([draw.pick(arms, ARM_WEIGHTS[poses]) for _ in range(2)], 1)
    alike = draw.chance(0.4, 1)[:, 0]
    both[alike, 1] = both[alike, 0]
    legs = draw.pick(torch.tensor(LEGS[poses], dtype=torch.float32), LEG_WEIGHTS[poses])
    legs = torch.where(draw.chance(0.5, 1, 1, 1), legs, legs.flip(1))
    return within(both), within(legs)


def sample_bodies(draw: Draws, poses: str) -> dict[str, Float[Tensor, "n 3"]]:
    """Draw one body a figure.

    Args:
        draw: each figure's random numbers.
        poses: one of `POSES`.

    Returns:
        Points by name, in camera axes and standing heights: the LSP joints, and what the drawing needs beside
        them (hands, toes, crown, chin, eyes, …).
    """
    n = draw.table.shape[0]
    limb = draw.between(0.94, 1.06, 1)
    arm_angles, leg_angles = _habits(draw, poses)
    trunk = _turn(draw.around(1.0, 3) * torch.tensor(TRUNK[poses]))
    head = trunk @ _turn(draw.around(1.0, 3) * torch.tensor(HEAD[poses]))
    limits = torch.tensor(BODY[poses])
    angles = draw.around(1.0, 3) * limits
    if poses == "acrobatic":  # every orientation in the picture's plane is as likely as any other
        angles[:, 2] = draw.between(-180.0, 180.0, 1)[:, 0]

    def at(frame: Tensor, *offset: float | Tensor) -> Tensor:
        columns = [torch.as_tensor(part, dtype=torch.float32).expand(n) for part in offset]
        return torch.einsum("nij,nj->ni", frame, torch.stack(columns, -1))

    upright = torch.eye(3).expand(n, 3, 3)
    shoulder_half, hip_half = draw.between(0.108, 0.126, 1)[:, 0], draw.between(0.054, 0.064, 1)[:, 0]
    neck = at(trunk, 0.0, 0.3, 0.0)
    size = draw.between(0.98, 1.16, 1)
    points = {
        "pelvis": torch.zeros(n, 3),
        "waist": at(trunk, 0.0, 0.066, 0.0),
        "chest": at(trunk, 0.0, 0.25, 0.0),
        "neck": neck,
        "head_top": neck + size * at(head, 0.0, 0.192, -0.004),
        "throat": neck + size * at(head, 0.0, 0.07, 0.004),
        "brow": neck + size * at(head, 0.0, 0.116, 0.018),
        "chin": neck + size * at(head, 0.0, 0.074, 0.024),
        "crown": neck + size * at(head, 0.0, 0.134, -0.008),
        "nape": neck + size * at(head, 0.0, draw.between(-0.01, 0.11, 1)[:, 0], -0.036),
        "right_eye": neck + size * at(head, -0.021, 0.108, 0.053),
        "left_eye": neck + size * at(head, 0.021, 0.108, 0.053),
    }
    arms, legs = _limbs(arm_angles, -1), _limbs(leg_angles, +1)
    for index, (side, sign) in enumerate((("right", -1), ("left", 1))):
        upper, lower = trunk @ arms[0][:, index], trunk @ arms[1][:, index]
        shoulder = at(trunk, sign * shoulder_half, 0.29, 0.0)
        elbow = shoulder + limb * at(upper, 0.0, -0.18, 0.0)
        wrist = elbow + limb * at(lower, 0.0, -0.15, 0.0)
        thigh, shin = legs[0][:, index], legs[1][:, index]
        hip = at(upright, sign * hip_half, 0.0, 0.0)
        knee = hip + limb * at(thigh, 0.0, -0.24, 0.0)
        ankle = knee + limb * at(shin, 0.0, -0.23, 0.0)
        named = {
            "shoulder": shoulder,
            "elbow": elbow,
            "wrist": wrist,
            "hip": hip,
            "knee": knee,
            "ankle": ankle,
        }
        named["hand"] = wrist + at(lower, 0.0, -0.045, 0.0)
        named["heel"] = ankle + at(shin, 0.0, -0.03, -0.01)
        named["toe"] = ankle + at(shin, 0.0, -0.045, 0.085)
        named["flank"] = at(trunk, sign * hip_half, 0.05, 0.0)
        named["armpit"] = at(trunk, sign * (shoulder_half - 0.012), 0.272, 0.0)
        points |= {f"{side}_{part}": point for part, point in named.items()}
    facing = _turn(angles)
    return {name: torch.einsum("nij,nj->ni", facing, point) for name, point in points.items()}


def hsv(hue: Tensor, saturation: Tensor, value: Tensor) -> Float[Tensor, "... 3"]:
    """Return RGB colors; everything in 0 to 1, the hue a circle."""
    ramp = ((6 * hue[..., None] + torch.tensor((0.0, 4.0, 2.0))) % 6 - 3).abs() - 1
    return value[..., None] * (1 - saturation[..., None] * (1 - ramp.clamp(0, 1)))


def dress(draw: Draws, points: dict[str, Float[Tensor, "n 3"]]) -> dict[str, Float[Tensor, "n 3"]]:
    """Draw skin, hair and clothes.

    Args:
        draw: each figure's random numbers.
        points: what `sample_bodies` returned; the ends of sleeves and trouser legs are added to it.

    Returns:
        RGB colors, 0 to 1, by the names that `PARTS` calls paints.
    """
    sleeve, hem = draw.between(0.3, 0.9, 1), draw.between(0.45, 0.9, 1)
    long_sleeve, long_hem = draw.chance(0.3, 1), draw.chance(0.5, 1)
    for side in ("right", "left"):
        for start, end, cut, share, long in (
            ("shoulder", "elbow", "cuff", sleeve, long_sleeve),
            ("hip", "knee", "hem", hem, long_hem),
        ):
            first, last = points[f"{side}_{start}"], points[f"{side}_{end}"]
            points[f"{side}_{cut}"] = torch.lerp(first, last, torch.where(long, 1.0, share))
    skin = draw.pick(torch.tensor(SKIN), (0.22, 0.22, 0.17, 0.15, 0.14, 0.1))
    skin = (skin * draw.between(0.93, 1.07, 1)).clamp(0, 1)
    hair = draw.pick(torch.tensor(HAIR), (0.25, 0.25, 0.18, 0.14, 0.08, 0.1))
    hue, part, value = draw.unit(), draw.between(0.25, 0.75), draw.unit(2)
    shirt = hsv(hue, draw.between(0.35, 0.95), 0.5 + 0.5 * value[:, 0])
    trousers = hsv((hue + part) % 1, draw.between(0.15, 0.8), 0.2 + 0.5 * value[:, 1])
    return {
        "skin": skin,
        "hair": hair,
        "eyes": torch.full_like(skin, 0.08),
        "shirt": shirt,
        "trousers": trousers,
        "arm": torch.where(long_sleeve, shirt, skin),
        "leg": torch.where(long_hem, trousers, skin),
        "shoes": hsv(draw.unit(), draw.between(0.0, 0.6), draw.between(0.1, 0.95)),
    }
