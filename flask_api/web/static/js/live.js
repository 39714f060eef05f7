/**
 * Following the server: EventSource with patience.
 *
 * The browser reconnects by itself, with the number of the last event, while the
 * connection merely breaks. It gives up for good on an HTTP error (a restarting server's
 * 503): then we try again ourselves.
 */

import { ended } from "./format.js";

const EVENTS = [
  "created", "started", "progress", "retried", "interrupted", "warning",
  "cancel_requested", "completed", "failed", "cancelled",
];

function open(address, names, onEvent, onState, onClose) {
  let source = null;
  let timer = 0;
  let wait = 500;
  let over = false;

  function connect() {
    source = new EventSource(address);
    source.onopen = () => {
      wait = 500;
      onState(true);
    };
    source.onerror = () => {
      onState(false);
      if (source.readyState === EventSource.CLOSED) again();
    };
    for (const name of names) {
      source.addEventListener(name, (event) => onEvent(name, JSON.parse(event.data)));
    }
    source.addEventListener("close", (event) => {
      const { status, reason } = JSON.parse(event.data);
      if (ended(status) || reason === "deleted") {
        stop();
        onClose?.();
        return;
      }
      source.close(); // a server that leaves: its successor goes on with the job
      onState(false);
      again();
    });
  }

  function again() {
    if (over) return;
    timer = setTimeout(connect, wait);
    wait = Math.min(2 * wait, 10_000);
  }

  function stop() {
    over = true;
    clearTimeout(timer);
    source?.close();
  }

  connect();
  return stop;
}

/**
 * Follow one job until it ends.
 * @param {string} address of the job's stream
 * @param {(type: string, event: object) => void} onEvent
 * @param {(connected: boolean) => void} onState
 * @param {() => void} onClose the stream is over: the job has ended
 * @returns {() => void} stops following
 */
export const followJob = (address, onEvent, onState, onClose) =>
  open(address, EVENTS, onEvent, onState, onClose);

/**
 * Follow the list of jobs while the page is looked at. A browser keeps six connections to
 * a server over all its tabs: hidden pages must not hold one for a list nobody sees.
 * @param {string} address
 * @param {(type: string, row: object) => void} onEvent
 * @param {(connected: boolean) => void} onState
 * @param {() => void} onReturn the page is visible again: read the list anew
 */
export function followList(address, onEvent, onState, onReturn) {
  const begin = () => open(address, ["job", "deleted"], onEvent, onState);
  let stop = begin();
  document.addEventListener("visibilitychange", () => {
    stop();
    if (document.hidden) return;
    stop = begin();
    onReturn();
  });
}
