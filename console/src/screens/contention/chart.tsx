// Holders and queue of one resource over time, and who they were at a moment that is picked: by mouse, or with the slider below.
import { useEffect, useMemo, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { ask, query } from "../../router.ts";
import { count, span } from "../../ui/format.ts";
import { ink } from "../../ui/ink.ts";
import { executionWords } from "../execution.text.ts";
import { contentionWords } from "../contention.text.ts";
import { CLOCK } from "../timeline/layout.ts";
import { busiest, curve, during, type Use, type Uses } from "./curve.ts";

const POINTS = 400;
const HEIGHT = 190;
/** Steps of the axis of time, in microseconds: round ones of the decimal system, and from a quarter of a minute on of the clock. */
const STEPS = [
  ...[0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power)),
  ...CLOCK,
];
/** So many are named; of more the number is told. */
const NAMED = 24;

export function Chart({ name, uses, end }: { name: string; uses: Uses; end: number }) {
  const words = contentionWords();
  const box = useRef<HTMLDivElement>(null);
  const colours = ink.value;
  const { used, waiting } = useMemo(
    () => ({ used: curve(uses.holds, end, POINTS), waiting: curve(uses.waits, end, POINTS) }),
    [uses, end],
  );
  const [held, queued] = useMemo(() => [busiest(uses.holds), busiest(uses.waits)], [uses]);
  const peak = queued.number > 0 ? queued.at : held.at;
  const asked = Number(query.value.get("at") ?? Number.NaN) * 1_000;
  const at = asked >= 0 && asked <= end ? asked : peak;

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const times = Array.from({ length: POINTS }, (_, index) => (index * end) / POINTS);
    const axis = { stroke: colours.of.faint, grid: { stroke: colours.of.line, width: 1 }, ticks: { show: false }, font: `11px ${colours.font}` };
    const stepped = uPlot.paths.stepped?.({ align: 1 });
    const series = (label: string, colour: string, rest: Partial<uPlot.Series>): uPlot.Series => ({
      label,
      stroke: colour,
      width: 1.5,
      points: { show: false },
      ...(stepped === undefined ? {} : { paths: stepped }),
      ...rest,
    });
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, points: { show: false }, y: false },
        scales: { x: { time: false }, y: { range: (_, __, max) => [0, Math.max(1, max * 1.08)] } },
        axes: [
          { ...axis, size: 26, space: 90, incrs: STEPS, values: (_, splits) => splits.map((split) => span(split)) },
          { ...axis, size: 42, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000] },
        ],
        series: [
          {},
          series(words.inUse, colours.of.run, { fill: colours.of.run.replace("rgb(", "rgba(").replace(")", ", 0.25)") }),
          series(words.queue, colours.of.wait, { dash: [5, 3] }),
        ],
      },
      [times, used, waiting],
      element,
    );
    plot.over.addEventListener("click", () => {
      const x = plot.cursor.left ?? -1;
      if (x >= 0) ask({ at: (plot.posToVal(x, "x") / 1_000).toFixed(1) });
    });
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [used, waiting, end, colours, words]);

  const summary = words.summary(name, count(held.number), count(queued.number), span(peak));
  return (
    <section>
      <div class="chart">
        <div ref={box} role="img" aria-label={summary} />
        <ul class="legend">
          <li>
            <span class="key key-used" aria-hidden="true" />
            {words.inUse}
          </li>
          <li>
            <span class="key key-waiting" aria-hidden="true" />
            {words.queue}
          </li>
          <li>{summary}</li>
        </ul>
        <label class="slide">
          <span class="unseen">{words.moment}</span>
          <input
            type="range"
            min={0}
            max={end / 1_000}
            step="any"
            value={at / 1_000}
            aria-valuetext={span(at)}
            onInput={(event) => ask({ at: Number(event.currentTarget.value).toFixed(1) })}
            onKeyDown={(event) => {
              const by = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1 }[event.key];
              if (by === undefined) return;
              event.preventDefault();
              ask({ at: (Math.min(end, Math.max(0, at + (by * end) / 100)) / 1_000).toFixed(1) });
            }}
          />
        </label>
      </div>
      <div class="two" aria-live="polite">
        <People title={`${words.at(span(at))}: ${words.holders.toLowerCase()}`} uses={during(uses.holds, at)} at={at} />
        <People title={words.waiters} uses={during(uses.waits, at)} at={at} />
      </div>
    </section>
  );
}

function People({ title, uses, at }: { title: string; uses: readonly Use[]; at: number }) {
  const words = contentionWords();
  const sorted = [...uses].sort((left, right) => left.from - right.from);
  return (
    <div>
      <h2>
        {title} <span class="faint">{count(uses.length)}</span>
      </h2>
      {sorted.length === 0 && <p class="faint">{words.nobody}</p>}
      <ul class="people">
        {sorted.slice(0, NAMED).map((use) => (
          <li>
            <a href={`/executions/${use.execution}`}>{use.entity ?? executionWords().itself}</a> <span class="faint">{use.step}</span>{" "}
            {span(at - use.from)}
          </li>
        ))}
        {sorted.length > NAMED && <li class="faint">{words.and(count(sorted.length - NAMED))}</li>}
      </ul>
    </div>
  );
}
