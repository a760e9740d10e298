// States and causes in both languages. What the API may add later is shown by its own name.
import { dictionary } from "./language.ts";

const states = dictionary({
  en: {
    launching: "launching",
    pending: "pending",
    running: "running",
    paused: "paused",
    waiting: "waiting",
    succeeded: "succeeded",
    completed_with_errors: "completed with errors",
    failed: "failed",
    skipped: "skipped",
    cancelled: "cancelled",
    interrupted: "interrupted",
    cancelling: "stopping",
    rolling_back: "rolling back",
    rolled_back: "rolled back",
    retrying: "about to retry",
  },
  es: {
    launching: "lanzándose",
    pending: "pendiente",
    running: "en curso",
    paused: "en pausa",
    waiting: "en espera",
    succeeded: "correcto",
    completed_with_errors: "terminado con errores",
    failed: "fallido",
    skipped: "omitido",
    cancelled: "cancelado",
    interrupted: "interrumpido",
    cancelling: "deteniéndose",
    rolling_back: "revirtiéndose",
    rolled_back: "revertido",
    retrying: "por reintentar",
  },
});

const causes = dictionary({
  en: {
    queued: "queue for a lane",
    key: "earlier one of its key",
    slot: "slot",
    pool: "connection of the target",
    rate: "rate",
    running: "running",
    lock: "lock",
    backoff: "pause before a retry",
    breaker: "breaker open",
    barrier: "barrier",
    timer: "timer",
    signal: "signal",
    approval: "approval",
    paused: "paused",
    store: "store behind",
    outcome_unknown: "outcome unknown",
    no_node: "no node can run it",
    rolling_back: "rolling back",
    recovering: "recovering",
  },
  es: {
    queued: "cola de un carril",
    key: "anterior de su clave",
    slot: "plaza",
    pool: "conexión del destino",
    rate: "ritmo",
    running: "en curso",
    lock: "bloqueo",
    backoff: "pausa antes de reintentar",
    breaker: "interruptor abierto",
    barrier: "barrera",
    timer: "temporizador",
    signal: "señal",
    approval: "aprobación",
    paused: "en pausa",
    store: "almacén atrasado",
    outcome_unknown: "resultado desconocido",
    no_node: "ningún nodo puede ejecutarlo",
    rolling_back: "revirtiéndose",
    recovering: "recuperándose",
  },
});

function named(words: object, name: string): string {
  return (words as Record<string, string>)[name] ?? name.replaceAll("_", " ");
}

/** A state's name. */
export function stateName(state: string): string {
  return named(states(), state);
}

/** A cause's name. */
export function causeName(cause: string): string {
  return named(causes(), cause);
}
