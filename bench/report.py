"""From figures to medians, a table and JSON. Runs nothing."""

import os
import platform
from statistics import median, quantiles

FLOORS = {
    "GET /verify": "floor of GET /verify",
    "GET /verify, unseen token": "floor of GET /verify",
    "GET /verify, 1 client": "floor of GET /verify",
    "GET /verify, ES256": "floor of GET /verify, ES256",
    "GET /verify, EdDSA": "floor of GET /verify, EdDSA",
    "POST /verify": "floor of POST /verify",
    "POST /authorize, warm": "floor of POST /authorize",
    "POST /authorize, warm, 1 client": "floor of POST /authorize",
}
PEERS = {
    "GET /verify": "Express: POST /verify",
    "POST /verify": "Express: POST /verify",
    "POST /authorize, warm": "Express: POST /authorize",
}
# (row, column, at least)
GOALS = [
    ("GET /verify", "of_floor", 0.80),
    ("GET /verify, ES256", "of_floor", 0.80),
    ("GET /verify, EdDSA", "of_floor", 0.80),
    ("POST /authorize, warm", "of_floor", 0.75),
    ("GET /verify", "times_express", 20),
    ("POST /authorize, warm", "times_express", 20),
    ("cold, generated", "per_core", 500),
]


def ratio(rounds, name, other):
    """The median of the rounds' ratios: what disturbs a round disturbs both."""
    if other not in rounds:
        return None
    return median(a["rate"] / b["rate"] for a, b in zip(rounds[name], rounds[other]))


def collect(args, rounds, cold, memory, refusals):
    rows = {}
    for name, figures in rounds.items():
        rows[name] = {column: median(f[column] for f in figures) for column in ("rate", "cpu_us", "p50_us", "p99_us")}
        rows[name]["of_floor"] = ratio(rounds, name, FLOORS.get(name))
        rows[name]["times_express"] = ratio(rounds, name, PEERS.get(name))
    for origin, figures in cold.items():
        row = {column: median(f[column] for f in figures)
               for column in ("rate", "cpu_us", "p50_us", "p99_us", "hash_ms")}
        row["per_core"] = median(f["rate"] / f["threads"] for f in figures)
        row["hashing_threads"] = figures[0]["threads"]
        rows[f"cold, {origin}"] = row
    goals = [{"row": row, "column": column, "goal": goal, "reached": rows[row].get(column)}
             for row, column, goal in GOALS]
    return {"machine": {"cores": len(os.sched_getaffinity(0)), "arch": platform.machine(),
                        "kernel": platform.release()},
            "run": {"rounds": args.rounds, "seconds": args.seconds, "connections": args.connections},
            "rows": rows, "memory_mib": memory, "goals": goals, "refusals_ms": refusals,
            "rounds": {**rounds, **{f"cold, {o}": f for o, f in cold.items()}}}


def table(result):
    run, rows = result["run"], result["rows"]
    lines = [f"{result['machine']['cores']} cores shared by server and load; medians of {run['rounds']} rounds of "
             f"{run['seconds']} s, {run['connections']} connections, TLS 1.3; 100,000 clients unless said", ""]
    head = ("", "req/s", "of floor", "x Express", "CPU µs/req", "p50 ms", "p99 ms")
    lines += [line(head), line(("-" * 34, *["-" * 10] * 6))]
    for name, row in rows.items():
        lines.append(line((name, f"{row['rate']:,.0f}", number(row.get("of_floor"), ".2f"),
                           number(row.get("times_express"), ".1f"), f"{row['cpu_us']:,.1f}",
                           f"{row['p50_us'] / 1e3:.2f}", f"{row['p99_us'] / 1e3:.2f}")))
    lines.append("")
    for origin in ("generated", "chosen"):
        row = rows[f"cold, {origin}"]
        lines.append(f"cold, {origin}: {row['per_core']:,.0f} logins/s per hashing thread "
                     f"({row['hashing_threads']} of them), {row['hash_ms']:.2f} ms of its processor time each")
    memory = result["memory_mib"]
    for name, what in (("few", "1 client"), ("many", "100,000 clients")):
        lines.append(f"resident memory with {what}: {memory[name]['idle']:.1f} MiB idle, "
                     f"{memory[name]['after load']:.1f} MiB after the load")
    lines.append(f"resident memory after cold logins: {memory['cold']['generated']:.1f} MiB (generated), "
                 f"{memory['cold']['chosen']:.1f} MiB (chosen)")
    lines += ["", line(("refused in ms", "p5", "p25", "p50", "p75", "p95", "mean"))]
    for origin, bodies in result["refusals_ms"].items():
        for name, times in bodies.items():
            cuts = quantiles(times, n=20)
            figures = [cuts[0], cuts[4], cuts[9], cuts[14], cuts[18], sum(times) / len(times)]
            lines.append(line((f"{origin} form, {name}", *[f"{figure:.2f}" for figure in figures])))
    lines.append("")
    for goal in result["goals"]:
        reached = goal["reached"]
        verdict = "not measured" if reached is None else "reached" if reached >= goal["goal"] else "MISSED"
        lines.append(f"goal: {goal['row']}, {goal['column'].replace('_', ' ')} >= {goal['goal']}: "
                     f"{number(reached, '.2f')}, {verdict}")
    return "\n".join(lines)


def line(cells):
    return f"{cells[0]:<34}" + "".join(f"{cell:>12}" for cell in cells[1:])


def number(value, form):
    return "" if value is None else format(value, form)
