// Says when the console no longer hears what changes, and since when; draws everything again once it hears.
const line = document.getElementById("stale");

const PATIENCE = 5_000; // a service that starts again is back before
const SILENCE = 50_000; // the server gives a sign of life every 20 seconds
const AGAIN = 3_000;
let heardAt = now();
let missing = 0;
let silence = 0;
let connection = null;
let asking = false;

function show(text, link) {
  const anchor = document.createElement("a");
  anchor.href = location.href;
  anchor.textContent = link;
  const time = document.createElement("time");
  const at = new Date(heardAt);
  time.dateTime = at.toISOString();
  time.dataset.local = "moment";
  time.textContent = `${time.dateTime.slice(11, 16)} UTC`;
  line.replaceChildren(...text.split("@").flatMap((part, index) => (index ? [time, part] : [part])), " ", anchor);
  line.hidden = false;
}

function heard() {
  if (line.dataset.over) return;
  heardAt = now();
  clearTimeout(missing);
  missing = 0;
  clearTimeout(silence);
  silence = setTimeout(silent, SILENCE);
  if (!soon) delay = AGAIN;
  line.hidden = true;
}

function lost() {
  if (document.hidden || line.dataset.over) return;
  missing ||= setTimeout(() => show("Not live since @: the connection is lost, and is tried again. What you see may have changed.", "Reload"), PATIENCE);
}

function silent() {
  silence = setTimeout(silent, SILENCE);
  if (document.hidden) return;
  lost();
  if (connection?.reader) connection.reader.cancel();
  else connection?.abortController?.abort();
}

function over() {
  line.dataset.over = "";
  show("Your session has ended; since @ this page hears of nothing.", "Sign in again");
}

function connect() {
  if (connection || asking || line.dataset.over) return;
  asking = true;
  htmx.trigger(document.body, "follow");
}

document.addEventListener("htmx:after:sse:connection", (event) => { connection = event.detail.connection; });
document.addEventListener("htmx:after:sse:message", heard);
document.addEventListener("htmx:before:sse:connection", lost);
document.addEventListener("htmx:sse:error", ({ detail }) => (detail.status === 401 ? over() : lost()));
document.addEventListener("htmx:sse:close", () => {
  connection = null;
  setTimeout(connect, AGAIN);
});
addEventListener("online", () => connection?.delayCanceller?.());
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  if (ctx.sourceElement !== document.body) return;
  asking = false;
  if (connection) return;
  lost();
  setTimeout(connect, AGAIN);
});

// What could not be drawn for once is drawn again soon, and ever more seldom.
let soon = 0;
let delay = AGAIN;
function again({ detail: { ctx } }) {
  if (!ctx || ctx.sourceElement === document.body || ctx.sourceElement.matches("a, form") || ctx.response?.status < 500) return;
  soon ||= setTimeout(() => {
    soon = 0;
    htmx.trigger(document.body, "resync");
  }, delay);
  delay = Math.min(2 * delay, 20 * AGAIN);
}
document.addEventListener("htmx:error", again);
document.addEventListener("htmx:response:error", again);
document.addEventListener("signed-out", over);

// Only now does the page begin to follow: nothing of it is missed here.
document.addEventListener("htmx:after:process", connect, { once: true });
