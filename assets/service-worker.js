// Makes the pages an app that can be installed, and shows notifications. It keeps nothing: what waits for an answer is only ever
// shown as it is now.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("push", (event) => {
  const { title, text, path, tag, urgent, silent, badge } = event.data.json();
  const look = { icon: "/assets/icon-192.png", badge: "/assets/icon-192.png" };
  const shown = registration.showNotification(title, { ...look, body: text, tag, silent, renotify: true, requireInteraction: urgent, data: { path } });
  event.waitUntil(Promise.all([shown, badge && count()]));
});

// How many wait is the number on the app's icon, where it can have one.
async function count() {
  if (!navigator.setAppBadge) return;
  const answer = await fetch("/v1/reviewer/inbox?limit=1").catch(() => null);
  if (answer?.ok) await navigator.setAppBadge((await answer.json()).data.counts.active);
}

// Browsers give themselves another address now and then; the server is told of it, and finds out that the old one is gone.
addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

async function renew({ oldSubscription, newSubscription }) {
  const subscription = newSubscription ?? (await registration.pushManager.subscribe(oldSubscription?.options ?? (await options())));
  const headers = { "content-type": "application/json" };
  await fetch("/v1/reviewer/devices", { method: "POST", headers, body: JSON.stringify(subscription) });
}

async function options() {
  const settings = await (await fetch("/v1/reviewer/notification-settings")).json();
  return { userVisibleOnly: true, applicationServerKey: settings.data.push_key };
}

// A notification only ever opens a page of ours; what is decided is decided there.
addEventListener("notificationclick", (event) => {
  event.notification.close();
  const place = new URL(event.notification.data.path, location.origin);
  if (place.origin === location.origin) event.waitUntil(show(place.href));
});

const LISTS = ["/inbox", "/history"];

async function show(place) {
  const pages = await clients.matchAll({ type: "window" });
  const open = pages.find((page) => page.url === place);
  if (open) return open.focus();
  const list = pages.find((page) => LISTS.includes(new URL(page.url).pathname)); // nothing is typed there
  if (!list) return clients.openWindow(place);
  await list.focus();
  return list.navigate(place);
}
