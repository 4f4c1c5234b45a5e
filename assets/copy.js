// Buttons that copy: data-copy names the element whose text they take. Where the browser lets nobody copy they stay away.

/** Shows those within `place`. */
export function reveal(place = document) {
  if (navigator.clipboard) for (const button of place.querySelectorAll("[data-copy]")) button.hidden = false;
}

reveal();
addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  const label = button.querySelector("span");
  label.textContent = "Copied";
  setTimeout(() => (label.textContent = "Copy"), 2000);
});
