// What a person does with a report: look, click a violation, use the keyboard,
// a phone, the dark. PAGES is a folder of run folders; ./run makes it.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { launch, open, shot } from "./browser.js";

const pages = process.env.PAGES;
assert.ok(pages && existsSync(pages), "PAGES must name a folder of reports: use ./run");
const names = readdirSync(pages).filter((n) => existsSync(join(pages, n, "report.html")));
for (const want of ["violated", "passing", "not-exercised", "crashed"].flatMap((n) => [n, "real-" + n])) assert.ok(names.includes(want), `no report ${want} in ${pages}`);
const url = (name) => pathToFileURL(join(pages, name, "report.html")).href;
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

// view is what the timeline says that it shows, in seconds.
async function view(page) {
  const text = await page.textContent("#tl-range");
  const m = text.match(/^([\d.]+) s to ([\d.]+) s$/);
  return m ? [Number(m[1]), Number(m[2])] : text;
}

// serious is what axe finds that keeps people out.
async function serious(page, options = {}) {
  const found = await page.evaluate((o) => window.axe.run(document, { resultTypes: ["violations"], ...o }), options);
  assert.ok(found.passes.length > (options.runOnly ? 0 : 15), "axe looked at nothing");
  return found.violations.filter((v) => ["serious", "critical"].includes(v.impact)).map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(" | ")}`);
}

for (const name of names) {
  test(`${name}: opens without a complaint and asks the network for nothing`, async () => {
    const { page, trouble, requests, close } = await open(browser, url(name));
    await page.waitForSelector("#tl canvas");
    await shot(page, name);
    await page.mouse.move(700, 500);
    assert.deepEqual(trouble, []);
    assert.deepEqual(requests, []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "wider than its window");
    assert.ok((await page.textContent("h1")).length > 10);
    await close();
  });

  test(`${name}: axe finds nothing serious, light or dark`, async () => {
    const { page, close } = await open(browser, url(name), { colorScheme: "light", bypassCSP: true });
    for (const d of await page.$$("details")) await d.evaluate((e) => { e.open = true; });
    await page.evaluate(axeSource);
    assert.deepEqual(await serious(page), []);
    await page.emulateMedia({ colorScheme: "dark" });
    await shot(page, `${name}-dark`);
    assert.deepEqual(await serious(page, { runOnly: ["color-contrast"] }), []); // all that the scheme changes
    await close();
  });

  test(`${name}: fits a phone`, async () => {
    const { page, trouble, close } = await open(browser, url(name), { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
    await page.waitForSelector("#tl canvas");
    await shot(page, `${name}-phone`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `the page is ${wide} px wider than the phone`);
    assert.deepEqual(trouble, []);
    await close();
  });
}

for (const name of ["compare.html", "trend.html"]) {
  test(`${name}: no complaint, no request, nothing serious for axe`, async () => {
    const where = pathToFileURL(join(pages, name)).href;
    const { page, trouble, requests, close } = await open(browser, where, { colorScheme: "light", bypassCSP: true });
    assert.deepEqual([trouble, requests], [[], []]);
    await shot(page, name);
    await page.evaluate(axeSource);
    assert.deepEqual(await serious(page), []);
    await page.emulateMedia({ colorScheme: "dark" });
    assert.deepEqual(await serious(page, { runOnly: ["color-contrast"] }), []);
    await page.setViewportSize({ width: 360, height: 740 });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "wider than a phone");
    await close();
  });
}

test("a click on a violation zooms to its witness", async () => {
  const { page, close } = await open(browser, url("violated"));
  assert.equal(await view(page), "The whole run, 34.000 s");
  await page.click(".mark >> nth=1"); // duplicate-output, 6.150 to 6.641 s
  const [from, to] = await view(page);
  assert.ok(from < 6.15 && to > 6.641, `${from} to ${to} does not hold the witness`);
  assert.ok(to - from < 3, `${to - from} s is no zoom`);
  assert.match(await page.textContent("#tl-caption"), /duplicate-output Input orders\/0@939 has two receipts/);
  assert.deepEqual(await page.$$eval(".event", (es) => es.map((e) => e.textContent)), ["1", "2", "3", "4", "5"]);
  await page.click("#tl-whole");
  assert.equal(await view(page), "The whole run, 34.000 s");
  await close();
});

test("a real violation: a click zooms to its witness", async () => {
  const { page, trouble, close } = await open(browser, url("real-violated"));
  await page.waitForSelector("#tl canvas");
  const whole = await view(page);
  await page.click(".mark");
  const [from, to] = await view(page);
  assert.ok(to - from < 3, `${from} to ${to} is no zoom of ${whole}`);
  assert.match(await page.textContent("#tl-caption"), /stands in the log at orders\/0@\d+ and again/);
  assert.ok((await page.$$(".event")).length >= 2, "the witness's events do not stand on the lanes");
  assert.match(await page.textContent("#timeline tbody"), /group till.*coordinated by broker \d/s);
  assert.match(await page.textContent("#tl"), /orders HW/);
  assert.deepEqual(trouble, []);
  await shot(page, "real-violated-witness");
  await close();
});

test("a witness leads to the timeline and back", async () => {
  const { page, close } = await open(browser, url("violated"));
  await page.click("[data-mark] >> nth=2");
  const [from, to] = await view(page);
  assert.ok(from < 12.005 && to > 12.495, `${from} to ${to} does not hold the witness`);
  assert.equal(await page.evaluate(() => document.activeElement.id), "tl");
  await page.click("#tl-caption a");
  assert.match(await page.evaluate(() => location.hash), /^#reordered-write/);
  await close();
});

test("text of a record stays text", async () => {
  const { page, trouble, close } = await open(browser, url("violated"));
  await page.click(".mark >> nth=2");
  assert.ok((await page.textContent("#witnesses")).includes("<script>alert(1)</script>"));
  assert.ok((await page.textContent("#tl-caption")).includes("<script>alert(1)</script>"));
  assert.equal(await page.evaluate(() => document.scripts.length), 3);
  assert.deepEqual(trouble, []);
  await close();
});

test("the content policy lets no other script run", async () => {
  const { page, trouble, close } = await open(browser, url("violated"));
  await page.evaluate(() => {
    const s = document.createElement("script");
    s.textContent = "window.ran = true";
    document.body.append(s);
  });
  assert.equal(await page.evaluate(() => window.ran), undefined);
  assert.ok(trouble.some((t) => /Content Security Policy/i.test(t)), "the browser did not refuse it");
  await close();
});

test("the keyboard is enough", async () => {
  const { page, close } = await open(browser, url("violated"));
  const seen = new Set();
  for (let i = 0; i < 60 && !(await page.evaluate(() => document.activeElement.id === "tl")); i++) {
    await page.keyboard.press("Tab");
    seen.add(await page.evaluate(() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName));
  }
  assert.equal(await page.evaluate(() => document.activeElement.id), "tl", `Tab never came to the timeline, only to ${[...seen]}`);
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none", "focus cannot be seen");
  await page.keyboard.press("n");
  const first = await view(page);
  assert.equal(first.length, 2);
  await page.keyboard.press("n");
  assert.notDeepEqual(await view(page), first);
  await page.keyboard.press("p");
  assert.deepEqual(await view(page), first);
  await page.keyboard.press("ArrowRight");
  assert.ok((await view(page))[0] > first[0]);
  await page.keyboard.press("-");
  const out = await view(page);
  assert.ok(out[1] - out[0] > 1.9 * (first[1] - first[0]));
  await page.keyboard.press("0");
  assert.equal(await view(page), "The whole run, 34.000 s");
  await page.keyboard.press("Tab"); // into the marks
  await page.keyboard.press("Enter");
  assert.equal((await view(page)).length, 2);
  await close();
});

test("dragging zooms, the pointer reads values", async () => {
  const { page, close } = await open(browser, url("passing"));
  await page.locator("#timeline").scrollIntoViewIfNeeded();
  const box = await page.locator("#tl").boundingBox();
  await page.mouse.move(box.x + 400, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + 600, box.y + 60, { steps: 4 });
  await page.mouse.up();
  const [from, to] = await view(page);
  assert.ok(to - from < 10 && from > 3, `dragging gave ${from} to ${to}`);
  await page.mouse.move(box.x + 700, box.y + 60);
  assert.match(await page.textContent(".tip"), /\d\.\d{3} s/);
  assert.match(await page.textContent(".key .v"), /^\d+$/);
  await close();
});

test("dark and light: the scheme decides, the button changes it", async () => {
  const { page, close } = await open(browser, url("passing"), { colorScheme: "dark" });
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await background();
  await page.click("#theme");
  assert.notEqual(await background(), dark);
  await page.click("#theme");
  assert.equal(await background(), dark);
  await close();
});

test("without scripts the verdicts, witnesses and faults are still there", async () => {
  const { page, close } = await open(browser, url("violated"), { javaScriptEnabled: false });
  const text = await page.textContent("main");
  for (const want of ["no-duplicates", "Send 3341 of shop/0 is in orders/0 twice", "broker 2, leader of orders/0", "enable.idempotence"]) {
    assert.ok(text.includes(want), `no ${want}`);
  }
  await close();
});

test("a fault that was never seen says so", async () => {
  const { page, close } = await open(browser, url("crashed"));
  assert.match(await page.textContent("h1"), /^Could not be judged/);
  assert.match(await page.textContent("#faults"), /never seen/);
  await close();
});

test("a reason of several lines is read line by line", async () => {
  const { page, close } = await open(browser, url("real-crashed"));
  assert.match(await page.innerText(".hero .why"), /exit code 1\n\s*its log: /);
  await close();
});

// LONG=1 ./run makes this report.
if (names.includes("long")) test("five million events are drawn within three seconds", async () => {
  const { page, close } = await open(browser, url("long"));
  await page.waitForSelector(".u canvas");
  const took = await page.evaluate(() => performance.getEntriesByType("navigation")[0].loadEventEnd);
  assert.ok(took < 3000, `it took ${took} ms`);
  await close();
});
