// A run that goes on, as a person follows it in a browser: `onceproof run --serve`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, open, shot } from "./browser.js";

const onceproof = process.env.ONCEPROOF;
assert.ok(onceproof, "ONCEPROOF must name the built command: use ./run");

let browser, out;
before(async () => { browser = await launch(); out = mkdtempSync(join(tmpdir(), "follow-")); });
after(async () => { await browser.close(); rmSync(out, { recursive: true, force: true }); });

test("a run is followed from its start to its report", async () => {
  const run = spawn(onceproof, ["run", "scenarios/violated.yaml", "--serve", "--out", out], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(run, "exit");
  let said = "";
  const address = new Promise((resolve, reject) => {
    run.stderr.on("data", (d) => {
      said += d;
      const m = said.match(/follow it at (http:\/\/127\.0\.0\.1:\d+\/)/);
      if (m) resolve(m[1]);
    });
    ended.then(() => reject(new Error("it ended without an address: " + said)));
  });
  try {
    const { page, trouble, close } = await open(browser, await address);
    await page.waitForFunction(() => /^Running: load/.test(document.querySelector("h1").textContent), null, { timeout: 30_000 });
    await page.waitForFunction(() => /[1-9]s of 6s/.test(document.querySelector("#now")?.textContent || ""), null, { timeout: 30_000 });
    assert.match(await page.textContent("#verdicts"), /nothing found so far; the end decides/);
    await page.waitForSelector("#now tbody tr");
    await page.waitForSelector("#tl canvas");
    await page.waitForFunction(() => document.querySelectorAll("#tl .band").length > 0, null, { timeout: 30_000 }); // a fault struck
    await page.locator("#tl").focus();
    await page.keyboard.press("+"); // a reader who has zoomed is left alone
    const zoomed = await page.textContent("#tl-range");
    await shot(page, "following");
    await page.waitForFunction(() => document.documentElement.dataset.follow === "over", null, { timeout: 60_000 });
    assert.match(await page.textContent("h1"), /^Not exactly once/);
    assert.equal(await page.textContent("#tl-range"), zoomed);
    assert.equal(await page.locator("#now").count(), 0);
    await page.click("[data-mark]"); // the last report is a whole one
    assert.match(await page.textContent("#tl-caption"), /duplicate-write/);
    assert.deepEqual(trouble, []);
    await close();
    assert.equal((await ended)[0], 0, said);
  } finally {
    run.kill();
    await ended;
  }
});
