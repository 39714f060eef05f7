"""The No-U-Turn sampler over a target: growing states, stopped by leaving the loop.

nutpie's sampler (Hoffman & Gelman 2014; Seyboldt's adaptation of the masses by draws
and slopes) runs in threads of its own and calls our compiled densities; nothing has to
be compiled for a model, so a C compiler is never needed here.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.bayesian.convergence import r_hats
from flask_api.domains.market.bayesian.draws import Draws, Saving
from flask_api.domains.market.bayesian.record import Blocks, Noted, Record
from flask_api.domains.market.bayesian.targets import Density, Target
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

#: Seconds between two states, and between two looks into the sampler's own record.
STATE_EVERY_S, LOOK_EVERY_S = 0.2, 0.5
#: Coordinates that the live R-hat looks at, and draws of each chain, evenly spread: a
#: look takes some hundredths of a second, in which chains and a stop wait.
_LOOKED_AT, _LOOKED_DRAWS = 40, 400
#: Parameters of all draws that are held: 0.5 GB, and as much twice to sum them up.
MOST_KEPT = 60_000_000
#: Trees of at most 2^10 steps.
DEEPEST = 10


@dataclass(frozen=True)
class Effort:
    """How much is to be sampled.

    chains, tune, draws   chains, and draws of each for tuning and after it
    target_accept         acceptance that step sizes are tuned for, 0.5..0.99
    parallel              chains at a time, each in a thread; None = all. Changes no
                          number
    """

    chains: int = 4
    tune: int = 1000
    draws: int = 1000
    target_accept: float = 0.9
    parallel: int | None = None


def checked(effort: Effort) -> Effort:
    """The same effort. Raises InputError for one out of range."""
    for name, value, least, most in (
        ("n_chains", effort.chains, 1, 8),
        ("n_tune", effort.tune, 50, 10_000),
        ("n_samples", effort.draws, 10, 10_000),
        ("target_accept", effort.target_accept, 0.5, 0.99),
    ):
        if not least <= value <= most:
            raise InputError(
                f"got {name} {value}; wanted {least} to {most:,}", f"params.{name}"
            )
    return effort


@dataclass(eq=False)
class Sampling:
    """Where the chains are.

    phase         `tuning` until every chain is past it, `sampling`, or `finished`
    engine        what samples, with version and how the density was compiled
    curves        log posterior and step size of the chains, from the first draw on
    divergences   after tuning, of all chains
    step_size     mean of the chains' present ones; None before it is known
    deepest       share of draws after tuning whose tree was cut at its largest depth
    elapsed_s     since the first draw could begin
    places        of the sampler's chains among `draws.chains`, until these are put in
                  its order at the end
    """

    draws: Draws
    engine: str
    curves: Blocks
    phase: str = "tuning"
    divergences: int = 0
    step_size: float | None = None
    deepest: float = 0.0
    elapsed_s: float = 0.0
    places: list[int] = field(default_factory=list)

    @property
    def done(self) -> int:
        return self.draws.done

    @property
    def total_draws(self) -> int:
        return self.draws.total

    @property
    def chain(self) -> int:
        """The chain that is behind the others, from 1."""
        return 1 + int(np.argmin([chain.done for chain in self.draws.chains]))

    @property
    def draw(self) -> int:
        """Draws of that chain, tuning included."""
        return self.draws.chains[self.chain - 1].done

    def r_hat(self) -> float | None:
        """The worst R-hat so far, of some coordinates and draws; None early on."""
        common = self.draws.common
        if common < 20 or len(self.draws.chains) < 2:
            return None
        draws = self.draws.some(
            _spread(common, _LOOKED_DRAWS), _spread(self.draws.width, _LOOKED_AT)
        )
        worst = float(r_hats(draws).max())
        return worst if np.isfinite(worst) else None

    @property
    def samples_per_second(self) -> float | None:
        return self.done / self.elapsed_s if self.elapsed_s > 0 else None


def _spread(length: int, most: int) -> npt.NDArray[np.intp]:
    """Places along a length, evenly spread, the last one too; at most so many."""
    return np.linspace(0, length - 1, min(length, most)).astype(np.intp)


def sample(
    target: Target,
    start: Callable[[np.random.Generator], Floats],
    effort: Effort,
    *,
    seed: int,
    folder: Path | None = None,
) -> Iterator[Sampling]:
    """The chains' growing state, some five times a second.

    start    a scattered starting point, shape (size,), one call per chain
    seed     with the target and the effort it decides every draw, however many chains
             run at a time; on another processor or another numba the last digits of the
             density differ, and so do the draws
    folder   draws are saved here every 10 seconds and at the end, also when the loop is
             left; None = nowhere

    The same object is yielded again and again; the last one's phase is `finished`.
    Leave the loop, or close the generator, to stop: within an evaluation of the
    density. What was drawn stays in `draws`.
    Raises InputError for more draws than memory should hold.
    """
    import nutpie

    kept = effort.chains * effort.draws * target.structure
    if kept > MOST_KEPT:
        raise InputError(
            f"got {effort.chains} chains of {effort.draws:,} draws of "
            f"{target.structure:,} parameters; wanted at most {MOST_KEPT:,} numbers in "
            "all: fewer draws, factors or products",
            "params.n_samples",
        )
    draws = Draws(
        effort.chains, effort.tune, effort.draws, target.structure, target.size
    )
    saving, record = Saving(draws, folder), Record(effort.chains, effort.tune)
    engine = f"nutpie {nutpie.__version__} (NUTS), density by numba"
    state = Sampling(draws, engine, record.curves)
    begun, stopped = time.monotonic(), threading.Event()
    running = _started(target, start, effort, seed, draws, stopped)
    looked, ended = -math.inf, False
    try:
        while not ended:
            results = _results(running)
            state.elapsed_s = time.monotonic() - begun
            state.phase = _phase(draws)
            if results is not None:
                ended = True
                _look(state, record.look(results))
                break
            if time.monotonic() - looked >= LOOK_EVERY_S:
                _look(state, record.look(running.inspect()))
                looked = time.monotonic()
            saving.due()
            yield state
    finally:
        if not ended:
            _look(state, record.look(running.inspect()))
            stopped.set()
            running.cancel()
        draws.chains[:] = [draws.chains[place] for place in state.places]
        saving.now(all_again=True)
    state.phase = "finished"
    yield state


def _results(running: Any) -> Any:
    """The sampler's record once it is through, else None after a while."""
    try:
        return running.wait(timeout=STATE_EVERY_S)
    except TimeoutError:
        return None


def _phase(draws: Draws) -> str:
    tuned = all(chain.done >= draws.tune for chain in draws.chains)
    return "sampling" if tuned else "tuning"


def _started(
    target: Target,
    start: Callable[[np.random.Generator], Floats],
    effort: Effort,
    seed: int,
    draws: Draws,
    stopped: threading.Event,
) -> Any:
    """The running sampler; its threads call what is defined here."""
    import nutpie
    from nutpie.compiled_pyfunc import from_pyfunc

    lock, free = threading.Lock(), list(range(effort.chains))

    def keeper(*_: int) -> Callable[[Floats], dict[str, Floats]]:
        place: list[int] = []

        def keep(point: Floats) -> dict[str, Floats]:
            if not place:
                with lock:
                    place.append(free.pop(0))
            if not stopped.is_set():  # else what was cut short would be kept
                draws.chains[place[0]].add(point)
            return {"place": np.full(1, float(place[0]))}

        return keep

    def density() -> Density:
        evaluate = target.density()

        def unless_stopped(point: Floats) -> tuple[float, Floats]:
            # A tree may take a thousand evaluations: after a stop they cost nothing.
            # (Where a chain looks for its start or step size, nutpie panics at a
            # density without a value, and always at an exception.)
            if stopped.is_set():
                return -0.5 * float(point @ point), -point
            return evaluate(point)

        return unless_stopped

    model = from_pyfunc(
        target.size,
        density,
        keeper,
        [np.dtype(np.float64)],
        [(1,)],
        ["place"],
        make_initial_point_fn=lambda own: start(np.random.default_rng([seed, own])),
    )
    return nutpie.sample(
        model,
        chains=effort.chains,
        tune=effort.tune,
        draws=effort.draws,
        cores=effort.parallel or effort.chains,
        seed=seed % 2**64,
        target_accept=effort.target_accept,
        maxdepth=DEEPEST,
        progress_bar=False,
        return_raw_trace=True,
        blocking=False,
    )


def _look(state: Sampling, noted: Noted) -> None:
    """Take over what the sampler itself has recorded."""
    state.divergences, state.deepest = noted.divergences, noted.deepest
    state.step_size = noted.step_size
    # Threads took places as they came; the sampler's own order is the same every time.
    rest = [n for n in range(len(state.draws.chains)) if n not in noted.places]
    state.places = noted.places + rest
