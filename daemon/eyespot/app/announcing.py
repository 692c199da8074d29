"""Home Assistant: who tells it of the device, wired for one life of the daemon."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import eyespot
from eyespot.app.plan import Plan
from eyespot.host.identity import hardware
from eyespot.pipeline import Pipeline
from eyespot.ports import Clock, Ear, Handover, Subscription
from eyespot.store.memo import Memo
from eyespot.supervisor.announcer import MOST_KEPT_BYTES, Announcer, BesideHomeAssistant
from eyespot.topics.gate import Gate
from eyespot.topics.home_assistant import Described
from eyespot.topics.home_assistant_entities import Abilities, Announced, announced

_TOLD = "home_assistant_told.json"


def announcer(
    plan: Plan,
    pipeline: Pipeline,
    *,
    gate: Gate,
    post: Callable[[Handover], None],
    answers: Callable[[], int],
    turn: AbstractContextManager[object],
    clock: Clock,
) -> Announcer:
    """Return who tells Home Assistant of the device; where that is off, who takes back what it was told.

    Args:
        plan: what this life was made of.
        pipeline: knows the rules; touched while `turn` is held only.
        gate: makes the message.
        post: takes messages.
        answers: how many messages the broker has taken over.
        turn: held by whoever steps the pipeline.
        clock: for delays.
    """

    def rules() -> list[Announced]:
        with turn:
            return announced(pipeline.states)

    settings, device = plan.config.home_assistant, plan.config.device
    described = Described(
        root=plan.root,
        name=device.name or plan.device,
        version=eyespot.__version__,
        hardware=hardware(),
        abilities=Abilities(
            asks=plan.config.update.url is not None and not plan.choice.pinned,
            goes_back=not plan.choice.pinned,
        ),
    )
    return Announcer(
        settings.prefix if settings.discovery else "",
        described,
        rules,
        gate=gate,
        memo=Memo(plan.state_dir / _TOLD, MOST_KEPT_BYTES),
        post=post,
        answers=answers,
        clock=clock,
    )


def ear(commands: Ear, announces: Announcer) -> tuple[Ear, Sequence[Subscription]]:
    """Return who listens where Home Assistant is listened to, too, and to what more.

    Args:
        commands: who listens to all else.
        announces: who wants to know when Home Assistant has begun.
    """
    topic = announces.birth_topic
    if topic is None:
        return commands, ()
    return BesideHomeAssistant(commands, announces), (Subscription(topic, kept=False),)
