// Timeline, contention, executions and the screens of the system, in a real browser on processes that really run: the pipeline `sharing`
// of `crates/carril-cli/tests/it/console.rs`, whose lanes wait for one press.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { accessible, ask, browser, close, open, processIs, TOKEN } from "./browser.mjs";

/** An entity whose name is no name. */
const EVIL = "<img src=x onerror=window.stolen=1>";

let chromium;
/** Processes: an earlier one, and one of which a lane fails. */
let earlier;
let failed;

async function share(mode, day) {
  const { process } = await ask("/api/v1/pipelines/sharing/launch", { params: { mode, day } });
  return process.id;
}

async function executionOf(process, entity) {
  const { executions } = await ask(`/api/v1/processes/${process}/executions?entity=${encodeURIComponent(entity)}`);
  return executions[0].id;
}

const ended = ({ process }) => process.ended_at !== null;

before(async () => {
  chromium = await browser();
  earlier = await share("run", "2025-06-01");
  await processIs(earlier, ended);
  failed = await share("fail", "2025-06-02");
  await processIs(failed, ended);
});

after(() => chromium?.close());

/** How many points of a picture are not empty. */
function drawn(page, selector) {
  return page.locator(selector).first().evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let full = 0;
    for (let at = 3; at < data.length; at += 4) full += data[at] > 0 ? 1 : 0;
    return full;
  });
}

test("the timeline goes by keyboard, and tells who held what was waited for", async () => {
  const page = await open(chromium, `/processes/${failed}/timeline`, { theme: "dark" });
  const swim = page.locator(".swim");
  const told = page.locator(".swim-told");
  await swim.waitFor();
  await page.waitForFunction(() => document.querySelector(".swim canvas").width > 400);
  assert.ok((await drawn(page, ".swim canvas")) > 2_000, "lanes are drawn");
  await swim.focus();
  let isHeld = false;
  for (let lane = 0; lane < 5 && !isHeld; lane += 1) {
    await page.keyboard.press("ArrowDown");
    for (let piece = 0; piece < 8 && !isHeld; piece += 1) {
      await page.keyboard.press("ArrowRight");
      isHeld = /waits: slot press.*held by/s.test(await told.innerText());
    }
  }
  assert.ok(isHeld, `some lane waited for the press, whose holder is known: ${await told.innerText()}`);
  assert.equal(await told.locator("a").count(), 2, "the lane and the holder are linked");
  await accessible(page, "the timeline");
  await page.keyboard.press("+");
  await page.waitForURL(/from=.*until=/);
  const near = new URL(page.url()).searchParams;
  assert.ok(Number(near.get("from")) > 0 && Number(near.get("until")) > Number(near.get("from")));
  await page.keyboard.press("0");
  await page.waitForURL((url) => !url.searchParams.has("from"));
  const low = await swim.locator("> div").evaluate((inner) => inner.clientHeight);
  await page.keyboard.press("f");
  await page.waitForFunction((before) => document.querySelector(".swim > div").clientHeight > before, low);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/executions\/\d+$/);
  await close(page);
});

test("the mouse hits narrow bars, folds and zooms", async () => {
  const page = await open(chromium, `/processes/${failed}/timeline`);
  const canvas = page.locator(".swim canvas");
  await canvas.waitFor();
  await page.waitForFunction(() => document.querySelector(".swim canvas").width > 400);
  const low = await page.locator(".swim > div").evaluate((inner) => inner.clientHeight);
  await canvas.click({ position: { x: 60, y: 30 } });
  await page.waitForFunction((before) => document.querySelector(".swim > div").clientHeight > before, low);
  await page.locator(".swim-told a").first().waitFor();
  const box = await canvas.boundingBox();
  await page.mouse.move(box.x + 500, box.y + 60);
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -400);
  await page.keyboard.up("Control");
  await page.waitForURL(/from=/);
  await close(page);
});

test("the timeline can be read as a table, in an order and by a filter", async () => {
  const page = await open(chromium, `/processes/${failed}/timeline?as=table&order=waiting`, { language: "es" });
  await page.locator("tbody tr").nth(4).waitFor();
  const rows = await page.locator("tbody").innerText();
  assert.ok(rows.includes(EVIL) && rows.includes("plaza press"), rows);
  await accessible(page, "the lanes as a table");
  await page.getByLabel("Entidad").fill("bel");
  await page.waitForURL(/entity=bel/);
  await page.locator("tbody tr").nth(1).waitFor({ state: "detached" });
  assert.equal(await page.locator("tbody tr").count(), 1);
  await page.getByLabel("Entidad").fill("nobody");
  await page.getByText("Ningún carril es así.").waitFor();
  await close(page);
});

test("an earlier process is laid over it, and beside it", async () => {
  const page = await open(chromium, `/processes/${failed}/timeline`, { width: 1600 });
  await page.getByLabel("Compare with").selectOption(String(earlier));
  await page.getByText("the other process").waitFor();
  await page.getByRole("button", { name: "side by side" }).click();
  await page.locator(".swim").nth(1).waitFor();
  assert.match(page.url(), new RegExp(`with=${earlier}.*how=beside`));
  await page.waitForFunction(() => [...document.querySelectorAll(".swim canvas")].every((one) => one.width > 300));
  await accessible(page, "two processes");
  await close(page);
});

test("a process is saved as a trace for Perfetto", async () => {
  const page = await open(chromium, `/processes/${failed}/timeline`);
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export for Perfetto" }).click();
  const download = await saved;
  assert.equal(download.suggestedFilename(), `carril-${failed}.json`);
  const { traceEvents } = JSON.parse(readFileSync(await download.path(), "utf8"));
  assert.ok(traceEvents.some((event) => event.cat === "step" && event.name === "make/press"));
  await close(page);
});

test("contention tells holders and queue of a moment, costs, blockers and overlaps", async () => {
  for (const [language, theme, held, waiting] of [
    ["en", "light", "held by", "Waiting"],
    ["es", "dark", "lo tiene", "Esperan"],
  ]) {
    const page = await open(chromium, `/processes/${failed}/contention?resource=press`, { language, theme });
    const chart = page.locator(".chart [role=img]");
    await chart.locator("canvas").waitFor();
    assert.match(await chart.getAttribute("aria-label"), /^press: .* 1 .* [34] /);
    await page.locator(".two h2", { hasText: held }).waitFor();
    await page.locator(".two h2", { hasText: waiting }).first().waitFor();
    await page.locator("tr", { hasText: "press" }).first().waitFor();
    await page.locator(".account-bar").waitFor();
    await accessible(page, `contention in ${language}`);
    const slide = page.getByRole("slider");
    await slide.focus();
    await page.keyboard.press("ArrowRight");
    await page.waitForURL(/at=/);
    await page.locator("button.pick", { hasText: "effect" }).click();
    await page.waitForURL(/resource=effect/);
    await close(page);
  }
});

test("waits for locks are told as chains that end with who holds them", async () => {
  const page = await open(chromium, "/nodes");
  const blocker = (over) => ({ name: EVIL, foreign: true, hidden: false, ...over });
  // What only a server of PostgreSQL can tell, in the shape in which it does.
  await page.route("**/api/v1/processes/*/locks*", (route) =>
    route.fulfill({
      json: {
        process: failed,
        more: false,
        rows: [
          {
            execution: 4,
            entity: EVIL,
            step: "make/press",
            began: "2025-06-02T10:00:00Z",
            micros: 1_500_000,
            lock: {
              target: "warehouse",
              table: "positions",
              kind: "relation",
              mode: "ShareLock",
              pid: 7,
              since: "2025-06-02T10:00:00Z",
              deadlock: true,
              through: [blocker({ name: "execution 5", execution: 5, step: "make/press", foreign: false })],
              blocker: blocker({ state: "idle in transaction", transaction_since: "2025-06-02T09:00:00Z", query: "update positions" }),
            },
          },
        ],
      },
    }),
  );
  await page.getByRole("link", { name: "Locks" }).click();
  await page.getByRole("button", { name: "newest" }).click();
  await page.waitForURL(/show=newest/);
  const chain = page.locator(".links").first();
  await chain.waitFor();
  assert.match(await chain.innerText(), /^execution 5 make\/press → <img .*idle in transaction/s);
  await page.getByText("deadlock").first().waitFor();
  await accessible(page, "locks");
  assert.equal(await page.evaluate(() => window.stolen), undefined);
  await close(page);
});

test("an execution tells why, where its time went, and what its steps did", async () => {
  const id = await executionOf(failed, "cleo");
  const page = await open(chromium, `/executions/${id}`, { theme: "dark" });
  await page.locator(".sentence", { hasText: "tell/cry" }).waitFor();
  await page.locator("tr", { hasText: "make/press" }).waitFor();
  const shares = await page.locator(".account-legend li").allInnerTexts();
  assert.ok(shares.length >= 2 && shares.at(-1).startsWith("whole"), String(shares));
  const { execution } = await ask(`/api/v1/executions/${id}`);
  const sum = Object.values(execution.account.micros).reduce((left, right) => left + right, 0);
  assert.equal(sum, execution.account.total_micros, "the account adds up");
  await accessible(page, "an execution");
  await page.getByRole("button", { name: "Outputs" }).click();
  await page.waitForURL(/show=outputs/);
  await page.locator("pre", { hasText: "<script>" }).waitFor();
  await accessible(page, "outputs");
  await page.getByRole("button", { name: "Log", exact: true }).click();
  await page.locator("pre", { hasText: "<b>hello</b>" }).waitFor();
  await page.locator("pre", { hasText: EVIL }).waitFor();
  await page.getByRole("button", { name: "Signals" }).click();
  await page.getByText("No signal came.").waitFor();
  await page.getByRole("button", { name: "Of this entity" }).click();
  await page.locator(`a[href="/processes/${failed}"]`).last().waitFor();
  assert.equal(await page.locator("main img, main script").count(), 0);
  assert.equal(await page.evaluate(() => window.stolen), undefined);
  await close(page);
});

test("an execution is retried and rolled back after a preview", async () => {
  const process = await share("fail", "2025-06-03");
  await processIs(process, ended);
  const id = await executionOf(process, "cleo");
  const page = await open(chromium, `/executions/${id}`, { language: "es" });
  const dialog = page.getByRole("dialog");
  await page.locator(".head").getByRole("button", { name: "Reintentar" }).click();
  await dialog.getByText("Se toca una ejecución.").waitFor();
  await accessible(page, "the preview of a retry");
  await dialog.locator("button.main").click();
  await dialog.waitFor({ state: "detached" });
  await page.locator(".facts").getByText("vuelta 2").waitFor();
  await page.locator(".head .state[data-state=failed]").waitFor();
  await page.locator(".head").getByRole("button", { name: "Revertir" }).click();
  await dialog.getByText("Se toca una ejecución.").waitFor();
  await dialog.locator("button.grave").click();
  await page.locator(".head .state[data-state=rolled_back]").waitFor();
  await close(page);
});

test("a question is answered where it is asked", async () => {
  const process = await share("ask", "2025-06-04");
  await processIs(process, (told) => told.process.waiting === 2);
  const first = await executionOf(process, "ada");
  const page = await open(chromium, `/executions/${first}`);
  await page.locator(".question", { hasText: "Publish <i>ada</i>?" }).waitFor();
  await accessible(page, "a question");
  await page.getByRole("button", { name: "Approve" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("looks right");
  const command = await dialog.getByRole("button", { name: "Copy as CLI" }).getAttribute("title");
  assert.equal(command, `carril approve ${first} --step ask/sign --reason 'looks right'`);
  await dialog.getByRole("button", { name: "Approve" }).click();
  await page.locator(".head .state[data-state=succeeded]").waitFor();
  const second = await executionOf(process, "bela");
  await page.goto(new URL(`/executions/${second}`, page.url()).href);
  await page.getByRole("button", { name: "Reject" }).click();
  await dialog.getByRole("button", { name: "Reject" }).click();
  await page.locator(".head .state[data-state=failed]").waitFor();
  await page.getByText("CAR0536").first().waitFor();
  await close(page);
});

test("a breaker is held by hand after a preview, and let go", async () => {
  const process = await share("ask", "2025-06-05");
  await processIs(process, (told) => told.process.waiting === 2);
  const page = await open(chromium, "/resources", { theme: "dark" });
  const row = page.locator("tr", { hasText: "press" });
  await row.waitFor();
  await accessible(page, "resources");
  await row.getByRole("button", { name: "Hold closed: press" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Why").fill("a test");
  await dialog.locator("button.main:enabled").click();
  await dialog.waitFor({ state: "detached" });
  await row.getByText("held by hand").waitFor();
  await row.getByRole("link", { name: "press" }).click();
  await page.waitForURL(/\/resources\/press$/);
  await page.getByText("a test").first().waitFor();
  await accessible(page, "one resource");
  await page.getByRole("button", { name: "Let it decide" }).click();
  await dialog.locator("button.main:enabled").click();
  await dialog.waitFor({ state: "detached" });
  await page.locator(".head").getByText("held by hand").waitFor({ state: "detached" });
  await ask(`/api/v1/processes/${process}/cancel`, {});
  await close(page);
});

test("nodes and the audit tell who works and who did what", async () => {
  const page = await open(chromium, "/nodes", { language: "es", theme: "dark" });
  await page.locator("tbody tr").first().waitFor();
  await accessible(page, "nodes");
  await page.getByRole("link", { name: "Auditoría" }).click();
  await page.locator("tbody tr", { hasText: "/api/v1/pipelines/sharing/launch" }).first().waitFor();
  await accessible(page, "the audit");
  await page.getByLabel("Quién o qué").fill("nothing like it");
  await page.waitForURL(/like=/);
  await page.getByText("Nada en esta página es así.").waitFor();
  await close(page);
});

test("the first token is made with a warning", { skip: TOKEN !== "" }, async () => {
  const page = await open(chromium, "/tokens");
  await page.getByText("There are no tokens").waitFor();
  await page.getByRole("button", { name: "Make a token" }).click();
  await page.getByRole("dialog").getByText("This is the first token.").waitFor();
  await accessible(page, "making a token");
  await close(page);
});

test("a token is made, shown once, and revoked", { skip: TOKEN === "" }, async () => {
  const page = await open(chromium, "/tokens");
  await page.locator("tr", { hasText: "root" }).waitFor();
  await page.getByRole("button", { name: "Make a token" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("looker");
  await dialog.getByLabel("Ends after days").fill("3");
  await dialog.getByRole("button", { name: "Make a token" }).click();
  const secret = await dialog.locator(".secret").innerText();
  assert.match(secret, /^carril_/);
  await accessible(page, "a new token");
  await dialog.getByRole("button", { name: "I have it" }).click();
  await page.locator("tr", { hasText: "looker" }).getByText("viewer").waitFor();
  assert.ok(!(await page.content()).includes(secret), "its secret is gone");
  const looker = await open(chromium, "/audit", { known: false });
  await looker.getByLabel("Token").fill(secret);
  await looker.keyboard.press("Enter");
  await looker.getByText("Administrators see this.").waitFor();
  await looker.goto(new URL(`/executions/${await executionOf(failed, "cleo")}`, page.url()).href);
  await looker.locator(".sentence").waitFor();
  assert.equal(await looker.locator(".head .actions").count(), 0, "who only looks has no buttons");
  await close(looker);
  await page.getByRole("button", { name: "Revoke: looker" }).click();
  await dialog.getByRole("button", { name: "Revoke", exact: true }).click();
  await page.locator("tr", { hasText: "looker" }).getByText("revoked").waitFor();
  await close(page);
});
