"""What came out: medians, spread and ratios as a table, as JSON, and as a picture."""
import json
import os
import platform
import shutil
import statistics
import subprocess
import time


def summary(runs):
    return {"median": statistics.median(runs), "min": min(runs), "max": max(runs), "runs": runs}


def ratio(ours, theirs, better):
    """Of each round that both have (round -> value): above 1 we are better."""
    rounds = [r for r in ours if theirs.get(r) and ours[r]]
    return summary([ours[r] / theirs[r] if better else theirs[r] / ours[r] for r in rounds]) if rounds else None


def _number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:.4f}"


def _cell(s):
    return "-" if s is None else f"{_number(s['median'])} ({_number(s['min'])} to {_number(s['max'])})"


def collect(results, kinds, figures):
    """results[kind][figure][round] -> the rows of all figures that any kind has."""
    rows = []
    for name, (unit, better) in figures.items():
        values = {kind: results[kind].get(name) for kind in kinds}
        if not any(values.values()):
            continue
        rows.append({"name": name, "unit": unit, "more_is_better": better,
                     "kinds": {k: summary(list(v.values())) if v else None for k, v in values.items()},
                     "ratios": {k: ratio(values["ours"], v, better) for k, v in values.items()
                                if k != "ours" and v and values.get("ours")}})
    return rows


def table(rows, kinds):
    others = [k for k in kinds if k != "ours"]
    lines = ["| median (min to max) | " + " | ".join(kinds) + " | " + " | ".join(f"ours / {k}" for k in others) + " |",
             "|---" * (1 + len(kinds) + len(others)) + "|"]
    for row in rows:
        cells = [_cell(row["kinds"][k]) for k in kinds] + [_cell(row["ratios"].get(k)) for k in others]
        lines.append(f"| {row['name']}, {row['unit']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write_json(path, rows, options, failures, seconds):
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    document = {"bench": "real", "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "seconds": round(seconds),
                "machine": {"cpus": os.cpu_count(), "memory_bytes": memory, "kernel": platform.release()},
                "options": {k: v for k, v in vars(options).items() if isinstance(v, (str, int, float, bool, type(None)))},
                "failures": failures, "figures": rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")


def draw(path, rows, kinds):
    """Ratios with their spread, logarithmic, one colour per release; None without gnuplot or ratios."""
    others = [k for k in kinds if k != "ours"]
    rows = [row for row in rows if any(row["ratios"].values())]
    if not rows or not shutil.which("gnuplot"):
        return None
    blocks, plots = "", []
    for number, kind in enumerate(others):
        points = [(s, len(rows) - i + 0.15 - 0.3 * number) for i, row in enumerate(rows) if (s := row["ratios"].get(kind))]
        if points:
            blocks += f"$D{number} << EOD\n" + "".join(f"{s['median']} {y} {s['min']} {s['max']}\n" for s, y in points) + "EOD\n"
            plots.append(f"$D{number} using 1:2:3:4 with xerrorbars pt 7 ps 0.8 lw 2 title 'against {kind}'")
    tics = ", ".join(f"'{row['name'].replace('_', ' ')}' {len(rows) - i}" for i, row in enumerate(rows))
    script = (f"set terminal svg size 1000,{120 + 26 * len(rows)} font 'sans,12' background 'white'\nset output '{path}'\n{blocks}"
              f"set title 'Windtunnel against Apache RocketMQ: right of 1 is better'\nset logscale x\nset grid x\nset key outside top\n"
              f"set yrange [0.3:{len(rows) + 0.7}]\nset ytics ({tics})\nset arrow from 1,graph 0 to 1,graph 1 nohead lw 2 lc 'gray'\n"
              f"plot {', '.join(plots)}\n")
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    return path
