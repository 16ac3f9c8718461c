// Draws the public page again when something has changed, without moving what the reader is at; says when it cannot know.
const page = () => document.getElementById("page");
const line = document.getElementById("stale");

const PATIENCE = 5_000; // a service that starts again is back before
const SILENCE = 50_000; // the server gives a sign of life every 20 seconds
const READING = 20_000; // what a reader has marked, or presses, stays for so long
const AGAIN = 3_000;
let place = document.documentElement.dataset.place;
let heardAt = now();
let missing = 0;
let silence = 0;
let waiting = 0;
let behind = false;
let drawing = Promise.resolve();
let changes = null;
let pressed = false;

async function redraw() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(20_000) });
  if (!response.ok) throw new Error(response.status);
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const next = fresh.getElementById("page");
  if (next && next.innerHTML !== page().dataset.drawn) {
    await idle();
    replace(fresh, next);
  }
  if (waiting) return;
  behind = false;
  heard();
}

function replace(fresh, next) {
  for (const open of page().querySelectorAll("details[open][id]")) fresh.getElementById(open.id)?.setAttribute("open", "");
  const focused = document.activeElement?.id || document.activeElement?.closest("#page [id]")?.id;
  const drawn = next.innerHTML;
  page().replaceWith(document.adoptNode(next));
  page().dataset.drawn = drawn;
  document.title = fresh.title;
  document.dispatchEvent(new Event("redrawn"));
  const again = focused && document.getElementById(focused);
  if (again) (again.querySelector(":scope > summary") ?? again).focus({ preventScroll: true });
}

// A reader who has marked some words is copying them; what is pressed does something only once it is let go, where it is still there.
const busy = () => pressed || (!getSelection().isCollapsed && page().contains(getSelection().anchorNode));
for (const begin of ["pointerdown", "keydown"]) addEventListener(begin, () => { pressed = true; }, { capture: true });
for (const end of ["pointerup", "pointercancel", "keyup"]) addEventListener(end, () => { pressed = false; }, { capture: true });
addEventListener("blur", () => { pressed = false; }); // let go in another window

function idle() {
  if (!busy()) return;
  return new Promise((resolve) => {
    const seen = new AbortController();
    const done = () => { seen.abort(); resolve(); };
    const look = () => setTimeout(() => { if (!busy()) done(); }); // the click itself comes after the button is let go
    for (const change of ["selectionchange", "pointerup", "pointercancel", "keyup"]) addEventListener(change, look, { capture: true, signal: seen.signal });
    setTimeout(done, READING);
  });
}

function soon(delay = 400) {
  // Not all readers at the same moment.
  behind = true;
  waiting ||= setTimeout(draw, Math.random() * delay);
}

function draw() {
  waiting = 0;
  drawing = drawing.then(redraw).catch(() => {
    lost();
    soon(2 * AGAIN);
  });
}

function say() {
  const time = document.createElement("time");
  time.dateTime = new Date(heardAt).toISOString();
  time.dataset.local = "moment";
  time.textContent = `${time.dateTime.slice(11, 16)} UTC`;
  const ago = document.createElement("span");
  if (Number(speed)) ago.dataset.relative = time.dateTime;
  line.replaceChildren("Last updated ", time, Number(speed) ? ", " : "", ago, ". We cannot be reached from here at the moment; this page tries again by itself.");
  line.hidden = false;
}

function heard() {
  heardAt = now();
  clearTimeout(missing);
  missing = 0;
  clearTimeout(silence);
  silence = setTimeout(again, SILENCE);
  line.hidden = true;
}

function lost() {
  missing ||= setTimeout(say, PATIENCE);
}

function again() {
  lost();
  changes?.close();
  clearTimeout(silence);
  silence = setTimeout(again, SILENCE);
  changes = new EventSource(`/live?since=${encodeURIComponent(place)}`);
  changes.addEventListener("hello", ({ lastEventId }) => {
    if (lastEventId !== place) soon();
    place = lastEventId;
    if (!behind) heard();
  });
  changes.addEventListener("alive", () => { if (!behind) heard(); });
  changes.addEventListener("public", ({ lastEventId }) => { place = lastEventId; soon(); });
  changes.addEventListener("error", () => {
    lost();
    // The browser tries again by itself where nobody answers, but gives up where a proxy answers in our place.
    if (changes.readyState === EventSource.CLOSED) setTimeout(again, AGAIN * (1 + Math.random()));
  });
}

again();
addEventListener("online", again);
addEventListener("pagehide", () => changes.close());
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
