// What the console takes, measured in a real browser and told as one line of JSON. Run by hand on a server with two processes:
//
//   CONSOLE_URL=… CONSOLE_MIDDLE=ID CONSOLE_LARGE=ID node tests/figures.mjs
//
// CONSOLE_MIDDLE has 1,000 entities and 10 stages, CONSOLE_LARGE 10,000 and 20. Milliseconds: `first_paint` from the beginning of the
// navigation to the drawn matrix, its bytes and scripts included, the middle of five; `frame_max` and `frame_p99` between frames while the
// large matrix is scrolled from its top to its end and sorted; `heap` in bytes after that.
import { browser, close, open } from "./browser.mjs";

const middle = process.env.CONSOLE_MIDDLE;
const large = process.env.CONSOLE_LARGE;

/** When the matrix was drawn first. */
async function painted(chromium, id) {
  const page = await open(chromium, `/processes/${id}`);
  await page.waitForFunction(() => performance.getEntriesByName("matrix").length > 0);
  const at = await page.evaluate(() => performance.getEntriesByName("matrix")[0].startTime);
  await close(page);
  return at;
}

/** Times between frames while the matrix is scrolled through. */
async function scrolled(page) {
  return page.evaluate(
    () =>
      new Promise((done) => {
        const place = document.querySelector(".matrix");
        const frames = [];
        let last = performance.now();
        const step = (now) => {
          frames.push(now - last);
          last = now;
          place.scrollTop += 937;
          const isOver = place.scrollTop + place.clientHeight >= place.scrollHeight - 1;
          if (isOver || frames.length > 600) done(frames.slice(1));
          else requestAnimationFrame(step);
        };
        requestAnimationFrame(step);
      }),
  );
}

const chromium = await browser();
const told = {};
if (middle !== undefined) {
  const times = [];
  for (let run = 0; run < 5; run += 1) times.push(await painted(chromium, middle));
  times.sort((left, right) => left - right);
  told.first_paint = Math.round(times[2]);
}
if (large !== undefined) {
  told.large_paint = Math.round(await painted(chromium, large));
  const page = await open(chromium, `/processes/${large}`);
  await page.waitForFunction(() => performance.getEntriesByName("matrix").length > 0);
  const frames = (await scrolled(page)).sort((left, right) => left - right);
  told.frames = frames.length;
  told.frame_p99 = Math.round(frames[Math.floor(frames.length * 0.99)]);
  told.frame_max = Math.round(frames[frames.length - 1]);
  told.heap = await page.evaluate(() => performance.memory?.usedJSHeapSize ?? null);
  await close(page);
}
await chromium.close();
console.log(JSON.stringify(told));
