// Draws the public page again when something has changed, without moving what the reader is at.
const page = () => document.getElementById("page");
let waiting = 0;

async function redraw() {
  waiting = 0;
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const next = fresh.getElementById("page");
  if (!next || next.innerHTML === page().dataset.drawn) return;
  for (const open of page().querySelectorAll("details[open][id]")) fresh.getElementById(open.id)?.setAttribute("open", "");
  const focused = document.activeElement?.id;
  const drawn = next.innerHTML;
  page().replaceWith(document.adoptNode(next));
  page().dataset.drawn = drawn;
  document.title = fresh.title;
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  document.dispatchEvent(new Event("redrawn"));
}

function soon() {
  // Not all readers at the same moment.
  waiting ||= setTimeout(() => redraw().catch(() => {}), Math.random() * 400);
}

const changes = new EventSource(`/live?since=${encodeURIComponent(document.documentElement.dataset.place)}`);
for (const name of ["public", "resync"]) changes.addEventListener(name, soon);
addEventListener("pagehide", () => changes.close());
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
