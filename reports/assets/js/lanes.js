// Bars on one canvas: faults, brokers, leaders, coordinators, clients with their
// transactions.
const lanes = { canvas: null, rows: [], height: 0, hits: [] };

const heads = { faults: "Faults", brokers: "Brokers", leaders: "Leaders", coordinators: "Coordinators", clients: "Clients" };

function layLanes(tl) {
  lanes.rows = [];
  let y = 26; // the axis
  const row = (kind, name, height, bars, extra) => {
    lanes.rows.push({ kind, name, y, height, bars, ...extra });
    y += height;
  };
  if (tl.phases.length > 1) row("phase", "", 20, tl.phases);
  const head = (kind) => {
    y += 8;
    lanes.rows.push({ kind: "head", name: heads[kind], y, height: 18 });
    y += 20;
  };
  if (tl.faults.length) {
    head("faults");
    for (const level of stack(tl.faults)) row("fault", "", 22, level);
  }
  for (const kind of ["brokers", "leaders", "coordinators", "clients"]) {
    if (!tl[kind].length) continue;
    head(kind);
    for (const lane of tl[kind]) {
      const txns = kind === "clients" ? tl.txns.find((l) => l.name === lane.name) : null;
      const name = kind === "brokers" ? lane.name.replace("broker ", "") : lane.name;
      row(kind.slice(0, -1), name, kind === "clients" ? (txns ? 34 : 26) : 20, lane.spans, {
        lane: lane.name, owned: kind === "clients" ? (tl.owned.find((l) => l.name === lane.name) || { spans: [] }).spans : null,
        txns: txns ? txns.spans : null,
        moments: kind === "clients" ? tl.moments.filter((m) => m.l === lane.name) : null,
      });
    }
  }
  lanes.height = y + 8;
}

// stack puts faults that overlap below each other.
function stack(faults) {
  const levels = [];
  for (const f of faults) {
    const end = faultEnd(f);
    const level = levels.find((l) => l.until <= f.f) || (levels.push({ bars: [], until: 0 }), levels.at(-1));
    level.bars.push(f);
    level.until = Math.max(end, f.f + view.end * 1e6 / 60);
  }
  return levels.map((l) => l.bars);
}

const faultEnd = (f) => f.t || (f.e && f.e !== f.f ? f.e : 0) || Math.round(view.end * 1e6);

function drawLanes() {
  const c = lanes.canvas, ratio = devicePixelRatio || 1;
  c.width = Math.round(view.width * ratio);
  c.height = Math.round(lanes.height * ratio);
  c.style.width = view.width + "px";
  c.style.height = lanes.height + "px";
  const g = c.getContext("2d");
  g.scale(ratio, ratio);
  lanes.hits = [];
  drawAxis(g);
  for (const row of lanes.rows) drawRow(g, row);
}

function drawAxis(g) {
  const { step, at } = ticks(96);
  g.font = "12px " + palette.sans;
  g.textAlign = "center";
  g.textBaseline = "middle";
  for (const t of at) {
    const x = view.x(t);
    g.fillStyle = palette.line;
    g.fillRect(Math.round(x), 22, 1, lanes.height - 22);
    g.fillStyle = palette.ink3;
    const label = clock(t, step), half = g.measureText(label).width / 2;
    g.fillText(label, Math.min(Math.max(x, view.gutter + half), view.width - half - 2), 11);
  }
}

function drawRow(g, row) {
  const narrow = view.gutter < 100;
  g.textBaseline = "middle";
  if (row.kind === "head") {
    g.font = "600 12px " + palette.sans;
    g.textAlign = "left";
    g.fillStyle = palette.ink2;
    g.fillText(row.name, narrow ? 6 : 10, row.y + row.height / 2 + 1);
    return;
  }
  g.save();
  g.beginPath();
  g.rect(view.gutter, row.y, view.plot(), row.height);
  g.clip();
  if (row.kind === "phase") for (const s of row.bars) drawPhase(g, row, s);
  if (row.kind === "fault") for (const f of row.bars) drawFault(g, row, f);
  if (row.kind === "broker") for (const s of row.bars) drawBroker(g, row, s);
  if (row.kind === "leader" || row.kind === "coordinator") for (const s of row.bars) drawLeader(g, row, s);
  if (row.kind === "client") drawClient(g, row);
  g.restore();
  if (row.name) {
    g.font = (narrow ? "11px " : "12.5px ") + palette.mono;
    g.textAlign = "left";
    g.fillStyle = palette.ink;
    g.fillText(fit(g, row.name, view.gutter - (narrow ? 9 : 20)), narrow ? 6 : 10, row.y + row.height / 2);
  }
}

// bar is a span on the screen, or null where it is out of view.
function bar(from, to, least) {
  const a = view.x(from / 1e6), b = view.x(to / 1e6);
  if (b < view.gutter - 2 || a > view.gutter + view.plot() + 2) return null;
  const x = Math.max(a, view.gutter - 4), end = Math.min(b, view.gutter + view.plot() + 4);
  return { x, w: Math.max(end - x, least || 1.5) };
}

function hit(row, b, text) { lanes.hits.push({ x: b.x, y: row.y, w: Math.max(b.w, 5), h: row.height, text }); }

function fit(g, text, px) {
  if (px < 14) return "";
  if (g.measureText(text).width <= px) return text;
  let n = Math.floor(text.length * px / g.measureText(text).width);
  while (n > 1 && g.measureText(text.slice(0, n) + "…").width > px) n--;
  return n > 1 ? text.slice(0, n) + "…" : "";
}

function label(g, b, y, text, colour, font) {
  const from = Math.max(b.x, view.gutter) + 5, room = b.x + b.w - from - 4;
  g.font = (font || "11.5px ") + palette.sans;
  const t = fit(g, text, room);
  if (!t) return;
  g.textAlign = "left";
  g.fillStyle = colour;
  g.fillText(t, from, y + 0.5);
}

function hatch(g, b, y, h, colour) {
  g.save();
  g.beginPath();
  g.rect(b.x, y, b.w, h);
  g.clip();
  g.strokeStyle = colour;
  g.lineWidth = 1.25;
  g.beginPath();
  for (let x = Math.floor((b.x - h) / 6) * 6; x < b.x + b.w; x += 6) {
    g.moveTo(x, y + h);
    g.lineTo(x + h, y);
  }
  g.stroke();
  g.restore();
}

function box(g, b, y, h, r) {
  g.beginPath();
  g.roundRect(b.x, y, b.w, h, Math.min(r, b.w / 2));
}

function drawPhase(g, row, s) {
  const b = bar(s.f, s.t);
  if (!b) return;
  g.fillStyle = palette.ink3;
  g.globalAlpha = 0.35;
  g.fillRect(b.x, row.y + 3, 1, row.height - 6);
  g.globalAlpha = 1;
  label(g, b, row.y + row.height / 2, s.s, palette.ink3, "italic 11.5px ");
  hit(row, b, `${s.s}\n${precise(s.f / 1e6)} to ${precise(s.t / 1e6)}`);
}

function drawFault(g, row, f) {
  const b = bar(f.f, faultEnd(f), 3);
  if (!b) return;
  const y = row.y + 2, h = row.height - 4;
  g.globalAlpha = 0.22;
  g.fillStyle = palette.fault;
  box(g, b, y, h, 3);
  g.fill();
  g.globalAlpha = 1;
  g.fillRect(b.x, y, 3, h);
  const words = `${f.kind} ${f.resolved || f.target}`;
  const next = row.bars.find((o) => o.f > f.f);
  const room = next ? Math.max(b.w, view.x(next.f / 1e6) - b.x - 6) : Math.max(b.w, view.gutter + view.plot() - b.x);
  label(g, { x: b.x + 3, w: room - 3 }, y + h / 2, words, palette.ink);
  hit(row, { x: b.x, w: room }, `Fault ${f.step}: ${words}\n${precise(f.f / 1e6)} to ${f.t ? precise(f.t / 1e6) : "the end"}${f.stall ? `\nlongest silence of a client: ${(f.stall / 1e3).toFixed(0)} ms` : ""}${f.failed ? "\n" + f.failed : f.e ? "" : "\neffect never seen"}`);
}

function drawBroker(g, row, s) {
  const b = bar(s.f, s.t);
  if (!b) return;
  const y = row.y + 5, h = row.height - 10;
  if (s.s === "running") {
    g.fillStyle = palette.s4;
    g.globalAlpha = 0.42;
    box(g, b, y, h, 3);
    g.fill();
    g.globalAlpha = 1;
  } else {
    g.strokeStyle = palette.bad;
    g.setLineDash(s.s === "paused" ? [] : [3, 3]);
    box(g, { x: b.x + 0.5, w: Math.max(1, b.w - 1) }, y - 1.5, h + 3, 3);
    g.stroke();
    g.setLineDash([]);
    if (s.s === "paused") hatch(g, b, y - 1, h + 2, palette.bad);
    else label(g, b, y + h / 2, s.s === "stopped" ? "down" : s.s, palette.bad, "600 11px ");
  }
  hit(row, b, `Broker ${row.name}: ${s.s}\n${precise(s.f / 1e6)} to ${precise(s.t / 1e6)}`);
}

function drawLeader(g, row, s) {
  const b = bar(s.f, s.t);
  if (!b) return;
  const y = row.y + 2, h = row.height - 4;
  g.fillStyle = palette.s4;
  g.globalAlpha = [0.13, 0.24, 0.35][Math.abs(Number(s.s) || 0) % 3];
  box(g, { x: b.x, w: Math.max(1, b.w - 1.5) }, y, h, 3);
  g.fill();
  g.globalAlpha = 1;
  label(g, b, y + h / 2, "broker " + s.s, palette.ink2);
  const what = row.kind === "leader" ? `Leader of ${row.name}: broker ${s.s}, ${s.x}` : `Coordinator of ${row.name}: broker ${s.s}, by its answers`;
  hit(row, b, `${what}\nfrom ${precise(s.f / 1e6)}`);
}

const outcomes = {
  commit: "committed", abort: "aborted", unknown: "outcome unknown", crashed: "its process died", failed: "commit failed", open: "still open",
};

function drawClient(g, row) {
  const y = row.y + 3, h = row.height - 7, mid = row.y + row.height / 2;
  for (const s of row.bars) {
    const b = bar(s.f, s.t);
    if (!b) continue;
    const [inc, how] = s.x.split(" · ");
    g.fillStyle = palette.s1;
    g.globalAlpha = row.txns ? 0.1 : 0.22;
    box(g, b, y, h, 4);
    g.fill();
    g.globalAlpha = 1;
    if (!row.txns) label(g, b, mid, Number(inc) > 1 ? "incarnation " + inc : "", palette.ink2);
    if (s.s === "exited" && /signal|kill/i.test(how || "")) cross(g, b.x + b.w, mid, palette.bad);
    hit(row, b, `${row.name}, incarnation ${inc}${how ? ": " + how : ""}\n${precise(s.f / 1e6)} to ${precise(s.t / 1e6)}`);
  }
  for (const s of row.owned) { // a line under what it owned
    const b = bar(s.f, s.t);
    if (!b) continue;
    g.fillStyle = palette.s2;
    g.fillRect(b.x, row.y + row.height - 3, Math.max(1, b.w - 1), 2);
    lanes.hits.push({ x: b.x, y: row.y + row.height - 6, w: Math.max(b.w, 5), h: 6, text: `${row.name} owned ${s.x}\n${precise(s.f / 1e6)} to ${precise(s.t / 1e6)}` });
  }
  for (const s of row.txns || []) drawTxn(g, row, s);
  if (view.span() < 8 && row.moments) for (const m of row.moments) drawMoment(g, row, m);
}

function cross(g, x, y, colour) {
  g.strokeStyle = colour;
  g.lineWidth = 2;
  g.beginPath();
  g.moveTo(x - 4, y - 4); g.lineTo(x + 4, y + 4);
  g.moveTo(x + 4, y - 4); g.lineTo(x - 4, y + 4);
  g.stroke();
  g.lineWidth = 1;
}

function drawTxn(g, row, s) {
  const b = bar(s.f, s.t);
  if (!b) return;
  const y = row.y + 8, h = row.height - 16, good = s.s === "commit";
  g.fillStyle = good ? palette.s1 : palette.bad;
  g.strokeStyle = g.fillStyle;
  if (s.n) { // many: how much of the bar is red is how many of them did not commit
    g.fillStyle = palette.s1;
    g.globalAlpha = 0.45;
    g.fillRect(b.x, y, b.w, h);
    if (s.b) {
      const part = Math.max(3, h * s.b / s.n);
      g.globalAlpha = 0.95;
      g.fillStyle = palette.bad;
      g.fillRect(b.x, y + h - part, b.w, part);
    }
  } else if (b.w < 3) { // a stroke is all there is room for: full height where it went wrong
    g.globalAlpha = good ? 0.55 : 0.95;
    g.fillRect(b.x, good ? y : y - 4, b.w, good ? h : h + 8);
  } else {
    const inner = { x: b.x, w: Math.max(1, b.w - 1) };
    g.globalAlpha = 0.3;
    if (good) { box(g, inner, y, h, 2); g.fill(); }
    g.globalAlpha = 1;
    const e = s.e ? bar(s.e, s.t) : null;
    if (good && e) { box(g, { x: e.x, w: Math.max(1, e.w - 1) }, y, h, 2); g.fill(); }
    if (!good) {
      box(g, { x: inner.x + 0.5, w: Math.max(1, inner.w - 1) }, y + 0.5, h - 1, 2);
      g.stroke();
      if (s.s === "abort") hatch(g, inner, y, h, palette.bad);
      else label(g, inner, y + h / 2, s.s === "crashed" ? "✕" : "?", palette.bad, "600 11px ");
    }
  }
  g.globalAlpha = 1;
  hit(row, b, (s.n ? `${s.n} transactions, ${s.n - (s.b || 0)} committed` : `Transaction ${outcomes[s.s] || s.s}`) +
    `\n${precise(s.f / 1e6)} to ${precise(s.t / 1e6)}` + (s.e ? `\nits end took ${((s.t - s.e) / 1e3).toFixed(1)} ms` : ""));
}

const families = { send: "s1", poll: "s2", process: "s2", commit: "s3", abort: "s3", "send-offsets": "s3", "commit-offsets": "s3" };

// drawMoment is one operation's event: a stroke where it began, a dot where it
// ended well, a cross where it did not.
function drawMoment(g, row, m) {
  const x = view.x(m.t / 1e6);
  if (x < view.gutter - 4 || x > view.gutter + view.plot() + 4) return;
  const colour = palette[families[m.o] || "s4"], y = row.y + row.height;
  if (m.y === "invoke") {
    g.fillStyle = colour;
    g.fillRect(x - 0.75, y - 11, 1.5, 7);
  } else if (m.y === "ok") {
    g.fillStyle = colour;
    g.beginPath();
    g.arc(x, y - 6, 2.5, 0, 7);
    g.fill();
  } else if (m.y === "fail") {
    cross(g, x, y - 7, palette.bad);
  } else {
    g.strokeStyle = colour;
    g.strokeRect(x - 2.5, y - 8.5, 5, 5);
  }
  hit(row, { x: x - 3, w: 6 }, `${m.l}: ${m.x}\n${precise(m.t / 1e6)}`);
}

function laneHit(x, y) {
  for (let i = lanes.hits.length - 1; i >= 0; i--) {
    const h = lanes.hits[i];
    if (x >= h.x - 1 && x <= h.x + h.w + 1 && y >= h.y && y < h.y + h.h) return h.text;
  }
  return "";
}
