// Begins: styles first, then the page.
import "./style/base.css";
import "./style/parts.css";
import "./style/screens.css";
import { render } from "preact";
import { App } from "./app.tsx";

const place = document.getElementById("app");
if (place !== null) render(<App />, place);
