// The files of this folder are joined into one function, in the order page,
// view, lanes, curves, timeline, and follow where a run is served as it goes on:
// they share its scope.
"use strict";

const root = document.documentElement;
const $ = (id) => document.getElementById(id);
let data = JSON.parse($("data").textContent);
const still = matchMedia("(prefers-reduced-motion: reduce)");
const darkScheme = matchMedia("(prefers-color-scheme: dark)");

const isDark = () => (root.dataset.theme || (darkScheme.matches ? "dark" : "light")) === "dark";
$("theme").addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  dispatchEvent(new Event("themechange"));
});
darkScheme.addEventListener("change", () => dispatchEvent(new Event("themechange")));

document.addEventListener("click", async (e) => {
  const button = e.target.closest("[data-copy]");
  if (!button) return;
  const code = $(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  } catch { // no clipboard on file: pages in some browsers: leave it selected
    getSelection().selectAllChildren(code);
  }
});

function el(tag, props, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(props || {})) {
    if (k in e) e[k] = v; else e.setAttribute(k, v);
  }
  e.append(...children);
  return e;
}

let palette = {};
function readPalette() {
  const style = getComputedStyle(root);
  for (const k of ["bg", "panel", "sunk", "ink", "ink2", "ink3", "line", "hair", "bad", "good", "open", "accent", "s1", "s2", "s3", "s4", "fault", "sans", "mono"]) {
    palette[k] = style.getPropertyValue("--" + k).trim();
  }
}
