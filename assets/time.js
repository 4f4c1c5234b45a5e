// Keeps ages and countdowns true: each <time data-tick> says what src/http/page_times.rs says, by the server's clock.

const HOUR = 3600, DAY = 24 * HOUR, SOON = HOUR / 4;
const ahead = Date.parse(document.body.dataset.now) - Date.now() || 0;

function span(seconds) {
  if (seconds < HOUR) return `${Math.floor(seconds / 60)} min`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h`;
  const days = Math.floor(seconds / DAY);
  return days === 1 ? "1 day" : `${days} days`;
}

const said = {
  age: (seconds) => (seconds < 60 ? "just now" : `${span(seconds)} ago`),
  left: (seconds) => (seconds <= 0 ? "time is up" : seconds < 60 ? `${seconds} s left` : `${exact(seconds)} left`),
};

// Of a few hours the minutes count too.
function exact(seconds) {
  const minutes = Math.floor((seconds % HOUR) / 60);
  return seconds < HOUR || seconds >= 10 * HOUR || minutes === 0 ? span(seconds) : `${span(seconds)} ${minutes} min`;
}

/** Brings every time within `place` up to date. */
export function tick(place = document) {
  const now = Math.floor((Date.now() + ahead) / 1000);
  for (const time of place.querySelectorAll("time[data-tick]")) {
    const kind = time.dataset.tick, at = Date.parse(time.dateTime) / 1000;
    const seconds = kind === "age" ? now - at : at - now;
    const words = said[kind](seconds);
    if (time.textContent !== words) time.textContent = words;
    time.classList.toggle("soon", kind === "left" && seconds < SOON);
    time.title ||= new Date(at * 1000).toLocaleString();
  }
}

tick();
setInterval(tick, 1000, document);
