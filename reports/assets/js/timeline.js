// The timeline: lanes and curves over the same times, faults behind them all,
// violations in front.
const tl = { box: null, bands: null, marks: null, cursor: null, tip: null, range: null, chosen: -1 };

// layTimeline builds everything in its box, anew when the data has changed.
function layTimeline() {
  tl.box = $("tl");
  for (const p of plots.splice(0)) if (p.u) p.u.destroy();
  tl.box.replaceChildren();
  tl.bands = el("div", { className: "bands" });
  tl.front = el("div", { className: "front" });
  tl.marks = el("div", { className: "marks" });
  tl.cursor = el("div", { className: "cursor" });
  tl.range = el("div", { className: "range" });
  tl.tip = el("div", { className: "tip", hidden: true });
  lanes.canvas = el("canvas", { role: "img", "aria-label": "Bars for faults, brokers, leaders and clients; the same in words below." });
  tl.box.append(tl.bands, tl.marks, lanes.canvas);
  layLanes(data.timeline);
  layCurves(data.timeline, tl.box);
  tl.box.append(tl.front, tl.tip);
  tl.front.append(tl.range, tl.cursor);
  data.marks.forEach((m, i) => {
    const b = el("button", { type: "button", className: "mark", textContent: "✗", "aria-label": `${m.kind} at ${precise(m.from / 1e9)}: zoom to its witness` });
    b.addEventListener("click", () => choose(i));
    b.addEventListener("pointerdown", (e) => e.stopPropagation());
    tl.marks.append(b);
  });
  tl.marks.hidden = !data.marks.length;
  for (const b of document.querySelectorAll("[data-mark]")) b.hidden = false;
  readPalette();
  measure();
}

function startTimeline() {
  layTimeline();
  view.listeners.push(redraw);
  new ResizeObserver(() => { if (Math.abs(tl.box.clientWidth - view.width) > 0.5) measure(); }).observe(tl.box);
  addEventListener("themechange", () => { readPalette(); measure(); });
  listen();
}

function measure() {
  view.width = tl.box.clientWidth;
  view.gutter = view.width < 700 ? 58 : 236;
  tl.box.classList.toggle("narrow", view.width < 700);
  drawCurves();
  redraw();
}

function redraw() {
  drawLanes();
  moveCurves();
  readCurves(null);
  drawBands();
  drawMarks();
  $("tl-range").textContent = view.whole() ? `The whole run, ${precise(view.end)}` : `${precise(view.from)} to ${precise(view.to)}`;
  $("tl-whole").disabled = view.whole();
}

// place puts an element over the times from and to, in seconds.
function place(e, from, to) {
  const a = Math.max(view.x(from), view.gutter), b = Math.min(view.x(to), view.gutter + view.plot());
  e.hidden = b < view.gutter || a > view.gutter + view.plot();
  e.style.left = a + "px";
  e.style.width = Math.max(b - a, 1) + "px";
}

function drawBands() {
  const faults = data.timeline.faults;
  while (tl.bands.children.length < faults.length) tl.bands.append(el("div", { className: "band" }));
  faults.forEach((f, i) => place(tl.bands.children[i], f.f / 1e6, faultEnd(f) / 1e6));
}

function drawMarks() {
  for (const old of tl.front.querySelectorAll(".event, .moment")) old.remove();
  const edges = [];
  data.marks.forEach((m, i) => {
    const b = tl.marks.children[i], x = view.x(m.to / 1e9); // when it had happened
    const inside = x >= view.gutter && x <= view.gutter + view.plot();
    b.hidden = !inside;
    let shift = x;
    while (edges.some((e) => Math.abs(e - shift) < 22)) shift += 23;
    if (inside) edges.push(shift);
    b.style.left = shift + "px";
    b.classList.toggle("chosen", i === tl.chosen);
    b.setAttribute("aria-pressed", i === tl.chosen);
  });
  if (tl.chosen < 0) return;
  const m = data.marks[tl.chosen];
  const span = el("div", { className: "moment" });
  place(span, m.from / 1e9, m.to / 1e9);
  tl.front.append(span);
  const used = [];
  for (const e of m.events) {
    const row = lanes.rows.find((r) => r.lane === e.lane), x = view.x(e.t / 1e9);
    if (!row || x < view.gutter || x > view.gutter + view.plot()) continue;
    let shift = x;
    while (used.some((u) => u.y === row.y && Math.abs(u.x - shift) < 17)) shift += 17;
    used.push({ y: row.y, x: shift });
    const dot = el("span", { className: "event", textContent: e.n, title: e.text });
    dot.style.left = shift + "px";
    dot.style.top = lanes.canvas.offsetTop + row.y + row.height / 2 + "px";
    tl.front.append(dot);
  }
}

// choose zooms to a violation's witness and says it.
function choose(i) {
  const m = data.marks[i];
  tl.chosen = i;
  const from = m.from / 1e9, to = m.to / 1e9, room = Math.max((to - from) * 0.6, 0.05);
  fly(Math.max(0, from - room), Math.min(view.end, to + room));
  const caption = $("tl-caption");
  caption.replaceChildren(el("span", { className: "sign", textContent: "✗ " }), el("b", { textContent: m.kind }), " " + m.words + " ",
    el("a", { href: "#" + m.id, textContent: "Read the witness" }));
  caption.hidden = false;
}

function step(by) {
  if (!data.marks.length) return;
  choose((tl.chosen + by + data.marks.length) % data.marks.length);
}

function whole() {
  tl.chosen = -1;
  $("tl-caption").hidden = true;
  fly(0, view.end);
}

function listen() {
  $("tl-whole").addEventListener("click", whole);
  $("tl-in").addEventListener("click", () => zoom(0.5));
  $("tl-out").addEventListener("click", () => zoom(2));
  document.addEventListener("click", (e) => {
    if (e.target.closest("#tl-prev")) return step(tl.chosen < 0 ? 0 : -1);
    if (e.target.closest("#tl-next")) return step(1);
    const b = e.target.closest("[data-mark]");
    if (!b) return;
    choose(data.marks.findIndex((m) => m.id === b.dataset.mark && m.n === Number(b.dataset.n)));
    $("timeline").scrollIntoView({ behavior: still.matches ? "auto" : "smooth", block: "start" });
    tl.box.focus({ preventScroll: true });
  });
  tl.box.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const act = {
      ArrowLeft: () => pan(-0.25), ArrowRight: () => pan(0.25), "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2),
      0: whole, Home: whole, Escape: whole, n: () => step(1), p: () => step(tl.chosen < 0 ? 0 : -1),
    }[e.key];
    if (!act) return;
    e.preventDefault();
    act();
  });
  tl.box.addEventListener("wheel", (e) => {
    if (!e.ctrlKey && !e.shiftKey) return;
    e.preventDefault();
    cancelAnimationFrame(flight);
    const t = view.t(e.clientX - tl.box.getBoundingClientRect().left);
    if (e.shiftKey) {
      const by = Math.min(Math.max((e.deltaY || e.deltaX) / 800 * view.span(), -view.from), view.end - view.to);
      return view.set(view.from + by, view.to + by);
    }
    const k = Math.exp(e.deltaY / 300);
    view.set(t - (t - view.from) * k, t + (view.to - t) * k);
  }, { passive: false });
  listenPointer();
}

function listenPointer() {
  let down = null;
  const at = (e) => {
    const r = tl.box.getBoundingClientRect();
    return { x: Math.min(Math.max(e.clientX - r.left, view.gutter), view.gutter + view.plot()), raw: e.clientX - r.left, y: e.clientY - r.top, h: r.height };
  };
  tl.box.addEventListener("pointerdown", (e) => {
    if (e.button || at(e).raw < view.gutter) return;
    down = at(e);
    if (e.pointerType === "mouse") tl.box.setPointerCapture(e.pointerId);
  });
  tl.box.addEventListener("pointermove", (e) => {
    const p = at(e);
    if (down && Math.abs(p.x - down.x) > 4) {
      tl.range.classList.add("on");
      tl.range.style.left = Math.min(p.x, down.x) + "px";
      tl.range.style.width = Math.abs(p.x - down.x) + "px";
    }
    point(p);
  });
  const up = (e) => {
    const p = at(e);
    if (down && Math.abs(p.x - down.x) > 4) {
      const a = view.t(Math.min(p.x, down.x)), b = view.t(Math.max(p.x, down.x));
      fly(a, b);
    }
    down = null;
    tl.range.classList.remove("on");
  };
  tl.box.addEventListener("pointerup", up);
  tl.box.addEventListener("pointercancel", () => { down = null; tl.range.classList.remove("on"); });
  tl.box.addEventListener("dblclick", whole);
  tl.box.addEventListener("pointerleave", () => {
    tl.tip.hidden = true;
    tl.cursor.classList.remove("on");
    readCurves(null);
  });
}

// point shows what is under the pointer.
function point(p) {
  const inside = p.raw >= view.gutter && p.raw <= view.gutter + view.plot();
  tl.cursor.classList.toggle("on", inside);
  if (!inside) {
    tl.tip.hidden = true;
    return readCurves(null);
  }
  const t = view.t(p.x);
  tl.cursor.style.left = p.x + "px";
  readCurves(t);
  const text = laneHit(p.x, p.y - lanes.canvas.offsetTop);
  tl.tip.textContent = text ? text : precise(t);
  tl.tip.hidden = false;
  const w = tl.tip.offsetWidth, h = tl.tip.offsetHeight;
  tl.tip.style.left = Math.min(Math.max(p.x + 14, 0), view.width - w - 4) + "px";
  tl.tip.style.top = Math.min(p.y + 16, p.h - h - 2) + "px";
}

if (data.timeline && $("tl")) startTimeline();
