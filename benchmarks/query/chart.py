"""The benchmarks' pictures: SVG that reads on light and dark pages, without anything but text and rectangles."""

import html
import math

STYLE = """<style>
text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #1f2328; }
.title { font-size: 15px; font-weight: 600; } .faint { fill: #59636e; font-size: 12px; }
.grid { stroke: #d1d9e0; stroke-width: 1; } .back { fill: #ffffff; }
.segkit { fill: #0969da; } .duckdb { fill: #bf8700; } .polars { fill: #8250df; } .pandas { fill: #1a7f37; }
.s0 { fill: #0969da; stroke: #0969da; } .s1 { fill: #bf8700; stroke: #bf8700; } .s2 { fill: #8250df; stroke: #8250df; } .line { fill: none; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; } .faint { fill: #9198a1; } .grid { stroke: #3d444d; } .back { fill: #0d1117; }
.segkit { fill: #4493f8; } .duckdb { fill: #d29922; } .polars { fill: #ab7df8; } .pandas { fill: #3fb950; }
.s0 { fill: #4493f8; stroke: #4493f8; } .s1 { fill: #d29922; stroke: #d29922; } .s2 { fill: #ab7df8; stroke: #ab7df8; } .line { fill: none; } }
</style>"""


def words(x, y, content, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{html.escape(content)}</text>'


def seconds(s):
    return f"{s:.2f} s" if s >= 1 else f"{1000 * s:.0f} ms" if s >= 0.01 else f"{1000 * s:.1f} ms"


def picture(width, height, parts, title):
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:.0f}" viewBox="0 0 {width} {height:.0f}" role="img" aria-label="{html.escape(title)}">',
                      STYLE, f'<rect class="back" width="{width}" height="{height:.0f}" rx="8"/>', *parts, "</svg>", ""])


def comparison(results, labels, rows):
    """Horizontal bars, as long as the time; one group per workload, each with a scale of its own: its slowest engine fills it."""
    threads = max(r["threads"] for r in results)
    shown = [r for r in results if r["threads"] == threads]
    peers = [p for p in ("duckdb", "polars", "pandas") if any(r["peer"] == p for r in shown)]
    names = {"segkit": "segkit", "duckdb": "DuckDB", "polars": "Polars", "pandas": "pandas"}
    versions = {r["peer"]: r["peer_version"] for r in shown}
    left, bar, width = 236, 14, 860
    title = f"Seconds for {rows / 1e6:.1f} million rows, {threads} thread{'s' if threads > 1 else ''}: shorter is better; each workload has a scale of its own"
    parts, y = [words(20, 30, title, "title")], 52
    x = 20
    for engine in ["segkit", *peers]:
        label = names[engine] + (f" {versions[engine]}" if engine in versions else "")
        parts += [f'<rect class="{engine}" x="{x}" y="{y - 10}" width="11" height="11" rx="2"/>', words(x + 16, y, label, "faint")]
        x += 34 + 7 * len(label)
    y += 22
    for workload in labels:
        lines = [r for r in shown if r["workload"] == workload]
        if not lines:
            continue
        times = [("segkit", lines[0]["ours_min_s"])] + [(r["peer"], r["peer_min_s"]) for r in lines]
        longest = max(t for _, t in times)
        parts.append(words(left - 12, y + len(times) * bar / 2 + 4, labels[workload], "", "end"))
        for engine, t in times:
            length = max(2, (width - left - 90) * t / longest)
            parts += [f'<rect class="{engine}" x="{left}" y="{y + 1}" width="{length:.1f}" height="{bar - 2}" rx="2"/>', words(left + length + 6, y + bar - 2, seconds(t), "faint")]
            y += bar
        y += 12
    return picture(width, y + 10, parts, title)


def growth(series, threads):
    """Seconds over rows, both axes logarithmic."""
    width, height, left, right, top, bottom = 780, 400, 70, 240, 60, 50
    points = [p for _, ps in series for p in ps]
    x0, x1 = math.floor(math.log10(min(p[0] for p in points))), math.log10(max(p[0] for p in points)) + 0.05
    y0, y1 = math.floor(math.log10(min(p[1] for p in points))), math.ceil(math.log10(max(p[1] for p in points)))
    def x(v): return left + (math.log10(v) - x0) / (x1 - x0) * (width - left - right)
    def y(v): return height - bottom - (math.log10(v) - y0) / (y1 - y0) * (height - top - bottom)
    title = f"Time as the data grows, {threads} thread{'s' if threads > 1 else ''}"
    parts = [words(20, 30, title, "title")]
    for power in range(y0, y1 + 1):
        at = y(10.0**power)
        parts += [f'<line class="grid" x1="{left}" x2="{width - right}" y1="{at:.1f}" y2="{at:.1f}"/>', words(left - 8, at + 4, seconds(10.0**power) if power < 0 else f"{10**power} s", "faint", "end")]
    for power in range(x0, int(x1) + 1):
        at = x(10.0**power)
        names = {3: "1,000", 4: "10,000", 5: "100,000", 6: "1 million", 7: "10 million", 8: "100 million"}
        parts += [f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{top}" y2="{height - bottom}"/>', words(at, height - bottom + 18, names.get(power, f"1e{power}"), "faint", "middle")]
    parts.append(words((left + width - right) / 2, height - 10, "rows", "faint", "middle"))
    ends = []
    for number, (label, ps) in enumerate(series):
        if not ps:
            continue
        way = " ".join(f"{'L' if i else 'M'}{x(r):.1f},{y(t):.1f}" for i, (r, t, _) in enumerate(ps))
        parts.append(f'<path class="line s{number}" d="{way}" style="fill:none"/>')
        parts += [f'<circle class="s{number}" cx="{x(r):.1f}" cy="{y(t):.1f}" r="3"/>' for r, t, _ in ps]
        ends.append([y(ps[-1][1]), number, label, ps[-1]])
    ends.sort()
    for i, end in enumerate(ends):      # labels beside the last points, not over each other
        if i:
            end[0] = max(end[0], ends[i - 1][0] + 36)
        at, number, label, (rows, t, _) = end
        parts += [f'<rect class="s{number}" x="{width - right + 12}" y="{at - 8:.1f}" width="10" height="10" rx="2"/>', words(width - right + 28, at + 1, label),
                  words(width - right + 28, at + 16, f"{1e9 * t / rows:.0f} ns a row at {rows / 1e6:.0f} million", "faint")]
    return picture(width, height, parts, title)
