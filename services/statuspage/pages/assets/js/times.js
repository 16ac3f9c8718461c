// Keeps times fresh: the reader's zone with UTC beside it, countdowns, ages and promises, on the server's clock.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const MINUTE = 60_000;

// The console draws timelines in the reader's zone: it learns it here for the next page.
if (location.pathname.startsWith("/console")) document.cookie = `tocsin_zone=${zone}; path=/console; max-age=31536000; samesite=lax`;

const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

function span(length) {
  const minutes = Math.floor(Math.abs(length) / MINUTE);
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return plural(minutes, "minute");
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return plural(hours, "hour") + (minutes % 60 ? ` ${plural(minutes % 60, "minute")}` : "");
  const days = Math.floor(hours / 24);
  return plural(days, "day") + (hours % 24 && days < 3 ? ` ${plural(hours % 24, "hour")}` : "");
}

function shortSpan(length) {
  const seconds = Math.floor(Math.abs(length) / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} d`;
}

function relative(away) {
  if (Math.abs(away) < MINUTE) return "now";
  return away > 0 ? `in ${span(away)}` : `${span(away)} ago`;
}

function countdown(away) {
  const seconds = Math.floor(Math.abs(away) / 1000);
  const two = (value) => String(value).padStart(2, "0");
  if (seconds >= 86_400) return away > 0 ? `in ${span(away)}` : `late by ${span(away)}`;
  const hours = Math.floor(seconds / 3600);
  const rest = `${hours ? two(Math.floor((seconds % 3600) / 60)) : Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  return `${away >= 0 ? "in" : "late by"} ${hours ? `${hours}:` : ""}${rest}`;
}

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const RULES = {
  "[data-relative]": (element) => say(element, relative(Date.parse(element.dataset.relative) - now())),
  "[data-age]": (element) => say(element, shortSpan(now() - Date.parse(element.dataset.age))),
  "[data-countdown]": (element) => {
    const away = Date.parse(element.dataset.countdown) - now();
    say(element, countdown(away));
    element.classList.toggle("late", away <= -MINUTE);
  },
  "[data-promise]": (element) => {
    const away = Date.parse(element.dataset.promise) - now();
    const by = element.dataset.by;
    const late = away <= -MINUTE;
    if (late) say(element, `The update promised by ${by} is late by ${span(away)}`);
    else say(element, `Next update by ${by}, ${away < MINUTE ? "any moment now" : relative(away)}`);
    element.classList.toggle("late", late);
  },
};

const CLOCK = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long" });

function localise(element) {
  element.dataset.done = "";
  if (zone === "UTC" || zone === "Etc/UTC") return;
  const at = new Date(element.dateTime);
  element.title = element.textContent.trim();
  const day = element.dataset.local === "moment" && DATE.format(at) !== DATE.format(new Date(now())) ? `${DATE.format(at)}, ` : "";
  element.textContent = `${day}${CLOCK.format(at)}`;
}

function beside(element) {
  element.dataset.done = "";
  if (zone === "UTC" || zone === "Etc/UTC") return;
  const begin = new Date(element.dataset.beside);
  const today = DATE.format(new Date(now()));
  const dated = (at, day) => `${DATE.format(at) === day ? "" : `${DATE.format(at)}, `}${CLOCK.format(at)}`;
  const end = element.dataset.until ? new Date(element.dataset.until) : null;
  const until = end ? ` to ${dated(end, DATE.format(begin))}` : "";
  element.textContent = `${dated(begin, today)}${until} in your zone`;
  element.hidden = false;
}

function draw() {
  for (const [selector, rule] of Object.entries(RULES)) document.querySelectorAll(selector).forEach(rule);
}

function fresh() {
  document.querySelectorAll("time[data-local]:not([data-done])").forEach(localise);
  document.querySelectorAll("[data-beside]:not([data-done])").forEach(beside);
  if (Number(speed)) draw();
}

fresh();
new MutationObserver((changes) => {
  if (changes.some((change) => [...change.addedNodes].some((node) => node.nodeType === 1))) fresh();
}).observe(document.body, { childList: true, subtree: true });
document.addEventListener("htmx:after:swap", fresh); // it may have written another text into an element that stays
if (Number(speed)) setInterval(draw, 1000);
