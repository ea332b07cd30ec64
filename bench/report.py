"""From figures to medians, a table and JSON. Runs nothing."""

import os
import platform
from statistics import median, quantiles

NEW_CONNECTION = ", a connection each"
SPLIT = ", a runtime a core"
FLOORS = {
    "floor of GET /verify" + SPLIT: "floor of GET /verify",
    "floor of POST /authorize" + SPLIT: "floor of POST /authorize",
    "GET /verify": "floor of GET /verify",
    "GET /verify, unseen token": "floor of GET /verify",
    "GET /verify, 1 client": "floor of GET /verify",
    "GET /verify, ES256": "floor of GET /verify, ES256",
    "GET /verify, EdDSA": "floor of GET /verify, EdDSA",
    "GET /verify, no root": "floor of GET /verify, no root",
    "GET /verify, 1 root": "floor of GET /verify, 1 root",
    "GET /verify, 5 roots": "floor of GET /verify, 5 roots",
    "POST /verify": "floor of POST /verify",
    "POST /authorize, warm": "floor of POST /authorize",
    "POST /authorize, warm, 1 client": "floor of POST /authorize",
    "GET /verify" + NEW_CONNECTION: "floor of GET /verify" + NEW_CONNECTION,
    "POST /authorize, warm" + NEW_CONNECTION: "floor of POST /authorize" + NEW_CONNECTION,
}
# What a row is compared with at each peer.
PEERS = {
    "GET /verify": "POST /verify",
    "POST /verify": "POST /verify",
    "POST /authorize, warm": "POST /authorize",
    "GET /verify" + NEW_CONNECTION: "POST /verify" + NEW_CONNECTION,
    "POST /authorize, warm" + NEW_CONNECTION: "POST /authorize" + NEW_CONNECTION,
}
# (row, column, at least)
GOALS = [
    ("GET /verify", "of_floor", 0.90),
    ("GET /verify, ES256", "of_floor", 0.85),
    ("GET /verify, EdDSA", "of_floor", 0.85),
    ("POST /authorize, warm", "of_floor", 0.85),
    ("GET /verify", "times_Express", 30),
    ("POST /authorize, warm", "times_Express", 30),
    ("GET /verify" + NEW_CONNECTION, "per_core", 1_000),
    ("POST /authorize, warm" + NEW_CONNECTION, "per_core", 1_000),
    ("cold, generated", "per_core", 1_000),
]
# (what, at most): megabytes, milliseconds, statements a request
LIMITS = [("idle MB", 30), ("MB after the load", 60), ("ms to the first answer", 200),
          ("statements a GET /verify", 0.005), ("statements a warm POST /authorize", 0.005),
          ("statements a POST /token, assertion ES256", 0.005)]
MEGABYTE = 1e6 / 2**20
COLUMNS = ("rate", "cpu_us", "p50_us", "p99_us", "queries")


def ratio(rounds, name, other):
    """The median of the rounds' ratios: what disturbs a round disturbs both."""
    if other not in rounds:
        return None
    return median(a["rate"] / b["rate"] for a, b in zip(rounds[name], rounds[other]))


def medians(rounds):
    """The rows of the table, and the peers."""
    rows = {}
    peers = list(dict.fromkeys(name.partition(": ")[0] for name in rounds if ": " in name))
    for name, figures in rounds.items():
        rows[name] = row = {column: median(f[column] for f in figures) for column in COLUMNS}
        row["of_floor"] = ratio(rounds, name, FLOORS.get(name))
        row["per_core"] = 1e6 / row["cpu_us"] if row["cpu_us"] else None
        for peer in peers:
            row[f"times_{peer}"] = ratio(rounds, name, f"{peer}: {PEERS[name]}") if name in PEERS else None
    return rows, peers


def about(args):
    return {"machine": {"cores": len(os.sched_getaffinity(0)), "arch": platform.machine(),
                        "kernel": platform.release()},
            "run": {"rounds": args.rounds, "seconds": args.seconds, "connections": args.connections}}


def collect_rows(args, rounds):
    """The figures of a run with `--only`: without those that are no rows, and without goals."""
    rows, peers = medians(rounds)
    return {**about(args), "peers": peers, "rows": rows, "rounds": rounds}


def collect(args, rounds, cold, memory, starts, balanced, writes, refusals):
    rows, peers = medians(rounds)
    for origin, figures in cold.items():
        row = {column: median(f[column] for f in figures) for column in (*COLUMNS, "hash_ms")}
        row["per_core"] = median(f["rate"] / f["threads"] for f in figures)
        row["lane_threads"] = figures[0]["threads"]
        rows[f"cold, {origin}"] = row
    goals = [{"row": row, "column": column, "goal": goal, "reached": rows[row].get(column)}
             for row, column, goal in GOALS]
    reached = [memory["many"]["idle"] / MEGABYTE, memory["many"]["after load"] / MEGABYTE, median(starts),
               rows["GET /verify"]["queries"], rows["POST /authorize, warm"]["queries"],
               rows["POST /token, assertion ES256"]["queries"]]
    limits = [{"what": what, "limit": limit, "reached": figure} for (what, limit), figure in zip(LIMITS, reached)]
    return {**about(args), "peers": peers, "rows": rows, "memory_mib": memory, "starts_ms": starts, "balanced": balanced, "writes": writes, "goals": goals,
            "limits": limits, "refusals_ms": refusals,
            "rounds": {**rounds, **{f"cold, {o}": f for o, f in cold.items()}}}


def rows_table(result):
    run, rows = result["run"], result["rows"]
    lines = [f"{result['machine']['cores']} cores shared by server and load; medians of {run['rounds']} rounds of "
             f"{run['seconds']} s, {run['connections']} connections, TLS 1.3; 100,000 clients unless said", ""]
    peers = result["peers"]
    head = ("", "req/s", "of floor", *(f"x {peer}"[:11] for peer in peers), "CPU µs/req", "p50 ms", "p99 ms", "queries")
    lines += [line(head), line(("-" * 48, *["-" * 10] * (len(head) - 1)))]
    for name, row in rows.items():
        lines.append(line((name, f"{row['rate']:,.0f}", number(row.get("of_floor"), ".2f"),
                           *(number(row.get(f"times_{peer}"), ".1f") for peer in peers), f"{row['cpu_us']:,.1f}",
                           f"{row['p50_us'] / 1e3:.2f}", f"{row['p99_us'] / 1e3:.2f}", f"{row['queries']:.4f}")))
    return "\n".join(lines)


def table(result):
    rows = result["rows"]
    lines = [rows_table(result), ""]
    for origin in ("generated", "chosen"):
        row = rows[f"cold, {origin}"]
        lines.append(f"cold, {origin}: {row['per_core']:,.0f} logins/s per thread of the lane "
                     f"({row['lane_threads']} of them), {row['hash_ms']:.2f} ms of its processor time each")
    memory = result["memory_mib"]
    for name, what in (("few", "1 client"), ("many", "100,000 clients")):
        lines.append(f"resident memory with {what}: {memory[name]['idle']:.1f} MiB idle, "
                     f"{memory[name]['after load']:.1f} MiB after the load")
    lines.append(f"(the load of the latter: {memory['requests']:,} requests)")
    lines.append(f"resident memory after cold logins: {memory['cold']['generated']:.1f} MiB (generated), "
                 f"{memory['cold']['chosen']:.1f} MiB (chosen)")
    starts = result["starts_ms"]
    lines.append(f"from the start of the process to the first token, 100,000 clients: {median(starts):.0f} ms "
                 f"({min(starts):.0f} to {max(starts):.0f}, {len(starts)} starts)")
    lines += ["", line(("two replicas behind HAProxy", "req/s", "HAProxy µs", "a µs/req", "b µs/req"))]
    for name, row in result["balanced"].items():
        lines.append(line((name, f"{row['rate']:,.0f}", *(f"{cpu:,.1f}" for cpu in (row["cpu_us"], *row["replicas_us"])))))
    writes = result["writes"]
    lines += ["", f"POST /revoke, another token each time: {writes['revoke']['cpu_us']:,.0f} us of processor time and "
              f"{writes['revoke']['queries']:.1f} statements each",
              f"while nobody asks: {writes['idle_us_per_s']:,.0f} us of processor time and "
              f"{writes['idle_queries_per_s']:.1f} statements a second"]
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
                     f"{number(reached, ',.2f')}, {verdict}")
    for limit in result["limits"]:
        verdict = "kept" if limit["reached"] <= limit["limit"] else "MISSED"
        lines.append(f"goal: {limit['what']} <= {limit['limit']}: {limit['reached']:.4g}, {verdict}")
    return "\n".join(lines)


def line(cells):
    return f"{cells[0]:<48}" + "".join(f"{cell:>12}" for cell in cells[1:])


def number(value, form):
    return "" if value is None else format(value, form)
