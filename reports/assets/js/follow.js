// The run goes on: once a second the page asks for itself and takes over what
// changed. What a reader has opened, chosen or zoomed to stays.
const tab = Math.random().toString(36).slice(2); // whoever serves waits for this one to have seen the end

async function follow() {
  while (root.dataset.follow === "on") {
    await new Promise((wake) => setTimeout(wake, 1000));
    let text;
    try {
      const answer = await fetch("/?tab=" + tab);
      if (!answer.ok) throw new Error(answer.statusText);
      text = await answer.text();
    } catch {
      return goneAway();
    }
    takeOver(new DOMParser().parseFromString(text, "text/html"));
  }
}

function takeOver(fresh) {
  root.dataset.follow = fresh.documentElement.dataset.follow;
  if (document.title !== fresh.title) document.title = fresh.title;
  const main = document.querySelector("main"), sections = [...fresh.querySelectorAll("main > section")];
  for (const old of main.querySelectorAll(":scope > section")) {
    if (!sections.some((s) => s.id === old.id)) old.remove();
  }
  let before = null;
  for (const s of sections) {
    let old = $(s.id);
    if (!old) {
      old = document.importNode(s, true);
      before ? before.after(old) : main.prepend(old);
    } else if (s.id === "timeline") {
      exchange(old.querySelector("tbody"), s.querySelector("tbody"));
      exchange(old.querySelector(".tools"), s.querySelector(".tools"), keepTools);
      exchange(old.querySelector("#tl-keys"), s.querySelector("#tl-keys"));
    } else {
      exchange(old, s);
    }
    before = old;
  }
  exchange(document.querySelector(".top nav"), fresh.querySelector(".top nav"));
  const wasWhole = view.whole();
  data = JSON.parse(fresh.getElementById("data").textContent);
  view.end = Math.max(data.timeline.duration / 1e6, 0.001);
  if (wasWhole || view.to > view.end) [view.from, view.to] = [0, view.end];
  if (tl.chosen >= data.marks.length) tl.chosen = -1;
  layTimeline();
}

// exchange replaces an element by a newer one if it differs, and leaves open
// what was open.
function exchange(old, fresh, also) {
  if (!old || !fresh || old.dataset.was === fresh.outerHTML) return;
  const next = document.importNode(fresh, true), opened = [...old.querySelectorAll("details")].map((d) => d.open);
  next.dataset.was = fresh.outerHTML;
  next.querySelectorAll("details").forEach((d, i) => { if (opened[i]) d.open = true; });
  if (also && !also(old, next)) return;
  old.replaceWith(next);
}

// keepTools leaves the buttons that listeners hang on, and adds those to step
// from violation to violation once there are any.
function keepTools(old, next) {
  for (const id of ["tl-next", "tl-prev"]) {
    const b = next.querySelector("#" + id);
    if (b && !$(id)) old.prepend(b);
  }
  return false;
}

function goneAway() {
  root.dataset.follow = "over";
  document.querySelector("main").prepend(el("p", { className: "gone-away", role: "status", textContent: "Nothing answers any more: the run has ended or was stopped. Its report lies in its folder." }));
}

if (root.dataset.follow === "on") follow();
