// Makes each component's ninety bars one stop of the keyboard: arrows go from day to day, and the day is told in words.
const DAY = 86_400_000;
const FORMAT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", timeZone: "UTC" });

function enhance(strip) {
  const bars = [...strip.children];
  const output = strip.parentElement.querySelector("output");
  const rest = output.textContent;
  const last = Date.parse(strip.dataset.days);
  let at = bars.length - 1;

  const text = (index) => {
    const bar = bars[index];
    if (bar.title) return bar.title;
    const day = FORMAT.format(new Date(last - (bars.length - 1 - index) * DAY));
    return `${day}: ${bar.className === "n" ? "no data" : "no problems"}`;
  };
  const show = (index) => {
    bars[at].classList.remove("at");
    at = Math.min(Math.max(index, 0), bars.length - 1);
    bars[at].classList.add("at");
    strip.setAttribute("aria-valuenow", at + 1);
    strip.setAttribute("aria-valuetext", text(at));
    output.textContent = text(at);
  };
  const leave = () => {
    bars[at].classList.remove("at");
    output.textContent = rest;
  };
  const keys = { ArrowLeft: () => at - 1, ArrowRight: () => at + 1, ArrowDown: () => at - 1, ArrowUp: () => at + 1,
    PageDown: () => at - 7, PageUp: () => at + 7, Home: () => 0, End: () => bars.length - 1 };

  strip.setAttribute("role", "slider");
  strip.setAttribute("aria-valuemin", 1);
  strip.setAttribute("aria-valuemax", bars.length);
  strip.setAttribute("aria-valuenow", bars.length);
  strip.setAttribute("aria-valuetext", text(at));
  strip.tabIndex = 0;
  strip.addEventListener("keydown", (event) => {
    const to = keys[event.key];
    if (!to) return;
    event.preventDefault();
    show(to());
  });
  strip.addEventListener("focus", () => show(at));
  strip.addEventListener("blur", leave);
  strip.addEventListener("pointermove", (event) => {
    const box = strip.getBoundingClientRect();
    show(Math.floor(((event.clientX - box.left) / box.width) * bars.length));
  });
  strip.addEventListener("pointerleave", () => { if (document.activeElement !== strip) leave(); });
}

const all = () => document.querySelectorAll(".days[role=img]").forEach(enhance);
all();
document.addEventListener("redrawn", all);
