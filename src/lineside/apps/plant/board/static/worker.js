// What an installed board does without a connection: it shows the pages as they were last seen, each with the time at
// which it was kept, and never answers for the server. The network always comes first; nothing but what operators need
// is kept (overview, stations, alerts, their pictures), and it is thrown away when somebody logs out.
"use strict";
const PAGES = "lineside-pages-1";
const FILES = "lineside-files-1";
const OFFLINE = "/offline";
const SHELL = [OFFLINE, "/static/board.css", "/static/board.js", "/static/offline.js", "/static/mark.svg"];
const MOST_PAGES = 60;
const PATIENCE = 4000;

const isFile = (path) => path.startsWith("/static/") || path.startsWith("/plan-files/");
const isKept = (path) => path === "/" || path === "/alerts" || path.startsWith("/alerts/") || path.startsWith("/stations/");
const isPage = (answer) => answer.ok && !answer.redirected && (answer.headers.get("Content-Type") || "").startsWith("text/html");

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(FILES).then((files) => files.addAll(SHELL)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const others = async () => {
    for (const name of await caches.keys()) if (name !== PAGES && name !== FILES) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(others());
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (isFile(url.pathname)) event.respondWith(file(event.request));
  else if (event.request.mode === "navigate") event.respondWith(page(event.request, url));
});

// The page asks for cards that somebody may need; they are kept with the pictures that they show.
self.addEventListener("message", (event) => {
  if (event.data?.forget) event.waitUntil(forget());
  if (event.data?.spoken) event.waitUntil(speak(event.data.spoken).catch(() => undefined));
  const paths = (event.data?.keep || []).filter((path) => isKept(new URL(path, self.location.origin).pathname));
  event.waitUntil(Promise.all(paths.map((path) => keepAhead(path).catch(() => undefined))));
});

// The page that says that there is no connection is kept in the language that is read here.
let spoken = "";
const speak = async (language) => {
  if (language === spoken) return;
  const answer = await fetch(`${OFFLINE}?language=${encodeURIComponent(language)}`);
  if (!isPage(answer)) return;
  await (await caches.open(FILES)).put(OFFLINE, answer);
  spoken = language;
};

// What was asked for before somebody logged out must not be kept afterwards.
let logins = 0;
const forget = () => {
  logins += 1;
  return caches.delete(PAGES);
};

const keepAhead = async (path) => {
  const during = logins;
  const answer = await fetch(path, { headers: { Accept: "text/html" } });
  if (!isPage(answer)) return;
  const text = await answer.clone().text();
  await keep(path, answer, during);
  const files = await caches.open(FILES);
  for (const [, name] of text.matchAll(/"(\/plan-files\/[^"]+)"/g)) if (!(await files.match(name))) await files.add(name);
};

const keep = async (path, answer, during) => {
  const headers = new Headers(answer.headers);
  headers.set("X-Kept-At", String(Date.now()));
  const copy = new Response(await answer.blob(), { headers });
  if (during !== logins) return;
  const pages = await caches.open(PAGES);
  await pages.put(path, copy);
  const known = await pages.keys();
  for (const old of known.slice(0, Math.max(0, known.length - MOST_PAGES))) await pages.delete(old);
};

const file = async (request) => {
  const files = await caches.open(FILES);
  try {
    const answer = await fetch(request);
    if (answer.ok) await files.put(request, answer.clone());
    return answer;
  } catch (error) {
    const known = await files.match(request);
    if (known) return known;
    throw error;
  }
};

const page = async (request, url) => {
  const during = logins;
  try {
    const answer = await patient(request, isKept(url.pathname));
    if (isKept(url.pathname) && isPage(answer)) await keep(url.pathname, answer.clone(), during);
    return answer;
  } catch {
    const known = isKept(url.pathname) && (await (await caches.open(PAGES)).match(url.pathname));
    return known ? marked(known) : (await caches.open(FILES)).match(OFFLINE);
  }
};

// A connection that is there and yet carries nothing must not leave the screen white.
const patient = (request, kept) => fetch(request, kept ? { signal: AbortSignal.timeout(PATIENCE) } : {});

const marked = async (known) => {
  const at = known.headers.get("X-Kept-At");
  const text = (await known.text()).replace("<body ", `<body data-kept="${Number(at)}" `);
  return new Response(text, { headers: known.headers });
};
