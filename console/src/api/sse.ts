// Server-sent events, read from a response: what EventSource does, for requests that carry a token.

/** One event. */
export interface Sent {
  id: string | null;
  event: string;
  data: string;
}

/** Takes text as it comes and gives the events that are whole. */
export class Parser {
  private rest = "";

  push(text: string): Sent[] {
    this.rest += text;
    const whole = this.rest.split("\n\n");
    this.rest = whole.pop() ?? "";
    return whole.map(one).filter((sent): sent is Sent => sent !== null);
  }
}

function one(block: string): Sent | null {
  let id: string | null = null;
  let event = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, "").replace(/\r$/, "");
    if (name === "id") id = value;
    else if (name === "event") event = value;
    else if (name === "data") data.push(value);
  }
  return data.length === 0 ? null : { id, event, data: data.join("\n") };
}
