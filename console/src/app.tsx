// The frame around every view: the bar at the top, the form for a token where the server wants one, and the view itself.
import { useEffect } from "preact/hooks";
import { get } from "./api/client.ts";
import { stream } from "./api/events.ts";
import { Problem } from "./api/problem.ts";
import { locked, session, token, useToken, who } from "./api/token.ts";
import { path } from "./router.ts";
import { routes, viewAt } from "./routes.ts";
import { Locked } from "./screens/locked.tsx";
import { theme } from "./state/setting.ts";
import { common } from "./text/common.ts";
import { language, speak } from "./text/language.ts";
import { Empty } from "./ui/told.tsx";
import { Palette, palette } from "./screens/palette.tsx";

/** Asks who we are, each time that we may be somebody else. */
function useWho(): void {
  const current = session.value;
  useEffect(() => {
    get("/api/v1/whoami").then(
      (told) => {
        if (current === session.value) who.value = told;
      },
      (error: unknown) => {
        // Views say what is wrong with the server; here only the name is missing.
        if (!(error instanceof Problem)) throw error;
      },
    );
  }, [current]);
}

function Bar() {
  const words = common();
  const at = viewAt(path.value);
  return (
    <header class="bar">
      <a class="brand" href="/">
        <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
          <path class="brand-lanes" d="M5 9h13M5 16h20M5 23h8" />
          <circle class="brand-dot" cx="25" cy="9" r="2.4" />
        </svg>
        {words.product}
      </a>
      <nav aria-label={words.views}>
        {routes
          .filter((route) => route.link === "bar")
          .map((route) => (
            <a href={route.path} aria-current={at?.route === route ? "page" : undefined}>
              {route.title()}
            </a>
          ))}
      </nav>
      <span class="bar-end">
        <button type="button" class="search" title={words.searchHint} onClick={() => (palette.value = true)}>
          {words.search} <kbd>/</kbd>
        </button>
        {stream.value !== "off" && (
          <span class={`live live-${stream.value}`} title={words.liveHint[stream.value]} role="status">
            <span class="live-dot" aria-hidden="true" />
            {words.live[stream.value]}
          </span>
        )}
        <button
          type="button"
          class="plain"
          title={words.themeName[theme.value]}
          aria-label={words.themeName[theme.value]}
          onClick={() => {
            theme.value = theme.value === "auto" ? "light" : theme.value === "light" ? "dark" : "auto";
          }}
        >
          <svg class={`theme theme-${theme.value}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
            <circle cx="8" cy="8" r="6" />
            <path class="theme-half" d="M8 2a6 6 0 0 1 0 12z" />
          </svg>
        </button>
        <button
          type="button"
          class="plain"
          lang={language.value === "es" ? "en" : "es"}
          onClick={() => speak(language.value === "es" ? "en" : "es")}
        >
          {words.otherLanguage}
        </button>
        {who.value !== null && (
          <span class="who" title={words.role[who.value.role as keyof typeof words.role] ?? who.value.role}>
            {who.value.name}
          </span>
        )}
        {token.value !== null && (
          <button type="button" class="plain" onClick={() => useToken(null)}>
            {words.leave}
          </button>
        )}
      </span>
    </header>
  );
}

function View() {
  const words = common();
  const at = viewAt(path.value);
  useEffect(() => {
    const title = at === null ? words.missing : at.route.title();
    const id = at?.names["id"];
    document.title = `${title}${id === undefined ? "" : ` ${id}`} · ${words.product}`;
  }, [path.value, language.value]);
  if (locked.value !== null) return <Locked code={locked.value.code} />;
  if (at === null) {
    return (
      <Empty title={words.missing}>
        {words.missingHelp} <a href="/">{words.home}</a>
      </Empty>
    );
  }
  const Screen = at.route.screen;
  return <Screen key={path.value} names={at.names} />;
}

export function App() {
  useWho();
  return (
    <>
      <a class="skip" href="#content">
        {common().skip}
      </a>
      <Bar />
      {palette.value && locked.value === null && <Palette />}
      <main id="content" tabIndex={-1}>
        <View />
      </main>
    </>
  );
}
