// Makes the pages an app that can be installed. It keeps nothing: what waits for an answer is only ever shown as it is now.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
