// Rates, latencies and backlogs: uPlot draws them over the same times.
const plots = [];

const kinds = [
  { plot: "rate", title: "Records a second", height: 132, unit: "/s" },
  { plot: "latency", title: "Latency", height: 112, unit: "ms", log: true },
  { plot: "backlog", title: "Records behind", height: 112, unit: "" },
  { plot: "log", title: "Ends of the logs", height: 132, unit: "" },
];

// Colour and stroke both tell curves apart.
const strokes = [["s1", []], ["s2", []], ["s3", []], ["s1", [6, 4]], ["s2", [6, 4]], ["s3", [6, 4]]];
const styleOf = (s, i) => (s.plot === "log" ? [strokes[(i >> 1) % 3][0], i % 2 ? [4, 3] : []] : s.name === "errors" ? ["bad", [2, 3]] : strokes[i % strokes.length]);

function short(v) {
  if (v === null || v === undefined) return "–";
  const a = Math.abs(v);
  if (a >= 1e6) return +(v / 1e6).toPrecision(3) + " M";
  if (a >= 1e4) return +(v / 1e3).toPrecision(3) + " k";
  return String(a >= 100 ? Math.round(v) : +v.toPrecision(3));
}

function milliseconds(v) {
  if (v === null || v === undefined) return "–";
  return v >= 1000 ? +(v / 1000).toPrecision(2) + " s" : (v >= 10 ? Math.round(v) : +v.toPrecision(2)) + " ms";
}

function layCurves(tl, into) {
  const { step, bins, series } = tl.curves;
  const xs = Array.from({ length: bins }, (_, i) => Math.min((i + 0.5) * step / 1e6, view.end));
  for (const kind of kinds) {
    const of = series.filter((s) => s.plot === kind.plot);
    if (!of.length) continue;
    const box = el("div", { className: "curve" });
    const legend = el("div", { className: "legend" }, el("b", { textContent: kind.title }));
    const values = of.map((s, i) => {
      const value = el("span", { className: "v" });
      const swatch = el("i", { className: "swatch" });
      legend.append(el("span", { className: "key" }, swatch, el("span", { className: "k", textContent: s.name, title: s.name }), value));
      return { value, swatch, style: styleOf(s, i) };
    });
    const canvas = el("div", { className: "u" });
    box.append(legend, canvas);
    into.append(box);
    plots.push({ kind, of, xs, box, canvas, values, say: kind.log ? milliseconds : short, u: null });
  }
}

function drawCurves() {
  for (const p of plots) {
    if (p.u) p.u.destroy();
    const u = p.u = new uPlot(curveOptions(p), [p.xs, ...p.of.map((s) => bridge(s.y))], p.canvas);
    u.setScale("x", { min: view.from, max: view.to });
    for (const v of p.values) {
      v.swatch.style.borderTopColor = palette[v.style[0]];
      v.swatch.style.borderTopStyle = v.style[1].length ? (v.style[0] === "bad" ? "dotted" : "dashed") : "solid";
    }
  }
  readCurves(null);
}

function curveOptions(p) {
  const say = p.say;
  return {
    width: view.width, height: p.kind.height, padding: [10, view.right, 6, 0],
    cursor: { show: false }, legend: { show: false }, select: { show: false },
    scales: {
      x: { time: false, auto: false, range: (u, min, max) => [min, max] },
      y: p.kind.log ? { distr: 3, range: (u, min, max) => uPlot.rangeLog(min || 1, Math.max(max || 1, (min || 1) * 10), 10, true) }
        : { range: (u, min, max) => [0, Math.max(max || 0, 1) * 1.08] },
    },
    axes: [
      { show: true, size: 0, ticks: { show: false }, values: () => [], splits: () => ticks(96).at, grid: { stroke: palette.line, width: 1 } },
      {
        size: view.gutter, gap: 8, font: "12px " + palette.sans, stroke: palette.ink3, ticks: { show: false }, border: { show: false },
        grid: { stroke: palette.hair, width: 1 }, space: 26,
        ...(p.kind.log ? { splits: powers } : {}),
        values: (u, splits) => splits.map((v) => (v === null ? "" : say(v))),
      },
    ],
    series: [{}, ...p.of.map((s, i) => {
      const [colour, dash] = styleOf(s, i);
      return { stroke: palette[colour], width: 1.6, dash, points: { show: true, size: 3, filter: lone } };
    })],
  };
}

// bridge lets a curve run over gaps of up to a second: to uPlot, undefined is no
// gap and null is one.
function bridge(ys) {
  const most = Math.max(3, Math.round(1e6 / data.timeline.curves.step)), out = ys.slice();
  for (let i = 0, last = -1; i < ys.length; i++) {
    if (ys[i] === null) continue;
    if (last >= 0 && i - last <= most) out.fill(undefined, last + 1, i);
    last = i;
  }
  return out;
}

// lone are the values without a neighbour, which no line would show.
function lone(u, i, show, gaps) {
  const ys = u.data[i], out = [];
  for (let k = 0; k < ys.length; k++) if (ys[k] != null && ys[k - 1] === null && ys[k + 1] === null) out.push(k);
  return out;
}

// powers are the tens that a log scale shows.
function powers(u, axis, min, max) {
  const out = [];
  for (let e = Math.ceil(Math.log10(min) - 1e-9); 10 ** e <= max * 1.0001; e++) out.push(10 ** e);
  return out;
}

function moveCurves() {
  for (const p of plots) if (p.u) p.u.setScale("x", { min: view.from, max: view.to });
}

// readCurves shows the values at t beside the names, or the peaks of what is in view.
function readCurves(t) {
  const { step, bins } = data.timeline.curves;
  const bin = (s) => Math.min(Math.max(Math.floor(s * 1e6 / step), 0), bins - 1);
  for (const p of plots) {
    p.of.forEach((s, i) => {
      if (t !== null) {
        p.values[i].value.textContent = p.say(s.y[bin(t)]);
        return;
      }
      const most = s.y.slice(bin(view.from), bin(view.to) + 1).reduce((m, v) => (v !== null && (m === null || v > m) ? v : m), null);
      p.values[i].value.textContent = most === null ? "" : "↑ " + p.say(most);
    });
  }
}
