// The console in a real browser, on processes that really run. `crates/carril-cli/tests/it/console.rs` starts the server and this.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, ask, browser, close, launch, open, processIs, TOKEN, URL_OF } from "./browser.mjs";

/** Entities whose names are no names. */
const EVIL = ["<img src=x onerror=window.stolen=1>", '"><script>window.stolen=1</script>'];

let chromium;
/** Processes: one with failures, one whose lanes wait for a signal. */
let failed;
let held;

before(async () => {
  chromium = await browser();
  failed = await launch("fail", "2025-01-01");
  await processIs(failed, ({ process }) => process.state === "completed_with_errors");
  held = await launch("hold", "2025-01-02");
  await processIs(held, ({ process }) => process.waiting === 5);
});

after(() => chromium?.close());

test("home tells processes and numbers, in both languages and themes", async () => {
  for (const [language, theme, running, title] of [
    ["en", "light", "running", "Processes"],
    ["es", "dark", "en curso", "Procesos"],
  ]) {
    const page = await open(chromium, "/", { language, theme });
    await page.locator("tbody tr").nth(1).waitFor();
    assert.equal(await page.locator("html").getAttribute("lang"), language);
    assert.match(await page.title(), new RegExp(title));
    await page.locator(`tr:has(a[href="/processes/${held}"]) .state`, { hasText: running }).waitFor();
    await page.locator(".tile dd").first().waitFor();
    await accessible(page, `home in ${language}`);
    await page.locator(".choice button").nth(2).click();
    await page.waitForURL(/show=trouble/);
    await page.locator(`a[href="/processes/${held}"]`).waitFor({ state: "detached" });
    await page.locator(`a[href="/processes/${failed}"]`).waitFor();
    await close(page);
  }
});

test("theme and language can be chosen and are remembered", async () => {
  const page = await open(chromium, "/", { language: "en", theme: "light" });
  await page.getByRole("button", { name: "Español" }).click();
  await page.getByRole("link", { name: "Lanzar" }).first().waitFor();
  const theme = page.getByRole("button", { name: /^Tema/ });
  await theme.click();
  await theme.click();
  await page.locator('html[data-theme="dark"]').waitFor();
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await page.reload();
  await page.locator('html[data-theme="dark"][lang="es"]').waitFor();
  assert.equal(await ground(), dark);
  await close(page);
});

test("what happens is on the screen without being asked for", async (run) => {
  const id = await launch("hold", "2025-02-01");
  await processIs(id, ({ process }) => process.waiting === 5);
  const page = await open(chromium, `/processes/${id}`);
  await page.locator(".live-live").waitFor();
  await page.locator(".matrix canvas").waitFor();
  const began = Date.now();
  await ask(`/api/v1/processes/${id}/signal`, { name: "go" });
  await page.locator(".head .state[data-state=succeeded]").waitFor();
  run.diagnostic(`the end of all five was seen after ${Date.now() - began} ms`);
  await close(page);
});

test("what ended between the first look and the stream is on the screen", async () => {
  const id = await launch("hold", "2025-02-02");
  await processIs(id, ({ process }) => process.waiting === 5);
  const page = await open(chromium, "/");
  let begin;
  const opened = new Promise((done) => (begin = done));
  await page.route("**/api/v1/events*", async (route) => {
    await opened;
    await route.continue();
  });
  await page.goto(`${URL_OF}/processes/${id}`);
  await page.locator(".head .state").waitFor();
  await ask(`/api/v1/processes/${id}/signal`, { name: "go" });
  await processIs(id, ({ process }) => process.state === "succeeded");
  begin();
  await page.locator(".head .state[data-state=succeeded]").waitFor();
  await close(page);
});

test("the matrix is told in words under the cursor and goes by keyboard", async () => {
  const page = await open(chromium, `/processes/${held}`, { theme: "dark" });
  await page.locator(".matrix").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  const told = page.locator(".chosen");
  await told.getByText("stage hold: waiting").waitFor();
  await told.getByText("signal go").waitFor();
  await told.locator(".chosen-why").getByText("carril signal").waitFor();
  await page.keyboard.press("Shift+ArrowDown");
  await told.getByText("2 entities chosen").waitFor();
  await accessible(page, "the matrix with a block");
  await page.keyboard.press("Control+a");
  await told.getByText("5 entities chosen").waitFor();
  await page.keyboard.press("Escape");
  await told.waitFor({ state: "detached" });
  await page.locator(".choice button", { hasText: "blocked first" }).click();
  await page.waitForURL(/sort=blocked/);
  await page.getByLabel("Entity", { exact: true }).fill("bel");
  await page.waitForURL(/entity=bel/);
  await close(page);
});

test("a block is retried after a preview", async () => {
  const id = await launch("fail", "2025-03-01");
  await processIs(id, ({ process }) => process.state === "completed_with_errors");
  const page = await open(chromium, `/processes/${id}?sort=failed`, { language: "es" });
  await page.locator(".matrix").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Shift+ArrowDown");
  await page.locator(".chosen").getByText("2 entidades elegidas").waitFor();
  await page.locator(".chosen").getByRole("button", { name: "Reintentar", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Se tocan 2 ejecuciones.").waitFor();
  await dialog.getByText("bela").waitFor();
  await accessible(page, "the preview");
  const command = await dialog.getByRole("button", { name: "Copiar como CLI" }).getAttribute("title");
  assert.match(command, new RegExp(`^carril retry --process ${id} --entity bela --entity cleo$`));
  await dialog.getByRole("button", { name: "Reintentar", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  await page.locator(".chosen").getByText("vuelta 2").waitFor();
  const { executions } = await ask(`/api/v1/processes/${id}/executions?entity=bela`);
  assert.equal(executions[0].run, 2);
  await close(page);
});

test("a whole process is cancelled and rolled back after a preview", async () => {
  const id = await launch("hold", "2025-03-02");
  await processIs(id, ({ process }) => process.waiting === 5);
  const page = await open(chromium, `/processes/${id}`);
  const head = page.locator(".head");
  const dialog = page.getByRole("dialog");
  await head.getByRole("button", { name: "Cancel" }).click();
  await dialog.getByText("5 executions are touched.").waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal((await ask(`/api/v1/processes/${id}`)).process.state, "running");
  await head.getByRole("button", { name: "Cancel" }).click();
  await dialog.getByText("5 executions are touched.").waitFor();
  await dialog.locator("button.grave").click();
  await head.locator(".state[data-state=cancelled]").waitFor();
  await head.getByRole("button", { name: "Roll back" }).click();
  await dialog.getByText("5 executions are touched.").waitFor();
  await dialog.locator("button.grave").click();
  await head.locator(".state[data-state=rolled_back]").waitFor();
  await close(page);
});

test("a launch is looked at first, and leads to its process", async () => {
  const page = await open(chromium, "/launch?pipeline=rows", { theme: "dark" });
  await page.getByLabel("day").fill("2025-04-01");
  await accessible(page, "the launch");
  assert.ok(await page.getByRole("button", { name: "Launch", exact: true }).isDisabled());
  await page.getByLabel("These").check();
  await page.waitForURL(/whom=pasted/);
  await page.locator("textarea").fill("ada, bela\nada");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByText("5 entities are there").waitFor();
  await page.getByText("2 of them are named here.").waitFor();
  await page.getByRole("button", { name: "Launch", exact: true }).click();
  await page.waitForURL(/\/processes\/\d+$/);
  await page.locator(".head .state[data-state=succeeded]").waitFor();
  assert.match(await page.locator(".facts").innerText(), /day=2025-04-01/);
  const id = Number(new URL(page.url()).pathname.split("/").pop());
  assert.equal((await ask(`/api/v1/processes/${id}`)).process.entities.total, 2);
  await close(page);
});

test("a mistake in a parameter is told with its code", async () => {
  const page = await open(chromium, "/launch?pipeline=rows&param.day=&param.mode=run");
  await page.getByLabel("Lanes at once").fill("0");
  await page.getByRole("button", { name: "Preview" }).click();
  const trouble = page.getByRole("alert");
  await trouble.getByText("CAR0906").or(trouble.locator(".code")).first().waitFor();
  assert.match(await trouble.innerText(), /CAR\d{4}/);
  await close(page);
});

test("the palette finds entities, processes, views and resources", async () => {
  const page = await open(chromium, "/");
  await page.locator("tbody tr").first().waitFor();
  await page.keyboard.press("/");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("combobox").fill("bela");
  await dialog.getByRole("option", { name: /Entity.*bela/ }).first().waitFor();
  await accessible(page, "the palette");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/processes\/\d+\?entity=bela$/);
  await page.keyboard.press("Control+k");
  await dialog.getByRole("combobox").fill("laun");
  await dialog.getByRole("option", { name: /View/ }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/launch$/);
  await page.goBack();
  await page.waitForURL(/entity=bela/);
  await page.keyboard.press("Control+k");
  await dialog.getByRole("combobox").fill("scales");
  await dialog.getByRole("option", { name: /Resource.*scales/ }).click();
  await page.waitForURL(/\/resources\/scales$/);
  await close(page);
});

test("names and errors are texts, whatever they look like", async () => {
  const page = await open(chromium, `/processes/${failed}?sort=name`);
  await page.locator(".matrix").focus();
  const seen = [];
  for (let row = 0; row < 5; row += 1) {
    await page.keyboard.press("ArrowDown");
    await page.locator(".chosen-name").waitFor();
    seen.push(await page.locator(".chosen-name").textContent());
  }
  for (const name of EVIL) assert.ok(seen.includes(name), `${name} is told as it is, among ${seen}`);
  await page.keyboard.press("Control+a");
  await page.locator(".chosen").getByRole("button", { name: /^Retry from/ }).click();
  await page.getByRole("dialog").getByText("executions are touched").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").getByRole("combobox").fill(EVIL[0]);
  await page.getByRole("dialog").getByRole("option").filter({ hasText: EVIL[0] }).first().waitFor();
  assert.equal(await page.locator("img").count(), 0);
  assert.equal(await page.evaluate(() => window.stolen), undefined);
  await close(page);
});

test("an address that leads nowhere says so, and a process that is not there too", async () => {
  const page = await open(chromium, "/nowhere/at/all");
  await page.getByText("There is nothing at this address.").waitFor();
  await accessible(page, "nowhere");
  await page.goto(new URL("/processes/999999", page.url()).href);
  await page.getByRole("alert").getByText("CAR0803").first().waitFor();
  await close(page);
});

test("who has no token is asked for one, and it stays in the tab", { skip: TOKEN === "" }, async () => {
  const page = await open(chromium, `/processes/${failed}`, { known: false });
  await page.getByText("This server wants a token").waitFor();
  await accessible(page, "the form for a token");
  await page.getByLabel("Token").fill("carril_0000");
  await page.getByRole("button", { name: "Come in" }).click();
  await page.getByText("CAR0902").waitFor();
  await page.getByLabel("Token").fill(TOKEN);
  await page.keyboard.press("Enter");
  await page.locator(".matrix").waitFor();
  await page.locator(".live-live").waitFor();
  assert.equal(await page.evaluate(() => JSON.stringify(localStorage).includes("carril_")), false);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("This server wants a token").waitFor();
  await close(page);
});
