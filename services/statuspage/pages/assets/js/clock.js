// The server's clock, as the page knows it since it was drawn: at a demonstration's speed, and whatever the reader's own shows.
const [start, speed] = document.documentElement.dataset.pace.split(" ");
const began = Date.parse(start);
const loaded = performance.now();
const now = () => began + (performance.now() - loaded) * Number(speed);
