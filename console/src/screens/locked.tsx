// The form for a token, where the server wants one. The secret stays in this tab.
import { useState } from "preact/hooks";
import { useToken } from "../api/token.ts";
import { dictionary } from "../text/language.ts";

const words = dictionary({
  en: {
    title: "This server wants a token",
    about: "It is kept in this tab only, and forgotten with it.",
    refused: "This token is none of the store's, was revoked, or has expired.",
    label: "Token",
    enter: "Come in",
    help: "Who has the server's machine makes one there:",
  },
  es: {
    title: "Este servidor pide un token",
    about: "Se guarda solo en esta pestaña y se olvida con ella.",
    refused: "Este token no es del almacén, fue revocado o ha caducado.",
    label: "Token",
    enter: "Entrar",
    help: "Quien tiene la máquina del servidor crea uno allí:",
  },
});

export function Locked({ code }: { code: string | null }) {
  const told = words();
  const [secret, setSecret] = useState("");
  return (
    <form
      class="locked"
      onSubmit={(event) => {
        event.preventDefault();
        if (secret.trim() !== "") useToken(secret.trim());
      }}
    >
      <h1>{told.title}</h1>
      {code === "CAR0902" && (
        <p class="trouble" role="alert">
          <code class="code">{code}</code> {told.refused}
        </p>
      )}
      <label>
        {told.label}
        <input
          type="password"
          autocomplete="off"
          spellcheck={false}
          placeholder="carril_…"
          value={secret}
          onInput={(event) => setSecret(event.currentTarget.value)}
        />
      </label>
      <p class="help">{told.about}</p>
      <button type="submit" class="main" disabled={secret.trim() === ""}>
        {told.enter}
      </button>
      <p class="help">
        {told.help} <code>carril token create ana --role operator</code>
      </p>
    </form>
  );
}
