// What the pages share: the connection that keeps them up to date, actions
// without leaving the page, messages, and small ways of writing things.

document.documentElement.classList.add("js");

let token = document.querySelector('input[name="token"]')?.value ?? "";

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// Messages

export function say(text, ok = true) {
  const area = $("#statusmessage");
  if (!area) return;
  area.dataset.tone = ok ? "" : "bad";
  area.className = text ? "status_msg" : "hidden";
  $("span", area).textContent = text;
}

$("#statusmessage .dismiss")?.addEventListener("click", () => say(""));

// A message in the address is shown once, not at each reload.
if (location.search.includes("message=")) history.replaceState(null, "", location.pathname);

// Actions

function confirmed(question) {
  const dialog = $("#confirm");
  if (!question || !dialog?.showModal) return Promise.resolve(true);
  $("#confirm-text").textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

async function act(button, form) {
  if (!(await confirmed(button.dataset.confirm))) return;
  const fields = new URLSearchParams(new FormData(form));
  fields.set("token", token);
  fields.set(button.name, button.value);
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.getAttribute("action"), {
      method: "POST", body: fields, headers: { Accept: "application/json" },
    });
    const result = await answer.json();
    say(result.message, result.ok);
  } catch {
    say("supervisord did not answer.", false);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.target.method !== "post") return;
  event.preventDefault();
  if (button?.name && button.getAttribute("aria-busy") !== "true") act(button, event.target);
});

// Connection

const handlers = {};
let source, retry, wait = 500;

// on registers what is done with a kind of message from supervisord.
export function on(kind, handler) {
  (handlers[kind] ??= []).push(handler);
  source?.addEventListener(kind, (event) => handler(JSON.parse(event.data)));
}

function showConnection(state, text) {
  const shown = $("#connection");
  if (shown.dataset.state === state) return;
  shown.dataset.state = state;
  shown.textContent = text;
}

function connect() {
  clearTimeout(retry);
  source?.close();
  source = new EventSource(document.body.dataset.live);
  for (const [kind, list] of Object.entries(handlers)) {
    for (const handler of list) source.addEventListener(kind, (event) => handler(JSON.parse(event.data)));
  }
  source.onopen = () => { wait = 500; };
  source.onerror = () => {
    source.close();
    showConnection("lost", "connection lost");
    retry = setTimeout(connect, wait);
    wait = Math.min(wait * 2, 8000);
  };
}

on("picture", (picture) => {
  token = picture.token;
  for (const field of $$('input[name="token"]')) field.value = token;
  offset = picture.now - Date.now();
  showConnection("live", "live");
});

// A page that nobody sees costs nothing.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    clearTimeout(retry);
    source?.close();
    source = undefined;
  } else if (!source) {
    connect();
  }
});

// start begins to listen, when all handlers are registered.
export function start() {
  if (!document.hidden) connect();
}

// Writing

let offset = 0; // of supervisord's clock to the browser's

export function uptime(startSeconds) {
  const up = Math.max(0, Math.floor((Date.now() + offset) / 1000) - startSeconds);
  const two = (n) => String(n).padStart(2, "0");
  const clock = `${Math.floor((up % 86400) / 3600)}:${two(Math.floor((up % 3600) / 60))}:${two(up % 60)}`;
  const days = Math.floor(up / 86400);
  if (days === 0) return clock;
  return days === 1 ? `1 day, ${clock}` : `${days} days, ${clock}`;
}

export const percent = (n) => (n < 10 ? n.toFixed(1) : Math.round(n)) + "%";

export function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (n >= 1000 && unit < units.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${n >= 100 || unit === 0 ? Math.round(n) : n.toFixed(1)} ${units[unit]}`;
}

export function stateClass(state) {
  if (state === "RUNNING") return "statusrunning";
  return state === "FATAL" || state === "BACKOFF" ? "statuserror" : "statusnominal";
}

// Charts

const POINTS = 60;

// draw shows values, the newest last, scaled to at least the given top.
export function draw(svg, values, top) {
  const most = Math.max(top, ...values) * 1.1;
  const first = POINTS - values.length;
  $("polyline", svg).setAttribute("points",
    values.map((v, i) => `${first + i},${(15.5 - (v / most) * 15).toFixed(1)}`).join(" "));
}

// Charts keeps the figures of all programs.
export class Charts {
  all = new Map();

  replace(charts) {
    this.all = new Map(Object.entries(charts ?? {}));
  }

  add(figures) {
    for (const name of this.all.keys()) if (!(name in figures)) this.all.delete(name);
    for (const [name, [cpu, rss]] of Object.entries(figures)) {
      const chart = this.all.get(name) ?? { cpu: [], rss: [] };
      chart.cpu = [...chart.cpu, cpu].slice(-POINTS);
      chart.rss = [...chart.rss, rss].slice(-POINTS);
      this.all.set(name, chart);
    }
  }

  // show writes a program's figures into the places for them under root.
  show(name, root) {
    const chart = this.all.get(name);
    const write = (where, values, text, top) => {
      const place = $(where, root);
      $(".figure", place).textContent = values?.length ? text(values.at(-1)) : "";
      draw($(".spark", place), values ?? [], top);
    };
    write(".cpu", chart?.cpu, percent, 5);
    write(".mem", chart?.rss, bytes, 1);
  }
}

// Theme

$("#theme")?.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  document.cookie = `vigilance_theme=${root.dataset.theme}; path=${location.pathname.replace(/[^/]*$/, "")}; max-age=31536000; samesite=lax`;
});

// "/" goes to the search, as in many places; Escape empties it.
document.addEventListener("keydown", (event) => {
  const search = $("#search");
  if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.target.matches("input, select, textarea")) {
    event.preventDefault();
    search?.focus();
  } else if (event.key === "Escape" && event.target === search) {
    search.value = "";
    search.dispatchEvent(new Event("input"));
  }
});
