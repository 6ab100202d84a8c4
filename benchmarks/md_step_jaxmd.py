"""The jax-md contender of `md_step.py`: ``python md_step_jaxmd.py FORMAT TASK.npz``.

Runs in an environment with jax-md and without mlmat. The neighbour list is made anew inside the
compiled loop, as jax-md's own examples do, and checked for overflow after each chunk.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
from jax_md import partition, simulate, smap, space


def main() -> None:
    """Compile, make the first chunk of steps, then chunks on request."""
    which, path = sys.argv[1:]
    task = dict(np.load(path))
    config = json.loads(str(task["config"]))
    chunk, sigma, epsilon = config["chunk"], config["sigma"], config["epsilon"]
    onset, cutoff, n = config["onset"], config["cutoff"], len(task["positions"])
    box = float(task["cell"][0, 0])
    displacement, shift = space.periodic(box)

    def pair(distance, **_):
        # Safe under the padding of the dense format, whose distances are 0.
        inside = (distance > 0) & (distance < cutoff)
        r = jnp.where(inside, distance, 1.0)
        power = (sigma / r) ** 6
        t = jnp.clip((r - onset) / (cutoff - onset), 0.0, 1.0)
        step = 1.0 - t**3 * (10.0 - 15.0 * t + 6.0 * t * t)
        return jnp.where(inside, 4.0 * epsilon * (power * power - power) * step, 0.0)

    layout = {"dense": partition.Dense, "ordered sparse": partition.OrderedSparse}[which]
    energy = smap.pair_neighbor_list(pair, space.canonicalize_displacement_or_metric(displacement))
    neighbours_of = partition.neighbor_list(
        displacement, box, cutoff, dr_threshold=config["skin"], capacity_multiplier=1.25, format=layout
    )
    init, step = simulate.nve(energy, shift, dt=config["time_step_internal"])
    positions = jnp.asarray(np.mod(task["positions"], box), jnp.float32)
    neighbours = neighbours_of.allocate(positions)
    mass = config["mass"]
    state = init(jax.random.PRNGKey(0), positions, kT=0.0, mass=mass, neighbor=neighbours)
    state = state.set(momentum=jnp.asarray(task["velocities"], jnp.float32) * mass)

    @jax.jit
    def advance(state, neighbours):
        def one(_, carry):
            state, neighbours = carry
            neighbours = neighbours.update(state.position)
            return step(state, neighbor=neighbours), neighbours

        return jax.lax.fori_loop(0, chunk, one, (state, neighbours))

    @jax.jit
    def total(state, neighbours):
        kinetic = 0.5 * (state.momentum**2).sum() / mass
        return (energy(state.position, neighbor=neighbours) + kinetic) / n

    began = time.perf_counter()
    advance = advance.lower(state, neighbours).compile()
    compile_s = time.perf_counter() - began

    def run(state, neighbours):
        state, neighbours = jax.block_until_ready(advance(state, neighbours))
        assert not bool(neighbours.did_buffer_overflow), "jax-md's neighbour list overflowed"
        return state, neighbours

    state, neighbours = run(state, neighbours)
    versions = {"jax": jax.__version__, "jax-md": version("jax-md")}
    first = {"compile_s": compile_s, "loss": float(total(state, neighbours))}
    print(json.dumps({**first, "versions": versions}), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            began = time.perf_counter()
            state, neighbours = run(state, neighbours)
            times.append(1e3 * (time.perf_counter() - began) / chunk)
        print(json.dumps({"ms": times, "loss": float(total(state, neighbours))}), flush=True)


if __name__ == "__main__":
    main()
