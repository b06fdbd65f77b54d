// One browser and its pages, for the tests and for the screenshot.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";

export async function launch() {
  if (!existsSync(executablePath)) {
    throw new Error(`no browser at ${executablePath}: install Chromium, or give its path as CHROMIUM`);
  }
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

// open shows a file and keeps everything that the page complains about or asks
// the network for.
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const trouble = [], requests = [];
  page.on("console", (m) => trouble.push(`${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => trouble.push(`error: ${e.message}`));
  page.on("dialog", (d) => { trouble.push(`dialog: ${d.message()}`); d.dismiss(); });
  page.on("request", (r) => { if (r.url() !== url) requests.push(r.url()); });
  await page.goto(url);
  return { page, trouble, requests, close: () => context.close() };
}

// shot keeps a picture of the whole page where SHOTS says, for eyes.
export async function shot(page, name) {
  const dir = process.env.SHOTS;
  if (!dir) return;
  mkdirSync(dir, { recursive: true });
  await page.screenshot({ path: join(dir, name.replaceAll(/[^\w.-]+/g, "-") + ".png"), fullPage: true });
}
