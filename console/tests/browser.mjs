// A browser on the console of a server that runs, for the tests: opens pages, hears what goes wrong in them, and asks axe about them.
//
// CONSOLE_URL is the server, CONSOLE_TOKEN a token where it wants one, CONSOLE_BROWSER the Chromium that is driven.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

export const URL_OF = process.env.CONSOLE_URL ?? "http://127.0.0.1:7411";
export const TOKEN = process.env.CONSOLE_TOKEN ?? "";
/** Longest wait for anything, in milliseconds; a test that reaches it has failed. */
export const PATIENCE = 30_000;

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Starts a browser; without a sandbox, as tests run in containers too. */
export function browser() {
  return chromium.launch({ executablePath: placeOf(process.env.CONSOLE_BROWSER ?? "chromium"), args: ["--no-sandbox"] });
}

/** Where a program is that is called as in a shell. */
function placeOf(name) {
  const places = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
  return name.includes("/") ? name : (places.find(existsSync) ?? name);
}

/** Opens a view, and keeps in `page.faults` whatever went wrong in it: errors of scripts, and what the page's policy refused. */
export async function open(browser, path, { theme = "light", language = "en", known = true, width = 1280, height = 860 } = {}) {
  const context = await browser.newContext({ colorScheme: theme, locale: language, viewport: { width, height } });
  if (TOKEN !== "" && known) await context.addInitScript((token) => sessionStorage.setItem("carril.token", token), TOKEN);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => {
    // A refused request is an answer that the page shows; everything else that a browser calls an error is a fault.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) page.faults.push(message.text());
  });
  page.on("dialog", (dialog) => {
    page.faults.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(URL_OF + path);
  return page;
}

/** Ends a page: nothing went wrong in it. */
export async function close(page) {
  const faults = page.faults;
  await page.context().close();
  assert.deepEqual(faults, []);
}

/** Nothing of WCAG 2 A and AA is broken in what is shown. */
export async function accessible(page, what) {
  // Run by the driver and not by the page, so that the page's policy stays as it is.
  await page.evaluate(AXE);
  const found = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] } }),
  );
  const told = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
  assert.deepEqual(told, [], `${what} can be used by everybody`);
}

/** Asks the server itself. */
export async function ask(path, body) {
  const headers = { "content-type": "application/json" };
  if (TOKEN !== "") headers.authorization = `Bearer ${TOKEN}`;
  const response = await fetch(URL_OF + path, body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) });
  const told = await response.json();
  assert.ok(response.ok, `${path}: ${JSON.stringify(told)}`);
  return told;
}

/** Launches the tests' pipeline and gives the process's id. `day` tells launches apart. */
export async function launch(mode, day) {
  const { process } = await ask("/api/v1/pipelines/rows/launch", { params: { mode, day } });
  return process.id;
}

/** Waits until a process is as wanted. */
export async function processIs(id, wanted) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const told = await ask(`/api/v1/processes/${id}`);
    if (wanted(told)) return told;
    assert.ok(Date.now() < end, `process ${id} becomes so in time: ${JSON.stringify(told.process)}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
