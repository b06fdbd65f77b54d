// What part of the run is seen. Times are seconds since the history's start.
const view = {
  end: Math.max(data.timeline ? data.timeline.duration / 1e6 : 0, 0.001),
  from: 0, to: 1, // seconds; set below
  gutter: 0, right: 12, width: 0, // px of the timeline
  listeners: [],
  x(t) { return this.gutter + (t - this.from) / (this.to - this.from) * this.plot(); },
  t(x) { return this.from + (x - this.gutter) / this.plot() * (this.to - this.from); },
  plot() { return Math.max(1, this.width - this.gutter - this.right); },
  span() { return this.to - this.from; },
  whole() { return this.from <= 0 && this.to >= this.end; },
  set(from, to) {
    const span = Math.min(Math.max(to - from, 0.0005), this.end);
    let a = from + (to - from - span) / 2;
    a = Math.min(Math.max(a, 0), this.end - span);
    this.from = a;
    this.to = a + span;
    for (const f of this.listeners) f();
  },
};
view.to = view.end;

let flight = 0;
// fly moves the view there, so that the eye can follow.
function fly(from, to) {
  cancelAnimationFrame(flight);
  if (still.matches) return view.set(from, to);
  const a = [view.from, view.to], start = performance.now(), ms = 320;
  const step = (now) => {
    const p = Math.min(1, (now - start) / ms), e = 1 - (1 - p) ** 3;
    // The span shrinks by a constant ratio, the edges keep pace with it.
    const s0 = a[1] - a[0], s1 = to - from;
    const span = s0 * (s1 / s0) ** e;
    const k = Math.abs(s1 - s0) < 1e-9 ? e : (span - s0) / (s1 - s0);
    const left = a[0] + (from - a[0]) * k;
    view.set(left, left + span);
    if (p < 1) flight = requestAnimationFrame(step); else view.set(from, to);
  };
  flight = requestAnimationFrame(step);
}

function zoom(factor, at) {
  const c = at === undefined ? (view.from + view.to) / 2 : at;
  fly(c - (c - view.from) * factor, c + (view.to - c) * factor);
}

function pan(share) {
  const d = view.span() * share;
  const by = Math.min(Math.max(d, -view.from), view.end - view.to);
  fly(view.from + by, view.to + by);
}

// ticks are round times that leave each label room.
function ticks(px) {
  const want = view.span() / Math.max(2, view.plot() / px);
  const steps = [1, 2, 5];
  let step = 10 ** Math.floor(Math.log10(want));
  step *= steps.find((s) => step * s >= want) || 10;
  if (step > 10) step = [15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400].find((s) => s >= want) || step;
  const out = [];
  for (let t = Math.ceil(view.from / step - 1e-9) * step; t <= view.to + step * 1e-9; t += step) out.push(Math.abs(t) < step * 1e-6 ? 0 : t);
  return { step, at: out };
}

function clock(t, step) {
  if (step >= 10 && view.end > 120) {
    const s = Math.round(t);
    return Math.floor(s / 60) + ":" + String(s % 60).padStart(2, "0");
  }
  const digits = step >= 1 ? 0 : Math.min(6, Math.ceil(-Math.log10(step) - 1e-9));
  return t.toFixed(digits) + " s";
}

const precise = (t) => t.toFixed(3) + " s";
